"""The help centre: the front page of the company's service, with its answers and every way to reach a person."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import phonenumbers
from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from desk.actions.articles import articles, care
from desk.actions.searches import log_search, note_asked, note_opened
from desk.config import LOCALES
from desk.errors import NotFound
from desk.events import Actor
from desk.http.context import installation, reading, writing
from desk.http.guard import public
from desk.http.sending import PICTURES, send
from desk.models import Article
from desk.queries.articles.files import file_of, files_of
from desk.queries.articles.help_centre import (
    READERS,
    all_public,
    of_product,
    popular_by_topic,
    public_article,
    public_products,
    suggested,
)
from desk.queries.articles.products import products_of
from desk.web.articles.words import VOTE_REASONS
from desk.web.public.rate import limit
from desk.web.public.reader import language
from knowledge.markdown import to_html

pages = Blueprint("help_centre", __name__)

MOST_HITS, RELATED = 20, 4
SUGGESTS_FROM = ("statement", "text")
LOOKS_FROM = ("desk", "knowledge", "templates")


@pages.get("/")
@public
def home() -> str:
    """What can be found, what others read, and how to reach us; with `q`, what was found; with `product`, what is about it."""
    query, lang = request.args.get("q", "").strip()[:200], request.args.get("in", "") or language()
    product = request.args.get("product", "").strip()[:100]
    hits, widened, meant = _search(query, lang, product) if query else ([], False, None)
    with reading() as reader:
        chosen = of_product(reader, language(), product) if product and not query else None
        topics = [] if query or chosen else popular_by_topic(reader, language())
        products = [] if query else public_products(reader, language())
    desk = installation()
    return render_template(
        "help_centre/home.html",
        query=query,
        lang=lang,
        hits=[(hit, Markup(hit.snippet_html)) for hit in hits],  # noqa: S704  the index escapes the text around its marks
        widened=widened,
        meant=meant,
        topics=topics,
        product=product,
        chosen=chosen,
        products=products,
        counts=sorted(Counter(name for hit in hits for name in hit.products).items()),
        mail_address=desk.settings.mail_from,
        phone=_spaced(desk.settings.twilio_number or getattr(desk.carrier, "number", "")),
        has_chat="chat" in current_app.blueprints,
    )


@pages.get("/starts")
@public
def starts() -> str:
    """Titles that begin like what is being typed, for the search field."""
    limit("starts", "600 per 10 minutes")
    lang = request.args.get("in", "")
    typed = request.args.get("q", "")[:200]
    only = lang if lang in LOCALES else None
    return render_template(
        "help_centre/_starts.html", hits=installation().knowledge.title_prefix(typed, audiences=READERS, lang=only)
    )


@pages.post("/suggestions")
@public
def suggestions() -> str:
    """Answers for what somebody is writing to us, before they send it. Nothing of it is kept."""
    limit("suggestions", "300 per 10 minutes")
    text = next((value for name in SUGGESTS_FROM if (value := request.form.get(name, "").strip())), "")
    return render_template("help_centre/_suggestions.html", hits=suggested(installation().knowledge, text))


@pages.get("/articles/<key>")
@public
def article(key: str) -> Response:
    """One answer. A browser that has it asks only whether it has changed."""
    with reading() as reader:
        found, twin = public_article(reader, key)
        files, products = files_of(reader, found), products_of(reader, [found.id])[found.id]
    if found.key != key:  # what was asked for was merged into it
        return redirect(url_for("help_centre.article", key=found.key), 301)
    _note_opened(found.id)
    index = installation().knowledge
    like = index.suggest(f"{found.title} {found.question}", audiences=READERS, lang=found.lang, limit=RELATED + 1)
    related = [hit for hit in like if hit.id != key][:RELATED]
    why = session.get("why") or ["", 0]
    response = Response(mimetype="text/html")
    # The page also holds the reader's own form token, so that what is kept is good only for the same session.
    around = (twin and twin.key, [hit.id for hit in related], [file_id for file_id, _ in files])
    # A restart may have changed how it looks, by program or settings; which of several processes answers makes no difference.
    looks = _program(), repr(replace(installation().settings, http_port=0, smtp_port=0, metrics_port=0, base_url=""))
    about = (looks, key, found.version, found.updated_at, *around, language())
    parts = (*about, key in session.get("voted", []), why[0] == key, session.get("csrf_token"))
    response.set_etag(sha256(repr(parts).encode()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    if response.make_conditional(request).status_code != 304:
        page = render_template(
            "help_centre/article.html",
            article=found,
            twin=twin,
            body=Markup(to_html(found.text)),  # noqa: S704  cleaned twice by knowledge.markdown
            cause=Markup(to_html(found.cause)) if found.cause else "",  # noqa: S704
            related=related,
            files=files,
            pictures=PICTURES,
            products=products,
            voted=key in session.get("voted", []),
            asks_why=why[0] == key,
            reasons=VOTE_REASONS,
            address=url_for("help_centre.article", key=key, _external=True),
        )
        response.set_data(page)
    return response


@pages.get("/articles/<key>/files/<int:file_id>")
@public
def file(key: str, file_id: int) -> Response:
    """A file of an article that everybody may read, for as long as everybody may; pictures are shown, all else is saved."""
    with reading() as reader:
        found, _ = public_article(reader, key)
        if found.key != key:
            raise NotFound("There is no such file.")
        kept = file_of(reader, found, file_id)
    return send(kept, as_attachment=kept.content_type not in PICTURES)


@pages.post("/articles/<key>/vote")
@public
def vote(key: str) -> Response:
    """Whether it helped; one vote for each reader and article."""
    limit("vote", "60 per 10 minutes")
    voted, helpful = session.get("voted", []), request.form.get("helpful")
    if key not in voted and helpful in ("yes", "no"):
        searched = session.get("searched")
        with writing(Actor("customer", None, "visitor")) as tx:
            found, _ = public_article(tx.session, key)
            search_id = searched if isinstance(searched, int) else None
            vote_id = articles.vote(tx, found, helpful=helpful == "yes", search_id=search_id)
        session["voted"] = [*voted, key][-100:]
        session["why"] = [key, vote_id] if helpful == "no" else None
    return redirect(url_for("help_centre.article", key=key, _anchor="vote"), 303)


@pages.post("/articles/<key>/why")
@public
def say_why(key: str) -> Response:
    """Why it did not help; only from the reader who has just said so."""
    limit("vote", "60 per 10 minutes")
    asked, vote_id = session.get("why") or ["", 0]
    if asked == key:
        reason, note = request.form.get("reason", ""), request.form.get("note", "")
        with writing(Actor("customer", None, "visitor")) as tx:
            public_article(tx.session, key)
            care.say_why(tx, vote_id, reason=reason, note=note)
        session["why"] = None
    return redirect(url_for("help_centre.article", key=key, _anchor="vote"), 303)


@pages.get("/sitemap.xml")
@public
def sitemap() -> Response:
    """Every article that everybody may read, each with the same one in the other language."""
    with reading() as reader:
        entries = all_public(reader)
    return Response(
        render_template("help_centre/sitemap.xml", entries=entries, root=request.url_root), mimetype="application/xml"
    )


@pages.get("/robots.txt")
@public
def robots() -> Response:
    """Where search engines find the articles, and what is none of theirs."""
    closed = "".join(
        f"Disallow: {path}\n"
        for path in ("/desk", "/board", "/admin", "/portal", "/track", "/survey", "/login", "/try", "/mailbox")
    )
    text = f"User-agent: *\n{closed}Sitemap: {url_for('help_centre.sitemap', _external=True)}\n"
    return Response(text, mimetype="text/plain")


def note_asked_all_the_same() -> None:
    """Whoever has searched here writes or calls now: the search did not settle it."""
    searched = session.get("searched")
    if isinstance(searched, int):
        with writing(Actor("customer", None, "visitor")) as tx:
            note_asked(tx, searched)


@cache
def _program() -> str:
    """All that makes pages look as they do, as one word."""
    root, known = Path(current_app.root_path).parent, sha256()
    for path in sorted(path for folder in LOOKS_FROM for path in (root / folder).rglob("*")):
        if path.suffix in (".py", ".html", ".css", ".mo"):
            known.update(path.read_bytes())
    return known.hexdigest()


def _note_opened(article_id: int) -> None:
    """The reader went on from a search of theirs; only the first article of each counts."""
    searched = session.get("searched")
    if isinstance(searched, int) and session.get("opened") != searched:
        with writing(Actor("customer", None, "visitor")) as tx:
            note_opened(tx, searched, tx.session.get_one(Article, article_id), session.get("visit", ""))
        session["opened"] = searched


def _search(query: str, lang: str, product: str) -> tuple[list, bool, str | None]:
    """The hits in one language; when there are none, those in all languages, which is said; the query as it was understood."""
    knowledge = installation().knowledge
    only = lang if lang in LOCALES else None
    hits = knowledge.search(query, audiences=READERS, lang=only, product=product, limit=MOST_HITS)
    widened = not hits and only is not None
    if widened:
        hits = knowledge.search(query, audiences=READERS, product=product, limit=MOST_HITS)
    meant = knowledge.did_you_mean(query, audiences=READERS, lang=None if widened else only)
    visit = session.setdefault("visit", secrets.token_hex(8))
    with writing(Actor("customer", None, "visitor")) as tx:
        session["searched"] = log_search(tx, "help_centre", query, language(), len(hits), visit)
    return hits, widened and bool(hits), meant


def _spaced(number: str) -> str:
    """The number as people read it out: +86 21 5550 1234."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number
