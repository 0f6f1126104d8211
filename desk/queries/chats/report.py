"""The measures of chats that were opened in a time, each made of rows that add up to it.

A chat belongs to the time in which it was opened, and is looked at until `LOOK_ON` after it. Counted are chats that somebody took
of those whom the viewer looks after; replies, waits and spells are of whom they belong to, also in a chat that went through
several hands. Who gave up before is a figure of the board.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from channels.chat.secret import prefix
from desk.access import Viewer, untouched_by
from desk.events import Event
from desk.models import Agent, Chat, Message, Ticket, WorkItem
from desk.models.message import BY_PEOPLE, IN, OUT
from desk.queries.board.board import visible_agents
from desk.queries.board.presence_spells import first_event_at
from desk.queries.chats.gaps import Said, reply_gaps
from desk.queries.figures import at_share

COUNT, EACH, SECONDS, AT_ONCE = "count", "each", "seconds", "at_once"
MOST_CHATS = 5_000  # the latest of the time; the page says so when there were more
LOOK_ON = timedelta(days=2)
SLACK = timedelta(hours=1)  # ids of events grow with time, but for what was committed side by side
TAKEN, LEFT = "chat.accepted", ("chat.handed_back", "chat.ended")
LAST_ID = 2**63 - 1


@dataclass(frozen=True)
class Scope:
    """What is looked at: a time (from, until before), one queue, one agent; None is all."""

    since: datetime
    until: datetime
    queue_id: int | None = None
    agent_id: int | None = None

    def before(self) -> Scope:
        """The time of the same length that went before."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)


@dataclass(frozen=True)
class Row:
    """One row of a measure: a chat, a reply, a wait or a spell, and its value. `alone` is how much a spell adds to the union."""

    number: int | None
    agent_name: str
    at: datetime
    value: float
    alone: float = 0.0


@dataclass(frozen=True)
class Figure:
    """One measure and what it is made of. `high` is the 90th percentile of seconds, or the most chats at once."""

    key: str
    kind: str
    value: float | None
    rows: tuple[Row, ...]
    high: float | None = None

    @property
    def total(self) -> float:
        return sum(row.value for row in self.rows)

    @property
    def union(self) -> float:
        return sum(row.alone for row in self.rows)


@dataclass(frozen=True)
class Report:
    """All measures of a time; `is_cut` when there were more chats than are counted."""

    figures: dict[str, Figure]
    is_cut: bool


@dataclass(frozen=True)
class _Talk:
    """One chat, with what people said in it, in its order."""

    id: int
    number: int | None
    opened_at: datetime
    answered_at: datetime
    said: list[Said]


@dataclass(frozen=True)
class _Spell:
    """From when to when somebody had a chat."""

    talk: _Talk
    agent_id: int
    since: datetime
    until: datetime


@dataclass(frozen=True)
class _Past:
    """What was read: chats, who had them when, and the names of those who are looked at."""

    talks: list[_Talk]
    spells: list[_Spell]
    names: dict[int, str]


def chat_report(session: Session, viewer: Viewer, scope: Scope, now: datetime) -> Report:
    """Every measure of this time, in a number of queries that does not grow."""
    past, is_cut = _past(session, viewer, scope, now)
    return Report({key: make(key, past) for key, make in FIGURES.items()}, is_cut)


def _chats(key: str, past: _Past) -> Figure:
    """Under the name of who of those looked at took it first."""
    first: dict[int, _Spell] = {}
    for spell in past.spells:
        first.setdefault(spell.talk.id, spell)
    rows = [Row(talk.number, past.names[first[talk.id].agent_id], talk.opened_at, 1.0) for talk in past.talks]
    return Figure(key, COUNT, len(rows), tuple(rows))


def _visitor_messages(key: str, past: _Past) -> Figure:
    return _per_chat(key, past, lambda word: word.is_visitor)


