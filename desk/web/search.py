"""Search over everything that the viewer may see: the page of results, and the few best while somebody types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer
from desk.http.context import installation, reading, viewer
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import Queue
from desk.models.article import AUDIENCES
from desk.models.ticket import LIVE
from desk.queries.people.customer_page import ListRow
from desk.queries.search.progress import to_fill
from desk.queries.search.question import PENDING, Question, question_of
from desk.queries.search.results import TicketHit, customer_hits, ticket_hits
from desk.queries.search.search import HEAD, NUMBER, PERSON, TEXT, Narrowing, Place, find_customers, find_tickets
from desk.web.words import everything
from knowledge.index import Hit

pages = Blueprint("search", __name__)

KINDS = ("tickets", "messages", "customers", "articles")
PLACES = {"tickets": (NUMBER, PERSON, HEAD), "messages": (TEXT,)}
PAGE, OF_EACH, AT_ONCE = 25, 5, 4  # on the page of one kind, on the page of all kinds, while typing
STATUSES = {"live": LIVE, "pending": PENDING, "solved": ("solved",), "closed": ("closed",)}


@dataclass
class Found:
    """What was found of each kind that the viewer may look for; `more` names the kinds of which there is more, with its place."""

    tickets: list[TicketHit] = field(default_factory=list)
    messages: list[TicketHit] = field(default_factory=list)
    customers: list[ListRow] = field(default_factory=list)
    articles: list[Hit] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(len(getattr(self, kind)) for kind in KINDS)


@pages.get("/desk/search")
@needs(Right.SIGNED_IN)
def page() -> str:
    asked = {name: request.args.get(name, "")[:300] for name in ("q", "kind", "status", "queue", "since", "until", "after")}
    kinds = kinds_for(viewer())
    kind = asked["kind"] if asked["kind"] in kinds else ""
    question = question_of(asked["q"])
    with reading() as session:
        wanted = (kind,) if kind else kinds
        found = find(session, question, wanted, PAGE if kind else OF_EACH, _narrowing(asked), asked["after"])
        queues = session.scalars(select(Queue).order_by(Queue.position, Queue.id)).all()
        left, of = to_fill(session)
    kept = {name: value for name, value in asked.items() if value and name not in ("after", "kind")}
    return render_template(
        "search/page.html",
        asked=asked,
        kind=kind,
        kinds=kinds,
        found=found,
        kept=kept,
        queues=queues,
        words=everything(),
        filling=round(100 * (of - left) / of) if left and of else None,
        next_page=url_for("search.page", **kept, kind=kind, after=found.more[kind]) if kind in found.more else "",
    )


@pages.get("/desk/search/instant")
@needs(Right.SIGNED_IN)
def instant() -> str:
    """The few best of each kind, as options of a list."""
    question = question_of(request.args.get("q", ""))
    with reading() as session:
        found = find(session, question, kinds_for(viewer()), AT_ONCE, Narrowing(), "")
    return render_template("search/_instant.html", found=found, question=question, words=everything())


def find(session: Session, question: Question, kinds: Sequence[str], limit: int, narrowing: Narrowing, after: str) -> Found:
    """So many of each kind. Customers and articles have neither status nor queue: with such filters only tickets are meant."""
    found = Found()
    is_narrow = question.has_filter or narrowing != Narrowing()
    for kind in kinds:
        if kind in PLACES:
            places = find_tickets(session, viewer(), question, narrowing, places=PLACES[kind], after=_place(after), limit=limit)
            setattr(found, kind, ticket_hits(session, question, places[:limit]))
            if len(places) > limit:
                found.more[kind] = f"{places[limit - 1][0]}.{places[limit - 1][1]}"
        elif kind == "customers" and not is_narrow:
            ids = find_customers(session, viewer(), question, after=whole(after), limit=limit)
            found.customers = customer_hits(session, viewer(), ids[:limit])
            if len(ids) > limit:
                found.more[kind] = str(ids[limit - 1])
        elif kind == "articles" and not is_narrow and question.typed:
            offset = min(whole(after) or 0, 1000)
            words = " ".join(question.typed)
            hits = installation().knowledge.search(words, audiences=set(AUDIENCES), limit=limit + 1, offset=offset)
            found.articles = hits[:limit]
            if len(hits) > limit:
                found.more[kind] = str(offset + limit)
    return found


def kinds_for(who: Viewer) -> tuple[str, ...]:
    """What somebody may look for at all."""
    may = {
        "tickets": who.can(Right.READ_TICKETS) or who.can(Right.READ_COMPLAINTS) or who.can(Right.TAKE_WORK),
        "customers": who.can(Right.READ_CUSTOMERS),
        "articles": who.can(Right.READ_ARTICLES),
    }
    may["messages"] = may["tickets"]
    return tuple(kind for kind in KINDS if may[kind])


def _narrowing(asked: dict[str, str]) -> Narrowing:
    queue_id = whole(asked["queue"])
    until = _day(asked["until"])
    return Narrowing(
        statuses=STATUSES.get(asked["status"]),
        queue_ids=None if queue_id is None else (queue_id,),
        since=_day(asked["since"]),
        until=None if until is None else until + timedelta(days=1),
    )


def _day(text: str) -> datetime | None:
    """The beginning of a day in the desk's time zone; None for what is no day."""
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        return None
    return datetime.combine(day, time(), ZoneInfo(installation().settings.timezone)) if 1970 < day.year < 9000 else None


def _place(text: str) -> Place | None:
    how, _, ticket_id = text.partition(".")
    place, last = whole(how), whole(ticket_id)
    return None if place is None or last is None else (place, last)
