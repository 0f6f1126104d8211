"""The board: what waits, who is there, and how today goes, in a number of queries that does not grow with the floor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from desk.access import ROLE_RIGHTS, Right, Viewer, untouched_by, visible_tickets
from desk.errors import NotFound
from desk.models import Agent, Complaint, Customer, FloorNote, Offer, Queue, Survey, Ticket, WorkItem
from desk.models.agent import AVAILABLE, OFFLINE
from desk.models.work_item import ACTIVE, IS_HOLDING, OFFERED, WAITING, WRAP_UP
from desk.queries.board.entries import LIVE_CHANNELS, THRESHOLD_S, Entry, entries_since
from desk.queries.board.estimates import Expected, Hand, Measured, expected_wait, hand, measured
from desk.queries.board.floor_notes import latest_notes
from desk.queries.board.half_hours import HalfHour, half_hours
from desk.queries.board.presence_spells import Spells, staffed_spells
from desk.queries.board.wrap_ups import WrapUp, last_wrap_ups
from desk.queries.calls.callbacks import Promises, promises_by_queue
from desk.queries.complaints.complaints import OPEN_STAGES, ClockState, next_clock
from desk.queries.figures import Counts, abandonment, count, satisfaction, service_level
from desk.queries.people.skills import skills_at
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.line import band_now
from desk.queries.work.matching import IDLE_SINCE
from routing.values import CHANNEL_RULES, CHAT_IDLE, ChannelRule

MOST_WAITING = 100
MOST_ROWS = 500
FREE, ON_WORK, AWAY, GONE = "free", "on_work", "away", "offline"


@dataclass(frozen=True)
class QueueLine:
    """One queue and channel. `expected` is the wait of whoever comes now; None for work that nobody waits for on the line.

    `promises` are the calls back that this queue owes, in its line of calls.
    """

    queue: Queue
    channel: str
    waiting: int
    longest_since: datetime | None
    expected: Expected | None
    counts: Counts
    staffed: int
    free: int
    promises: Promises | None = None

    @property
    def level(self) -> float | None:
        return service_level(self.counts) if self.channel in LIVE_CHANNELS else None


@dataclass(frozen=True)
class WaitingLine:
    """One piece of waiting work; `position` counts from 1 among those that ask for the same channel and skills."""

    item: WorkItem
    number: int
    subject: str
    customer_name: str
    queue: Queue
    position: int


@dataclass(frozen=True)
class HeldWork:
    """Something an agent was offered or has in hand, by which offer."""

    item_id: int
    offer_id: int
    number: int | None  # none where the viewer is kept out of the case
    channel: str
    kind: str
    state: str
    since: datetime
    customer_name: str
    idle_since: datetime | None = None  # the customer of this chat is silent since then, so that it is half a chat


@dataclass(frozen=True)
class AgentLine:
    """One agent now. `state` is free, on_work, away or offline; `word` is the finer reason behind away.

    `wrap_up` is how they ended their last work of today, `note` what was last written to them today.
    """

    agent: Agent
    state: str
    word: str
    since: datetime
    held: list[HeldWork]
    answered_today: int
    wrap_up: WrapUp | None = None
    note: FloorNote | None = None


@dataclass(frozen=True)
class RiskLine:
    """A complaint whose promise is near or broken."""

    complaint: Complaint
    ticket: Ticket
    customer_name: str
    clock: ClockState


@dataclass(frozen=True)
class Board:
    """Everything on the board at `at`; `day` is the beginning of today in the installation's time zone."""

    at: datetime
    day: datetime
    queues: list[QueueLine]
    waiting: list[WaitingLine]
    agents: list[AgentLine]
    at_risk: list[RiskLine]
    entries: list[Entry] = field(repr=False)
    scores: list[int]
    all_queues: list[Queue]
    spells: Spells = field(repr=False)

    @property
    def waiting_total(self) -> int:
        return sum(line.waiting for line in self.queues)

    @property
    def longest_since(self) -> datetime | None:
        """The oldest call or chat still waiting; written work waits by its due time instead."""
        return min(
            (line.longest_since for line in self.queues if line.channel in LIVE_CHANNELS and line.longest_since), default=None
        )

    def counts(self, *channels: str) -> Counts:
        """Today's counts of these channels together, each against its own threshold."""
        return sum((line.counts for line in self.queues if line.channel in channels), Counts())

    def of_queue(self, queue: Queue) -> Board:
        """The same with the lines of one queue only; people, complaints and answers stay those of all."""
        return replace(self, queues=[line for line in self.queues if line.queue.id == queue.id])

    def level_in(self, channel: str) -> float | None:
        return service_level(self.counts(channel))

    @property
    def level(self) -> float | None:
        return self.level_in("voice")

    @property
    def abandoned(self) -> float | None:
        return abandonment(self.counts(*LIVE_CHANNELS))

    @property
    def satisfaction(self) -> float | None:
        return satisfaction(self.scores)

    def half_hours(self) -> list[HalfHour]:
        """Today by half hour; empty before the first call, chat or person."""
        return half_hours(self.entries, self.spells, self.day, self.at)

    def in_state(self, state: str) -> list[AgentLine]:
        return [line for line in self.agents if line.state == state]


