"""The closed loop: questions make a gap visible, an article is written from one of their tickets, the report shows it closed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from desk.actions import searches
from desk.actions.articles import articles, gaps
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.clock import FrozenClock
from desk.models import ArticleLink, KnowledgeGap, Message, Queue, SearchLog, Ticket
from desk.models.article import PUBLISHED, WRITTEN
from desk.queries.articles.knowledge_window import first_since
from desk.queries.articles.knowledge_work import figures
from desk.work.indexing import Indexing
from tests.web.test_customers_and_articles import staff
from tests.world import running, settings_for

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
ASKED = (
    "How do I get an eSIM for my watch?", "Does my plan come with an eSIM", "My eSIM does not start", "eSIM wanted, please",
    "The code for the eSIM cannot be scanned", "Moving my eSIM to a new phone", "Is an eSIM dearer than a card?",
    "Two numbers on one phone by eSIM", "eSIM lost with my phone", "How long does an eSIM take?",
)  # fmt: skip


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), clock=FrozenClock(NOON), background=False) as world:
        yield world


def test_twenty_questions_make_a_gap_that_an_article_from_a_ticket_closes(world):
    for number, subject in enumerate(ASKED):
        ask(world, number, subject)
    editor, maya = staff(world, "knowledge_editor", "Yutong"), staff(world, "agent")
    visitor = world.browser()
    for _ in range(10):
        visitor.cookies.clear()
        assert "0 answers" in visitor.get("/?q=esim&lang=en").text

    page = press(editor, "/desk/articles/gaps/look")
    assert "10 contacts in four weeks" in page
    assert "searched 10 times in vain" in page
    assert ASKED[-1] in page
    assert world.all(select(KnowledgeGap.topic).order_by(KnowledgeGap.id))[0].startswith("esim")

    number = world.one(select(Ticket.number).order_by(Ticket.id.desc()))
    editing = maya.get(f"/desk/articles/new?ticket={number}").text
    begun = editing[editing.index('<form method="post" id="editor"') : editing.index('id="preview"')]
    assert "eSIM" in begun
    assert "Li Na" not in begun
    assert "0013" not in begun
    filled = dict(re.findall(r'name="(ticket|gap|based_on)" value="(\d*)"', begun)) | {"lang": "en", "tags": "", "twin_key": ""}
    written = {"title": "How to get an eSIM", "text": "Open the app and choose **eSIM**.", "audience": "public", "key": "esim-en"}
    sent = maya.post("/desk/articles/new", data={**filled, **written})
    assert sent.status_code == 303
    assert "Written, not yet published" in editor.get("/desk/articles/work").text
    editor.post("/desk/articles/esim-en/state", data={"state": "published"})

    page = press(editor, "/desk/articles/gaps/look")
    assert "Closed in the last four weeks" in page
    assert "10 contacts in four weeks" not in page
    assert world.all(select(ArticleLink.how)) == ["written"]
    Indexing(world.desk).rebuild()
    for _ in range(11):
        visitor.cookies.clear()
        assert "/articles/esim-en" in visitor.get("/?q=esim&lang=en").text
        visitor.get("/articles/esim-en")
    page = press(editor, "/desk/articles/gaps/look")
    assert not re.search(r"searched \d+ time", page.partition("Closed in the last four weeks")[0])
    assert world.all(select(KnowledgeGap.closed_at).where(KnowledgeGap.closed_at.is_(None))) == []


def test_whichever_article_of_a_topic_is_published_first_closes_its_gap(world):
    for number, subject in enumerate(ASKED):
        ask(world, number, subject)
    with world.tx() as tx:
        (gap,) = gaps.find_gaps(tx)
        first, second = (
            written_from(tx, key, ticket_id) for key, ticket_id in zip(("a-en", "b-en"), gap.ticket_ids, strict=False)
        )
        assert gap.article_id == first.id
        articles.set_state(tx, second, PUBLISHED)
        assert gap.closed_at is not None
        assert gap.article_id == second.id


def written_from(tx, key, ticket_id):
    article = articles.write_article(tx, key=key, lang="en", title="How to get an eSIM", text="Open the app.")
    articles.link(tx, tx.session.get_one(Ticket, ticket_id), article, None, WRITTEN)
    gaps.answer_by_ticket(tx, ticket_id, article)
    return article


def test_a_topic_comes_back_when_people_go_on_asking_and_no_article_helps(world):
    for number, subject in enumerate(ASKED[:6]):
        ask(world, number, subject)
    with world.tx() as tx:
        (gap,) = gaps.find_gaps(tx)
        article = articles.write_article(tx, key="esim-en", lang="en", title="eSIM", text="So.", audience="public")
        gaps.answer(tx, gap, article)
        articles.set_state(tx, article, PUBLISHED)
        assert gap.closed_at is not None
        assert gaps.find_gaps(tx) == []
    for number, subject in enumerate(ASKED[4:], start=20):
        ask(world, number, subject)
    with world.tx() as tx:
        (again,) = gaps.find_gaps(tx)
        assert again.id != gap.id
        for ticket in tx.session.scalars(select(Ticket)):
            articles.link(tx, ticket, article, None)
        assert gaps.find_gaps(tx) == []
        assert again.closed_at is not None


def test_what_agents_link_is_no_gap_and_counts_in_the_link_rate(world):
    with world.tx() as tx:
        article = articles.write_article(tx, key="esim-en", lang="en", title="eSIM", text="So.", audience="public")
    for number, subject in enumerate(ASKED[:6]):
        ask(world, number, subject)
    with world.tx() as tx:
        found = tx.session.scalars(select(Ticket).order_by(Ticket.id)).all()
        for ticket in found:
            ticket.status = "solved"
        for ticket in found[:3]:
            articles.link(tx, ticket, tx.session.merge(article), None)
        assert gaps.find_gaps(tx) == []
        seen = figures(tx.session, tx.now)
    assert (seen.solved, seen.linked, seen.link_rate, seen.uses, seen.top_share) == (6, 3, 0.5, 3, 1.0)


def test_the_first_ticket_since_is_found_by_halving(world):
    for number in range(9):
        ask(world, number, "x", ago=timedelta(days=9 - number))
    with world.desk.store.read() as reading:
        for days, first in ((20, 1), (9, 1), (4.5, 6), (0.5, 10)):
            assert first_since(reading, NOON - timedelta(days=days)) == first


def test_while_somebody_types_on_it_is_one_search_and_nobodys_number_is_kept(world):
    with world.tx() as tx:
        first = searches.log_search(tx, "help_centre", "ref", "en", 3, "a")
        assert searches.log_search(tx, "help_centre", "refund", "en", 1, "a") == first
        assert searches.log_search(tx, "help_centre", "refund", "en", 1, "b") != first
        assert searches.log_search(tx, "help_centre", "other words", "en", 1, "a") != first
        searches.log_search(tx, "help_centre", "my mail is li.na@customers.example 13800138000", "en", 0, "c")
        article = articles.write_article(tx, key="x-en", lang="en", title="X", text="Y")
        searches.note_opened(tx, first, article, "somebody else")
        assert tx.session.get_one(SearchLog, first).opened_id is None
        searches.note_opened(tx, first, article, "a")
        assert tx.session.get_one(SearchLog, first).opened_id == article.id
    assert world.all(select(SearchLog.query).order_by(SearchLog.id))[-1] == "my mail is […] […]"


def test_the_help_centre_succeeds_when_it_helped_or_nobody_asked_within_a_day(world):
    with world.tx() as tx:
        for visit, helped, asked_after in (("a", True, 1), ("b", False, None), ("c", False, 2), ("d", False, 30)):
            search = tx.session.get_one(SearchLog, searches.log_search(tx, "help_centre", "refund", "en", 1, visit))
            search.helped = helped
            search.asked_at = None if asked_after is None else tx.now + timedelta(hours=asked_after)
        tx.session.flush()
        seen = figures(tx.session, tx.now)
    assert (seen.visits, seen.helped_visits, seen.portal_success) == (4, 3, 0.75)


def ask(world, number, subject, ago=timedelta()):
    with world.tx() as tx:
        tx.now = NOON - ago
        known = customers.identify(tx, "email", f"customer{number}@customers.example", name="Li Na", locale="en")
        queue = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
        ticket = tickets.open_ticket(tx, customer=known, queue=queue, subject=subject, channel="email")
        text = f"Dear all, I am Li Na, call me on 138 0013 80{number:02}. {subject}"
        words = Message(channel="email", direction="in", customer_id=known.id, author_name="Li Na", text=text, created_at=tx.now)
        tickets.add_message(tx, ticket, words)


def press(browser, path):
    answer = browser.post(path)
    assert answer.status_code in (200, 303), answer.text
    return browser.get("/desk/articles/work").text
