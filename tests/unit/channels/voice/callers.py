"""Callers and agents of the simulated carrier, as far as a test needs them before it begins."""

from __future__ import annotations

from channels.voice import twiml

CALLER = "+8613800138000"


def in_queue(carrier, desk):
    """A caller who waits in `room`."""
    desk.answers["voice"] = lambda event: twiml.join_queue("room", "/wait", status_url="/conference")
    call = carrier.dial(CALLER)
    assert carrier.settle()
    return call


def ring(carrier, identity="agent-7", **options):
    wanted = {"label": identity, "status_url": "/status"} | options
    return carrier.add_participant(conference="room", to=f"client:{identity}", from_=CALLER, **wanted)


def talking(carrier, desk):
    call, leg = in_queue(carrier, desk), ring(carrier)
    carrier.answer(leg, "agent-7")
    assert carrier.settle()
    return call, leg, desk.conferences[0].conference_sid