def board(session: Session, viewer: Viewer, now: datetime, zone: str, *, most_waiting: int = MOST_WAITING) -> Board:
    """The board as this supervisor may see it: all queues, and the people of their own team."""
    day = start_of_day(now, zone)
    queues = list(session.scalars(select(Queue).order_by(Queue.position, Queue.id)))
    entries = entries_since(session, [queue.id for queue in queues], day, now)
    waiting = _waiting_by_line(session)
    staff = _staff(session)
    skills = skills_at(session, now)
    held = _held(session, viewer)
    answered: dict[int, int] = {}
    for entry in entries:
        if entry.agent_id is not None and entry.contact.outcome == "answered":
            answered[entry.agent_id] = answered.get(entry.agent_id, 0) + 1
    wrap_ups = last_wrap_ups(session, day)
    notes = latest_notes(session, day)
    lines = [
        replace(
            agent_line(agent, held.get(agent.id, []), answered.get(agent.id, 0)),
            wrap_up=wrap_ups.get(agent.id),
            note=notes.get(agent.id),
        )
        for agent in staff
    ]
    return Board(
        at=now,
        day=day,
        queues=_queue_lines(
            queues, entries, waiting, lines, skills, measured(session, now), rules_of(session), promises_by_queue(session)
        ),
        waiting=waiting_lines(session, viewer, now, {queue.id: queue for queue in queues}, limit=most_waiting),
        agents=[line for line in lines if _is_visible(viewer, line.agent)],
        at_risk=complaints_at_risk(session, viewer, now),
        entries=entries,
        scores=scores_since(session, day),
        all_queues=queues,
        spells=staffed_spells(session, staff, day, now),
    )


def start_of_day(now: datetime, zone: str) -> datetime:
    """When today began on the clocks of this time zone."""
    return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def scores_since(session: Session, start: datetime) -> list[int]:
    """The answers that customers gave since `start`, 1 to 5."""
    query = select(Survey.score).where(Survey.answered_at >= start, Survey.score.is_not(None), Survey.kind == "csat")
    return [score for score in session.scalars(query) if score is not None]


def waiting_lines(
    session: Session, viewer: Viewer, now: datetime, queues: dict[int, Queue], *, limit: int = MOST_WAITING
) -> list[WaitingLine]:
    """Waiting work in the order in which it will be served, but for cases that the viewer is kept out of."""
    query = (
        select(WorkItem, Ticket.number, Ticket.subject, Customer.name)
        .join(Ticket, Ticket.id == WorkItem.ticket_id)
        .join(Customer, Customer.id == WorkItem.customer_id)
        .where(WorkItem.state == WAITING, untouched_by(viewer, WorkItem.ticket_id))
        .order_by(band_now(session, now), WorkItem.due_at, WorkItem.id)
        .limit(limit)
    )
    lines: list[WaitingLine] = []
    places: dict[str, int] = {}
    for item, number, subject, name in session.execute(query):
        kin = f"{item.channel}:{item.requires}"
        places[kin] = places.get(kin, 0) + 1
        lines.append(WaitingLine(item, number, subject, name, queues[item.queue_id], places[kin]))
    return lines


