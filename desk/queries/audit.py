"""The audit log: what happened, who did it, to what; the same append-only events that everything else reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, in_use, masked, untouched_by
from desk.beginnings import begins
from desk.events import Event
from desk.models import Agent, Ticket
from desk.models.ticket import FIRST_NUMBER
from desk.queries.board.board import visible_agents
from desk.queries.event_data import whole_data

PAGE = 100
# The nouns of event kinds; what a filter offers.
NOUNS = (
    "agent",
    "article",
    "bulk",
    "calendar",
    "call",
    "callback",
    "canned_reply",
    "chat",
    "complaint",
    "complaint_alert",
    "corrective_action",
    "customer",
    "disposal",
    "draft",
    "erasure",
    "field",
    "follow_up",
    "hand_up",
    "item",
    "keeping",
    "letter",
    "macro",
    "mass_event",
    "mail",
    "mail_account",
    "mail_address",
    "mention",
    "message",
    "offer",
    "pattern_note",
    "policy",
    "queue",
    "recording",
    "reply",
    "router",
    "setting",
    "survey",
    "tag",
    "ticket",
    "token",
    "view",
    "voice",
    "voicemail",
)
OFFICERS_ONLY = ("pattern_note.read", "pattern_note.written")  # of these no supervisor knows, and no program
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_PHONE = re.compile(r"\+\d{7,15}")


@dataclass(frozen=True)
class AuditLine:
    """One event as it is shown: `about` names what it happened to, `data` has every address and number masked."""

    event: Event
    agent_name: str
    number: int | None
    data: list[tuple[str, str]]


def audit_log(
    session: Session,
    viewer: Viewer,
    *,
    kind: str = "",
    agent_id: int | None = None,
    number: int | None = None,
    day: date | None = None,
    zone: str = "UTC",
    before: int | None = None,
) -> list[AuditLine]:
    """A page of events, the latest first; `before` is the id of the last one of the page before. One more says there are more.

    `kind` is a noun ("ticket") or one kind ("ticket.opened"); `agent_id` matches who did it and whom it was done to. Supervisors
    see what their own team did or had to do with.
    """
    query = select(Event.id).where(*_seen_by(viewer))
    if number is not None:
        query = query.where(Event.ticket_id == number - FIRST_NUMBER)
    if day is not None:
        start = datetime.combine(day, time(), ZoneInfo(zone))
        end = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
        query = query.where(Event.at >= start, Event.at < end)
    if before is not None:
        query = query.where(Event.id < before)
    if kind:
        parts = [query.where(Event.kind == each) for each in ([kind] if "." in kind else _kinds_of(session, kind))]
    else:
        parts = [query]
    if agent_id is not None:
        did = (Event.actor_id == agent_id) & (Event.actor_kind == "agent")
        parts = [part.where(whom) for part in parts for whom in (did, Event.agent_id == agent_id)]
    return _lines(session, _latest(session, parts))


def audited_people(session: Session, viewer: Viewer) -> list[tuple[int, str]]:
    """Whom the viewer may look for."""
    query = select(Agent.id, Agent.name).order_by(Agent.name, Agent.id)
    if _is_team_only(viewer):
        query = query.where(visible_agents(viewer))
    return [(agent_id, name) for agent_id, name in session.execute(query)]


def masked_data(value: Any) -> str:
    """A stored value as text, with addresses and phone numbers masked wherever they stand in it."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {masked_data(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(masked_data(each) for each in value)
    text = "–" if value is None else str(value)
    text = _EMAIL.sub(lambda found: masked(found.group(), "email"), text)
    return _PHONE.sub(lambda found: masked(found.group(), "phone"), text)


def _kinds_of(session: Session, noun: str) -> list[str]:
    """The kinds of event that there are of this noun; each is found by one step in the index from the kind before."""
    first = select(func.min(Event.kind).label("kind")).where(begins(Event.kind, f"{noun}.")).cte("kinds", recursive=True)
    # The next kind is above the one before and below all that begin otherwise ("/" follows "." in every table of characters).
    following = select(func.min(Event.kind)).where(Event.kind > first.c.kind, Event.kind < f"{noun}/").scalar_subquery()
    kinds = first.union_all(select(following).where(first.c.kind.is_not(None)))
    return [kind for kind in session.scalars(select(kinds.c.kind)) if kind is not None]


def _latest(session: Session, parts: Sequence[Select[tuple[int]]]) -> Sequence[Event]:
    """The latest events of several selections. Each has an index in order of the id, so that only its last few are read."""
    if not parts:
        return []
    ends = [part.order_by(Event.id.desc()).limit(PAGE + 1).subquery() for part in parts]
    merged = union(*(select(end.c.id) for end in ends)).subquery()
    latest = select(merged.c.id).order_by(merged.c.id.desc()).limit(PAGE + 1)
    ids = session.scalars(latest).all()
    return session.scalars(select(Event).where(Event.id.in_(ids)).order_by(Event.id.desc())).all()


def _lines(session: Session, events: Iterable[Event]) -> list[AuditLine]:
    events = list(events)
    agents = {event.agent_id for event in events if event.agent_id is not None}
    tickets = {event.ticket_id for event in events if event.ticket_id is not None}
    names = dict(session.execute(select(Agent.id, Agent.name).where(Agent.id.in_(agents))).all()) if agents else {}
    numbers = dict(session.execute(select(Ticket.id, Ticket.number).where(Ticket.id.in_(tickets))).all()) if tickets else {}
    return [
        AuditLine(
            event,
            names.get(event.agent_id or 0, ""),
            numbers.get(event.ticket_id or 0),
            [(key, masked_data(value)) for key, value in data.items()],
        )
        for event, data in zip(events, whole_data(session, events), strict=True)
    ]


def _is_team_only(viewer: Viewer) -> bool:
    return viewer.can(Right.SUPERVISE) and not viewer.can(Right.ADMINISTER) and "auditor" not in viewer.roles


def _seen_by(viewer: Viewer) -> list[ColumnElement[bool]]:
    free = and_(untouched_by(viewer, Event.ticket_id), in_use(Event.ticket_id))
    if not _is_team_only(viewer):
        return [free]
    team = select(Agent.id).where(visible_agents(viewer)).scalar_subquery()
    # `coalesce` keeps databases from gathering everything that each of the team ever did: the log is read from its end instead.
    did = (Event.actor_kind == "agent") & func.coalesce(Event.actor_id, 0).in_(team)
    return [free, Event.kind.not_in(OFFICERS_ONLY), or_(did, func.coalesce(Event.agent_id, 0).in_(team))]
