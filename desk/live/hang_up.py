"""Ending the connection of whoever is asking, when they cannot be answered."""

from __future__ import annotations

from flask import request
from flask_socketio import SocketIO


def hang_up(socketio: SocketIO, namespace: str) -> None:
    """End this window's connection without a word: it comes again by itself and asks for everything anew.

    To refuse it would tell it not to come again, and to leave it without an answer would let it wait for one for ever.
    """
    server = socketio.server
    connection = server.eio.sockets.get(server.manager.eio_sid_from_sid(request.sid, namespace))  # type: ignore[attr-defined]
    if connection is not None:
        connection.close(wait=False)
