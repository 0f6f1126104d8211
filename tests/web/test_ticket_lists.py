"""Lists of tickets on the screen: their orders, whose they are, and how often the pages of the console ask the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import g, render_template_string
from flask_babel import force_locale
from sqlalchemy import event, select, update

from desk.access import viewer_of
from desk.actions.tickets import tags, tickets
from desk.http import wording
from desk.models import Agent, Customer, SavedView, Ticket
from desk.queries.tickets.saved_views import question_of
from desk.queries.tickets.tickets import ticket_list
from desk.web import words
from tests.web.console_world import Page, mail
from tests.world import running, settings_for

PANES = {"X-Part": "panes"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("lists")), background=False) as world:
        world.agent("Sue", roles=("supervisor",))
        world.agent("Maya")
        for number in range(6):
            mail(world, f"Bill {number} is wrong.", sender=f"c{number}@customers.example", external_id=f"bill-{number}")
        yield world


def test_a_list_stands_in_the_order_asked_for(world):
    with world.tx() as tx:
        found = tx.session.scalars(select(Ticket).order_by(Ticket.id)).all()
        for ticket, priority in zip(found, (3, 1, 2, 4, 3, 2), strict=False):
            tickets.set_fields(tx, ticket, priority=priority)
        ids = [ticket.id for ticket in found]
        due = [ticket.id for ticket in sorted(found, key=lambda each: (each.due_order, each.id))]
        urgent = [ticket.id for ticket in sorted(found, key=lambda each: (each.priority, each.due_order, each.id))]
    assert due not in (ids, ids[::-1])
    assert (listed(world, "sort=opened"), listed(world, "sort=newest")) == (ids, ids[::-1])
    assert (listed(world, "sort=due"), listed(world, "sort=priority")) == (due, urgent)
    assert sorted(listed(world, "sort=nonsense")) == ids


def test_each_order_goes_on_where_a_page_ended(world, monkeypatch):
    whole = {order: listed(world, f"sort={order}") for order in ("due", "priority", "newest")}
    monkeypatch.setattr("desk.queries.tickets.tickets.PAGE", 2)
    monkeypatch.setattr("desk.web.tickets.lists.PAGE", 2)
    browser = world.browser("sue@desk.example")
    for order, expected in whole.items():
        path, seen = f"/desk/tickets?view=open&sort={order}", []
        while path:
            page = browser.get(path).text
            seen += [int(number) - 10_000 for number in re.findall(r'id="t-(\d+)"', page)]
            following = re.search(r'rel="next" href="([^"]+)"', page)
            path = following[1].replace("&amp;", "&") if following else ""
            assert len(seen) <= len(expected)
        assert seen == expected


def test_the_past_is_not_offered_in_an_order_that_it_has_no_index_for(world):
    browser = world.browser("sue@desk.example")
    assert '<option value="due"' in browser.get("/desk/tickets?view=open").text
    assert '<option value="due"' not in browser.get("/desk/tickets?view=all&sort=due").text


def test_a_list_can_be_somebodys_nobodys_or_ones_own_and_is_kept_so(world):
    with world.tx() as tx:
        first, second = tx.session.scalars(select(Ticket).order_by(Ticket.id).limit(2))
        people = {agent.name: agent.id for agent in tx.session.scalars(select(Agent))}
        tickets.assign(tx, first, people["Maya"])
        tickets.assign(tx, second, people["Sue"])
        agent_id, theirs, own = people["Maya"], first.id, second.id
    assert (listed(world, f"owner={agent_id}"), listed(world, "owner=me")) == ([theirs], [own])
    assert not {theirs, own} & set(listed(world, "owner=none"))
    browser = world.browser("sue@desk.example")
    browser.post("/desk/views", data={"name": "Hers", "view": "open", "owner": str(agent_id), "sort": "due"})
    view = world.one(select(SavedView))
    assert (question_of(view)["owner"], view.sort) == (str(agent_id), "due")
    kept = re.search(r'href="(/desk/tickets\?[^"]+)"', browser.get("/desk/views").text)[1].replace("&amp;", "&")
    assert re.findall(r'id="t-(\d+)"', browser.get(kept).text) == [str(10_000 + theirs)]


def test_a_list_can_be_of_whom_a_ticket_touches_and_how_urgent_it_is_and_is_kept_so(world):
    with world.tx() as tx:
        many, urgent, both = tx.session.scalars(select(Ticket).order_by(Ticket.id).limit(3))
        tickets.set_fields(tx, many, impact="many")
        tickets.set_fields(tx, urgent, urgency="high")
        tickets.set_fields(tx, both, impact="many", urgency="high")
        ids = many.id, urgent.id, both.id
    assert sorted(listed(world, "impact=many")) == [ids[0], ids[2]]
    assert sorted(listed(world, "urgency=high")) == [ids[1], ids[2]]
    assert listed(world, "impact=many&urgency=high") == listed(world, "impact=many&weight=urgency:high") == [ids[2]]
    assert sorted(listed(world, "weight=impact:many")) == [ids[0], ids[2]]
    page = world.browser("sue@desk.example").get("/desk/tickets?view=open&weight=urgency:high").text
    assert re.findall(r'<option value="(\w+:\w+)" selected>', page) == ["urgency:high"]
    assert len(listed(world, "impact=nonsense&urgency=9&weight=priority:many")) == 6
    browser = world.browser("sue@desk.example")
    asked = {"view": "open", "impact": "many", "urgency": "high"}
    assert browser.post("/desk/views", data={"name": "Wide and at once", **asked}).ok
    view = world.one(select(SavedView).where(SavedView.name == "Wide and at once"))
    assert question_of(view) == asked
    [kept] = [each for each in re.findall(r'href="(/desk/tickets\?[^"]+)"', browser.get("/desk/views").text) if "impact" in each]
    assert re.findall(r'id="t-(\d+)"', browser.get(kept.replace("&amp;", "&")).text) == [str(10_000 + ids[2])]


SHAPES = """{% import "_macros.html" as ui with context %}
{{ ui.channel_icon(ticket.channel) }}|
{{ ui.badge(words.statuses[ticket.status], words.status_marks.get(ticket.status, ''),
     'check' if ticket.status in ('solved', 'closed') else '') }}|
{{ ui.due(row.due_at) }}|{{ ui.time_ago(ticket.updated_at) }}|{{ ui.time(ticket.snoozed_until) }}|
{{ ui.tier(words.tiers['vip']|string, 'vip') if row.tier == 'vip' }}|{{ row.customer_name|person }}|{{ row.owner_name or '–' }}|
{{ _('Choose #%(number)s', number=ticket.number) }}|{{ row.queue_name_zh if locale == 'zh' else row.queue_name }}"""


@pytest.mark.parametrize(("language", "spoken"), [("en", "en_GB"), ("zh", "zh")])
def test_each_line_says_of_its_ticket_what_any_other_page_would(world, language, spoken):
    with world.tx() as tx:
        found = tx.session.scalars(select(Ticket).order_by(Ticket.id)).all()
        tags.set_tags(tx, found[0], ("bill", "late", "second letter", "wrong"))
        found[1].status, found[2].channel, found[3].snoozed_until = "solved", "voice", tx.now + timedelta(days=2)
        tx.session.get_one(Customer, found[4].customer_id).tier = "vip"
        sue = tx.session.scalars(select(Agent).where(Agent.name == "Sue")).one()
        sue.locale = language
        found[5].subject = 'A <b>bold</b> & "quoted" word'
    browser = world.browser("sue@desk.example")
    page = browser.get("/desk/tickets/rows?view=all").text
    with world.desk.store.read() as session, world.app.test_request_context(), force_locale(spoken):
        g.viewer = viewer_of(sue)
        rows = ticket_list(session, g.viewer, view="all")
        known = {"words": words.everything(), "locale": language}
        shapes = [render_template_string(SHAPES, row=row, ticket=row.ticket, **known) for row in rows]
    for row, shape in zip(rows, shapes, strict=True):
        line = re.search(rf'<tr id="t-{row.ticket.number}".*?</tr>', page, re.DOTALL)[0]
        assert [part for part in shape.strip().split("|") if part.strip() not in line] == []
    first = re.search(rf'<tr id="t-{found[0].number}".*?</tr>', page, re.DOTALL)[0]
    assert (first.count('class="tag '), "+1</span>" in first) == (3, True)
    assert page.count("A &lt;b&gt;bold&lt;/b&gt; &amp; &#34;quoted&#34; word") == 1


def test_a_list_looks_words_up_once_however_long_it_is(world, monkeypatch):
    with world.tx() as tx:
        tx.session.execute(update(Ticket).values(status="open", channel="email", snoozed_until=None))
    browser, asked = world.browser("sue@desk.example"), []
    kept = wording.get_locale
    monkeypatch.setattr(wording, "get_locale", lambda: asked.append(1) or kept())
    often = []
    for most in (3, 5):
        monkeypatch.setattr("desk.web.tickets.lists.PAGE", most)
        for _time in "12":  # the first time may write a moment that nobody has asked for yet
            asked.clear()
            page = browser.get("/desk/tickets/rows?view=open&sort=opened").text
        assert page.count('id="t-') == most
        often.append(len(asked))
    assert often[0] == often[1] > 0


@pytest.mark.parametrize(
    "given", ["before=7", "before=x~y", "sort=due&before=9999-01-01T00:00:00~7", "owner=x", "owner=99999999999999999999"]
)
def test_an_address_that_says_nothing_gives_a_list_all_the_same(world, given):
    assert world.browser("sue@desk.example").get(f"/desk/tickets?view=open&{given}").status_code == 200


@pytest.mark.parametrize("path", ["/desk", "/desk/tickets", "/desk/tickets/10001", "/desk/tickets/new", "/desk/complaints"])
def test_the_panes_alone_are_those_of_the_whole_page(world, path):
    browser = world.browser("sue@desk.example")
    whole, panes = Page(browser.get(path).text), Page(browser.get(path, headers=PANES).text)
    assert "panes" in panes.ids
    assert "call-strip" not in panes.ids
    begun = whole.ids.index("panes")
    assert panes.ids == whole.ids[begun : begun + len(panes.ids)]


def test_pages_ask_the_database_as_often_however_much_there_is(world):
    browser = world.browser("sue@desk.example")
    pages = {
        "/desk/worklist": 9,
        "/desk/tickets?view=open": 24,
        "/desk/tickets?view=open&sort=due&owner=none": 24,
        "/desk/tickets/10002": 34,
        "/desk/customers/2": 14,
        "/board": 30,
    }
    before = asked_by(world, browser, pages)
    assert {path: count for path, count in before.items() if count > pages[path]} == {}
    for number in range(6, 20):
        mail(world, f"Bill {number} is wrong.", sender=f"c{number}@customers.example", external_id=f"bill-{number}")
        mail(
            world, f"And {number}.", sender="c1@customers.example", external_id=f"and-{number}", subject="Re: [#10002] March bill"
        )
    assert asked_by(world, browser, pages) == before


def listed(world, given: str) -> list[int]:
    """The ids of the open tickets, as the supervisor's list has them."""
    page = world.browser("sue@desk.example").get(f"/desk/tickets?view=open&{given}").text
    return [int(number) - 10_000 for number in re.findall(r'id="t-(\d+)"', page)]


def asked_by(world, browser, paths) -> dict[str, int]:
    """How many questions each page puts; what is kept in mind from the first time on is asked before."""
    asked = {}
    for path in paths:
        browser.get(path)
        with counting(world) as statements:
            assert browser.get(path).status_code == 200
        asked[path] = len(statements)
    return asked


@contextmanager
def counting(world) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            said.append(statement)

    engine = world.desk.store.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)
