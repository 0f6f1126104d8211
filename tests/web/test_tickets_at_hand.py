"""What is at hand on tickets over HTTP: what the page says, who may, and that sending twice does once."""

from __future__ import annotations

import json
import re

import pytest
import requests
from sqlalchemy import select

from desk.actions.people import tokens
from desk.models import SavedView, Ticket, TicketTag
from tests.web.console_world import HX, mail
from tests.world import running, settings_for

TOKEN = "a token of a supervisor, for programs"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("at_hand")), background=False) as world:
        for name, more in (("Maya", {}), ("Ben", {}), ("Stranger", {"team": "care"}), ("Root", {"roles": ("admin",)})):
            world.agent(name, **more)
        with world.tx() as tx:
            tokens.create(tx, name="program", role="supervisor", secret=TOKEN)
        yield world


@pytest.fixture(scope="module")
def desks(world):
    return {name: world.browser(f"{name}@desk.example") for name in ("maya", "ben", "stranger", "root")}


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name)


def post(browser, path, **data):
    return browser.post(path, data=data, headers=HX)


def said(answer):
    return json.loads(answer.headers["HX-Trigger"])["toast"]["text"]


def test_a_merged_ticket_leads_to_the_other_for_whoever_may_read_that(world, desks, ticket):
    other = mail(world, external_id="the other")
    maya = desks["maya"]
    assert post(maya, f"/desk/tickets/{ticket.number}/merge", other=f"#{other.number}").status_code == 204
    answer = maya.get(f"/desk/tickets/{ticket.number}", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/desk/tickets/{other.number}")
    assert "Undo the merge" in maya.get(f"/desk/tickets/{other.number}").text
    assert desks["stranger"].get(f"/desk/tickets/{ticket.number}").status_code == 404
    assert post(maya, f"/desk/tickets/{ticket.number}/messages", kind="note", text="x", client_id="0123456789").status_code == 409
    with world.tx() as tx:
        tx.session.get_one(Ticket, other.id).team_id += 1
    assert f"/desk/tickets/{other.number}" not in maya.get(f"/desk/tickets/{ticket.number}").url
    assert post(maya, f"/desk/tickets/{ticket.number}/unmerge").status_code == 404
    assert world.one(select(Ticket.status).where(Ticket.id == ticket.id)) == "merged"


def test_sent_twice_it_is_done_once_and_said_how_many_and_why_not(world, desks, ticket):
    ben = desks["ben"]
    asked = {"key": "sent-twice-1", "verb": "tag", "word": "often", "number": [ticket.number, 99_999]}
    answers = [said(post(ben, "/desk/tickets/many", **asked)) for _ in range(2)]
    assert answers == ["1 ticket changed. 1 was not."] * 2
    shown = ben.get("/desk/tickets/many").text
    assert "There is no ticket 99999." in shown
    assert post(desks["maya"], re.search(r'hx-post="([^"]+/undo)"', shown)[1]).status_code == 404
    assert post(ben, re.search(r'hx-post="([^"]+/undo)"', shown)[1]).status_code == 204
    assert world.all(select(TicketTag.id).where(TicketTag.ticket_id == ticket.id)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        *[{"key": "short"}, {"verb": "erase"}, {"number": []}, {"verb": "snooze", "until": "never"}],
        *[{"verb": "priority", "priority": "9"}, {"verb": "solve", "resolution": " "}, {"verb": "assign", "agent": "x"}],
    ],
)
def test_what_no_ticket_could_take_is_refused_as_a_whole(desks, ticket, wrong):
    asked = {"key": "refused-as-a-whole", "verb": "follow", "number": [ticket.number], **wrong}
    assert post(desks["ben"], "/desk/tickets/many", **asked).status_code == 422


