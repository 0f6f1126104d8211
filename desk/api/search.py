"""What is found by words, numbers and names, for programs: the same as on the page, for the same eyes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, request
from werkzeug.wrappers import Response

from desk.access import Right, shown_name
from desk.api.lists import LARGEST_LIMIT
from desk.errors import Invalid, NotAllowed
from desk.http.context import reading
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.queries.people.customer_page import ListRow
from desk.queries.search.question import question_of
from desk.queries.search.results import TicketHit, customer_hits, ticket_hits
from desk.queries.search.search import HEAD, NUMBER, PERSON, TEXT, find_customers, find_tickets

pages = Blueprint("search", __name__)


@pages.get("/search/tickets")
@needs(Right.SIGNED_IN)
def tickets() -> Response:
    """Tickets by number, subject, and whose they are."""
    return _tickets((NUMBER, PERSON, HEAD))


@pages.get("/search/messages")
@needs(Right.SIGNED_IN)
def messages() -> Response:
    """Tickets by what was written on them, with the message that says why."""
    return _tickets((TEXT,))


@pages.get("/search/customers")
@needs(Right.READ_CUSTOMERS)
def customers() -> Response:
    """Customers by name, and for whoever may read them by address and number, or a piece of one."""
    question, limit, cursor = question_of(_words()), _limit(), request.args.get("cursor", "")
    if cursor and whole(cursor) is None:
        raise Invalid("This cursor is not one of ours. Leave it out to begin at the start.")
    with reading() as session:
        ids = find_customers(session, g.viewer, question, after=whole(cursor), limit=limit)
        rows = customer_hits(session, g.viewer, ids[:limit])
    return jsonify(items=[_customer(row) for row in rows], next=str(ids[limit - 1]) if len(ids) > limit else None)


def _tickets(places: tuple[int, ...]) -> Response:
    if not any(g.viewer.can(right) for right in (Right.READ_TICKETS, Right.READ_COMPLAINTS)):
        raise NotAllowed("Your role does not allow this.")
    question, limit, cursor = question_of(_words()), _limit(), request.args.get("cursor", "")
    how, _, last = cursor.partition(".")
    place, ticket_id = whole(how), whole(last)
    after = (place, ticket_id) if place is not None and ticket_id is not None else None
    if cursor and after is None:
        raise Invalid("This cursor is not one of ours. Leave it out to begin at the start.")
    with reading() as session:
        found = find_tickets(session, g.viewer, question, places=places, after=after, limit=limit)
        hits = ticket_hits(session, question, found[:limit])
    more = f"{found[limit - 1][0]}.{found[limit - 1][1]}" if len(found) > limit else None
    return jsonify(items=[_ticket(hit) for hit in hits], next=more)


def _words() -> str:
    words = request.args.get("q", "").strip()
    if not words:
        raise Invalid("Give a question as “q”.")
    return words


def _limit() -> int:
    limit = whole(request.args.get("limit", "25"))
    if limit is None or not 1 <= limit <= LARGEST_LIMIT:
        raise Invalid("“limit” is a number from 1 to %(most)s.", most=LARGEST_LIMIT)
    return limit


def _ticket(hit: TicketHit) -> dict[str, Any]:
    said = hit.said
    return {
        "number": hit.ticket.number,
        "subject": hit.ticket.subject,
        "status": hit.ticket.status,
        "customer": {"id": hit.ticket.customer_id, "name": shown_name(g.viewer, hit.customer_name)},
        "title_html": hit.title_html,
        "snippet_html": said.snippet_html if said else None,
    }


def _customer(row: ListRow) -> dict[str, Any]:
    return {"id": row.customer.id, "name": shown_name(g.viewer, row.customer.name), "contact": row.contact or None}
