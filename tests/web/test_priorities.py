"""Weighing a ticket over HTTP: what its page says of the priority and why, and who may set it otherwise and how."""

from __future__ import annotations

import pytest
import requests
from sqlalchemy import select

from desk.actions.people import tokens
from desk.models import BulkAct, Ticket
from tests.web.console_world import HX, mail
from tests.world import running, settings_for

TOKEN = "a token that weighs tickets"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("priorities")), background=False) as world:
        world.agent("Maya")
        with world.tx() as tx:
            tokens.create(tx, name="program", role="supervisor", secret=TOKEN)
        yield world


@pytest.fixture(scope="module")
def maya(world):
    return world.browser("maya@desk.example")


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name)


def fields(browser, ticket, **data):
    return browser.post(f"/desk/tickets/{ticket.number}/fields", data=data, headers=HX)


def weighed(world, ticket):
    now = world.one(select(Ticket).where(Ticket.id == ticket.id))
    return now.impact, now.urgency, now.priority, now.priority_reason


def test_the_head_says_of_what_the_priority_is_made_in_both_languages(world, maya, ticket):
    assert fields(maya, ticket, impact="team").status_code == 204
    assert fields(maya, ticket, urgency="high").status_code == 204
    path = f"/desk/tickets/{ticket.number}/head"
    assert "A team, cannot wait" in maya.get(path).text
    assert "一个团队，不能等" in maya.get(f"{path}?lang=zh").text
    maya.get(f"{path}?lang=en")
    timeline = maya.get(f"/desk/tickets/{ticket.number}/timeline").text
    assert "priority to P2" in timeline
    assert "urgency to cannot wait" in timeline


def test_by_hand_needs_a_reason_which_stands_in_the_head_until_the_table_is_asked_again(world, maya, ticket):
    refused = fields(maya, ticket, priority="1", reason="  ")
    assert refused.status_code == 422
    assert weighed(world, ticket) == ("one", "normal", 3, None)
    assert fields(maya, ticket, priority="1", reason="The mayor waits.").status_code == 204
    head = maya.get(f"/desk/tickets/{ticket.number}/head").text
    assert "Set by hand: The mayor waits." in head
    assert "priority-by-table" in head
    assert fields(maya, ticket, impact="one").status_code == 204
    assert weighed(world, ticket) == ("one", "normal", 3, None)
    assert "priority-by-table" not in maya.get(f"/desk/tickets/{ticket.number}/head").text


@pytest.mark.parametrize(
    "wrong", [{"impact": "all"}, {"urgency": "9"}, {"priority": "0", "reason": "x"}, {"priority": "x", "reason": "x"}]
)
def test_what_there_is_not_is_refused(world, maya, ticket, wrong):
    assert fields(maya, ticket, **wrong).status_code == 422
    assert weighed(world, ticket) == ("one", "normal", 3, None)


def test_many_by_hand_need_a_reason_too(world, maya, ticket):
    act = {"key": "0123456789ab", "number": str(ticket.number), "verb": "priority", "priority": "1"}
    assert maya.post("/desk/tickets/many", data=act, headers=HX).status_code == 422
    assert maya.post("/desk/tickets/many", data={**act, "priority": ""}, headers=HX).status_code == 422
    assert world.all(select(BulkAct)) == []
    assert maya.post("/desk/tickets/many", data={**act, "reason": "The line is down."}, headers=HX).status_code == 204
    assert weighed(world, ticket) == ("one", "normal", 1, "The line is down.")


def test_a_program_weighs_reads_it_and_finds_by_it(world, ticket):
    def program(method, path, **more):
        address, shown = f"{world.url}/api/v1{path}", {"Authorization": f"Bearer {TOKEN}"}
        return requests.request(method, address, headers=shown, timeout=60, **more)

    changed = program("PATCH", f"/tickets/{ticket.number}", json={"impact": "many", "urgency": "low"}).json()
    assert (changed["impact"], changed["urgency"], changed["priority"], changed["priority_reason"]) == ("many", "low", 2, None)
    changed = program("PATCH", f"/tickets/{ticket.number}", json={"priority": 4, "priority_reason": "A drill."}).json()
    assert (changed["impact"], changed["priority"], changed["priority_reason"]) == ("many", 4, "A drill.")
    found = program("GET", "/tickets?impact=many&urgency=low&priority=4").json()["items"]
    assert [each["number"] for each in found] == [ticket.number]
    assert program("PATCH", f"/tickets/{ticket.number}", json={"impact": "all"}).status_code == 422
    new = {"subject": "All of us", "email": "wu@customers.example", "impact": "many", "urgency": "high"}
    assert program("POST", "/tickets", json=new).json()["priority"] == 1