def complaints_at_risk(session: Session, viewer: Viewer, now: datetime) -> list[RiskLine]:
    """Open complaints of whose promised time three quarters have passed, or all of it; the most urgent first."""
    query = (
        select(Complaint, Ticket, Customer.name)
        .join(Ticket, Ticket.id == Complaint.ticket_id)
        .join(Customer, Customer.id == Ticket.customer_id)
        .where(Complaint.stage.in_(OPEN_STAGES), visible_tickets(viewer))
        .order_by(Complaint.decide_due_at, Complaint.id)
    )
    lines = [RiskLine(complaint, ticket, name, next_clock(complaint, now)) for complaint, ticket, name in session.execute(query)]
    return sorted((line for line in lines if line.clock.word in ("soon", "late")), key=lambda line: line.clock.due_at)


def agent_line(agent: Agent, held: list[HeldWork], answered_today: int = 0) -> AgentLine:
    """What somebody is doing, in one word. Who is away with a conversation in hand is still at work."""
    talking = any(work.channel in LIVE_CHANNELS and work.state in (ACTIVE, WRAP_UP) for work in held)
    if agent.presence == OFFLINE:
        return AgentLine(agent, GONE, agent.presence_reason, agent.presence_since, held, answered_today)
    if held and (talking or agent.presence == AVAILABLE):
        return AgentLine(agent, ON_WORK, "", max(agent.presence_since, min(work.since for work in held)), held, answered_today)
    if agent.presence == AVAILABLE:
        return AgentLine(agent, FREE, "", max(agent.presence_since, agent.idle_since), held, answered_today)
    word = agent.presence_reason if agent.presence == "away" else agent.presence
    return AgentLine(agent, AWAY, word, agent.presence_since, held, answered_today)


def takes_work(agent: Agent) -> bool:
    """Whether this person is somebody that work is offered to."""
    return any(Right.TAKE_WORK in ROLE_RIGHTS.get(role, ()) for role in agent.roles)


def visible_agents(viewer: Viewer) -> ColumnElement[bool]:
    """The condition on `Agent` for the people a supervisor looks after: their own team; administrators see everybody."""
    if viewer.can(Right.ADMINISTER):
        return true()
    return Agent.team_id == viewer.team_id if viewer.team_id is not None else Agent.id == viewer.agent_id


def access_agent(session: Session, viewer: Viewer, agent_id: int) -> Agent:
    """Somebody of the viewer's team; raises `NotFound` otherwise, whichever the reason."""
    agent = session.scalar(select(Agent).where(Agent.id == agent_id, visible_agents(viewer)))
    if agent is None:
        raise NotFound("There is no such agent.")
    return agent


def access_item(session: Session, viewer: Viewer, item_id: int) -> tuple[WorkItem, Ticket]:
    """A work item whose ticket the viewer may read; raises `NotFound` otherwise."""
    query = select(WorkItem, Ticket).join(Ticket, Ticket.id == WorkItem.ticket_id)
    row = session.execute(query.where(WorkItem.id == item_id, visible_tickets(viewer))).first()
    if row is None:
        raise NotFound("There is no such work.")
    return row[0], row[1]


def _is_visible(viewer: Viewer, agent: Agent) -> bool:
    """The same rule as `visible_agents`, for rows that are read already."""
    if viewer.can(Right.ADMINISTER):
        return True
    return agent.team_id == viewer.team_id if viewer.team_id is not None else agent.id == viewer.agent_id


def _waiting_by_line(session: Session) -> dict[tuple[int, str], tuple[int, datetime]]:
    query = select(WorkItem.queue_id, WorkItem.channel, func.count(), func.min(WorkItem.enqueued_at))
    query = query.where(WorkItem.state == WAITING, WorkItem.ended_at.is_(None))  # the second says which index has them
    rows = session.execute(query.group_by(WorkItem.queue_id, WorkItem.channel))
    return {(queue_id, channel): (number, oldest) for queue_id, channel, number, oldest in rows}


