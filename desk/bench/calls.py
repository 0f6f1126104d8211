"""`bench calls`: hundreds of simulated calls at once against a desk with scripted agents, and do the figures hold?

The desk runs in this process as `serve` runs it, on a database of its own. The simulated carrier, its callers and the softphones'
end run in a second one (`telephony.py`), as with a real carrier, the agents in a third with real sign-ins, pages and sockets. All
stay on this machine and share its cores. An answer's time is the carrier's: from a webhook sent to its answer read.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select
from werkzeug.serving import make_server

from channels.voice.port import Carrier
from channels.voice.simulated.journal import LogEntry
from desk import places
from desk.actions.people.agents import add_agent, set_skill
from desk.app import create_app, install, prepare
from desk.bench import telephony
from desk.bench.call_agents import Task
from desk.bench.callers import RAMP_S
from desk.bench.figures import figure
from desk.bench.telephony import Account, Elsewhere, FarCarrier
from desk.clock import Clock
from desk.config import SIMULATED_NUMBER, Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Call, CallSegment, Queue, Team
from desk.models.call import DONE, OVER
from desk.queries.board.entries import entries_since
from desk.queries.figures import Contact, Counts, count, service_level
from desk.work.background import Background

SKILLS = ("lang:zh", "lang:en", "billing", "technical", "delivery", "complaints")
PASSWORD = "a password for the bench alone"  # noqa: S105 - of a desk that is thrown away
THRESHOLD_S = 20.0
SLOWEST_WEBHOOK_MS = 250.0
MOST_LONGER_S = 120.0


@dataclass(frozen=True)
class Load:
    """How much, for how long. `hurry` makes everybody and the carrier's time faster, for tests.

    The time is made longer, by `MOST_LONGER_S` at most, until so many have been `answered`: a slow machine shows something too.
    """

    calls: int = 300
    agents: int = 60
    minutes: float = 2.0
    talk_s: float = 60.0
    hurry: float = 1.0
    answered: int = 1


@dataclass(frozen=True)
class Outcome:
    """What a run showed. Times are in seconds; `lost`, `twice` and `differing` are to be 0."""

    load: Load
    most_at_once: int
    calls: int
    lost: list[str]
    twice: int
    carrier: Counts
    desk: Counts
    differing: list[str]
    answer_s: dict[str, list[float]]
    phases: dict[str, list[float]]
    errors: dict[str, int]
    agents: dict[str, Any]

    def took(self, share: float, *phases: str) -> float:
        """The time within which this share of all webhooks was answered, or of those of these phases of the callers."""
        return quantile([took for phase in phases or self.phases for took in self.phases[phase]], share)


def run(settings: Settings, load: Load | None = None) -> dict[str, Any]:
    """The bench's figures."""
    return figures(measure(settings, load or Load()))


def figures(outcome: Outcome) -> dict[str, Any]:
    """What a run showed, as it is printed."""
    webhooks = sum(len(times) for times in outcome.answer_s.values())
    levels = [service_level(counts) or 0.0 for counts in (outcome.desk, outcome.carrier)]
    return {
        "webhook_p99": figure(outcome.took(0.99) * 1e3, "ms", SLOWEST_WEBHOOK_MS, f"the slowest that is good (of {webhooks})"),
        "webhook_p50": figure(outcome.took(0.5) * 1e3, "ms", SLOWEST_WEBHOOK_MS, "the same"),
        "calls_at_once": figure(outcome.most_at_once, "calls", outcome.load.calls, "asked for (more is better)"),
        "calls": figure(outcome.calls, "calls", outcome.carrier.answered, "of them answered"),
        "lost_calls": figure(len(outcome.lost), "calls", 0, "none may be"),
        "double_answers": figure(outcome.twice, "calls", 0, "none may be"),
        "service_level": figure(levels[0], "share", levels[1], "by the carrier's own log"),
        "calls_that_differ": figure(len(outcome.differing), "calls", 0, "none may, from the carrier's own log"),
        "accept_p99": figure(quantile(outcome.agents["accept_s"], 0.99) * 1e3, "ms", 1000, "what an agent takes for at once"),
        "webhooks_by_phase": {phase: _brief(times) for phase, times in outcome.phases.items() if times},
        "slowest_by_path": {path: _brief(times) for path, times in sorted(outcome.answer_s.items())},
        "parts_of_pages": _brief(outcome.agents["page_s"]),
        "counts": {"desk": asdict(outcome.desk), "carrier": asdict(outcome.carrier)},
        "trouble": {
            "errors": outcome.errors,
            "refused": outcome.agents["refused"][:5],
            "not_wrapped_up": outcome.agents["not_wrapped_up"][:5],
            "lost": outcome.lost[:5],
            "differing": outcome.differing[:5],
        },
    }