def _our_messages(key: str, past: _Past) -> Figure:
    return _per_chat(key, past, lambda word: not word.is_visitor and word.agent_id in past.names)


def _per_chat(key: str, past: _Past, counts: Callable[[Said], bool]) -> Figure:
    chats = _chats(key, past).rows
    rows = [replace(row, value=float(sum(map(counts, talk.said)))) for row, talk in zip(chats, past.talks, strict=True)]
    return Figure(key, EACH, sum(row.value for row in rows) / len(rows) if rows else None, tuple(rows))


def _first_reply(key: str, past: _Past) -> Figure:
    rows = []
    for talk in past.talks:
        reply = next((word for word in talk.said if not word.is_visitor), None)
        if reply is not None and reply.agent_id in past.names:
            took = (reply.at - talk.opened_at).total_seconds()
            rows.append(Row(talk.number, past.names[reply.agent_id], reply.at, took))
    return _of_seconds(key, rows)


def _reply_gap(key: str, past: _Past) -> Figure:
    rows = [
        Row(talk.number, past.names[gap.agent_id], gap.until, gap.seconds)
        for talk in past.talks
        for gap in reply_gaps(talk.said, {talk.id: talk.answered_at})
        if gap.agent_id in past.names
    ]
    return _of_seconds(key, rows)


def _of_seconds(key: str, rows: list[Row]) -> Figure:
    """The longest first, so that the middle and the ninth of ten can be counted off."""
    ordered = sorted(row.value for row in rows)
    rows.sort(key=lambda row: (-row.value, row.at, row.number or 0))
    return Figure(key, SECONDS, median(ordered) if ordered else None, tuple(rows), at_share(ordered, 0.9))


def _at_once(key: str, past: _Past) -> Figure:
    """The time of all chats ÷ the time with any: each agent's spells are laid over each other, what several cover counts once."""
    rows, covered = [], {}
    for spell in sorted(past.spells, key=lambda each: (each.since, each.until, each.talk.id)):
        over = covered.get(spell.agent_id, spell.since)
        alone = max(0.0, (spell.until - max(spell.since, over)).total_seconds())
        covered[spell.agent_id] = max(over, spell.until)
        length = (spell.until - spell.since).total_seconds()
        rows.append(Row(spell.talk.number, past.names[spell.agent_id], spell.since, length, alone))
    union = sum(row.alone for row in rows)
    value = sum(row.value for row in rows) / union if union else None
    return Figure(key, AT_ONCE, value, tuple(rows), _most_at_once(past.spells))


def _most_at_once(spells: Iterable[_Spell]) -> int | None:
    """The most that one agent had in one moment; a chat that ends as another begins is not beside it."""
    turns = [(each.since, 1, each.agent_id) for each in spells if each.until > each.since]
    turns += [(each.until, -1, each.agent_id) for each in spells if each.until > each.since]
    has: dict[int, int] = defaultdict(int)
    most = 0
    for _at, change, agent_id in sorted(turns):
        has[agent_id] += change
        most = max(most, has[agent_id])
    return most or None


FIGURES: dict[str, Callable[[str, _Past], Figure]] = {
    "chats": _chats,
    "visitor_messages": _visitor_messages,
    "our_messages": _our_messages,
    "first_reply": _first_reply,
    "reply_gap": _reply_gap,
    "at_once": _at_once,
}


