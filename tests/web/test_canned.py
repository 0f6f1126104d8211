"""Canned replies and macros: whose they are, how they are filled in, what they do when the answer leaves, and undo."""

from __future__ import annotations

import html
import json
import re

import pytest
from sqlalchemy import select

from desk.actions.mail import unsent
from desk.actions.people import customers
from desk.models import Agent, CannedReply, Customer, Queue, Ticket, UnsentReply
from tests.web.console_world import HX, mail
from tests.world import running, settings_for

PEOPLE = {"maya": {}, "ben": {}, "sue": {"roles": ("supervisor",)}, "cora": {"team": "care"}}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("canned")), background=False) as world:
        for name, more in PEOPLE.items():
            world.agent(name.title(), **more)
        yield world


@pytest.fixture(scope="module")
def desks(world):
    return {name: world.browser(f"{name}@desk.example") for name in PEOPLE}


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name)


def write(browser, key, text="Hello {customer}", *, whose="own", place="new", **more):
    data = {"whose": whose, "key": key, "name": f"Reply {key}", "text_en": text, "version": "0", **more}
    return browser.post(f"/desk/canned/{place}", data=data)


def made(world, key):
    return world.one(select(CannedReply).where(CannedReply.key == key))


def offered(browser, ticket):
    """What stands below the slash, in order: (word, text)."""
    part = browser.get(f"/desk/tickets/{ticket.number}/canned").text
    found = re.findall(r'data-key-word="([^"]*)"\s+data-words="([^"]*)"', part)
    return [(key, html.unescape(words)) for key, words in found]


def send(browser, ticket, macro="", kind="email", **more):
    data = {"kind": kind, "text": "We refund it.", "client_id": f"macro-{ticket.number}-{kind}", "macro": str(macro), **more}
    return browser.post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX)


def again(world, ticket):
    return world.one(select(Ticket).where(Ticket.id == ticket.id))


def test_each_sees_their_own_their_teams_and_everybodys(desks, ticket):
    assert write(desks["maya"], "mine").status_code == 303
    assert write(desks["sue"], "ours", whose="team").status_code == 303
    assert write(desks["sue"], "every", whose="all").status_code == 303
    words = {name: {key for key, _ in offered(desks[name], ticket)} for name in ("maya", "ben")}
    assert {"mine", "ours", "every"} <= words["maya"]
    assert words["maya"] - words["ben"] == {"mine"}
    page = desks["cora"].get("/desk/canned").text
    assert "Reply every" in page
    assert "Reply ours" not in page
    assert "Reply mine" not in page


def test_it_is_filled_in_for_the_ticket_and_a_customers_words_are_never_taken_for_a_name(world, desks, ticket):
    text = "Dear {customer}, {agent} on {number}: “{subject}” ({queue}, {company})"
    write(desks["maya"], "all-places", text, text_zh="您好，{customer}，{agent} 处理 {number}")
    with world.tx() as tx:
        tx.session.get_one(Customer, ticket.customer_id).name = "Li <b>{agent}</b>"
        tx.session.get_one(Ticket, ticket.id).subject = "{number}"
    filled = [words for key, words in offered(desks["maya"], ticket) if key == "all-places"]
    assert filled[0] == f"Dear Li <b>{{agent}}</b>, Maya on {ticket.number}: “{{number}}” (General, Service Desk)" or (
        filled[0].startswith(f"Dear Li <b>{{agent}}</b>, Maya on {ticket.number}: “{{number}}” (")
    )
    assert filled[1] == f"您好，Li <b>{{agent}}</b>，Maya 处理 {ticket.number}"
    with world.tx() as tx:
        tx.session.get_one(Ticket, ticket.id).locale = "zh"
    first = next(words for key, words in offered(desks["maya"], ticket) if key == "all-places")
    assert first.startswith("您好")
    with world.tx() as tx:
        tx.session.get_one(Customer, ticket.customer_id).name = "Li Na"


def test_a_customer_of_whom_we_know_only_an_address_is_addressed_without_it(world, desks):
    other = mail(world, sender="only.an.address@customers.example", name="", external_id="nameless")
    write(desks["maya"], "dear", "Dear {customer},", text_zh="尊敬的{customer}：")
    assert {words for key, words in offered(desks["maya"], other) if key == "dear"} == {"Dear customer,", "尊敬的客户："}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"key": "two words"}, "key"),
        ({"key": ""}, "key"),
        ({"key": "x" * 31}, "key"),
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"text_en": "Dear {friend}"}, "text_en"),
        ({"text_en": "x" * 8001}, "text_en"),
        ({"text_en": " ", "text_zh": ""}, "text_en"),
        ({"queue": "99999"}, "queue"),
        ({"queue": "１"}, "name"),
        ({"queue": "9" * 40}, "name"),
        ({"priority": "9"}, "name"),
        ({"category": "gossip"}, "name"),
        ({"then": "solved"}, "name"),
        ({"whose": "the world"}, "name"),
    ],
)
def test_what_cannot_be_saved_says_why_and_keeps_what_was_typed(world, desks, given, field):
    given = {"key": "wrong", "text": "Hello", "name": "My <wording>", **given}
    given["text"] = given.pop("text_en", given["text"])
    answer = write(desks["sue"], **given)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert html.escape(given["name"].strip()) in answer.text
    assert made(world, "wrong") is None


def test_chinese_words_and_a_typed_slash_are_keys_and_no_key_stands_for_two(world, desks):
    assert write(desks["maya"], "／退款").status_code == 303
    assert made(world, "退款") is not None
    assert write(desks["maya"], "退款").status_code == 422
    assert write(desks["ben"], "退款").status_code == 303  # his own


