"""Who can be named on a ticket, and who has been and has not looked yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import ROLE_RIGHTS, Right, Viewer, viewer_of, visible_tickets
from desk.db import asked_of_each
from desk.models import Agent, Mention, Message, Recusal, Ticket

MOST_COLLEAGUES = 300
MOST_SHOWN = 20
LONGEST_BEGINNING = 120


@dataclass(frozen=True)
class MentionRow:
    """One line of the work list."""

    id: int
    ticket_number: int
    subject: str
    author: str
    beginning: str
    at: datetime


def colleagues(session: Session, viewer: Viewer) -> list[tuple[int, str]]:
    """Everybody who writes on tickets, but the viewer: (id, name) by name."""
    people = session.scalars(select(Agent).where(Agent.active, Agent.id != viewer.agent_id).order_by(Agent.name, Agent.id)).all()
    able = [each for each in people if any(Right.REPLY in ROLE_RIGHTS.get(role, ()) for role in each.roles)]
    return [(each.id, each.name) for each in able[:MOST_COLLEAGUES]]


def named_in(text: str, people: Sequence[tuple[int, str]]) -> list[int]:
    """Whose name stands after an @ in this text; the longest name counts where one begins like another."""
    named = []
    for agent_id, name in sorted(people, key=lambda person: -len(person[1])):
        at = re.compile(rf"[@＠]{re.escape(name)}(?![A-Za-z0-9])", re.IGNORECASE)
        text, times = at.subn(" ", text)
        if times:
            named.append(agent_id)
    return named


def may_read(session: Session, agent: Agent, ticket: Ticket) -> bool:
    """Whether this colleague would find the ticket."""
    query = select(Ticket.id).where(Ticket.id == ticket.id, visible_tickets(viewer_of(agent)))
    return session.scalar(query) is not None


def readers(session: Session, people: Sequence[Agent], ticket: Ticket) -> list[Agent]:
    """Those of them who would find the ticket. Who may read every ticket, or every complaint, costs no question of their own."""
    kept_out = set(session.scalars(select(Recusal.agent_id).where(Recusal.ticket_id == ticket.id)))
    return [
        each for each in people if each.id not in kept_out and (_reads_all_like(each, ticket) or may_read(session, each, ticket))
    ]


def _reads_all_like(agent: Agent, ticket: Ticket) -> bool:
    viewer = viewer_of(agent)
    return viewer.can(Right.READ_ALL_TICKETS) or (ticket.type == "complaint" and viewer.can(Right.READ_COMPLAINTS))


def mentions_of(session: Session, viewer: Viewer) -> list[MentionRow]:
    """Where the viewer was named and has not looked, the latest first."""
    query = (
        select(Mention.id, Ticket.number, Ticket.subject, Message.author_name, Message.text, Mention.at)
        .join(Ticket, Ticket.id == Mention.ticket_id)
        .join(Message, Message.id == Mention.message_id)
        .where(Mention.agent_id == viewer.agent_id, Mention.seen_at.is_(None), asked_of_each(visible_tickets(viewer)))
        .order_by(Mention.id.desc())
        .limit(MOST_SHOWN)
    )
    return [
        MentionRow(mention_id, number or 0, subject, author, " ".join(text[:400].split())[:LONGEST_BEGINNING], at)
        for mention_id, number, subject, author, text, at in session.execute(query)
    ]
