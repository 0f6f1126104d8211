"""The help centre: the front page of the company's service, with its answers and every way to reach a person."""

from __future__ import annotations

import secrets
from hashlib import sha256

import phonenumbers
from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from desk.actions import articles
from desk.actions.searches import log_search
from desk.config import LOCALES
from desk.events import Actor
from desk.http.context import installation, reading, writing
from desk.http.guard import public
from desk.queries.help_centre import READABLE, popular_by_topic, public_article
from desk.web.rate import limit
from desk.web.reader import language
from knowledge.markdown import to_html

pages = Blueprint("help_centre", __name__)

MOST_HITS = 20
RUN = secrets.token_hex(4)  # pages kept by browsers are asked for again after a restart, which may have changed how they look


@pages.get("/")
@public
def home() -> str:
    """What can be found, what others read, and how to reach us; with `q`, what was found."""
    query, lang = request.args.get("q", "").strip()[:200], request.args.get("in", "") or language()
    hits, widened, meant = _search(query, lang) if query else ([], False, None)
    with reading() as reader:
        topics = [] if query else popular_by_topic(reader, language())
    desk = installation()
    return render_template(
        "help_centre/home.html",
        query=query,
        lang=lang,
        hits=[(hit, Markup(hit.snippet_html)) for hit in hits],  # noqa: S704  the index escapes the text around its marks
        widened=widened,
        meant=meant,
        topics=topics,
        mail_address=desk.settings.mail_from,
        phone=_spaced(desk.settings.twilio_number or getattr(desk.carrier, "number", "")),
        has_chat="chat" in current_app.blueprints,
    )


@pages.get("/articles/<key>")
@public
def article(key: str) -> Response:
    """One answer. A browser that has it asks only whether it has changed."""
    with reading() as reader:
        found, twin = public_article(reader, key)
    voted = session.get("voted", [])
    response = Response(mimetype="text/html")
    # The page also holds the reader's own form token, so that what is kept is good only for the same session.
    parts = (RUN, found.key, found.version, found.state, twin and twin.key, language(), key in voted, session.get("csrf_token"))
    response.set_etag(sha256(repr(parts).encode()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    if response.make_conditional(request).status_code != 304:
        page = render_template(
            "help_centre/article.html",
            article=found,
            twin=twin,
            body=Markup(to_html(found.text)),  # noqa: S704  cleaned twice by knowledge.markdown
            voted=key in voted,
        )
        response.set_data(page)
    return response


@pages.post("/articles/<key>/vote")
@public
def vote(key: str) -> Response:
    """Whether it helped; one vote for each reader and article."""
    limit("vote", "60 per 10 minutes")
    voted = session.get("voted", [])
    if key not in voted and request.form.get("helpful") in ("yes", "no"):
        with writing(Actor("customer", None, "visitor")) as tx:
            found, _ = public_article(tx.session, key)
            articles.vote(tx, found, helpful=request.form["helpful"] == "yes")
        session["voted"] = [*voted, key][-100:]
    return redirect(url_for("help_centre.article", key=key, _anchor="vote"), 303)


def _search(query: str, lang: str) -> tuple[list, bool, str | None]:
    """The hits in one language; when there are none, those in all languages, which is said; the query as it was understood."""
    knowledge = installation().knowledge
    only = lang if lang in LOCALES else None
    hits = knowledge.search(query, audiences={READABLE}, lang=only, limit=MOST_HITS)
    widened = not hits and only is not None
    if widened:
        hits = knowledge.search(query, audiences={READABLE}, limit=MOST_HITS)
    meant = knowledge.did_you_mean(query, audiences={READABLE}, lang=None if widened else only)
    with writing(Actor("customer", None, "visitor")) as tx:
        log_search(tx, "help_centre", query, language(), len(hits))
    return hits, widened and bool(hits), meant


def _spaced(number: str) -> str:
    """The number as people read it out: +86 21 5550 1234."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number
