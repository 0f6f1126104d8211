"""Canned replies: those that somebody may use, and each filled in for a ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, shown_name
from desk.letter_texts import filled
from desk.models import Agent, CannedReply, Customer, Queue, Ticket
from desk.models.canned import ALL, LANGUAGES, OWN, TEAM

PLACES = ("customer", "agent", "number", "subject", "queue", "company")
MOST_OFFERED = 300
_NOBODY = {"en": "customer", "zh": "客户"}  # for whom we know only an address or a number


@dataclass(frozen=True)
class Offered:
    """One canned reply in one language, as it would stand in the answer."""

    canned: CannedReply
    lang: str
    words: str


def kind_of(canned: CannedReply) -> str:
    """Whose it is."""
    return OWN if canned.owner_id is not None else TEAM if canned.team_id is not None else ALL


def canned_of(session: Session, viewer: Viewer) -> Sequence[CannedReply]:
    """All that the viewer may use: their own first, then their team's, then everybody's."""
    query = select(CannedReply).where(usable_by(viewer))
    order = (CannedReply.owner_id.is_(None), CannedReply.team_id.is_(None), CannedReply.key, CannedReply.id)
    return session.scalars(query.order_by(*order).limit(MOST_OFFERED)).all()


def usable_by(viewer: Viewer) -> ColumnElement[bool]:
    """The condition that leaves the viewer's own, their team's and everybody's."""
    shared = and_(CannedReply.owner_id.is_(None), or_(CannedReply.team_id.is_(None), CannedReply.team_id == viewer.team_id))
    return or_(CannedReply.owner_id == viewer.agent_id, shared)


def may_change(viewer: Viewer, canned: CannedReply) -> bool:
    """Their own; what is shared is for supervisors, of another team for nobody."""
    if canned.owner_id is not None:
        return canned.owner_id == viewer.agent_id
    return viewer.can(Right.SUPERVISE) and canned.team_id in (None, viewer.team_id)


def offered_on(session: Session, viewer: Viewer, ticket: Ticket, company: Mapping[str, str]) -> list[Offered]:
    """Every text that the viewer may use, filled in for this ticket; those in the ticket's language first."""
    first = ticket.locale if ticket.locale in LANGUAGES else LANGUAGES[0]
    values = {lang: _values(session, viewer, ticket, company.get(lang, ""), lang) for lang in LANGUAGES}
    found = [
        Offered(canned, lang, filled(canned.texts.get(lang, ""), values[lang]))
        for canned in canned_of(session, viewer)
        for lang in LANGUAGES
        if canned.texts.get(lang) or (not any(canned.texts.values()) and lang == first)
    ]
    return sorted(found, key=lambda each: each.lang != first)


def _values(session: Session, viewer: Viewer, ticket: Ticket, company: str, lang: str) -> dict[str, Any]:
    customer, queue = session.get_one(Customer, ticket.customer_id), session.get_one(Queue, ticket.queue_id)
    is_name = "@" not in customer.name and not customer.name.lstrip("+").isdigit()
    agent = session.get_one(Agent, viewer.agent_id)
    return {
        "customer": shown_name(viewer, customer.name) if customer.name and is_name else _NOBODY[lang],
        "agent": agent.name,
        "number": ticket.number or 0,
        "subject": ticket.subject,
        "queue": (queue.name_zh or queue.name) if lang == "zh" else queue.name,
        "company": company,
    }