def test_a_kept_view_is_an_address_that_shows_each_their_own(world, desks, ticket):
    maya, stranger = desks["maya"], desks["stranger"]
    post(maya, f"/desk/tickets/{ticket.number}/tags", word="<b>urgent</b>")
    tag_id = world.one(select(TicketTag.tag_id).where(TicketTag.ticket_id == ticket.id))
    kept = post(maya, "/desk/views", name="Urgent & <late>", view="all", tag=tag_id, column=["due", "customer"], sort="oldest")
    address = json.loads(kept.headers["HX-Trigger"])["desk:done"]["path"]
    page = maya.get(address).text
    assert f'id="t-{ticket.number}"' in page
    assert "&lt;b&gt;urgent&lt;/b&gt;" in page
    assert 'class="col-due"' in page
    assert 'class="col-owner"' not in page
    assert f'id="t-{ticket.number}"' not in stranger.get(address).text
    assert "Urgent &amp; &lt;late&gt;" in maya.get("/desk/views").text
    assert "Urgent" not in desks["ben"].get("/desk/views").text
    view_id = world.one(select(SavedView.id).where(SavedView.name.startswith("Urgent")))
    assert post(desks["ben"], f"/desk/views/{view_id}/remove").status_code == 404
    assert post(maya, f"/desk/views/{view_id}/remove").status_code == 204


def test_own_fields_are_asked_on_the_page_and_read_by_programs(world, desks, ticket):
    root, maya = desks["root"], desks["maya"]
    field = {"key": "order_number", "kind": "text", "label_en": "Order number", "label_zh": "订单号", "position": "1"}
    assert root.post("/admin/fields/new", data=field, allow_redirects=False).status_code == 303
    assert root.post("/admin/fields/new", data=field).status_code == 422
    assert "Order number" in maya.get(f"/desk/tickets/{ticket.number}").text
    wrong = {"asked": "order_number", "answer-order_number": "x" * 501}
    assert maya.post(f"/desk/tickets/{ticket.number}/answers", data=wrong, headers=HX).status_code == 422
    assert maya.post(f"/desk/tickets/{ticket.number}/answers", data={"answer-order_number": "A7"}, headers=HX).status_code == 204
    assert api(world, "get", f"/tickets/{ticket.number}").json()["fields"] == {"order_number": "A7"}
    changed = api(world, "patch", f"/tickets/{ticket.number}", json={"fields": {"order_number": "B8"}})
    assert changed.json()["fields"] == {"order_number": "B8"}
    assert api(world, "patch", f"/tickets/{ticket.number}", json={"fields": {"unknown": "x"}}).status_code == 422


def test_programs_tag_snooze_link_and_merge(world, ticket):
    other = mail(world, external_id="of the program")
    base = f"/tickets/{ticket.number}"
    assert [each["word"] for each in api(world, "put", f"{base}/tags", json={"tags": ["b", "a", "Ａ"]}).json()["items"]] == [
        "a",
        "b",
    ]
    assert api(world, "put", f"{base}/tags", json={"tags": []}).json()["items"] == []
    assert api(world, "post", f"{base}/snooze", json={"until": "2999-01-01T00:00:00Z"}).status_code == 422
    assert api(world, "post", f"{base}/snooze", json={"until": "tomorrow"}).status_code == 422
    linked = api(world, "post", f"{base}/links", json={"kind": "child", "ticket": other.number})
    assert linked.status_code == 201
    there = api(world, "get", f"/tickets/{other.number}/links").json()["items"]
    assert [(each["kind"], each["ticket"]) for each in there] == [("child_of", ticket.number)]
    assert api(world, "delete", f"{base}/links/{linked.json()['id']}").status_code == 204
    assert api(world, "post", f"{base}/merge", json={"into": other.number}).status_code == 200
    assert api(world, "get", base).json()["merged_into"] == other.number
    assert api(world, "post", f"{base}/unmerge").status_code == 200
    assert api(world, "get", base).json()["merged_into"] is None
    assert api(world, "post", f"{base}/unmerge").status_code == 409


def api(world, method, path, **more):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.request(method, f"{world.url}/api/v1{path}", headers=headers, timeout=60, **more)
