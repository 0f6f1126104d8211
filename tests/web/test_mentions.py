"""Naming a colleague in a note: they are told until they have looked; who may not read the ticket is not."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from desk.events import Event
from desk.models import Mention
from desk.queries.tickets.mentions import named_in
from tests.web.console_world import HX, mail
from tests.world import running, settings_for

PEOPLE = {
    "Maya": {},
    "Ben": {},
    "Ben Li": {},
    "林晓雯": {},
    "Stranger": {"team": "care"},
    "Kim": {"roles": ("knowledge_editor",)},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("mentions")), background=False) as world:
        for name, more in PEOPLE.items():
            agent = world.agent(name.replace(" ", "."), **more)
            with world.tx() as tx:
                tx.session.merge(agent).name = name
        yield world


@pytest.fixture(scope="module")
def desks(world):
    return {name: world.browser(f"{name}@desk.example") for name in ("maya", "ben", "stranger")}


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name)


def write(browser, ticket, text, kind="note"):
    data = {"kind": kind, "text": text, "client_id": f"note-{ticket.number}-{len(text)}"}
    return browser.post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX)


def named(world, ticket):
    return world.all(select(Mention.agent_id).where(Mention.ticket_id == ticket.id))


def test_who_is_named_sees_it_in_the_list_and_on_the_ticket_until_they_have_looked(world, desks, ticket):
    assert write(desks["maya"], ticket, "@Ben please <look> at this").status_code == 204
    listed = desks["ben"].get("/desk/worklist").text
    assert "Maya: @Ben please &lt;look&gt; at this" in listed
    assert "You are named" not in desks["maya"].get("/desk/worklist").text
    bar = desks["ben"].get(f"/desk/tickets/{ticket.number}/unsent").text
    assert "A colleague names you" in bar
    assert desks["maya"].post(f"/desk/tickets/{ticket.number}/looked", headers=HX).status_code == 204  # hers, and not his
    assert "A colleague names you" in desks["ben"].get(f"/desk/tickets/{ticket.number}/unsent").text
    assert desks["ben"].post(f"/desk/tickets/{ticket.number}/looked", headers=HX).status_code == 204
    assert "A colleague names you" not in desks["ben"].get(f"/desk/tickets/{ticket.number}").text
    assert f"#{ticket.number}" not in desks["ben"].get("/desk/worklist").text
    kinds = select(Event.kind).where(Event.ticket_id == ticket.id, Event.kind.startswith("mention.")).order_by(Event.id)
    assert world.all(kinds) == ["mention.made", "mention.seen"]


def test_who_may_not_read_the_ticket_is_not_told_and_the_writer_learns_so(world, desks, ticket):
    answer = write(desks["maya"], ticket, "@Stranger and @Ben")
    said = json.loads(answer.headers["HX-Trigger"])["toast"]["text"]
    assert said == "Not told, as they may not read this ticket: Stranger."
    assert len(named(world, ticket)) == 1
    assert "names you" not in desks["stranger"].get("/desk/worklist").text
    assert desks["stranger"].post(f"/desk/tickets/{ticket.number}/looked", headers=HX).status_code == 404


def test_only_in_notes(world, desks, ticket):
    assert write(desks["maya"], ticket, "@Ben writes to you", kind="email").status_code == 204
    assert named(world, ticket) == []


def test_those_who_write_on_tickets_can_be_chosen(desks, ticket):
    offered = desks["maya"].get(f"/desk/tickets/{ticket.number}/colleagues").text
    assert 'data-words="@林晓雯 "' in offered
    assert "@Kim" not in offered
    assert "@Maya" not in offered
    assert desks["stranger"].get(f"/desk/tickets/{ticket.number}/colleagues").status_code == 404


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@Ben", [1]),
        ("@ben, and @BEN again", [1]),
        ("@Ben Li", [2]),
        ("@Ben Lil", [1]),
        ("@Benjamin", []),
        ("＠林晓雯请看一下", [3]),
        ("ben@desk.example", []),
        ("@Ben @Ben Li @林晓雯", [2, 3, 1]),
        ("Ben", []),
    ],
)
def test_the_longest_name_counts(text, found):
    assert sorted(named_in(text, [(1, "Ben"), (2, "Ben Li"), (3, "林晓雯")])) == sorted(found)
