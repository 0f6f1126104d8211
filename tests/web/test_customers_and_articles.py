"""Customers and articles through their real pages: what is hidden stays hidden, what is written is not lost."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select

from desk.actions.articles import articles
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.clock import FrozenClock
from desk.events import Event
from desk.models import Article, ArticleRevision, ContactPoint, Customer, Message, Queue, Survey
from desk.queries.articles.articles import compare
from desk.work.indexing import Indexing
from tests.world import World, running, settings_for

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), clock=FrozenClock(NOON), background=False) as world:
        yield world


def customer(
    world: World, name: str = "Li Na", phone: str = "+8613800138000", *, team: str = "general", messages: int = 1
) -> Customer:
    """Somebody with a ticket in a queue of the service team (or of care, with `team="complaints"`)."""
    with world.tx() as tx:
        known = customers.identify(tx, "phone", phone, name=name, locale="zh", verified=True)
        customers.add_contact_point(tx, known, "email", f"{name.split(maxsplit=1)[0].lower()}.contact@customers.example")
        queue = tx.session.scalars(select(Queue).where(Queue.key == team)).one()
        ticket = tickets.open_ticket(tx, customer=known, queue=queue, subject=f"Matter of {name}", channel="email")
        for number in range(messages):
            tx.now = NOON + timedelta(seconds=number // 2)  # two at each moment
            tickets.add_message(
                tx,
                ticket,
                Message(
                    channel="email",
                    direction="in",
                    customer_id=known.id,
                    author_name=name,
                    text=f"words {number}.",
                    created_at=tx.now,
                ),
            )
        tx.now = NOON
    return known


def staff(world: World, role: str, name: str = "Maya", team: str = "service"):
    world.agent(name, roles=(role,), skills={}, team=team)
    return world.browser(f"{name.lower()}@desk.example")


def test_an_agent_sees_contacts_in_part_and_looking_at_the_whole_is_on_record(world):
    known = customer(world)
    maya = staff(world, "agent")
    page = maya.get(f"/desk/customers/{known.id}").text
    assert "+8613800138000" not in page
    assert "+861••••000" in page
    point = world.one(select(ContactPoint).where(ContactPoint.kind == "phone"))
    shown = maya.post(f"/desk/customers/{known.id}/contacts/{point.id}/reveal", headers={"X-Fragment": "1"}).text
    assert "+8613800138000" in shown
    assert "li.contact@" not in shown
    assert f'id="contact-{point.id}" data-keep' in shown
    noted = world.one(select(Event).where(Event.kind == "customer.revealed"))
    assert (noted.actor_name, noted.customer_id) == ("Maya", known.id)
    assert "138000" not in str(noted.data)


def test_an_auditor_sees_contacts_in_part_and_cannot_look_at_the_whole(world):
    known = customer(world)
    arthur = staff(world, "auditor", "Arthur")
    assert "+8613800138000" not in arthur.get(f"/desk/customers/{known.id}").text
    point = world.one(select(ContactPoint).where(ContactPoint.kind == "phone"))
    assert arthur.post(f"/desk/customers/{known.id}/contacts/{point.id}/reveal").status_code == 403


def test_another_customers_contact_is_not_found_under_this_one(world):
    mine, other = customer(world), customer(world, "Wang Wei", "+8613900139000")
    maya = staff(world, "agent")
    point = world.one(select(ContactPoint).where(ContactPoint.customer_id == other.id))
    assert maya.post(f"/desk/customers/{mine.id}/contacts/{point.id}/reveal").status_code == 404
    assert world.one(select(Event.id).where(Event.kind == "customer.revealed")) is None


def test_customers_of_other_teams_are_in_no_list_and_on_no_page(world):
    theirs = customer(world, "Hidden Han", "+8613700137000", team="complaints")
    customer(world)
    maya = staff(world, "agent")
    page = maya.get("/desk/customers").text
    assert "Li Na" in page
    assert "Hidden Han" not in page
    assert maya.get(f"/desk/customers/{theirs.id}").status_code == 404
    assert maya.get(f"/desk/customers/{theirs.id}/timeline").status_code == 404


@pytest.mark.parametrize("path", ["/desk/customers", "/desk/tickets"])
@pytest.mark.parametrize("typed", ["+86 138 0013", "138-0013-8", "li.contact@", "( )"])
def test_who_may_not_read_contacts_cannot_guess_them_sign_by_sign(world, path, typed):
    known = customer(world)
    arthur = staff(world, "auditor", "Arthur")
    found = lambda words: arthur.get(path, params={"q": words, "view": "all"}).text  # noqa: E731
    seen = f'id="customer-{known.id}"' if path == "/desk/customers" else "Matter of Li Na"
    assert seen not in found(typed)
    assert seen in found("Li Na")
    assert seen in found("+86 138 0013 8000")


@pytest.mark.parametrize("typed", ["Li", "+86 138 0013", "138-0013-8", "li.contact@"])
def test_customers_are_found_by_the_start_of_name_number_or_address(world, typed):
    customer(world)
    customer(world, "Wang Wei", "+8613900139000")
    page = staff(world, "senior").get("/desk/customers", params={"q": typed}).text
    assert re.findall(r'id="customer-\d+">\s*<th scope="row"><a[^>]+>([^<]+)', page) == ["Li Na"]


@pytest.mark.parametrize("typed", ["%", "_", "-", "nobody"])
def test_a_search_that_means_nothing_finds_nobody(world, typed):
    customer(world)
    assert "No customer was found." in staff(world, "senior").get("/desk/customers", params={"q": typed}).text


def test_paging_through_customers_meets_each_once(world):
    with world.tx() as tx:
        for number in range(120):
            customers.identify(tx, "phone", f"+86138001{number:05}", name=f"Customer {number}")
    senior, seen, address = staff(world, "senior"), [], "/desk/customers"
    while address:
        page = senior.get(address).text
        seen += re.findall(r'id="customer-(\d+)"', page)
        later = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(later.group(1)) if later else ""
    assert len(seen) == len(set(seen)) == 120


def test_paging_through_a_timeline_meets_everything_once_even_at_the_same_moment(world):
    known = customer(world, messages=151)
    senior, seen, address = staff(world, "senior"), [], f"/desk/customers/{known.id}"
    while address:
        page = senior.get(address).text
        seen += re.findall(r"words (\d+)\.", page)
        later = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(later.group(1)) if later else ""
    assert Counter(seen) == Counter(str(number) for number in range(151))


def test_the_timeline_joins_all_channels_and_leaves_out_what_the_viewer_may_not_read(world):
    known = customer(world)
    with world.tx() as tx:
        queue = tx.session.scalars(select(Queue).where(Queue.key == "complaints")).one()
        secret = tickets.open_ticket(
            tx,
            customer=tx.session.get_one(Customer, known.id),
            queue=queue,
            subject="A secret matter",
            channel="form",
            type="complaint",
        )
        tx.session.add(
            Survey(ticket_id=secret.id, access_key="k", channel="mail", sent_at=NOON, answered_at=NOON, score=1, comment="awful")
        )
    senior = staff(world, "senior", "Hannah").get(f"/desk/customers/{known.id}").text
    assert "A secret matter" in senior
    assert "awful" in senior
    agent = staff(world, "agent").get(f"/desk/customers/{known.id}").text
    assert "Matter of Li Na" in agent
    assert "A secret matter" not in agent
    assert "awful" not in agent


def test_seniors_change_the_value_of_a_customer_and_agents_do_not(world):
    known = customer(world)
    assert staff(world, "agent").post(f"/desk/customers/{known.id}/tier", data={"tier": "vip"}).status_code == 403
    senior = staff(world, "senior", "Hannah")
    assert senior.post(f"/desk/customers/{known.id}/tier", data={"tier": "royal"}).status_code == 422
    assert senior.post(f"/desk/customers/{known.id}/tier", data={"tier": "vip"}).status_code == 303
    assert world.one(select(Customer.tier).where(Customer.id == known.id)) == "vip"


def test_a_contact_is_added_unless_it_is_nonsense_or_somebodys(world):
    known = customer(world)
    customer(world, "Wang Wei", "+8613900139000")
    senior = staff(world, "senior", "Hannah")
    for kind, value, status in (
        ("phone", "139 0013 9000", 422),
        ("email", "nowhere", 422),
        ("chat", "x", 422),
        ("email", "New@Customers.example", 303),
    ):
        assert senior.post(f"/desk/customers/{known.id}/contacts", data={"kind": kind, "value": value}).status_code == status
    assert world.one(select(ContactPoint.customer_id).where(ContactPoint.value == "new@customers.example")) == known.id


def article(
    world: World, key: str = "refund-en", *, state: str = "published", text: str = "Money comes back in **five days**."
) -> Article:
    with world.tx() as tx:
        written = articles.write_article(tx, key=key, lang="en", title="When is my refund due", text=text, audience="public")
        articles.set_state(tx, written, state)
    return written


def form_of(page: str) -> dict[str, str]:
    return {"based_on": re.search(r'name="based_on" value="(\d*)"', page).group(1)}


FILLED = {
    "lang": "en",
    "title": "A title",
    "text": "Some words",
    "audience": "internal",
    "tags": "a, b，c",
    "twin_key": "",
    "key": "",
}


def test_an_author_writes_a_draft_and_an_editor_publishes_it(world):
    maya, editor = staff(world, "agent"), staff(world, "knowledge_editor", "Yutong")
    assert maya.post("/desk/articles/new", data=FILLED).headers["Location"].endswith("/desk/articles/a-title-en")
    written = world.one(select(Article))
    assert (written.key, written.state, written.tags) == ("a-title-en", "draft", ["a", "b", "c"])
    assert maya.post("/desk/articles/a-title-en/state", data={"state": "published"}).status_code == 403
    editor.post("/desk/articles/a-title-en/state", data={"state": "published"})
    assert world.one(select(Article.state)) == "published"


def test_the_words_of_customers_are_searched_and_the_summary_is_shown(world):
    editor = staff(world, "knowledge_editor", "Yutong")
    words = {"question": "router blinks red", "summary": "What the lamp says.", "title": "No connection", "audience": "public"}
    key = editor.post("/desk/articles/new", data={**FILLED, **words}).headers["Location"].rpartition("/")[2]
    editor.post(f"/desk/articles/{key}/state", data={"state": "published"})
    Indexing(world.desk).rebuild()
    assert [hit.id for hit in world.desk.knowledge.search("blinks", audiences={"public"})] == [key]
    start = world.browser().get("/?lang=en").text
    assert "What the lamp says." in start
    assert "blinks" not in start
    shown = editor.get(f"/desk/articles/{key}/edit").text
    assert "router blinks red" in shown
    too_long = {**FILLED, **words, **form_of(shown), "summary": "s" * 301}
    assert editor.post(f"/desk/articles/{key}/edit", data=too_long).status_code == 422
    assert world.one(select(Article.version)) == 1


def test_an_author_does_not_change_what_is_published_but_copies_it(world):
    article(world)
    maya = staff(world, "agent")
    assert maya.get("/desk/articles/refund-en/edit").status_code == 403
    assert maya.post("/desk/articles/refund-en/edit", data={**FILLED, "based_on": "1"}).status_code == 403
    assert "five days" in maya.get("/desk/articles/new?from=refund-en").text
    assert world.one(select(Article.version)) == 1


def test_drafts_are_for_colleagues_and_no_article_is_for_an_administrator(world):
    article(world, "secret-en", state="draft")
    assert staff(world, "auditor", "Arthur").get("/desk/articles/secret-en").status_code == 200
    assert staff(world, "admin", "Priya").get("/desk/articles/secret-en").status_code == 403
    assert world.browser().get("/articles/secret-en").status_code == 404


def test_two_who_save_at_once_lose_nothing(world):
    article(world)
    first, second = staff(world, "knowledge_editor", "Yutong"), staff(world, "knowledge_editor", "Bao")
    seen = form_of(second.get("/desk/articles/refund-en/edit").text)
    assert first.post(
        "/desk/articles/refund-en/edit", data={**FILLED, **form_of(first.get("/desk/articles/refund-en/edit").text)}
    ).ok
    refused = second.post("/desk/articles/refund-en/edit", data={**FILLED, "text": "My long work", **seen})
    assert refused.status_code == 409
    assert "My long work" in refused.text
    assert world.one(select(Article.text)) == "Some words"
    assert second.post("/desk/articles/refund-en/edit", data={**FILLED, "text": "My long work", **form_of(refused.text)}).ok
    assert world.all(select(ArticleRevision.text).order_by(ArticleRevision.version)) == [
        "Money comes back in **five days**.",
        "Some words",
        "My long work",
    ]


def test_a_second_article_does_not_take_the_key_of_the_first(world):
    article(world)
    maya = staff(world, "agent")
    for key in ("refund-en", "new", "preview", "No Key"):
        refused = maya.post("/desk/articles/new", data={**FILLED, "key": key})
        assert refused.status_code == 422
        assert 'id="f-key-error"' in refused.text
    assert len(world.all(select(Article))) == 1


def test_who_names_no_key_gets_a_free_one_though_another_article_has_the_same_title(world):
    maya = staff(world, "agent")
    for _ in range(2):
        assert maya.post("/desk/articles/new", data={**FILLED, "key": ""}).status_code == 303
    first, second = (row.key for row in world.all(select(Article).order_by(Article.id)))
    assert second.startswith(first.removesuffix("-en"))
    assert second != first


def test_the_preview_shows_markdown_and_never_runs_what_is_in_it(world):
    text = "## Head\n\n**bold** <script>alert(1)</script> [x](javascript:alert(1))"
    page = staff(world, "agent").post("/desk/articles/preview", data={"text": text, "title": "<b>"}).text
    assert "<strong>bold</strong>" in page
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "&lt;b&gt;" in page


def test_versions_show_what_was_taken_out_and_what_is_new(world):
    article(world, text="one\ntwo\nthree")
    with world.tx() as tx:
        articles.write_article(
            tx, key="refund-en", lang="en", title="When is my refund due", text="one\n2\nthree", audience="public"
        )
    page = staff(world, "agent").get("/desk/articles/refund-en/versions").text
    lines = [
        (kind, line.strip()) for kind, line in re.findall(r'diff-line is-(\w+)">(?:<span class="sr">[^<]*</span>)?([^<]*)<', page)
    ]
    assert lines == [("same", "one"), ("out", "two"), ("new", "2"), ("same", "three")]
    assert [(line.kind, line.text) for line in compare("", "a")] == [("new", "a")]


def test_the_list_is_filtered_by_state_language_and_audience(world):
    article(world)
    article(world, "draft-en", state="draft")
    editor = staff(world, "knowledge_editor", "Yutong")
    keys = lambda query: re.findall(r'href="/desk/articles/([a-z-]+)" lang', editor.get(f"/desk/articles?{query}").text)  # noqa: E731
    assert sorted(keys("")) == ["draft-en", "refund-en"]
    assert keys("state=draft") == ["draft-en"]
    assert keys("in=zh") == []
    assert sorted(keys("audience=public")) == ["draft-en", "refund-en"]
    assert sorted(keys("q=refund")) == ["draft-en", "refund-en"]


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_page_answers_in_both_languages_with_ids_that_are_unique(world, locale):
    known = customer(world)
    article(world)
    senior = staff(world, "senior", "Hannah")
    for address in (
        "/desk/customers",
        f"/desk/customers/{known.id}",
        "/desk/articles",
        "/desk/articles/refund-en",
        "/desk/articles/refund-en/versions",
        "/desk/articles/new",
    ):
        page = senior.get(address, params={"lang": locale})
        assert page.status_code == 200
        doubles = [name for name, times in Counter(re.findall(r'\sid="([^"]+)"', page.text)).items() if times > 1]
        assert doubles == [], address
        assert " style=" not in page.text
        assert page.text.count("<h1") == 1, address
