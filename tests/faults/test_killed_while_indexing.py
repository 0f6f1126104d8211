"""The worker is killed again and again while it writes the index: a search never breaks, and after a start nothing is missing."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from sqlalchemy import func, select

from desk.actions.articles import articles
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
    """Whatever is found at such a moment: an answer, and no error."""
    for hit in desk.knowledge.search(f"Matter {spelt(number)}", audiences=AUDIENCES):
        assert hit.id.startswith("about-")
        assert hit.title.startswith("Matter ")


def check(desk):
    """What is found by the word of each turn are those articles that say it now."""
    with desk.store.read() as reading:
        rows = reading.execute(select(Article.key, Article.text).where(Article.state != ARCHIVED)).all()
        assert reading.scalar(select(func.count()).select_from(Article)) == ARTICLES
    assert desk.knowledge.count() == len(rows)
    saying = defaultdict(set)
    for key, text in rows:
        saying[text.split()[-1]].add(key)
    for word, keys in saying.items():
        hits = desk.knowledge.search(word, audiences=AUDIENCES, limit=ARTICLES, snippets=False)
        assert {hit.id for hit in hits} == keys, word


def write(tx, number, turn):
    words = f"We say something of it {spelt(1000 + turn)}"
    return articles.write_article(tx, key=f"about-{number}", lang="en", title=f"Matter {spelt(number)}", text=words)


def spelt(number):
    """A word of letters alone, so that it is one token: numbers would also be found by their digits."""
    return "q" + "".join("bcdfghjklm"[int(digit)] for digit in f"{number:04}") + "x"
