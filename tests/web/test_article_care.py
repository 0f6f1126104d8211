"""What is done with articles besides writing them: trusted, owned, timed, merged, found faulty, translated, put back, judged."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from desk.actions.articles import articles
from desk.actions.articles.health import renew_health
from desk.actions.tickets import tickets
from desk.clock import FrozenClock
from desk.models import Agent, Article, ArticleFlag, ArticleLink, Customer, EqualWords, Message, Queue, Ticket, Timer
from desk.work.due import ACTIONS
from desk.work.indexing import Indexing
from desk.work.timers import Timers
from tests.web.test_customers_and_articles import customer
from tests.world import running, settings_for

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # noon in Shanghai


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One desk for all: each test has articles of its own."""
    with running(settings_for(tmp_path_factory.mktemp("care")), clock=FrozenClock(NOON), background=False) as world:
        for name, role in (("Yutong", "knowledge_editor"), ("Maya", "agent"), ("Hannah", "senior"), ("Arthur", "auditor")):
            world.agent(name, roles=(role,), skills={})
        yield world


@pytest.fixture
def editor(world):
    return world.browser("yutong@desk.example")


@pytest.fixture
def maya(world):
    return world.browser("maya@desk.example")


def test_lower_trust_hides_an_article_from_customers_at_once(world, editor):
    article(world, "trust-en")
    assert world.browser().get("/articles/trust-en").status_code == 200
    assert editor.post("/desk/articles/trust-en/confidence", data={"confidence": "not_validated"}).ok
    assert world.browser().get("/articles/trust-en").status_code == 404
    assert "trust-en" not in world.browser().get("/sitemap.xml").text
    assert editor.post("/desk/articles/trust-en/confidence", data={"confidence": "validated"}).ok
    assert world.browser().get("/articles/trust-en").status_code == 200
    assert of(world, "trust-en").review_at > NOON


def test_a_colleague_says_that_an_internal_article_is_right_and_not_its_author(world, maya):
    hannah, arthur = world.browser("hannah@desk.example"), world.browser("arthur@desk.example")
    written = {"lang": "en", "title": "Inside", "text": "Words", "audience": "internal", "key": "inside-en"}
    assert hannah.post("/desk/articles/new", data=written).ok
    for person in (hannah, maya, arthur):
        assert person.post("/desk/articles/inside-en/confidence", data={"confidence": "validated"}).status_code == 403
    assert maya.post("/desk/articles/inside-en/confidence", data={"confidence": "not_validated"}).ok
    assert maya.post("/desk/articles/inside-en/edit", data={**written, "text": "Other words", "based_on": "1"}).ok
    assert hannah.post("/desk/articles/inside-en/confidence", data={"confidence": "validated"}).ok
    assert of(world, "inside-en").confidence == "validated"
    assert hannah.post("/desk/articles/inside-en/confidence", data={"confidence": "sure"}).status_code == 422


def test_an_article_that_rules_bind_is_changed_by_its_owner_and_editors_alone(world, editor, maya):
    article(world, "legal-en", state="draft")
    care = {"owner": "999999", "review_at": "", "governance": "compliance"}
    assert editor.post("/desk/articles/legal-en/care", data=care).status_code == 422
    assert editor.post("/desk/articles/legal-en/care", data={**care, "owner": "x"}).status_code == 422
    assert editor.post("/desk/articles/legal-en/care", data={**care, "owner": ""}).ok
    assert maya.get("/desk/articles/legal-en/edit").status_code == 403
    owner = re.search(r'<option value="(\d+)">Maya', editor.get("/desk/articles/legal-en").text)[1]
    day = {"review_at": "2026-12-24", "owner": owner, "governance": "compliance"}
    assert editor.post("/desk/articles/legal-en/care", data=day).ok
    assert maya.get("/desk/articles/legal-en/edit").status_code == 200
    assert of(world, "legal-en").review_at == datetime(2026, 12, 24, 15, 59, tzinfo=UTC)
    for wrong in ("2026-13-01", "never", "0001-01-01", "2020-01-01", "9999-12-31"):
        assert editor.post("/desk/articles/legal-en/care", data={**day, "review_at": wrong}).status_code == 422, wrong


