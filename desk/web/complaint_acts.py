"""What a case's page has beside findings and decision: its policies and clocks, people heard, and a hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from desk.actions import complaint_clocks, complaint_holds, complaint_people, complaint_policy
from desk.models import Agent, Complaint, Ticket
from desk.queries.complaints import zone_of
from desk.store import Tx

Form = MultiDict[str, str]
Act = Callable[[Tx, Complaint, Agent, Form], Any]


def end_of(tx: Tx, complaint: Complaint, day: str, at: time = time(23, 59, 59)) -> datetime | None:
    """The end of a day in the zone of the promise; None when it is none."""
    try:
        zone = ZoneInfo(zone_of(tx.session, tx.session.get_one(Ticket, complaint.ticket_id), complaint))
        return datetime.combine(date.fromisoformat(day), at, zone).astimezone(ZoneInfo("UTC"))
    except (ValueError, OverflowError):
        return None


def _pause(tx: Tx, complaint: Complaint, me: Agent, form: Form) -> None:
    until = end_of(tx, complaint, form.get("until", ""))
    complaint_clocks.pause(tx, complaint, me, form.get("why", ""), form.get("needed", ""), until)


def _hear(tx: Tx, complaint: Complaint, me: Agent, form: Form) -> None:
    words = {name: form.get(name, "") for name in ("person", "part", "how", "summary")}
    day, _, clock = form.get("heard", "").partition("T")
    try:
        heard_at = end_of(tx, complaint, day, time.fromisoformat(clock or "12:00"))
    except ValueError:
        heard_at = None
    complaint_people.hear(tx, complaint, me, heard_at=heard_at, **words)


ACTS: dict[str, Act] = {
    "classify": lambda tx, complaint, _me, form: complaint_policy.classify(
        tx, complaint, form.get("policy", ""), form.get("reason", ""), reference=form.get("reference", "")
    ),
    "declassify": lambda tx, complaint, _me, form: complaint_policy.declassify(
        tx, complaint, form.get("policy", ""), form.get("reason", "")
    ),
    "pause": _pause,
    "resume": lambda tx, complaint, me, form: complaint_clocks.resume(tx, complaint, why=form.get("reason", ""), agent=me),
    "restart": lambda tx, complaint, me, form: complaint_clocks.new_facts(tx, complaint, me, form.get("reason", "")),
    "hear": _hear,
    "hold": lambda tx, complaint, me, form: complaint_holds.hold(tx, complaint, me, form.get("reason", "")),
}
JUDGEMENTS: dict[str, Act] = {
    "lift": lambda tx, complaint, me, form: complaint_holds.lift(tx, complaint, me, form.get("reason", "")),
}