def _staff(session: Session) -> list[Agent]:
    query = select(Agent).where(or_(Agent.active.is_(True), Agent.used > 0)).order_by(Agent.name, Agent.id)
    return [agent for agent in session.scalars(query) if takes_work(agent)]


def _held(session: Session, viewer: Viewer) -> dict[int, list[HeldWork]]:
    """What everybody has in hand. Of a case that the viewer is kept out of they see that it is work, not which."""
    query = (
        select(
            *(Offer.agent_id, Offer.id, Offer.state, Offer.offered_at, WorkItem, Ticket.number, Customer.name),
            *(untouched_by(viewer, WorkItem.ticket_id), IDLE_SINCE),
        )
        .join(WorkItem, WorkItem.id == Offer.item_id)
        .join(Ticket, Ticket.id == WorkItem.ticket_id)
        .join(Customer, Customer.id == WorkItem.customer_id)
        .where(IS_HOLDING)
        .order_by(Offer.offered_at, Offer.id)
    )
    held: dict[int, list[HeldWork]] = {}
    for agent_id, offer_id, state, offered_at, item, number, name, shown, idle_since in session.execute(query):
        since = item.wrap_up_at if item.state == WRAP_UP else item.answered_at if state != OFFERED else None
        held.setdefault(agent_id, []).append(
            HeldWork(
                *(item.id, offer_id, number if shown else None, item.channel, item.kind, item.state),
                *(since or offered_at, name if shown else "", idle_since),
            )
        )
    return held


def _queue_lines(
    queues: Iterable[Queue],
    entries: list[Entry],
    waiting: dict[tuple[int, str], tuple[int, datetime]],
    staff: list[AgentLine],
    skills: dict[int, dict[str, int]],
    seen: Measured,
    rules: Mapping[str, ChannelRule],
    promises: Mapping[int, Promises],
) -> list[QueueLine]:
    """A line for each channel that a queue has had work of today; a queue without any has one line all the same."""
    now = seen.at
    by_line: dict[tuple[int, str], list[Entry]] = {}
    for entry in entries:
        by_line.setdefault((entry.queue_id, entry.channel), []).append(entry)
    lines = []
    for queue in queues:
        used = {channel for queue_id, channel in (*by_line, *waiting) if queue_id == queue.id}
        if queue.id in promises:
            used.add("voice")
        able = [line for line in staff if line.state != GONE and _has_skills(skills.get(line.agent.id, {}), queue.requires)]
        for channel in [each for each in CHANNEL_RULES if each in used] or [""]:
            number, oldest = waiting.get((queue.id, channel), (0, None))
            counts = count((entry.contact for entry in by_line.get((queue.id, channel), ())), THRESHOLD_S.get(channel, 20))
            hands = [_hand(line, channel, now, rules) for line in able if line.agent.presence == AVAILABLE] if channel else []
            lines.append(
                QueueLine(
                    queue=queue,
                    channel=channel,
                    waiting=number,
                    longest_since=oldest,
                    expected=_expected(seen, rules, queue, channel, hands, number, oldest),
                    counts=counts,
                    staffed=len(able),
                    free=sum(each.room for each in hands),
                    promises=promises.get(queue.id) if channel == "voice" else None,
                )
            )
    return lines


def _has_skills(skills: dict[str, int], requires: list[list]) -> bool:
    return all(skills.get(skill, 0) >= level for skill, level in requires)


def _expected(
    seen: Measured,
    rules: Mapping[str, ChannelRule],
    queue: Queue,
    channel: str,
    hands: list[Hand],
    ahead: int,
    oldest: datetime | None,
) -> Expected | None:
    if channel not in LIVE_CHANNELS:
        return None
    return expected_wait(seen, rules, seen.at, queue, channel, hands, ahead=ahead, oldest=oldest)


def _hand(line: AgentLine, channel: str, now: datetime, rules: Mapping[str, ChannelRule]) -> Hand:
    in_hand = [
        (work.item_id, CHAT_IDLE if work.idle_since else work.channel, None if work.state == OFFERED else work.since)
        for work in line.held
    ]
    return hand(line.agent.id, line.agent.capacity, channel, in_hand, now, rules)