def measure(settings: Settings, load: Load) -> Outcome:
    """Run one load against a new desk and compare what it knows with what the carrier knows."""
    with tempfile.TemporaryDirectory() as folder, _serving(settings, Path(folder), load) as (desk, elsewhere):
        far = elsewhere.far
        began = desk.clock.now()
        agents = _Agents(desk, elsewhere.softphone_url, load)
        far.begin()
        threading.Event().wait(load.minutes * 60 / load.hurry)
        _until_answered(far, load.answered)
        gone = far.close()
        _until_wrapped_up(desk)
        report = agents.stop()
        account: Account = far.account()
        with desk.store.read() as session:
            calls = {call.sid: call for call in session.scalars(select(Call))}
            queues = list(session.scalars(select(Queue.id)))
            known = [one.contact for one in entries_since(session, queues, began, desk.clock.now()) if one.channel == "voice"]
        log = [entry for entry in account.log if entry.direction == "inbound"]
        return Outcome(
            load=load,
            most_at_once=account.most_at_once,
            calls=len(log),
            lost=_lost(log, calls) + ([] if gone else ["some callers never came to an end"]),
            twice=report["twice"] + _answered_twice(account.log),
            carrier=count((contact for entry in log if (contact := _contact(entry))), THRESHOLD_S / load.hurry),
            desk=count(known, THRESHOLD_S / load.hurry),
            differing=_differing(log, calls),
            answer_s=account.answer_s,
            phases=account.phases,
            errors=account.errors,
            agents=report,
        )


def _until_answered(far: Any, least: int) -> None:
    for _ in range(int(MOST_LONGER_S / 0.5)):
        if far.answered() >= least:
            return
        threading.Event().wait(0.5)


def _until_wrapped_up(desk: Installation) -> None:
    """What the desk has missed it asks the carrier for after a while; then the agents finish what they had of it."""
    for _ in range(int(MOST_LONGER_S / 0.5)):
        with desk.store.read() as session:
            calls = session.scalar(select(Call.id).where(Call.state.not_in(OVER)).limit(1))
            parts = session.scalar(select(CallSegment.id).where(CallSegment.state != DONE).limit(1))
        if calls is None and parts is None:
            return
        threading.Event().wait(0.5)


