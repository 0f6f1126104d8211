"""Work and people as the matcher sees them, made from rows: the router and whoever explains its choices read the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from desk.models import Chat, Offer, Queue, Team, WorkItem
from routing.hours import Calendar
from routing.overflow import OFFER_CALLBACK, TO_VOICEMAIL, steps_of, team_skill
from routing.values import CHAT_COMPOSING, CHAT_IDLE, Item, Step

TEAM_LEVEL = 10
COMPOSING_S = 20  # a sign that somebody writes holds so long


def _of_its_chat(column: Any) -> Any:
    mine = select(func.max(column)).where(Chat.item_id == Offer.item_id, Chat.agent_id == Offer.agent_id)
    return mine.correlate(Offer).scalar_subquery()


# Of a row of `Offer`: since when the customer of its chat is silent, until when its agent counts as writing an answer, and as
# what they hold the work.
IDLE_SINCE, COMPOSING_UNTIL = _of_its_chat(Chat.idle_since), _of_its_chat(Chat.composing_until)
HELD_AS = case(((Offer.channel == "chat") & IDLE_SINCE.is_not(None), CHAT_IDLE), else_=Offer.channel)


def held_at(now: datetime, held_as: str, composing_until: datetime | None) -> str:
    """As what something is held while its agent writes; a clock that was set back makes nobody write for hours."""
    if composing_until is not None and held_as == "chat" and now < composing_until <= now + timedelta(seconds=COMPOSING_S):
        return CHAT_COMPOSING
    return held_as


def item_of(row: WorkItem, queue: Queue, hours: Calendar) -> Item:
    """A piece of work with its queue's policy; the steps of overflow at the moments at which its waiting reaches them."""
    return Item(
        id=row.id,
        channel=row.channel,
        requires=frozenset((skill, level) for skill, level in row.requires),
        band=row.band,
        due_at=row.due_at.timestamp(),
        enqueued_at=row.enqueued_at.timestamp(),
        tier=row.tier,
        promote_at=row.promote_at.timestamp() if row.promote_at else None,
        excluded={int(agent): datetime.fromisoformat(until).timestamp() for agent, until in row.excluded.items()},
        sticky_agent=row.sticky_agent_id,
        sticky_until=row.sticky_until.timestamp() if row.sticky_until else None,
        choice=queue.choice,  # type: ignore[arg-type]
        version=row.version,
        steps=steps_for(row, queue, hours),
    )


def steps_for(row: WorkItem, queue: Queue, hours: Calendar) -> tuple[Step, ...]:
    """What the queue's overflow makes of this work, and when: its seconds count only while the queue is open.

    A question to the next support level calls no other team in: who has not that level could only ask in their turn. Steps for
    callers are for calls.
    """
    pointless = {"also_team"} if row.kind == "hand_up" else set()
    if row.kind != "call":
        pointless |= {OFFER_CALLBACK, TO_VOICEMAIL}
    overflow = [step for step in queue.overflow if step.get("do") not in pointless]
    if not overflow:
        return ()

    def at(after_s: float) -> float:
        try:
            return hours.add_business(row.enqueued_at, after_s).timestamp()
        except ValueError:  # closed for good: it never comes
            return float("inf")

    return steps_of(overflow, frozenset((skill, level) for skill, level in row.requires), row.band, at)


def team_skills(session: Session) -> Mapping[int, dict[str, int]]:
    """For each team the skill that being in it is."""
    return {team_id: {team_skill(key): TEAM_LEVEL} for team_id, key in session.execute(select(Team.id, Team.key))}
