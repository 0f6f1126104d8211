"""The worker is killed again and again while it writes the index: a search never breaks, and after a start nothing is missing."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select

from desk.actions import articles
from desk.events import SYSTEM
from desk.models import Article
from desk.models.article import ARCHIVED, AUDIENCES, PUBLISHED
from tests.faults.child import Child

KILLS, ARTICLES, CHANGED = 50, 120, 12
SEARCHES = 40  # while the worker writes


@pytest.mark.nightly
@pytest.mark.timeout(1500)
def test_a_search_never_breaks_and_after_a_start_the_index_holds_what_the_database_says(tmp_path):
    chance = random.Random(20261122)
    with Child(tmp_path) as child:
        child.start()
        desk = child.installation()
        try:
            with desk.store.tx(SYSTEM) as tx:
                for number in range(ARTICLES):
                    articles.set_state(tx, write(tx, number, 0), PUBLISHED)
            for turn in range(1, KILLS + 1):
                change(desk, chance, turn)
                for _ in range(chance.randrange(SEARCHES)):
                    search(desk, chance.randrange(ARTICLES))
                child.kill()
                search(desk, chance.randrange(ARTICLES))
                child.start()
                check(desk)
        finally:
            desk.knowledge.close()
            desk.store.engine.dispose()


def change(desk, chance, turn):
    """Some articles say something new, some are put away or come back: the worker begins to write at once."""
    with desk.store.tx(SYSTEM) as tx:
        for number in chance.sample(range(ARTICLES), CHANGED):
            article = write(tx, number, turn)
            if chance.random() < 0.3:
                articles.set_state(tx, article, chance.choice([PUBLISHED, ARCHIVED]))


def search(desk, number):
    """Whatever is found at such a moment, it is an answer: of this article or of none."""
    for hit in desk.knowledge.search(f"word{number:04}", audiences=AUDIENCES):
        assert hit.id == f"about-{number}"


def check(desk):
    with desk.store.read() as reading:
        rows = reading.execute(select(Article.key, Article.text).where(Article.state != ARCHIVED)).all()
        assert reading.scalar(select(func.count()).select_from(Article)) == ARTICLES
    assert desk.knowledge.count() == len(rows)
    for key, text in rows:
        turn = text.split()[-1]
        assert key in [hit.id for hit in desk.knowledge.search(turn, audiences=AUDIENCES, limit=ARTICLES, snippets=False)], (
            key,
            turn,
        )


def write(tx, number, turn):
    words = f"We say word{number:04} and more of it turn{turn:04}"
    return articles.write_article(tx, key=f"about-{number}", lang="en", title=f"Matter {number}", text=words)