def test_only_supervisors_share_and_nobody_changes_anothers(world, desks):
    assert write(desks["maya"], "shared-by-maya", whose="all").status_code == 403
    write(desks["maya"], "private")
    write(desks["sue"], "public", whose="all")
    private, public = made(world, "private").id, made(world, "public").id
    for name in ("ben", "sue"):
        for address in (f"/desk/canned/{private}", f"/desk/canned/{private}/remove"):
            assert desks[name].post(address, data={}).status_code == 404
    assert desks["maya"].get(f"/desk/canned/{public}").status_code == 403
    assert desks["maya"].post(f"/desk/canned/{public}/remove").status_code == 403
    assert desks["sue"].post(f"/desk/canned/{public}/remove").status_code == 303
    assert made(world, "public") is None


def test_a_change_over_somebody_elses_change_is_refused(world, desks):
    write(desks["sue"], "versions", whose="all")
    row = made(world, "versions")
    assert write(desks["sue"], "versions", "Second", whose="all", place=row.id, version=str(row.version)).status_code == 303
    assert write(desks["sue"], "versions", "Third", whose="all", place=row.id, version=str(row.version)).status_code == 409
    assert made(world, "versions").texts == {"en": "Second"}


def test_a_macro_does_its_steps_when_the_answer_leaves_and_not_when_it_is_taken_back(world, desks, ticket):
    with world.tx() as tx:
        tx.session.scalars(select(Agent).where(Agent.name == "Maya")).one().undo_s = 60
        queue = tx.session.scalars(select(Queue).where(Queue.key == "billing")).one()
    steps = {"priority": "1", "category": "billing", "queue": str(queue.id), "then": "pending_customer"}
    write(desks["maya"], "refund", **steps)
    macro = made(world, "refund").id
    assert send(desks["maya"], ticket, macro).status_code == 204
    assert again(world, ticket).priority == 3
    row = world.one(select(UnsentReply).where(UnsentReply.ticket_id == ticket.id))
    back = desks["maya"].post(f"/desk/tickets/{ticket.number}/unsent/{row.id}/undo", headers=HX)
    assert json.loads(back.headers["HX-Trigger"])["reply:back"]["macro"] == {"id": macro, "name": "Reply refund"}
    assert again(world, ticket).category == ""

    send(desks["maya"], ticket, macro, client_id="once-more-please")
    with world.tx() as tx:
        unsent.leave(tx, {"unsent_id": tx.session.scalars(select(UnsentReply.id).where(UnsentReply.state == "waiting")).one()})
    after = again(world, ticket)
    assert (after.priority, after.category, after.queue_id, after.status) == (1, "billing", queue.id, "pending_customer")
    with world.tx() as tx:
        tx.session.scalars(select(Agent).where(Agent.name == "Maya")).one().undo_s = 0


def test_with_a_note_the_steps_are_taken_at_once(world, desks, ticket):
    write(desks["maya"], "noted", priority="2", owner="me")
    assert send(desks["maya"], ticket, made(world, "noted").id, kind="note").status_code == 204
    after = again(world, ticket)
    assert (after.priority, after.owner_id) == (2, world.one(select(Agent.id).where(Agent.name == "Maya")))


def test_a_macro_without_a_text_runs_at_once_and_is_undone_where_nobody_changed_more(world, desks, ticket):
    write(desks["ben"], "urgent", "", priority="1", category="technical", owner="me")
    macro = made(world, "urgent").id
    assert desks["ben"].post(f"/desk/tickets/{ticket.number}/macros/{macro}", headers=HX).status_code == 204
    assert (again(world, ticket).priority, again(world, ticket).category) == (1, "technical")
    bar = desks["ben"].get(f"/desk/tickets/{ticket.number}/unsent").text
    assert "“Reply urgent” has changed this ticket." in bar
    assert "has changed this ticket" not in desks["maya"].get(f"/desk/tickets/{ticket.number}/unsent").text
    event = re.search(r"macros/undo/(\d+)", bar)[1]
    assert desks["maya"].post(f"/desk/tickets/{ticket.number}/macros/undo/{event}", headers=HX).status_code == 404
    desks["maya"].post(f"/desk/tickets/{ticket.number}/fields", data={"priority": "4", "reason": "It can wait."}, headers=HX)
    assert desks["ben"].post(f"/desk/tickets/{ticket.number}/macros/undo/{event}", headers=HX).status_code == 204
    after = again(world, ticket)
    assert (after.priority, after.category, after.owner_id) == (4, "", None)
    assert desks["ben"].post(f"/desk/tickets/{ticket.number}/macros/undo/{event}", headers=HX).status_code == 409
    assert "has changed this ticket" not in desks["ben"].get(f"/desk/tickets/{ticket.number}/unsent").text


def test_anothers_macro_and_one_that_is_gone_send_nothing(world, desks, ticket):
    write(desks["ben"], "bens", priority="1")
    for macro in (made(world, "bens").id, 4711, "x"):
        assert send(desks["maya"], ticket, macro).status_code == 404
        assert desks["maya"].post(f"/desk/tickets/{ticket.number}/macros/{macro}", headers=HX).status_code == 404
    assert again(world, ticket).priority == 3


def test_customers_are_known_by_the_name_they_have_now(world, desks, ticket):
    write(desks["maya"], "by-name", "Hello {customer}!")
    with world.tx() as tx:
        customer = customers.identify(tx, "email", "li.na@customers.example")
        customer.name = "Li Na-Wang"
    assert ("by-name", "Hello Li Na-Wang!") in offered(desks["maya"], ticket)
