"""A small application under test on a loopback port, and a simulated carrier that calls it over real HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from flask import Flask, Response, request
from werkzeug.serving import BaseWSGIServer, make_server

from channels.voice import signature, twiml
from channels.voice.events import CallEvent, ConferenceEvent, read_call, read_conference
from channels.voice.simulated import Ear, SimulatedCarrier
from channels.voice.simulated.http import post_form

TOKEN = "a token for tests"
NUMBER = "+864008001234"
CALLER = "+8613800138000"
PATIENTLY = partial(post_form, timeout_s=45.0)  # a busy machine is slow, not wrong


@dataclass
class Desk:
    """What the application answers (by path) and what it was told."""

    base_url: str = ""
    answers: dict[str, Callable[[CallEvent], str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    calls: list[CallEvent] = field(default_factory=list)
    conferences: list[ConferenceEvent] = field(default_factory=list)
    forged: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def room_events(self) -> list[str]:
        return [event.event for event in self.conferences]

    def statuses(self, call_sid: str) -> list[str]:
        return [event.status for event in self.calls if event.call_sid == call_sid]


def application(desk: Desk) -> Flask:
    app = Flask("desk under test")

    @app.before_request
    def only_the_carrier() -> tuple[str, int] | None:
        query = request.query_string.decode()
        url = signature.public_url(desk.base_url, request.path, query)
        if signature.check(TOKEN, url, request.form, request.headers.get("X-Twilio-Signature")):
            return None
        desk.forged += 1
        return "", 403

    @app.post("/status")
    def status() -> tuple[str, int]:
        with desk.lock:
            desk.calls.append(read_call(request.form))
        return "", 204

    @app.post("/conference")
    def conference() -> tuple[str, int]:
        with desk.lock:
            desk.conferences.append(read_conference(request.form))
        return "", 204

    @app.post("/<path:step>")
    def step(step: str) -> Response | tuple[str, int]:
        with desk.lock:
            desk.asked.append((step, request.form.to_dict()))
        if step not in desk.answers:
            return "", 404
        event = read_call(request.form, request.headers.get("I-Twilio-Idempotency-Token", ""))
        return Response(desk.answers[step](event), mimetype="text/xml")

    return app


@pytest.fixture
def desk() -> Iterator[Desk]:
    """An application with a menu (1: the queue, everything else: goodbye), a queue, wait and hold music."""
    desk = Desk()
    server: BaseWSGIServer = make_server("127.0.0.1", 0, application(desk), threaded=True)
    desk.base_url = f"http://127.0.0.1:{server.server_port}"

    def menu(event: CallEvent) -> str:
        if event.digits == "1":
            return twiml.join_queue("room of " + event.call_sid, "/wait", status_url="/conference", lead_in=[("zh", "请稍候。")])
        return twiml.goodbye([("en", "Goodbye.")])

    desk.answers = {
        "voice": lambda event: twiml.gather_menu([("zh", "账单请按 1。"), ("en", "For billing press 1.")], "/menu?step=1"),
        "menu": menu,
        "wait": lambda event: twiml.wait([("en", "You are first.")], 20),
        "hold": lambda event: twiml.hold_music([("en", "One moment.")]),
    }
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield desk
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def make_carrier(desk: Desk) -> Iterator[Callable[..., SimulatedCarrier]]:
    """Carriers whose time stands still until a test lets it pass."""
    carriers = []

    def make(**options) -> SimulatedCarrier:
        settings = {"speed": 0, "voice_path": "/voice", "status_path": "/status", "post": PATIENTLY} | options
        carrier = SimulatedCarrier(base_url=desk.base_url, auth_token=TOKEN, number=NUMBER, **{"now": time.time, **settings})
        carrier.start()
        carriers.append(carrier)
        return carrier

    yield make
    for carrier in carriers:
        carrier.stop()


@pytest.fixture
def carrier(make_carrier) -> SimulatedCarrier:
    return make_carrier()


@pytest.fixture
def ear(carrier: SimulatedCarrier) -> Iterator[Ear]:
    with Ear(carrier) as ear:
        yield ear
