"""The knowledge tab beside a ticket: suggestions from its text, search, reading, linking. Staff read every audience."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import get_locale, gettext
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions import articles
from desk.actions.searches import log_search
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Article, ArticleLink, Message, Ticket
from desk.models.article import AUDIENCES
from desk.models.message import IN
from desk.queries.articles import access_article
from desk.web import words
from desk.web.console import done
from knowledge.index import Hit
from knowledge.markdown import to_html

pages = Blueprint("knowledge_panel", __name__, url_prefix="/desk/tickets/<int:number>/knowledge")
MOST = 8


@pages.get("")
@needs(Right.READ_ARTICLES)
def search(number: int) -> str:
    """What fits the ticket, or what was searched for; all languages, since the words say which one is meant."""
    query = request.args.get("q", "").strip()[:200]
    index = installation().knowledge
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        text = "" if query else _text_of(session, ticket)
        linked = set(session.scalars(_linked_keys(ticket)))
    hits: list[Hit]
    if query:
        hits = index.search(query, audiences=AUDIENCES, limit=MOST)
        with writing() as tx:
            log_search(tx, "console", query, get_locale().language, len(hits))
    else:
        hits = index.suggest(text, audiences=AUDIENCES, limit=5) if text else []
    return render_template("tickets/_hits.html", hits=hits, query=query, linked=linked, number=number, words=words.everything())


@pages.get("/<key>")
@needs(Right.READ_ARTICLES)
def read(number: int, key: str) -> str:
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        article = access_article(session, viewer(), key)
        linked = article.key in set(session.scalars(_linked_keys(ticket)))
        address = _public_address(article)
        return render_template(
            "tickets/_article.html",
            article=article,
            html=to_html(article.text),
            linked=linked,
            number=number,
            address=address,
            words=words.everything(),
        )


@pages.post("/<key>/link")
@needs(Right.REPLY)
def link(number: int, key: str) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        articles.link(tx, ticket, access_article(tx.session, viewer(), key), viewer().agent_id)
    return done(url_for("tickets.one", number=number), toast=gettext("The article is linked to this ticket."), stay=True)


def _text_of(session: Session, ticket: Ticket) -> str:
    """What the customer asks: the subject and their last words."""
    last = session.scalar(
        select(Message.reply_text)
        .where(Message.ticket_id == ticket.id, Message.direction == IN)
        .order_by(Message.id.desc())
        .limit(1)
    )
    return f"{ticket.subject}\n{last or ''}"[:4000]


def _linked_keys(ticket: Ticket) -> Select[tuple[str]]:
    return select(Article.key).join(ArticleLink, ArticleLink.article_id == Article.id).where(ArticleLink.ticket_id == ticket.id)


def _public_address(article: Article) -> str:
    """Where a customer can read it; nothing when they may not."""
    return f"{installation().settings.base_url}/articles/{article.key}" if article.audience == "public" else ""