def quantile(values: list[float], share: float) -> float:
    """The value below which this share lies; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _contact(entry: LogEntry) -> Contact | None:
    """One entry into a queue as the carrier saw it; None for who never came so far."""
    if entry.queued_at is None:
        return None
    if entry.talked_at is not None:
        return Contact(entry.talked_at - entry.queued_at, "answered")
    if entry.ended_at is not None:
        return Contact(max(0.0, entry.ended_at - entry.queued_at), "abandoned")
    return Contact(0.0, "waiting")


def _lost(log: list[LogEntry], calls: dict[str, Call]) -> list[str]:
    """Calls that the carrier had and the desk does not know, or believes to be on."""
    return [
        f"{entry.sid}: {calls[entry.sid].state if entry.sid in calls else 'unknown to the desk'}"
        for entry in log
        if entry.sid not in calls or calls[entry.sid].state not in OVER
    ]


def _answered_twice(legs: list[LogEntry]) -> int:
    """Callers who spoke with two agents at once, and agents with two callers."""
    by_sid = {entry.sid: entry for entry in legs}
    found = 0
    for entry in legs:
        spells = sorted((by_sid[sid].talked_at or 0.0, by_sid[sid].ended_at or 1e12) for sid in entry.partners if sid in by_sid)
        found += any(second[0] < first[1] for first, second in pairwise(spells))
    return found


def _differing(log: list[LogEntry], calls: dict[str, Call]) -> list[str]:
    """Calls of whose fate the two have another opinion."""
    found = []
    for entry in log:
        call = calls.get(entry.sid)
        fate = "answered" if entry.talked_at is not None else "abandoned"
        known = "answered" if call is not None and call.answered_at is not None else "abandoned"
        if fate != known:
            found.append(f"{entry.sid}: {fate} at the carrier, {known} at the desk")
    return found


def _brief(times: list[float]) -> dict[str, float]:
    return {
        "count": len(times),
        "p50_ms": round(statistics.median(times) * 1e3, 1),
        "p99_ms": round(quantile(times, 0.99) * 1e3, 1),
        "most_ms": round(max(times) * 1e3, 1),
    }


class _Agents:
    """The process that plays the agents; begun when all of them have signed in and are available."""

    def __init__(self, desk: Installation, softphone_url: str, load: Load) -> None:
        task = Task(
            url=desk.settings.base_url,
            softphone_url=softphone_url,
            password=PASSWORD,
            emails=_hire(desk, load.agents),
            talk_s=load.talk_s,
            hurry=load.hurry,
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "desk.bench.call_agents"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(task)) + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("the scripted agents could not begin")

    def stop(self) -> dict[str, Any]:
        said, _ = self._process.communicate("\n", timeout=60)
        return dict(json.loads(said.strip().splitlines()[-1]))


def _hire(desk: Installation, agents: int) -> list[str]:
    emails = [f"agent{number}@desk.example" for number in range(agents)]
    with desk.store.tx(SYSTEM) as tx:
        home = tx.session.scalar(select(Team).order_by(Team.id).limit(1))
        for number, email in enumerate(emails):
            agent = add_agent(tx, email=email, name=f"Agent {number}", password=PASSWORD, roles=["agent"], team=home)
            for skill in SKILLS:
                set_skill(tx, agent, skill, 5)
    return emails


@contextmanager
def _serving(settings: Settings, folder: Path, load: Load) -> Iterator[tuple[Installation, Elsewhere]]:
    """The desk as `serve` runs it, on ports of its own, and its carrier."""
    from desk.commands.serve import Requests, take_short_turns  # which imports the commands, and so this

    server = make_server("127.0.0.1", 0, None, threaded=True, request_handler=Requests)
    url = f"http://127.0.0.1:{server.server_port}"
    own = replace(
        settings,
        data_dir=folder,
        database_url=f"sqlite:///{folder}/desk.db",
        base_url=url,
        http_port=server.server_port,
        smtp_host="127.0.0.1",
        smtp_port=0,
        twilio_account_sid="",
        twilio_auth_token=PASSWORD,
    )
    company = telephony.Task(
        url=url,
        token=PASSWORD,
        number=SIMULATED_NUMBER,
        calls=load.calls,
        talk_s=load.talk_s,
        ramp_s=RAMP_S,
        hurry=load.hurry,
    )
    elsewhere = Elsewhere(company, folder)
    desk = install(own, clock=Clock(), carrier=cast(Carrier, places.Elsewhere(FarCarrier(elsewhere.far))))
    prepare(desk)
    take_short_turns()
    app, _socketio = create_app(desk)
    background = Background(desk)
    app.extensions["background"] = background
    server.app = app
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    background.start()
    try:
        yield desk, elsewhere
    finally:
        app.extensions["staff"].close()
        background.stop()
        elsewhere.stop()  # nothing asks the carrier any more
        server.shutdown()
        server.server_close()
        desk.knowledge.close()
        desk.store.engine.dispose()
