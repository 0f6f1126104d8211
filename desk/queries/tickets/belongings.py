"""Which of the things that a ticket may have it has: found out at once, so that its page asks for nothing that is not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer
from desk.db import BIG, Moment, there_is
from desk.events import Event
from desk.models import (
    ArticleLink,
    Call,
    Chat,
    Draft,
    FollowUp,
    HandUp,
    Mention,
    Survey,
    Ticket,
    TicketFollower,
    TicketLink,
    TicketMove,
    TicketParticipant,
    TicketTag,
    UnsentReply,
)
from desk.queries.mail.unsent import UNDO_S

_TICKET, _AGENT, _LATELY = bindparam("ticket", type_=BIG), bindparam("agent", type_=BIG), bindparam("lately", type_=Moment())


@dataclass(frozen=True)
class Belongings:
    """What there is; `draft`, `macro` and `mention` are the viewer's own, `moves` what was merged into it or split off as it."""

    articles: bool
    calls: bool
    chats: bool
    draft: bool
    follow_ups: bool
    followers: bool
    hand_ups: bool
    links: bool
    macro: bool
    mention: bool
    moves: bool
    participants: bool
    surveys: bool
    tags: bool
    unsent: bool


def belongings(session: Session, viewer: Viewer, ticket: Ticket, now: datetime) -> Belongings:
    """One question for all of it. Whether the viewer may see what is there is asked when it is read."""
    values = {"ticket": ticket.id, "agent": viewer.agent_id, "lately": now - timedelta(seconds=UNDO_S)}
    return Belongings(*(found is not None for found in session.execute(_ALL, values).one()))


def _has(model: Any, *more: ColumnElement[bool]) -> ScalarSelect[int]:
    return there_is(model, model.ticket_id == _TICKET, *more)


def _of_viewer(model: Any, *more: ColumnElement[bool]) -> ScalarSelect[int]:
    return _has(model, model.agent_id == _AGENT, *more)


# In the order of the fields above.
_ALL = select(
    _has(ArticleLink),
    _has(Call),
    _has(Chat),
    _of_viewer(Draft),
    _has(FollowUp),
    _has(TicketFollower),
    _has(HandUp),
    there_is(TicketLink, or_(TicketLink.from_id == _TICKET, TicketLink.to_id == _TICKET)),
    _of_viewer(Event, Event.kind == "macro.used", Event.at > _LATELY),
    _of_viewer(Mention, Mention.seen_at.is_(None)),
    there_is(TicketMove, TicketMove.to_id == _TICKET),
    _has(TicketParticipant),
    _has(Survey),
    _has(TicketTag),
    _has(UnsentReply),
)
