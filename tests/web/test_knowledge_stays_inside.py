"""Whatever is done with articles, no page of strangers shows one that is not for them: no word of it, nor that it is there."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from desk.actions.articles import articles, care, files
from desk.errors import DeskError
from desk.models import Article, ArticleFile
from desk.models.article import AUDIENCES, CONFIDENCES, PUBLISHED, STATES, VALIDATED
from desk.queries.articles import help_centre
from desk.work.indexing import Indexing
from tests.world import running, settings_for

# A word of its own for each article, far enough from the others that no slip of the finger makes one of another.
MARKS = ("quibblefern", "oxmarrow", "juniperlamp", "vexillating", "brambleknot", "sphagnumtide")
KEYS = tuple(f"about-{mark}" for mark in MARKS)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("audience"), st.sampled_from(KEYS), st.sampled_from(AUDIENCES)),
        st.tuples(st.just("state"), st.sampled_from(KEYS), st.sampled_from(STATES)),
        st.tuples(st.just("confidence"), st.sampled_from(KEYS), st.sampled_from(CONFIDENCES)),
        st.tuples(st.just("merge"), st.sampled_from(KEYS), st.sampled_from(KEYS)),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("inside")), background=False) as world:
        with world.tx() as tx:
            for key, mark in zip(KEYS, MARKS, strict=True):
                kept = world.desk.files.keep(f"the plan of {mark}".encode(), f"plan-{mark}.txt")
                files.add_files(tx, write(tx, key, mark, "public"), [kept])
            world.files = dict(tx.session.execute(select(Article.key, ArticleFile.id).join(ArticleFile)).all())
        # Whose files each article has: those of one that was merged go along only to readers who had them already.
        world.holding = {key: {mark} for key, mark in zip(KEYS, MARKS, strict=True)}
        world.indexing = Indexing(world.desk)
        world.indexing.check()
        world.desk.store.subscribe(world.indexing.follow)
        yield world


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(acts)
def test_no_public_path_shows_what_is_not_public(world, acts):
    for what, key, value in acts:
        try:
            with world.tx() as tx:
                change(world, tx, what, key, value)
        except DeskError:
            pass  # merged with itself, or with one that was put away
    random.seed()  # Whoosh names its files at random, and here all chance begins alike each time
    world.indexing.turn()
    with world.desk.store.read() as reading:
        rows = reading.scalars(select(Article)).all()
    open_to_all = {row.key for row in rows if (row.state, row.audience, row.confidence) == (PUBLISHED, "public", VALIDATED)}
    world.app.extensions.pop("rates", None)
    stranger = world.app.test_client()
    for key, mark in zip(KEYS, MARKS, strict=True):
        shown = "".join(answers(stranger, key, mark, world.files[key]))
        for word in (f"Title {mark}", f"secret of {mark}", f"Product {mark}"):
            assert (word in shown) == (key in open_to_all), (key, word)
        for word in (f"plan-{mark}.txt", f"the plan of {mark}"):
            assert (word in shown) == any(mark in world.holding[each] for each in open_to_all), (key, word)
    suggested = {hit.id for mark in MARKS for hit in help_centre.suggested(world.desk.knowledge, f"The lantern of {mark}", 9)}
    assert suggested <= open_to_all  # what a chat offers while somebody writes
    everything = stranger.get("/?q=lantern&in=all&lang=en").text
    assert f"{len(open_to_all)} answer" in everything
    # What is counted beside the answers, and what is found by a product that all of them share, is no more than they.
    assert {int(count) for count in re.findall(r'>Lantern <span class="quiet num">(\d+)<', everything)} <= {len(open_to_all)}
    assert f"{len(open_to_all)} answer" in stranger.get("/?q=lantern&in=all&lang=en&product=Lantern").text
    assert ("product=Lantern" in stranger.get("/?lang=en").text) == bool(open_to_all)
    listed = stranger.get("/?product=Lantern&lang=en").text
    assert {key for key in KEYS if f'href="/articles/{key}"' in listed} == open_to_all
    assert {key for key in KEYS if f"/articles/{key}<" in stranger.get("/sitemap.xml").text} == open_to_all
    for row in rows:
        answer = stranger.get(f"/articles/{row.key}")
        into = next((other.key for other in rows if other.id == row.merged_into_id), None)
        if row.key in open_to_all:
            assert answer.status_code == 200
        elif into in open_to_all:
            assert (answer.status_code, answer.location) == (301, f"/articles/{into}")
        else:
            assert answer.status_code == 404


def answers(stranger, key, mark, file_id):
    """All that a stranger can ask for, with the very words of the article. What they typed themselves is no news."""
    slip = mark[:4] + mark[5] + mark[4] + mark[6:]
    for path in (
        *(f"/?q={word}&in={lang}&lang=en" for word in (mark, slip, f"secret+{mark}") for lang in ("en", "all")),
        *(f"/starts?q={typed}&in=all" for typed in (mark[:3], f"Title {mark}")),
        *(f"/?q={mark}&in=all&product=Product+{mark}", f"/?product=Product+{mark}&lang=en"),
        *(f"/articles/{other}/files/{file_id}" for other in (key, KEYS[0])),
        f"/desk/articles/{key}/files/{file_id}",
        *("/", "/sitemap.xml", "/robots.txt", "/write", "/complaints/new", "/openapi.json"),
        *(f"/api/v1/{path}" for path in (f"search?q={mark}", "articles", f"articles/{key}", f"articles/{key}/files/{file_id}")),
        *(f"/articles/{other}" for other in KEYS),
    ):
        with stranger.get(path) as answer:  # a file is read from the disk until it is closed
            text = answer.text
        assert answer.status_code < 500, path
        typed = (f'value="{mark}"', f'value="Product {mark}"', f"Only about Product {mark}.")
        yield re.sub("|".join(map(re.escape, typed)), "", text)
        if re.fullmatch(r"/articles/[\w-]+", path):
            for linked in set(re.findall(r'href="(/articles/[\w-]+/files/\d+)"', text)):
                with stranger.get(linked) as file:
                    yield file.text
    token = stranger.get("/").text.partition('name="csrf-token" content="')[2].partition('"')[0]
    for field in ("statement", "text"):
        answer = stranger.post("/suggestions", data={field: f"I ask about the secret of {mark}", "csrf_token": token})
        assert answer.status_code == 200
        yield answer.text
    for act in ("vote", "why"):
        answer = stranger.post(f"/articles/{key}/{act}", data={"helpful": "yes", "reason": "wrong", "csrf_token": token})
        yield answer.text


def change(world, tx, what, key, value):
    article = tx.session.scalars(select(Article).where(Article.key == key)).one()
    if what == "audience":
        write(tx, key, key.partition("-")[2], value)
    elif what == "state":
        articles.set_state(tx, article, value)
    elif what == "confidence":
        care.set_confidence(tx, article, value)
    else:
        into = tx.session.scalars(select(Article).where(Article.key == value)).one()
        had_by_all = AUDIENCES.index(article.shown_to) <= AUDIENCES.index(into.audience)
        assert care.merge(tx, article, into) == had_by_all
        if had_by_all:
            world.holding[value] |= world.holding[key]


def write(tx, key, mark, audience):
    """The article for these readers from now on; it is published when it is new."""
    article = articles.write_article(
        tx,
        key=key,
        lang="en",
        title=f"Title {mark}",
        text=f"The lantern keeps the secret of {mark}.",
        cause=f"Because of {mark}.",
        environment=f"Model {mark}",
        audience=audience,
        products=[f"Product {mark}", "Lantern"],
    )
    if article.version == 1:
        articles.set_state(tx, article, PUBLISHED)
    return article
