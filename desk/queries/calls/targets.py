"""Where a call can go: colleagues with what they are doing, queues with their waits, or a number that was typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import phonenumbers
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.access import ROLE_RIGHTS, Right, Viewer
from desk.models import Agent, Offer, Queue, WorkItem
from desk.models.agent import AVAILABLE, OFFLINE
from desk.models.work_item import IS_HOLDING, WAITING
from desk.queries.board.estimates import Expected, expected_wait, hands_for, measured
from desk.queries.calendars import calendar_of
from desk.queries.people.skills import skills_at
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.matching import HELD_AS
from desk.sentences import N_
from routing.able import capacity_failure
from routing.values import load_of

MOST_AGENTS = 50
HOME = "CN"  # where a number without its country is taken to be, as the intake does
FREE, ON_WORK, AWAY, GONE = "free", "on_work", "away", "offline"
_ORDER = (FREE, ON_WORK, AWAY, GONE)
_WHY_NOT = {
    ON_WORK: N_("Has their hands full just now."),
    AWAY: N_("Is away from the desk."),
    GONE: N_("Is not signed in."),
}


@dataclass(frozen=True)
class AgentTarget:
    """A colleague; `why_not` is empty where they can take a call."""

    id: int
    name: str
    presence: str
    reason: str
    state: str
    since: datetime
    skills: list[tuple[str, int]]
    can_take: bool
    why_not: str


@dataclass(frozen=True)
class QueueTarget:
    """A queue; `opens_at` is set while it is closed, where that is in sight."""

    key: str
    queue: Queue
    is_open: bool
    opens_at: datetime | None
    waiting: int
    expected: Expected | None


@dataclass(frozen=True)
class Targets:
    """What was found, those who can take the call first. `number` is in E.164 when one was typed."""

    agents: list[AgentTarget]
    queues: list[QueueTarget]
    number: str


def call_targets(session: Session, viewer: Viewer, now: datetime, typed: str, *, consult: bool) -> Targets:
    """What fits the `typed` words, all of it for none. A queue cannot be asked anything, so `consult` has none."""
    words = typed.strip().lower()[:80]
    return Targets(
        agents=_agents(session, viewer, now, words),
        queues=[] if consult else _queues(session, now, words),
        number=_number(typed),
    )


def _agents(session: Session, viewer: Viewer, now: datetime, words: str) -> list[AgentTarget]:
    query = select(Agent).where(Agent.active, Agent.id != viewer.agent_id)
    if words:
        query = query.where(func.lower(Agent.name).contains(words, autoescape=True))
    takers = {role for role, rights in ROLE_RIGHTS.items() if Right.TAKE_WORK in rights}
    by_presence = query.order_by(Agent.presence != AVAILABLE, Agent.presence == OFFLINE, Agent.name)
    agents = [agent for agent in session.scalars(by_presence.limit(4 * MOST_AGENTS)) if takers & set(agent.roles)][:MOST_AGENTS]
    ids = [agent.id for agent in agents]
    skills, rules = skills_at(session, now, ids), rules_of(session)
    held: dict[int, dict[int, str]] = {}
    for agent_id, item_id, held_as in session.execute(
        select(Offer.agent_id, Offer.item_id, HELD_AS).where(Offer.agent_id.in_(ids), IS_HOLDING)
    ):
        held.setdefault(agent_id, {})[item_id] = held_as
    found = []
    for agent in agents:
        full = capacity_failure("voice", agent.capacity, load_of(held.get(agent.id, {}), rules), rules) is not None
        state = GONE if agent.presence == OFFLINE else AWAY if agent.presence != AVAILABLE else ON_WORK if full else FREE
        found.append(
            AgentTarget(
                agent.id,
                agent.name,
                agent.presence,
                agent.presence_reason,
                state,
                agent.presence_since,
                sorted(skills.get(agent.id, {}).items(), key=lambda pair: -pair[1]),
                state == FREE,
                _WHY_NOT.get(state, ""),
            )
        )
    return sorted(found, key=lambda target: (_ORDER.index(target.state), target.name))


def _queues(session: Session, now: datetime, words: str) -> list[QueueTarget]:
    queues = [
        queue
        for queue in session.scalars(select(Queue).order_by(Queue.position, Queue.id))
        if not words or any(words in name.lower() for name in (queue.key, queue.name, queue.name_zh))
    ]
    waiting = _waiting(session, [queue.id for queue in queues])
    seen, rules = measured(session, now), rules_of(session)
    found = []
    for queue in queues:
        hours = calendar_of(session, queue)
        is_open = not queue.closed and hours.is_open(now)
        count, oldest = waiting.get(queue.id, (0, None))
        expected = None
        if is_open:
            hands = hands_for(session, rules, now, "voice", queue.requires)
            expected = expected_wait(seen, rules, now, queue, "voice", hands, ahead=count, oldest=oldest)
        opens_at = None if is_open or queue.closed else hours.next_open(now)
        found.append(QueueTarget(queue.key, queue, is_open, opens_at, count, expected))
    return sorted(found, key=lambda target: not target.is_open)


def _waiting(session: Session, ids: Sequence[int]) -> dict[int, tuple[int, datetime | None]]:
    query = select(WorkItem.queue_id, func.count(), func.min(WorkItem.enqueued_at))
    query = query.where(WorkItem.state == WAITING, WorkItem.channel == "voice", WorkItem.queue_id.in_(ids))
    return {queue_id: (count, oldest) for queue_id, count, oldest in session.execute(query.group_by(WorkItem.queue_id))}


def _number(typed: str) -> str:
    try:
        number = phonenumbers.parse(typed, HOME)
    except phonenumbers.NumberParseException:
        return ""
    is_one = phonenumbers.is_possible_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if is_one else ""
