"""What a case's page has beside findings and decision: its policies and clocks, people heard, and a hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from werkzeug.datastructures import MultiDict

from desk.actions.complaints import clocks, elsewhere, holds, mass_events, people_heard, policy, representatives
from desk.days import at_time, day_ends
from desk.models import Agent, Complaint, Ticket
from desk.queries.complaints.complaints import zone_of
from desk.store import Tx
from desk.web.console import small

Form = MultiDict[str, str]
Act = Callable[[Tx, Complaint, Agent, Form], Any]


def end_of(tx: Tx, complaint: Complaint, day: str) -> datetime | None:
    """The end of a day in the zone of the promise; None when it is none."""
    return day_ends(day, _zone(tx, complaint))


def _zone(tx: Tx, complaint: Complaint) -> str:
    return zone_of(tx.session, tx.session.get_one(Ticket, complaint.ticket_id), complaint)


def _pause(tx: Tx, complaint: Complaint, me: Agent, form: Form) -> None:
    until = end_of(tx, complaint, form.get("until", ""))
    clocks.pause(tx, complaint, me, form.get("why", ""), form.get("needed", ""), until)


def _hear(tx: Tx, complaint: Complaint, me: Agent, form: Form) -> None:
    words = {name: form.get(name, "") for name in ("person", "part", "how", "summary")}
    day, _, clock = form.get("heard", "").partition("T")
    try:
        heard_at = at_time(day, time.fromisoformat(clock or "12:00"), _zone(tx, complaint))
    except ValueError:
        heard_at = None
    people_heard.hear(tx, complaint, me, heard_at=heard_at, **words)


ACTS: dict[str, Act] = {
    "classify": lambda tx, complaint, _me, form: policy.classify(
        tx, complaint, form.get("policy", ""), form.get("reason", ""), reference=form.get("reference", "")
    ),
    "declassify": lambda tx, complaint, _me, form: policy.declassify(
        tx, complaint, form.get("policy", ""), form.get("reason", "")
    ),
    "pause": _pause,
    "resume": lambda tx, complaint, me, form: clocks.resume(tx, complaint, why=form.get("reason", ""), agent=me),
    "restart": lambda tx, complaint, me, form: clocks.new_facts(tx, complaint, me, form.get("reason", "")),
    "hear": _hear,
    "delay": lambda tx, complaint, me, form: clocks.tell_delay(
        tx, complaint, me, form.get("reason", ""), end_of(tx, complaint, form.get("until", ""))
    ),
    "join": lambda tx, complaint, me, form: mass_events.join(
        tx, mass_events.event_of(tx, form.get("event", 0, type=small)), complaint, me
    ),
    "refer_out": lambda tx, complaint, me, form: elsewhere.refer_out(
        tx, complaint, me, **{name: form.get(name, "") for name in ("body", "reference", "day")}
    ),
    "speak": lambda tx, complaint, me, form: representatives.note(
        tx,
        complaint,
        form.get("relation", ""),
        name=form.get("for_name", ""),
        email=form.get("for_email", ""),
        wrote=form.get("wrote") == "1",
        letters=form.get("letters", ""),
        agent=me,
    ),
    "accept_proof": lambda tx, complaint, me, form: representatives.accept(tx, complaint, me, form.get("proof", type=small)),
    "refuse_proof": lambda tx, complaint, me, form: representatives.refuse(tx, complaint, me, form.get("reason", "")),
    "stop_speaking": lambda tx, complaint, me, form: representatives.end(tx, complaint, me, form.get("reason", "")),
    "leave": lambda tx, complaint, me, form: mass_events.leave(tx, complaint, me, form.get("reason", "")),
    "hold": lambda tx, complaint, me, form: holds.hold(tx, complaint, me, form.get("reason", "")),
}
JUDGEMENTS: dict[str, Act] = {
    "lift": lambda tx, complaint, me, form: holds.lift(tx, complaint, me, form.get("reason", "")),
}