def _past(session: Session, viewer: Viewer, scope: Scope, now: datetime) -> tuple[_Past, bool]:
    """What the measures are made of, and whether there was more of it."""
    people = visible_agents(viewer) if scope.agent_id is None else visible_agents(viewer) & (Agent.id == scope.agent_id)
    names = dict(map(tuple, session.execute(select(Agent.id, Agent.name).where(people))))
    taken = select(Event.chat_id).where(*_happened(scope), Event.kind == TAKEN)
    query = (
        select(Chat.id, Chat.ticket_id, Chat.token_hash, Chat.opened_at, Chat.answered_at, Chat.ended_at, Ticket.number)
        .join(Ticket, Ticket.id == Chat.ticket_id)
        .where(
            Chat.id.in_(taken.where(Event.agent_id.in_(select(Agent.id).where(people)))),
            Chat.opened_at >= scope.since,
            Chat.opened_at < scope.until,
            Chat.answered_at.is_not(None),
            untouched_by(viewer, Chat.ticket_id),
        )
    )
    if scope.queue_id is not None:
        query = query.join(WorkItem, WorkItem.id == Chat.item_id).where(WorkItem.queue_id == scope.queue_id)
    found = session.execute(query.order_by(Chat.opened_at.desc(), Chat.id.desc()).limit(MOST_CHATS + 1)).all()
    is_cut, chats = len(found) > MOST_CHATS, found[:MOST_CHATS][::-1]
    said = _said(session, chats, scope)
    talks = [_Talk(chat.id, chat.number, chat.opened_at, chat.answered_at, said[chat.id]) for chat in chats]
    ended = {chat.id: chat.ended_at for chat in chats}
    return _Past(talks, _spells(session, talks, ended, names, scope, now), names), is_cut


def _said(session: Session, chats: Sequence, scope: Scope) -> dict[int, list[Said]]:
    """What people said in each chat. A ticket may have several: a message names its own, but for what was erased."""
    by_prefix = {prefix(chat.token_hash): chat.id for chat in chats}
    by_ticket = {chat.ticket_id: chat.id for chat in chats}
    query = (
        select(Message.ticket_id, Message.external_id, Message.direction, Message.agent_id, Message.created_at)
        .where(
            Message.ticket_id.in_(by_ticket),
            Message.channel == "chat",
            Message.kind == "message",
            Message.direction.in_((IN, OUT)),
            Message.created_at < scope.until + LOOK_ON,
            BY_PEOPLE,
        )
        .order_by(Message.id)
    )
    said: dict[int, list[Said]] = defaultdict(list)
    for ticket_id, external_id, direction, agent_id, at in session.execute(query):
        told, colon, _ = (external_id or "").partition(":")
        chat_id = by_prefix.get(told + colon) if external_id else by_ticket[ticket_id]
        if chat_id is not None:
            said[chat_id].append(Said(chat_id, direction == IN, agent_id, at))
    return said


def _spells(
    session: Session,
    talks: Sequence[_Talk],
    ended: dict[int, datetime | None],
    names: dict[int, str],
    scope: Scope,
    now: datetime,
) -> list[_Spell]:
    """When those who are looked at had these chats. One that runs is theirs until now."""
    known = {talk.id: talk for talk in talks}
    query = (
        select(Event.kind, Event.chat_id, Event.agent_id, Event.at)
        .where(*_happened(scope), Event.kind.in_((TAKEN, *LEFT)), Event.chat_id.in_(known))
        .order_by(Event.id)
    )
    has: dict[int, tuple[int, datetime]] = {}
    spells = []

    def leave(chat_id: int, at: datetime) -> None:
        agent_id, since = has.pop(chat_id, (0, at))
        if agent_id in names:
            spells.append(_Spell(known[chat_id], agent_id, since, max(since, at)))

    for kind, chat_id, agent_id, at in session.execute(query):
        leave(chat_id, at)
        if kind == TAKEN:
            has[chat_id] = agent_id, at
    for chat_id in list(has):
        leave(chat_id, min(ended[chat_id] or now, now, scope.until + LOOK_ON))
    return sorted(spells, key=lambda each: (each.since, each.talk.id))


def _happened(scope: Scope) -> list[ColumnElement[bool]]:
    """The events from this time on, found by their ids."""
    first, after = first_event_at(scope.since - SLACK), first_event_at(scope.until + LOOK_ON + SLACK)
    return [Event.id >= first, Event.id < func.coalesce(after, LAST_ID), Event.at < scope.until + LOOK_ON]
