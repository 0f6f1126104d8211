"""When people were there: spells of presence, read from the events that note each change of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from desk.events import Event
from desk.models import Agent
from desk.models.agent import OFFLINE

LOOK_BACK = timedelta(days=2)
"""So far back presence is looked for at the beginning of a day, and work that still waited then."""
Spells = dict[int, list[tuple[datetime, datetime]]]


def first_event_at(since: datetime) -> ScalarSelect[int]:
    """The id of the first event from this moment on: ids grow with time, so that a kind's index finds what came after it."""
    return select(Event.id).where(Event.at >= since).order_by(Event.at).limit(1).scalar_subquery()


def presence_spells(session: Session, since: datetime, until: datetime, counts: Callable[[str], bool]) -> Spells:
    """From when to when each agent of whom a presence is noted was in one that `counts`."""
    query = select(Event.agent_id, Event.at, Event.data["presence"].as_string()).where(
        Event.kind == "agent.presence_set",
        Event.id >= first_event_at(since - LOOK_BACK),
        Event.at < until,
        Event.agent_id.is_not(None),
    )
    spells: Spells = {}
    began: dict[int, datetime] = {}
    for agent_id, at, presence in session.execute(query.order_by(Event.id)):
        known, moment = spells.setdefault(agent_id, []), max(at, since)
        if counts(presence):
            began.setdefault(agent_id, moment)
        elif (start := began.pop(agent_id, None)) is not None and moment > start:
            known.append((start, moment))
    for agent_id, start in began.items():
        spells[agent_id].append((start, until))
    return spells


def staffed_spells(session: Session, staff: Iterable[Agent], since: datetime, now: datetime) -> Spells:
    """When each of these people was signed in, away or not. Who has not changed for days has been as they are now."""
    told = presence_spells(session, since, now, lambda presence: presence != OFFLINE)
    found: Spells = {}
    for agent in staff:
        as_now = [(max(agent.presence_since, since), now)] if agent.presence != OFFLINE else []
        found[agent.id] = [spell for spell in told.get(agent.id, as_now) if spell[1] > spell[0]]
    return found


def seconds_within(spells: Iterable[tuple[datetime, datetime]], start: datetime, end: datetime) -> float:
    """How much of these spells lies between two moments."""
    return sum(max(0.0, (min(until, end) - max(since, start)).total_seconds()) for since, until in spells)
