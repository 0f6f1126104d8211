"""A Socket.IO client on a real WebSocket: small, strict, and free of sleeping. It speaks protocol 5 over Engine.IO 4."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from simple_websocket import Client, ConnectionClosed

PATIENCE_S = 120.0


class Wire:
    """One connection to one namespace. Events are kept in the order of coming; `heard` waits for one of them."""

    def __init__(self, base_url: str, namespace: str, auth: dict[str, Any] | None = None, headers: dict[str, str] | None = None):
        address = base_url.replace("http://", "ws://") + "/socket.io/?EIO=4&transport=websocket"
        self._namespace = namespace
        # Whoever leaves it open keeps no process from ending.
        self._socket = Client(address, headers=headers, thread_class=partial(threading.Thread, daemon=True))
        self._sending = threading.Lock()  # two at once would mix up what the library compresses
        self._acks: dict[int, queue.SimpleQueue[Any]] = {}
        self._ids = itertools.count(1)
        self._events: list[tuple[str, Any]] = []
        self._news = threading.Condition()
        self._connected = threading.Event()
        self._over = threading.Event()
        self.refused = False
        threading.Thread(target=self._listen, daemon=True).start()
        # Without waiting for the server's greeting: this library does not see it when it comes with the handshake's answer.
        self._send(f"40{namespace},{json.dumps(auth or {})}")
        if not self._connected.wait(PATIENCE_S):
            raise TimeoutError("the server did not answer the connection")

    def call(self, event: str, data: Any = None) -> Any:
        """Send an event and wait for its answer."""
        number = next(self._ids)
        answers = self._acks[number] = queue.SimpleQueue()
        self._send(f"42{self._namespace},{number}{json.dumps([event, data])}")
        return answers.get(timeout=PATIENCE_S)

    def tell(self, event: str, data: Any = None) -> None:
        """Send an event that nobody answers."""
        self._send(f"42{self._namespace},{json.dumps([event, data])}")

    def ended(self) -> bool:
        """Whether the server has ended this connection, now or within `PATIENCE_S`."""
        return self._over.wait(PATIENCE_S)

    def heard(self, event: str, test: Callable[[Any], bool] = lambda _data: True) -> Any:
        """The first event of this name that passes the test, now or within `PATIENCE_S`."""
        end = time.monotonic() + PATIENCE_S
        with self._news:
            while True:
                for name, data in self._events:
                    if name == event and test(data):
                        return data
                if not self._news.wait(end - time.monotonic()):
                    raise TimeoutError(f"no “{event}” among {self._events}")

    def all_heard(self, event: str) -> list[Any]:
        """What came so far under this name."""
        with self._news:
            return [data for name, data in self._events if name == event]

    def drop(self) -> None:
        """Go away without a word, as a broken network does."""
        self._socket.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Go away politely."""
        with contextlib.suppress(ConnectionClosed, OSError):
            self._socket.close()

    def _send(self, packet: str) -> None:
        with self._sending:
            self._socket.send(packet)

    def _listen(self) -> None:
        try:
            while True:
                self._take(self._socket.receive())
        except (ConnectionClosed, OSError):
            self._over.set()

    def _take(self, packet: str) -> None:
        if packet == "2":
            self._send("3")
        elif packet.startswith("41"):
            self._over.set()
        elif packet.startswith("4"):
            kind, body = packet[1], packet[2:].removeprefix(f"{self._namespace},")
            digits = "".join(itertools.takewhile(str.isdigit, body))
            if kind in "04":
                self.refused = kind == "4"
                self._connected.set()
            elif kind == "2":
                with self._news:
                    event, *data = json.loads(body[len(digits) :])
                    self._events.append((event, data[0] if data else None))
                    self._news.notify_all()
            elif kind == "3":
                self._acks.pop(int(digits)).put((json.loads(body[len(digits) :]) or [None])[0])
