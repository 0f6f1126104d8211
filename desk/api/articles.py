"""Knowledge articles for programs, with their products and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, g, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.articles import articles
from desk.api import shapes
from desk.api.fields import Fields
from desk.api.lists import page
from desk.api.once import once
from desk.errors import Conflict, Invalid, NotAllowed
from desk.http.context import installation, reading, writing
from desk.http.guard import needs
from desk.http.sending import send
from desk.models import Article
from desk.models.article import AUDIENCES, INTERNAL
from desk.queries.articles.articles import access_article, may_edit, visible_articles
from desk.queries.articles.files import file_of, files_of_all
from desk.queries.articles.products import about, products_of
from desk.store import Tx

pages = Blueprint("articles", __name__)

LONGEST = {"title": 200, "text": 200_000, "question": 1000, "summary": 300, "environment": 300, "cause": 20_000, "category": 50}
MORE = ("audience", "tags", "products", "twin")


@pages.get("/articles")
@needs(Right.READ_ARTICLES)
def list_articles() -> Response:
    query = select(Article).where(visible_articles(g.viewer))
    for name, column in (("lang", Article.lang), ("state", Article.state), ("audience", Article.audience)):
        if request.args.get(name):
            query = query.where(column == request.args[name])
    if request.args.get("product"):
        query = query.where(about(request.args["product"]))
    with reading() as session:
        return jsonify(page(session, query, Article.id, lambda rows: _shapes(session, [row[0] for row in rows])))


@pages.post("/articles")
@needs(Right.WRITE_ARTICLES)
def write_article() -> Response:
    """A draft, like all that is new."""
    fields = Fields(request)
    key, lang = fields.text("id", required=True, most=80), fields.choice("lang", ("en", "zh"), "")
    given = _given(fields, needed=("title", "text"))
    fields.check("id", "lang", *LONGEST, *MORE)

    def act(tx: Tx) -> dict[str, Any]:
        if tx.session.scalar(select(Article.id).where(Article.key == key)) is not None:
            raise Conflict("Another article has this key.")
        return _shape(tx.session, articles.write_article(tx, key=key, lang=lang, **given))

    return once(act)


@pages.get("/articles/<key>")
@needs(Right.READ_ARTICLES)
def get_article(key: str) -> Response:
    with reading() as session:
        return jsonify(_shape(session, access_article(session, g.viewer, key)))


@pages.patch("/articles/<key>")
@needs(Right.WRITE_ARTICLES)
def change_article(key: str) -> Response:
    """A new version, made from the one that is named."""
    fields = Fields(request)
    version, agrees = fields.number("version"), fields.flag("agrees")
    given = _given(fields)
    fields.check("version", "agrees", *LONGEST, *MORE)
    if version is None:
        raise Invalid("Name the “version” that the change was made from.")
    with writing() as tx:
        article = access_article(tx.session, g.viewer, key)
        if not may_edit(g.viewer, article):
            raise NotAllowed("Your role does not allow this.")
        kept = {"audience": article.audience, "tags": tuple(article.tags), "twin_key": article.twin_key}
        kept |= {name: getattr(article, name) for name in ("title", "text", "question", "summary")}
        articles.write_article(tx, key=key, lang=article.lang, based_on=version, agrees=agrees, **kept | given)
        return jsonify(_shape(tx.session, article))


@pages.get("/articles/<key>/files/<int:file_id>")
@needs(Right.READ_ARTICLES)
def get_file(key: str, file_id: int) -> Response:
    with reading() as session:
        file = file_of(session, access_article(session, g.viewer, key), file_id)
    return send(file, as_attachment=True)


@pages.get("/search")
@needs(Right.READ_ARTICLES)
def search() -> Response:
    """Articles that answer a question, in either language."""
    question, lang = request.args.get("q", "").strip(), request.args.get("lang") or None
    if not question:
        raise Invalid("Give a question as “q”.")
    if lang not in (None, "en", "zh"):
        raise Invalid("An article is in English or Chinese.")
    product = request.args.get("product", "").strip()[:100]
    hits = installation().knowledge.search(question, audiences=set(AUDIENCES), lang=lang, product=product)
    items = [
        {
            "id": hit.id,
            "score": hit.score,
            "title": hit.title,
            "snippet_html": hit.snippet_html,
            "lang": hit.lang,
            "products": list(hit.products),
        }
        for hit in hits
    ]
    return jsonify(items=items, next=None)


def _given(fields: Fields, needed: Sequence[str] = ()) -> dict[str, Any]:
    """What the body says of an article, for `articles.write_article`; what it leaves out is not in it."""
    words = {name: fields.text(name, required=name in needed, most=most) for name, most in LONGEST.items()}
    lists = {name: tuple(fields.texts(name)) for name in ("tags", "products")}
    others = {"audience": fields.choice("audience", AUDIENCES, INTERNAL), "twin_key": fields.text("twin", most=200)}
    said = {name: value for name, value in {**words, **lists, **others}.items() if fields.has(name.removesuffix("_key"))}
    return said | {name: words[name] for name in needed}


def _shape(session: Session, article: Article) -> dict[str, Any]:
    shape = _shapes(session, [article])[0]
    return {name: value for name, value in shape.items() if name != "_key"}


def _shapes(session: Session, rows: Sequence[Article]) -> list[dict[str, Any]]:
    ids = [article.id for article in rows]
    products, files = products_of(session, ids), files_of_all(session, ids)
    return [shapes.article_shape(each, products[each.id], files[each.id]) | {"_key": each.id} for each in rows]
