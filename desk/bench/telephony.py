"""The carrier and its callers for `bench calls`, in a process of their own: a real carrier computes elsewhere too.

The desk's side is `FarCarrier`, which asks for each of the port's verbs over a connection, as it asks a real carrier over HTTP.
What softphones connect to is here. Run with the task as JSON on standard input; where it is reached is printed as JSON.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_socketio import SocketIO
from werkzeug.serving import WSGIRequestHandler, make_server

from channels.voice.port import CarrierFailed
from channels.voice.simulated import door
from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.http import TIMEOUT_S, post_form
from channels.voice.simulated.journal import LogEntry
from desk.bench.callers import Callers
from desk.clock import Clock

# What the callers do: the first ones come over a while, as many as there are to be are there, everybody goes home.
COMING, ALL_THERE, GOING = "coming", "all_there", "going"


@dataclass(frozen=True)
class Task:
    """Where the desk is reached, how the carrier signs, and how many call how long. `hurry` divides everybody's time."""

    url: str
    token: str
    number: str
    calls: int
    talk_s: float
    ramp_s: float
    hurry: float = 1.0


@dataclass(frozen=True)
class Account:
    """What the carrier knows in the end. Times are in seconds: by path of the desk's, and by what the callers did meanwhile."""

    log: list[LogEntry]
    answer_s: dict[str, list[float]]
    phases: dict[str, list[float]]
    errors: dict[str, int]
    most_at_once: int


class Telephony:
    """The carrier with its callers, as it is asked from the bench's process."""

    def __init__(self, task: Task) -> None:
        clock = Clock()
        self._carrier = SimulatedCarrier(
            base_url=task.url,
            auth_token=task.token,
            number=task.number,
            now=lambda: clock.now().timestamp(),
            post=partial(post_form, timeout_s=TIMEOUT_S * task.hurry),  # a hurried desk is no faster than the machine
            speed=task.hurry,
        )
        self._callers = Callers(self._carrier, task.calls, talk_s=task.talk_s, ramp_s=task.ramp_s)
        self._softphones = _softphones(self._carrier)
        self._all_there_at = self._closed_at = math.inf
        self._ramp_s = task.ramp_s / task.hurry

    @property
    def softphone_url(self) -> str:
        return f"http://127.0.0.1:{self._softphones.server_port}"

    def start(self) -> None:
        threading.Thread(target=self._softphones.serve_forever, daemon=True).start()
        self._carrier.start()

    def verb(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, tuple[str, bool, int] | None]:
        """What the port's verb answers; or why it failed, and whether to try again, and the carrier's number for that."""
        try:
            answer = getattr(self._carrier, name)(*args, **options)
        except CarrierFailed as failed:
            return None, (str(failed), failed.retryable, failed.code)
        if name == "fetch_recording":
            pieces, kind = answer
            return ([b"".join(pieces)], kind), None
        return answer, None

    def begin(self) -> None:
        self._all_there_at = time.monotonic() + self._ramp_s
        self._callers.begin()

    def answered(self) -> int:
        return sum(entry.direction == "inbound" and entry.talked_at is not None for entry in self._carrier.log())

    def close(self) -> bool:
        """Send everybody home. True when all have gone."""
        self._closed_at = time.monotonic()
        gone = self._callers.close()
        self._carrier.settle(30)
        return gone

    def account(self) -> Account:
        callers, answers = self._callers, self._carrier.answer_times()
        phases: dict[str, list[float]] = {COMING: [], ALL_THERE: [], GOING: []}
        for answer in chain.from_iterable(answers.values()):
            phases[self._phase(answer.asked_at)].append(answer.took_s)
        by_path = {path: [answer.took_s for answer in of_path] for path, of_path in answers.items()}
        return Account(self._carrier.log(), by_path, phases, dict(callers.errors), callers.most_at_once)

    def _phase(self, at: float) -> str:
        return COMING if at < self._all_there_at else ALL_THERE if at < self._closed_at else GOING

    def stop(self) -> None:
        self._carrier.stop()


class FarCarrier:
    """The port of a carrier in another process. Its verbs may be asked from any thread."""

    name = "simulated"

    def __init__(self, far: Any) -> None:
        self._far = far

    def __getattr__(self, verb: str) -> Any:
        return partial(self._ask, verb)

    def fetch_recording(self, recording_sid: str) -> tuple[Iterator[bytes], str]:
        pieces, kind = self._ask("fetch_recording", recording_sid)
        return iter(pieces), kind

    def _ask(self, verb: str, *args: Any, **options: Any) -> Any:
        answer, failed = self._far.verb(verb, args, options)
        if failed is not None:
            reason, retryable, code = failed
            raise CarrierFailed(reason, retryable=retryable, code=code)
        return answer


class Elsewhere:
    """The process, as long as it runs: `far` is its `Telephony`, `softphone_url` where its softphones connect to.

    It is asked over a socket in `folder`: over TCP each of its short answers would wait 40 ms for an acknowledgement.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "desk.bench.telephony"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        key, address = secrets.token_hex(16), str(folder / "carrier")
        self._process.stdin.write(json.dumps({"key": key, "address": address, "task": asdict(task)}) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said:
            raise RuntimeError("the carrier could not begin")
        manager = _Manager(address=address, authkey=key.encode())
        manager.connect()
        self.far: Any = manager.telephony()  # type: ignore[attr-defined]
        self.softphone_url = str(json.loads(said)["softphone_url"])

    def stop(self) -> None:
        self.far.stop()
        self._process.communicate(timeout=60)


class _Manager(BaseManager):
    """Finds the other process's `Telephony`."""


_Manager.register("telephony")


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads of it."""


def _softphones(carrier: SimulatedCarrier) -> Any:
    app = Flask("carrier")
    sockets = SocketIO(app, async_mode="threading", transports=["websocket"])
    door.attach(
        sockets, carrier, identify=lambda auth: carrier.identity_of(str(auth.get("token", ""))), phone_allowed=lambda: False
    )
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True
    return server


def main() -> None:
    """Be the carrier until standard input ends."""
    said = json.loads(sys.stdin.readline())
    telephony = Telephony(Task(**said["task"]))
    telephony.start()

    class Here(BaseManager):
        """Answers for the one that is here."""

    Here.register("telephony", callable=lambda: telephony)
    server = Here(address=said["address"], authkey=said["key"].encode()).get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"softphone_url": telephony.softphone_url}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the manager's threads would wait for connections that nobody needs


if __name__ == "__main__":
    # As a module of its own name: what is sent over the connection is found by it at the other end.
    from desk.bench.telephony import main as begin

    begin()
