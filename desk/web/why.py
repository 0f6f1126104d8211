"""Why work waits and why it went to somebody, for supervisors: on the board and beside the ticket."""

from __future__ import annotations

from flask import Blueprint, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Right, access_ticket
from desk.http import why_words
from desk.http.context import installation, reading, viewer
from desk.http.guard import needs
from desk.models import Ticket, WorkItem
from desk.models.work_item import IN_HAND, WAITING
from desk.queries.board.board import access_item
from desk.queries.work.why import why_waits
from desk.queries.work.why_offer import OfferWhy, offers_of, teams_by_key, why_offered
from desk.web.words import everything

pages = Blueprint("why", __name__)

MOST_OPEN = 5
MOST_ITEMS = 50  # of a ticket, whose offers are shown


@pages.get("/board/items/<int:item_id>/why")
@needs(Right.SUPERVISE)
def item(item_id: int) -> str:
    """Why this work waits, who could take it, and how it was offered so far."""
    with reading() as session:
        work, _ticket = access_item(session, viewer(), item_id)
        return render_template("routing/_why.html", **about(session, work))


def about(session: Session, work: WorkItem) -> dict[str, object]:
    """What the panel of one piece of work needs."""
    return {
        "why": why_waits(session, viewer(), work, installation().clock.now()),
        "offers": offers_of(session, viewer(), [work]),
        "teams": teams_by_key(session),
        "told": why_words,
    }


@pages.get("/board/offers/<int:offer_id>/why")
@needs(Right.SUPERVISE)
def offer(offer_id: int) -> str:
    """Why this offer went to whom it went to."""
    with reading() as session:
        found = why_offered(session, viewer(), offer_id)
        ticket = session.get_one(Ticket, found.item.ticket_id)
        return render_template("routing/_offer.html", found=found, ticket=ticket, teams=teams_by_key(session), told=why_words)


@pages.get("/desk/tickets/<int:number>/routing")
@needs(Right.SUPERVISE)
def of_ticket(number: int) -> str:
    """How the work of a ticket is routed."""
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        return render_template("routing/_ticket.html", words=everything(), **_of_ticket(session, ticket))


def _of_ticket(session: Session, ticket: Ticket) -> dict[str, object]:
    query = select(WorkItem).where(WorkItem.ticket_id == ticket.id).order_by(WorkItem.id.desc())
    items = session.scalars(query.limit(MOST_ITEMS)).all()
    now = installation().clock.now()
    is_open = [each for each in items if each.state in (WAITING, *IN_HAND)][:MOST_OPEN]
    offers = offers_of(session, viewer(), items)
    of_open: dict[int, list[OfferWhy]] = {each.id: [] for each in is_open}
    for each in offers:
        of_open.get(each.item.id, []).append(each)
    return {
        "open": [why_waits(session, viewer(), each, now) for each in is_open],
        "offers_of": of_open,
        "past": [each for each in offers if each.item.id not in of_open],
        "teams": teams_by_key(session),
        "told": why_words,
    }
