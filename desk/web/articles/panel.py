"""The knowledge tab beside a ticket, chat or call: suggestions from its words, search, reading, using, reporting a fault.

Staff read every audience; only what its customer may read can be put into an answer.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request, session, url_for
from flask_babel import get_locale, gettext
from markupsafe import Markup
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.articles import articles, care
from desk.actions.searches import log_search, note_opened
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Article, ArticleLink, Message, Ticket
from desk.models.article import AUDIENCES, INSERTED, LINKED
from desk.models.message import IN
from desk.queries.articles.articles import access_article
from desk.web.articles.words import knowledge_words
from desk.web.console import done
from knowledge.index import Hit
from knowledge.markdown import to_html

pages = Blueprint("knowledge_panel", __name__, url_prefix="/desk/tickets/<int:number>/knowledge")
MOST, SUGGESTED = 8, 5
LATEST = 6  # messages: the question may have moved on since the first
TO_CUSTOMERS = ("public", "customer")  # what may be put into an answer


@pages.get("")
@needs(Right.READ_ARTICLES)
def search(number: int) -> str:
    """What fits the ticket as it reads now, or what was searched for; in all languages, since the words say which is meant."""
    query = request.args.get("q", "").strip()[:200]
    index = installation().knowledge
    with reading() as rows:
        ticket = access_ticket(rows, viewer(), number)
        text = "" if query else _text_of(rows, ticket)
        linked = set(rows.scalars(_linked_keys(ticket)))
    hits: list[Hit]
    meant = None
    if query:
        hits, meant = index.search(query, audiences=AUDIENCES, limit=MOST), index.did_you_mean(query, audiences=AUDIENCES)
        if request.headers.get("X-Fragment") != "1":  # the page that draws itself again asks nothing new
            with writing() as tx:
                session["searched"] = log_search(tx, "console", query, get_locale().language, len(hits), _visit())
    else:
        hits = index.suggest(text, audiences=AUDIENCES, limit=SUGGESTED) if text else []
    return render_template("tickets/_hits.html", hits=hits, query=query, meant=meant, linked=linked, number=number)


@pages.get("/<key>")
@needs(Right.READ_ARTICLES)
def read(number: int, key: str) -> str:
    with reading() as rows:
        ticket = access_ticket(rows, viewer(), number)
        article = access_article(rows, viewer(), key)
        linked = article.key in set(rows.scalars(_linked_keys(ticket)))
    searched = session.pop("searched", None)
    if isinstance(searched, int):
        with writing() as tx:
            note_opened(tx, searched, article, _visit())
    return render_template(
        "tickets/_article.html",
        article=article,
        html=Markup(to_html(article.text)),  # noqa: S704  cleaned twice by knowledge.markdown
        cause=Markup(to_html(article.cause)) if article.cause else "",  # noqa: S704
        linked=linked,
        number=number,
        address=_public_address(article),
        insertable=article.shown_to in TO_CUSTOMERS,
        words=knowledge_words(),
    )


@pages.post("/<key>/link")
@needs(Right.REPLY)
def link(number: int, key: str) -> Response:
    """It helped with the ticket; `how` says whether its words or its address went into an answer."""
    how = INSERTED if request.form.get("how") == INSERTED else LINKED
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        articles.link(tx, ticket, access_article(tx.session, viewer(), key), viewer().agent_id, how)
    toast = gettext("The article is linked to this ticket.") if how == LINKED else ""
    return done(url_for("tickets.one", number=number), toast=toast, stay=True)


@pages.post("/<key>/flag")
@needs(Right.REPLY)
def flag(number: int, key: str) -> Response:
    """A fault that was seen at work goes to the editors, with the ticket it was seen on."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        article = access_article(tx.session, viewer(), key)
        reason, note = request.form.get("reason", ""), request.form.get("note", "")
        care.flag(tx, article, reason=reason, note=note, ticket=ticket)
    return done(url_for("tickets.one", number=number), toast=gettext("Thank you. An editor will look at it."), stay=True)


def _text_of(rows: Session, ticket: Ticket) -> str:
    """What the customer asks: the subject and their last words, the latest first, as they tell most; of a call what was noted."""
    asks = Message.direction == IN
    if ticket.channel == "voice":
        asks = or_(asks, Message.kind == "note")
    latest = (
        select(Message.reply_text, Message.text)
        .where(Message.ticket_id == ticket.id, asks)
        .order_by(Message.id.desc())
        .limit(LATEST)
    )
    said = [reply or text or "" for reply, text in rows.execute(latest)]
    return "\n".join([ticket.subject, *said])[:4000]


def _linked_keys(ticket: Ticket) -> Select[tuple[str]]:
    return select(Article.key).join(ArticleLink, ArticleLink.article_id == Article.id).where(ArticleLink.ticket_id == ticket.id)


def _public_address(article: Article) -> str:
    """Where a customer can read it; nothing when they may not."""
    return f"{installation().settings.base_url}/articles/{article.key}" if article.shown_to == "public" else ""


def _visit() -> str:
    return f"agent:{viewer().agent_id}"
