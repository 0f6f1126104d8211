"""Finding tickets, messages and customers by their words, their numbers and the ways in which we know people.

Who may see what is a condition of each query here, on the rows themselves as they are now; the words only say where to look. What
fits best comes first (the number itself, then subject and name, then what was written), and among equals what is newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, held_tickets, is_known, visible_tickets
from desk.beginnings import begins
from desk.db import asked_of_each
from desk.models import Agent, ContactPoint, Customer, Queue, Ticket
from desk.models.search import CUSTOMERS, HEADS, TICKETS
from desk.models.tag import Tag, TicketTag
from desk.queries.people.customers import has_visible_ticket, is_contact
from desk.queries.search.documents import scope_word
from desk.queries.search.match import HIGH, LOW, Match
from desk.queries.search.question import ME, NOBODY, Question, Term, question_of
from knowledge.fold import fold

PAGE = 25
FEW_OF_OWNER = 1_000  # tickets of whom a question names; so few are looked at one by one
MOST_PEOPLE = 200  # customers who have a name, an address or a number; of more the newest count
NUMBER, PERSON, HEAD, TEXT = 0, 1, 2, 3  # how a ticket was found, best first

Place = tuple[int, int]  # how it was found, and its id: where a page ends
Filter = tuple[ColumnElement[bool], str]  # on `Ticket`, and the same in words of the scope where there are any


@dataclass(frozen=True)
class Narrowing:
    """What was chosen beside the question; dates are of the opening of a ticket, `until` is not in it any more."""

    statuses: tuple[str, ...] | None = None
    queue_ids: tuple[int, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Reach:
    """How far a question goes for its viewer: as conditions on `Ticket`, and as words of the scope that make it quick.

    `few` are the only tickets that can be found, where they are few enough to be named.
    """

    conditions: tuple[ColumnElement[bool], ...]
    scope: tuple[str, ...]  # each a list of alternatives, joined by blanks
    few: tuple[int, ...] | None = None


def find_tickets(
    session: Session,
    viewer: Viewer,
    question: Question,
    narrowing: Narrowing | None = None,
    *,
    places: Sequence[int] = (NUMBER, PERSON, HEAD, TEXT),
    after: Place | None = None,
    limit: int = PAGE,
) -> list[Place]:
    """A page of what the viewer may read, best first; one more than `limit` says that another page follows."""
    reach = _reach(session, viewer, question, narrowing or Narrowing())
    found: list[Place] = []
    if not question.asks_something:
        return found
    people = _reached(session, viewer, question) if PERSON in places else []
    known: set[int] = set()
    for place in places:
        wanted = limit + 1 - len(found)
        if wanted <= 0 or (after is not None and place < after[0]):
            continue
        before = after[1] if after is not None and place == after[0] else None
        for ticket_id in _at(session, viewer, question, reach, place, people, before, wanted):
            if ticket_id not in known:
                known.add(ticket_id)
                found.append((place, ticket_id))
    return found


def find_customers(
    session: Session, viewer: Viewer, question: Question, *, after: int | None = None, limit: int = PAGE
) -> list[int]:
    """A page of ids of customers, the newest first."""
    if not viewer.can(Right.READ_CUSTOMERS):
        return []
    match = Match(session, CUSTOMERS)
    ways = []
    if question.must:
        ways.append(match.without(match.all_of(question.must, HIGH), match.any_of(question.must_not, HIGH)))
    contact = _contact_expression(match, viewer, question.contact)
    if contact:
        ways.append(contact)
    found: set[int] = set()
    allowed = is_known() if viewer.can(Right.READ_ALL_TICKETS) else and_(is_known(), has_visible_ticket(viewer))

    def gather(query: Select[tuple[int]], key: ColumnElement[int]) -> None:
        seen = query if after is None else query.where(key < after)
        found.update(session.scalars(seen.order_by(key.desc()).limit(limit + 1)))

    if ways:
        each = select(Customer.id).where(Customer.id == match.id, allowed).exists()
        gather(match.found(match.either(*ways)).where(asked_of_each(each)), match.id)
    if viewer.masked and question.contact:
        begun = Customer.id.in_(_begun(session, viewer, question))
        gather(select(Customer.id).where(begun, asked_of_each(allowed)), Customer.id)
    return sorted(found, reverse=True)[: limit + 1]


def _at(
    session: Session,
    viewer: Viewer,
    question: Question,
    reach: Reach,
    place: int,
    people: Sequence[int],
    before: int | None,
    wanted: int,
) -> list[int]:
    """The next tickets that were found in this way."""
    if place == NUMBER:
        if question.number is None:
            return []
        exact = select(Ticket.id).where(Ticket.number == question.number, visible_tickets(viewer), *reach.conditions)
        return list(session.scalars(exact if before is None else exact.where(Ticket.id < before)))
    if place == PERSON:
        if not people:
            return []
        theirs = select(Ticket.id).where(Ticket.customer_id.in_(people), asked_of_each(visible_tickets(viewer)))
        theirs = theirs.where(*(asked_of_each(each) for each in reach.conditions))
        theirs = theirs if before is None else theirs.where(Ticket.id < before)
        return list(session.scalars(theirs.order_by(Ticket.id.desc()).limit(wanted)))
    if place == TEXT and not question.must:
        return []
    return _by_words(session, viewer, question, reach, place, people, before, wanted)


def _by_words(
    session: Session,
    viewer: Viewer,
    question: Question,
    reach: Reach,
    place: int,
    people: Sequence[int],
    before: int | None,
    wanted: int,
) -> list[int]:
    """The next tickets with these words: in their heads, or in what was written but not in their heads."""
    heads, texts = Match(session, HEADS), Match(session, TICKETS)
    match = heads if place == HEAD else texts
    expression = match.asked(question, *((HIGH,) if place == HEAD else (HIGH, LOW)))
    if not expression:
        return []
    scope = [match.scoped(words.split()) for words in reach.scope]
    conditions = [Ticket.customer_id.not_in(people)] if people else []
    if question.number is not None:
        conditions.append(Ticket.number != question.number)
    if place == TEXT:  # what its head has was found by that
        expression = match.without(expression, match.all_of(question.must, HIGH))
    elif question.must_not:
        conditions.append(texts.lacks(match.id, texts.any_of(question.must_not, HIGH, LOW)))

    def seen(found: Select[tuple[int]]) -> set[int]:
        # Each that was found is looked up: joined to them, PostgreSQL may read all tickets.
        each = select(Ticket.id).where(Ticket.id == match.id, visible_tickets(viewer), *reach.conditions, *conditions).exists()
        query = found.where(asked_of_each(each))
        query = query if before is None else query.where(match.id < before)
        return set(session.scalars(query.order_by(match.id.desc()).limit(wanted)))

    sight = _sight(viewer)
    narrower = (*scope, match.scoped(sight) if sight else "")
    lasting = match.both(expression, *narrower)
    late = match.found_late(lasting, before) if reach.few is None else match.found_among(lasting, reach.few)
    found = seen(late) if late is not None else set()
    if late is None or (reach.few is None and len(found) < wanted):
        found = seen(match.found(expression, *narrower))
    for held in held_tickets(viewer):
        ids = session.scalars(select(Ticket.id).where(held)).all()
        if ids:
            found |= seen(match.found(expression, *scope).where(match.id.in_(ids)))
    return sorted(found, reverse=True)[:wanted]


def _sight(viewer: Viewer) -> list[str]:
    """What the scope of a ticket says when the viewer may lastingly read it; empty when that is every ticket."""
    if viewer.can(Right.READ_ALL_TICKETS):
        return []
    seen = []
    if viewer.can(Right.READ_COMPLAINTS):
        seen.append(scope_word("type", "complaint"))
    if viewer.agent_id is not None and viewer.can(Right.TAKE_WORK):
        seen.append(scope_word("owner", viewer.agent_id))
    if viewer.can(Right.READ_TICKETS) and viewer.team_id is not None:
        seen.append(scope_word("team", viewer.team_id))
    return seen or ["nobody"]


def _reach(session: Session, viewer: Viewer, question: Question, narrowing: Narrowing) -> Reach:
    """The filters of a question and those beside it, as conditions and as words of the scope."""
    few: tuple[int, ...] | None = None
    filters = [_of_statuses(question.statuses), _of_statuses(narrowing.statuses), _of_queues(narrowing.queue_ids)]
    if question.queue:
        filters.append(_of_queues(_queues(session, question.queue)))
    if question.assigned:
        owned = _of_owners(_owners(session, viewer, question.assigned))
        filters.append(owned)
        few = _few(session, owned[0])
    if question.sender:
        filters.append((Ticket.customer_id.in_(_people(session, viewer, question.sender)), ""))
    if question.tag:
        filters.append((_is_tagged(question.tag), ""))
    if narrowing.since is not None:
        filters.append((Ticket.created_at >= narrowing.since, ""))
    if narrowing.until is not None:
        filters.append((Ticket.created_at < narrowing.until, ""))
    given = [each for each in filters if each is not None]
    return Reach(tuple(condition for condition, _ in given), tuple(scope for _, scope in given if scope), few)


def _few(session: Session, owned: ColumnElement[bool]) -> tuple[int, ...] | None:
    """The ids of these tickets, unless they are too many."""
    ids = tuple(session.scalars(select(Ticket.id).where(owned).limit(FEW_OF_OWNER + 1)))
    return ids if len(ids) <= FEW_OF_OWNER else None


def _is_tagged(said: str) -> ColumnElement[bool]:
    """Marked with a tag that begins so."""
    marks = select(TicketTag.id).join(Tag, Tag.id == TicketTag.tag_id).where(TicketTag.ticket_id == Ticket.id)
    return marks.where(begins(Tag.folded, fold(said).strip())).exists()


def _of_statuses(statuses: Sequence[str] | None) -> Filter | None:
    return None if statuses is None else (Ticket.status.in_(statuses), _alternatives("status", statuses))


def _of_queues(ids: Sequence[int] | None) -> Filter | None:
    return None if ids is None else (Ticket.queue_id.in_(ids), _alternatives("queue", ids))


def _of_owners(ids: Sequence[int]) -> Filter:
    """0 stands for nobody."""
    return Ticket.owner_id.is_(None) if ids == [0] else Ticket.owner_id.in_(ids), _alternatives("owner", ids)


def _alternatives(kind: str, values: Sequence[object]) -> str:
    return " ".join(scope_word(kind, each) for each in values) or "nobody"


def _queues(session: Session, said: str) -> list[int]:
    """Queues whose key or name, in either language, begins so."""
    start = fold(said)
    rows = session.execute(select(Queue.id, Queue.key, Queue.name, Queue.name_zh))
    return [id for id, *names in rows if any(fold(name).startswith(start) for name in names if name)]


def _owners(session: Session, viewer: Viewer, said: str) -> list[int]:
    """The viewer, nobody (0), or colleagues of whose name a part begins so."""
    start = fold(said)
    if start in ME:
        return [viewer.agent_id] if viewer.agent_id is not None else []
    if start in NOBODY:
        return [0]
    names = session.execute(select(Agent.id, Agent.name))
    return [id for id, name in names if any(part.startswith(start) for part in (fold(name), *fold(name).split()))][:50]


def _people(session: Session, viewer: Viewer, said: str) -> list[int]:
    """The newest customers of this name, or with this address or number."""
    match = Match(session, CUSTOMERS)
    asked = question_of(said)
    expressions = [match.all_of([Term(each.phrases, starts=True) for each in asked.must], HIGH)] if asked.must else []
    ids = set(_reached(session, viewer, asked))
    for expression in expressions:
        ids.update(session.scalars(match.found(expression).order_by(match.id.desc()).limit(MOST_PEOPLE)))
    return sorted(ids)


def _reached(session: Session, viewer: Viewer, question: Question) -> list[int]:
    """The newest customers who are reached so."""
    if viewer.masked:
        return _begun(session, viewer, question)
    match = Match(session, CUSTOMERS)
    expression = _contact_expression(match, viewer, question.contact)
    if not expression:
        return []
    return list(session.scalars(match.found(expression).order_by(match.id.desc()).limit(MOST_PEOPLE)))


def _begun(session: Session, viewer: Viewer, question: Question) -> list[int]:
    """Customers as whoever sees contacts hidden may find them: by the rule of every list."""
    if not question.contact:
        return []
    reached = select(ContactPoint.customer_id).where(is_contact(viewer, " ".join(question.typed)))
    return list(session.scalars(reached.limit(MOST_PEOPLE)))


def _contact_expression(match: Match, viewer: Viewer, contact: str) -> str:
    """Any piece of an address or a number, for whoever may read them whole: for all others a hit would tell a hidden digit."""
    if not contact or viewer.masked:
        return ""
    return match.all_of([Term(((contact,),), starts=True)], LOW)
