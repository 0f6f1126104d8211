"""The editors' desk: lists of what there is to do, the gaps with who sees to them, the figures, and the equal words."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.articles import equal_words, gaps
from desk.actions.editing import fingerprint
from desk.errors import Invalid, NotFound
from desk.http.context import installation, is_fragment, reading, viewer, writing
from desk.http.guard import needs
from desk.http.problems import say
from desk.models import Agent, EqualWords
from desk.queries.articles.knowledge_work import LISTS, PAGE, closed_gaps, figures, list_sizes, open_gaps, work_list
from desk.web.articles.words import knowledge_words

pages = Blueprint("knowledge_work", __name__, url_prefix="/desk/articles")


@pages.get("/work")
@needs(Right.WRITE_ARTICLES)
def overview() -> str:
    """The gaps, and how the knowledge fares."""
    now = installation().clock.now()
    with reading() as session:
        found = {
            "sizes": list_sizes(session, now),
            "gaps": open_gaps(session),
            "closed": closed_gaps(session, now),
            "figures": figures(session, now),
        }
    page = "knowledge/_gaps.html" if is_fragment() else "knowledge/gaps.html"
    return render_template(page, current="gaps", lists=LISTS, terms=knowledge_words(), **found)


@pages.get("/work/<name>")
@needs(Right.WRITE_ARTICLES)
def one_list(name: str) -> str:
    if name not in LISTS:
        raise NotFound("There is no such list.")
    now = installation().clock.now()
    with reading() as session:
        rows, sizes = work_list(session, name, now), list_sizes(session, now)
    page = "knowledge/_list.html" if is_fragment() else "knowledge/list.html"
    more = len(rows) > PAGE
    return render_template(page, current=name, rows=rows[:PAGE], more=more, sizes=sizes, lists=LISTS, terms=knowledge_words())


@pages.post("/gaps/look")
@needs(Right.WRITE_ARTICLES)
def look_again() -> Response:
    with writing() as tx:
        found = gaps.find_gaps(tx)
    flash(gettext("Looked at the last four weeks: open gaps %(count)s.", count=len(found)), "good")
    return redirect(url_for("knowledge_work.overview"), 303)


@pages.post("/gaps/<int:gap_id>/take")
@needs(Right.WRITE_ARTICLES)
def take_gap(gap_id: int) -> Response:
    with writing() as tx:
        gap = gaps.access_gap(tx, gap_id)
        agent = tx.session.get(Agent, viewer().agent_id) if request.form.get("take") == "yes" else None
        gaps.take(tx, gap, agent)
    return redirect(url_for("knowledge_work.overview", _anchor=f"gap-{gap_id}"), 303)


@pages.get("/words")
@needs(Right.PUBLISH_ARTICLES)
def words() -> str:
    return _words_page({})


@pages.post("/words")
@needs(Right.PUBLISH_ARTICLES)
def set_words() -> Response | tuple[str, int]:
    """A new group without an id, one that is there with it; what is left empty is taken away."""
    typed, group_id = request.form.get("words", ""), request.form.get("group", type=int)
    try:
        with writing() as tx:
            group = equal_words.access_words(tx, group_id) if group_id is not None else None
            if group is not None and not typed.strip():
                equal_words.drop_words(tx, group)
            else:
                equal_words.set_words(tx, group, typed, request.form.get("seen"))
    except Invalid as wrong:
        return _words_page({"words": say(wrong)}, typed, group_id), wrong.status
    flash(gettext("Saved. The search uses it from now on."), "good")
    return redirect(url_for("knowledge_work.words"), 303)


def _words_page(errors: dict[str, str], typed: str = "", at: int | None = None) -> str:
    with reading() as session:
        rows = session.scalars(select(EqualWords).order_by(EqualWords.updated_at.desc(), EqualWords.id.desc())).all()
    groups = [(row, fingerprint({"words": row.words})) for row in rows]
    return render_template("knowledge/words.html", groups=groups, errors=errors, typed=typed, at=at, terms=knowledge_words())