def test_an_article_appears_and_goes_away_by_itself(world, editor):
    article(world, "season-en", state="draft")
    times = {"publish_at": "2026-11-21T08:00", "archive_at": "2026-11-22T08:00"}
    assert editor.post("/desk/articles/season-en/schedule", data={**times, "archive_at": "2026-11-20T13:00"}).status_code == 422
    assert editor.post("/desk/articles/season-en/schedule", data={**times, "publish_at": "soon"}).status_code == 422
    assert editor.post("/desk/articles/season-en/schedule", data=times).ok
    assert len(world.all(select(Timer).where(Timer.kind.startswith("article."), Timer.done_at.is_(None)))) == 2
    work, clock = Timers(world.desk, ACTIONS), world.desk.clock
    try:
        for hours, state in ((19, "draft"), (1, "published"), (23, "published"), (2, "archived")):
            clock.tick(hours * 3600)
            work.turn()
            assert of(world, "season-en").state == state, hours
    finally:
        clock.tick(-45 * 3600)
    assert (of(world, "season-en").publish_at, of(world, "season-en").archive_at) == (None, None)


def test_what_was_merged_leads_to_what_stays(world, editor):
    article(world, "old-en")
    article(world, "kept-en")
    article(world, "third-en")
    known = customer(world)
    with world.tx() as tx:
        ticket = tx.session.scalars(select(Ticket).where(Ticket.customer_id == known.id)).first()
        articles.link(tx, ticket, tx.session.get_one(Article, of(world, "old-en").id), None)
    for into in ("old-en", "nothing-en", ""):
        assert editor.post("/desk/articles/old-en/merge", data={"into": into}).status_code == 422
    assert editor.post("/desk/articles/old-en/merge", data={"into": "kept-en"}).headers["Location"].endswith("/kept-en")
    assert editor.post("/desk/articles/kept-en/merge", data={"into": "old-en"}).status_code == 409
    stranger = world.browser()
    assert stranger.get("/articles/old-en").url.endswith("/articles/kept-en")
    assert editor.post("/desk/articles/kept-en/merge", data={"into": "third-en"}).ok
    assert stranger.get("/articles/old-en").url.endswith("/articles/third-en")
    assert world.all(select(ArticleLink.article_id)) == [of(world, "third-en").id]
    assert "was merged into another" in editor.get("/desk/articles/old-en?itself=1").text
    assert editor.post("/desk/articles/third-en/confidence", data={"confidence": "not_validated"}).ok
    assert stranger.get("/articles/old-en").status_code == 404


def test_an_earlier_version_is_put_back_as_a_new_one(world, editor):
    article(world, "back-en", cause="Because of one.")
    with world.tx() as tx:
        articles.write_article(tx, key="back-en", lang="en", title="Two", text="Two", cause="", audience="public")
    page = editor.get("/desk/articles/back-en/versions?new=1&old=2").text
    assert "Because of one." in editor.get("/desk/articles/back-en/versions").text
    assert "Make version 1 the newest again" in page
    assert editor.post("/desk/articles/back-en/restore", data={"version": "7", "based_on": "2"}).status_code == 404
    assert editor.post("/desk/articles/back-en/restore", data={"version": "1", "based_on": "1"}).status_code == 409
    assert editor.post("/desk/articles/back-en/restore", data={"version": "1", "based_on": "2"}).ok
    row = of(world, "back-en")
    assert (row.version, row.title, row.cause) == (3, "About back-en", "Because of one.")


