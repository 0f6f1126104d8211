"""How a customer may reach us for the time being, what they were told before, and which limits somebody has to look at again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, viewer_of
from desk.models import Agent, ConductWarning, ContactLimit, ContactPoint, Customer

SOON = timedelta(days=7)  # before the day of the review its limit stands on supervisors' lists
MOST_SHOWN, MOST_PEOPLE = 100, 500


@dataclass(frozen=True)
class LimitRow:
    """A limit with the people in it."""

    limit: ContactLimit
    customer_name: str
    person: str


def running_limit(session: Session, customer_id: int | None, now: datetime) -> ContactLimit | None:
    """The limit that holds for this customer now."""
    query = select(ContactLimit).where(
        ContactLimit.customer_id == customer_id, ContactLimit.ended_at.is_(None), ContactLimit.until > now
    )
    return session.scalar(query) if customer_id is not None else None


def limit_row(session: Session, customer_id: int, now: datetime) -> LimitRow | None:
    """The same with names."""
    return limit_rows(session, [customer_id], now).get(customer_id)


def limit_rows(session: Session, customer_ids: Iterable[int], now: datetime) -> dict[int, LimitRow]:
    """For each of these customers the limit that holds now."""
    lasting = _named().where(ContactLimit.customer_id.in_(set(customer_ids)), ContactLimit.until > now)
    return {limit.customer_id: LimitRow(limit, name, person or "") for limit, name, person in session.execute(lasting)}


def limit_known_by(session: Session, marks: Iterable[tuple[str, str]], now: datetime) -> LimitRow | None:
    """The limit that holds now for whoever has one of these contacts: kind and value."""
    known = tuple_(ContactPoint.kind, ContactPoint.value).in_([mark for mark in marks if mark[1]])  # of none, nobody
    query = _named().join(ContactPoint, ContactPoint.customer_id == ContactLimit.customer_id)
    found = session.execute(query.where(known, ContactLimit.until > now).limit(1)).first()
    return LimitRow(found[0], found[1], found[2] or "") if found is not None else None


def contact_persons(session: Session, customer_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """Of these customers those who reach us through one person only, with that person, if they still work here."""
    query = (
        select(ContactLimit.customer_id, ContactLimit.person_id)
        .join(Agent, Agent.id == ContactLimit.person_id)
        .where(ContactLimit.customer_id.in_(customer_ids), ContactLimit.ended_at.is_(None), ContactLimit.until > now)
        .where(Agent.active.is_(True))
    )
    return dict(map(tuple, session.execute(query)))


def latest_warning(session: Session, customer_id: int) -> ConductWarning | None:
    """The last one that they were given."""
    query = select(ConductWarning).where(ConductWarning.customer_id == customer_id)
    return session.scalar(query.order_by(ConductWarning.id.desc()).limit(1))


def limits(session: Session, viewer: Viewer) -> Sequence[LimitRow]:
    """All that last, the first to be looked at again first; for who decides on them."""
    return _rows(session, viewer, None)


def limits_to_review(session: Session, viewer: Viewer, now: datetime) -> Sequence[LimitRow]:
    """Those whose day has come, or comes within a week."""
    return _rows(session, viewer, now + SOON)


def _rows(session: Session, viewer: Viewer, before: datetime | None) -> Sequence[LimitRow]:
    if not viewer.can(Right.SUPERVISE):
        return []
    query = _named()
    if before is not None:
        query = query.where(ContactLimit.review_at <= before, ContactLimit.reviewed_at.is_(None))
    found = session.execute(query.order_by(ContactLimit.review_at, ContactLimit.id).limit(MOST_SHOWN))
    return [LimitRow(limit, name, person or "") for limit, name, person in found]


def _named() -> Select[tuple[ContactLimit, str, str | None]]:
    query = select(ContactLimit, Customer.name, Agent.name).join(Customer, Customer.id == ContactLimit.customer_id)
    return query.outerjoin(Agent, Agent.id == ContactLimit.person_id).where(ContactLimit.ended_at.is_(None))


def people_for_limit(session: Session) -> list[tuple[int, str]]:
    """Those through whom alone a customer may reach us."""
    query = select(Agent).where(Agent.active.is_(True)).order_by(Agent.name, Agent.id).limit(MOST_PEOPLE)
    return [(each.id, each.name) for each in session.scalars(query) if viewer_of(each).can(Right.TAKE_WORK)]