def test_a_translation_knows_when_the_other_one_has_changed(world, editor):
    article(world, "twin-en")
    form = editor.get("/desk/articles/new?translate=twin-en").text
    assert "Words of twin-en" in form
    assert 'value="twin-zh"' in form
    filled = {
        "lang": "zh",
        "title": "双",
        "text": "文",
        "audience": "public",
        "key": "twin-zh",
        "twin_key": "twin-en",
        "agrees": "1",
    }
    assert editor.post("/desk/articles/new", data=filled).ok
    assert of(world, "twin-en").twin_key == "twin-zh"
    with world.tx() as tx:
        articles.write_article(tx, key="twin-en", lang="en", title="New", text="New", audience="public", twin_key="twin-zh")
    assert "version 1 then, 2 now" in editor.get("/desk/articles/twin-zh").text
    assert "twin-zh" in editor.get("/desk/articles/work/behind").text
    assert "then, 2 now" not in editor.get("/desk/articles/twin-en").text
    assert editor.post("/desk/articles/twin-zh/edit", data={**filled, "based_on": "1"}).ok
    assert "then, 2 now" not in editor.get("/desk/articles/twin-zh").text
    same = {**filled, "lang": "en", "key": "other-en"}
    assert editor.post("/desk/articles/new", data=same).status_code == 422


def test_a_stranger_hears_of_a_translation_when_everybody_may_read_it(world, editor):
    article(world, "pair-en")
    filled = {
        "lang": "zh",
        "title": "成对",
        "text": "文",
        "audience": "public",
        "key": "pair-zh",
        "twin_key": "pair-en",
        "agrees": "1",
    }
    assert editor.post("/desk/articles/new", data=filled).ok
    stranger = world.browser()
    pages = ("/articles/pair-en", "/sitemap.xml")
    for audience, is_told in (("internal", False), ("public", True), ("customer", False)):
        with world.tx() as tx:
            one = articles.write_article(
                tx, key="pair-zh", lang="zh", title="成对", text="文", audience=audience, twin_key="pair-en", agrees=True
            )
            articles.set_state(tx, one, "published")
            one.confidence = "validated"
        assert ["pair-zh" in stranger.get(page).text for page in pages] == [is_told, is_told]


def test_a_fault_is_reported_listed_and_settled(world, editor, maya):
    article(world, "fault-en")
    before = of(world, "fault-en").health
    assert maya.post("/desk/articles/fault-en/flag", data={"reason": "rude"}).status_code == 422
    assert maya.post("/desk/articles/fault-en/flag", data={"reason": "wrong", "note": "x" * 1001}).status_code == 422
    assert maya.post("/desk/articles/fault-en/flag", data={"reason": "outdated", "note": "<b>Now 5 days"}).ok
    assert of(world, "fault-en").health < before
    assert "fault-en" in editor.get("/desk/articles/work/flagged").text
    page = editor.get("/desk/articles/fault-en").text
    assert "&lt;b&gt;Now 5 days" in page
    flag = re.search(r'id="flag-(\d+)"', page)[1]
    assert maya.post(f"/desk/articles/fault-en/flags/{flag}/close").status_code == 403
    assert editor.post(f"/desk/articles/trust-en/flags/{flag}/close").status_code == 404
    assert editor.post(f"/desk/articles/fault-en/flags/{flag}/close").ok
    assert of(world, "fault-en").health == before


def test_a_reader_says_once_why_an_article_did_not_help(world):
    article(world, "vote-en")
    reader = world.browser()
    reader.post("/articles/vote-en/vote", data={"helpful": "no"})
    assert "What was missing?" in reader.get("/articles/vote-en").text
    assert reader.post("/articles/vote-en/why", data={"reason": "none"}).status_code == 422
    why = {"reason": "unclear", "note": "Which button?"}
    assert reader.post("/articles/vote-en/why", data=why).status_code == 303
    assert "Thank you for telling us." in reader.get("/articles/vote-en").text
    reader.post("/articles/vote-en/why", data={**why, "note": "again"})
    world.browser().post("/articles/vote-en/why", data={**why, "note": "a stranger"})
    mine = select(ArticleFlag.note).where(ArticleFlag.article_id == of(world, "vote-en").id)
    assert world.all(mine) == ["Which button?"]


def test_equal_words_are_found_at_once_in_either_language_and_no_more_when_taken_away(world, editor, maya):
    article(world, "gadget-en", text="The zephyrbox hums.")
    Indexing(world.desk).rebuild()
    stranger = world.browser()
    assert "gadget-en" not in stranger.get("/?q=微风盒&in=all").text
    assert maya.post("/desk/articles/words", data={"words": "a, b"}).status_code == 403
    for wrong in ("alone", "", ",,,", "x" * 41 + ", y", "!, ?", ", ".join(f"w{n}" for n in range(21))):
        assert editor.post("/desk/articles/words", data={"words": wrong}).status_code == 422, wrong
    assert editor.post("/desk/articles/words", data={"words": "zephyrbox， 微风盒\nbreeze box"}).ok
    assert world.one(select(EqualWords.words)) == ["zephyrbox", "微风盒", "breeze box"]
    for asked in ("微风盒", "my breeze box hums"):
        assert "gadget-en" in stranger.get(f"/?q={asked}&in=all").text
    group = world.one(select(EqualWords.id))
    assert editor.post("/desk/articles/words", data={"words": "a, b", "group": group, "seen": "old"}).status_code == 409
    assert editor.post("/desk/articles/words", data={"words": "", "group": group}).ok
    assert "gadget-en" not in stranger.get("/?q=微风盒&in=all").text


def test_beside_a_call_is_what_fits_the_notes_of_it_as_they_grow(world, maya):
    article(world, "lamp-en", text="The thermolamp blinks when it is cold.")
    Indexing(world.desk).rebuild()
    known = customer(world)
    with world.tx() as tx:
        queue = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
        caller = tx.session.get_one(Customer, known.id)
        ticket = tickets.open_ticket(tx, customer=caller, queue=queue, subject="Call", channel="voice")
        ticket.owner_id = tx.session.scalars(select(Agent.id).where(Agent.name == "Maya")).one()
        number = ticket.number
    assert "lamp-en" not in maya.get(f"/desk/tickets/{number}/knowledge").text
    with world.tx() as tx:
        call = tx.session.scalars(select(Ticket).where(Ticket.number == number)).one()
        noted = Message(channel="note", direction="internal", kind="note", text="Their thermolamp blinks.", created_at=tx.now)
        tickets.add_message(tx, call, noted)
    assert "lamp-en" in maya.get(f"/desk/tickets/{number}/knowledge").text


def test_an_article_that_holds_a_card_number_is_not_saved(world, editor):
    filled = {"lang": "en", "title": "Card", "text": "Use 4111 1111 1111 1111.", "audience": "public", "key": "card-en"}
    refused = editor.post("/desk/articles/new", data=filled)
    assert refused.status_code == 422
    assert "card or an identity number" in refused.text
    assert editor.post("/desk/articles/new", data={**filled, "text": "Call 400 810 8888."}).ok


def test_lists_of_work_show_what_is_due_and_health_sinks_with_time(world, editor, maya):
    article(world, "aged-en")
    with world.tx() as tx:
        row = tx.session.get_one(Article, of(world, "aged-en").id)
        row.review_at, row.updated_at = NOON - timedelta(days=200), NOON - timedelta(days=400)
        renew_health(tx, [row])
        assert row.health < 50
        tx.emit("article.reviewed", article=row)
    for name in ("stale", "unhealthy"):
        assert "aged-en" in maya.get(f"/desk/articles/work/{name}").text
    assert world.browser("arthur@desk.example").get("/desk/articles/work").status_code == 403
    assert maya.get("/desk/articles/work/nothing").status_code == 404
    assert editor.post("/desk/articles/aged-en/reviewed").ok
    assert "aged-en" not in maya.get("/desk/articles/work/stale").text


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_page_of_the_editors_speaks_both_languages(world, editor, locale):
    for path in ("work", *(f"work/{name}" for name in ("stale", "flagged", "unfinished", "unvalidated", "behind")), "words"):
        page = editor.get(f"/desk/articles/{path}", params={"lang": locale})
        assert page.status_code == 200
        assert page.text.count("<h1") == 1
        assert " style=" not in page.text


def article(world, key, *, state="published", text="", cause="Why", audience="public"):
    with world.tx() as tx:
        text = text or f"Words of {key}."
        row = articles.write_article(tx, key=key, lang="en", title=f"About {key}", text=text, cause=cause, audience=audience)
        articles.set_state(tx, row, state)


def of(world, key) -> Article:
    return world.one(select(Article).where(Article.key == key))
