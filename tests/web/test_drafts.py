"""Drafts on the server: one for each agent and ticket, nobody else's, never overwritten by another window, gone when sent."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from desk.actions.tickets import drafts
from desk.errors import Conflict
from desk.events import Event
from desk.models import Agent, Draft, Message
from tests.web.console_world import HX, mail
from tests.world import running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("drafts")), background=False) as world:
        world.agent()
        world.agent("Ben")
        world.agent("Stranger", team="care")
        world.agent("Sue", roles=("supervisor",))
        yield world


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name)


@pytest.fixture(scope="module")
def maya(world):
    return world.browser("maya@desk.example")


def save(browser, ticket, text, version=0, kind="email", **more):
    data = {"kind": kind, "text": text, "draft": str(version), **more}
    return browser.post(f"/desk/tickets/{ticket.number}/draft", data=data, headers=HX)


def kept(world, ticket):
    return world.one(select(Draft).where(Draft.ticket_id == ticket.id))


def test_what_is_written_stands_in_every_window_of_its_writer_and_in_their_work_list(world, ticket, maya):
    version = save(maya, ticket, "We look\ninto <it>", kind="note").json()["version"]
    again = save(maya, ticket, "We look\ninto <it> & more", version, kind="note").json()["version"]
    assert again > version > 0
    elsewhere = world.browser("maya@desk.example")
    page = elsewhere.get(f"/desk/tickets/{ticket.number}").text
    assert f'data-version="{again}" data-kind="note" data-words="We look\ninto &lt;it&gt; &amp; more"' in page
    assert f'name="draft" value="{again}"' in page
    listed = elsewhere.get("/desk/worklist").text
    assert "Begun and not sent" in listed
    assert "We look into &lt;it&gt; &amp; more" in listed


def test_nobody_else_sees_it_or_can_touch_it(world, ticket, maya):
    save(maya, ticket, "Only for me")
    for name in ("ben", "sue"):
        other = world.browser(f"{name}@desk.example")
        assert "Only for me" not in other.get(f"/desk/tickets/{ticket.number}").text
        assert "Only for me" not in other.get("/desk/worklist").text
        assert other.post(f"/desk/tickets/{ticket.number}/draft/drop", headers=HX).status_code == 204
    assert kept(world, ticket).text == "Only for me"
    stranger = world.browser("stranger@desk.example")
    assert save(stranger, ticket, "Mine").status_code == 404
    assert stranger.get(f"/desk/tickets/{ticket.number}/draft").status_code == 404


def test_another_window_is_never_overwritten(world, ticket, maya):
    version = save(maya, ticket, "From the first window").json()["version"]
    refused = save(maya, ticket, "From a window that knows nothing of it")
    assert refused.status_code == 409
    assert "another window" in refused.json()["detail"]
    assert save(maya, ticket, "", version - 1).status_code == 409
    assert kept(world, ticket).text == "From the first window"
    assert save(maya, ticket, "  \n ", version).json()["version"] == 0
    assert kept(world, ticket) is None
    assert save(maya, ticket, "Still typing in the other one", version).status_code == 409


def test_a_draft_begun_after_another_was_sent_has_a_number_of_its_own(world, ticket, maya):
    first = save(maya, ticket, "One").json()["version"]
    save(maya, ticket, "", first)
    assert save(maya, ticket, "Two").json()["version"] != first


def test_sending_takes_away_the_draft_that_was_sent_and_no_other(world, ticket, maya):
    version = save(maya, ticket, "Half a no", kind="note").json()["version"]
    send = {"kind": "note", "text": "Half a note", "client_id": "first-of-two"}
    maya.post(f"/desk/tickets/{ticket.number}/messages", data={**send, "draft": str(version - 1)}, headers=HX)
    assert kept(world, ticket).text == "Half a no"
    send["client_id"] = "second-of-two"
    assert (
        maya.post(f"/desk/tickets/{ticket.number}/messages", data={**send, "draft": str(version)}, headers=HX).status_code == 204
    )
    assert kept(world, ticket) is None
    assert world.one(select(func.count()).where(Message.ticket_id == ticket.id, Message.kind == "note")) == 2


def test_a_message_that_is_refused_leaves_its_draft(world, ticket, maya):
    version = save(maya, ticket, "Hello").json()["version"]
    data = {"kind": "chat", "text": "Hello", "client_id": "no-chat-here", "draft": str(version)}
    assert maya.post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX).status_code == 409
    assert kept(world, ticket).text == "Hello"


def test_chosen_recipients_come_back_sealed_for_those_who_see_no_whole_address(world, ticket, maya):
    typed = {"recipients": "chosen", "to": "li.wei@customers.example", "cc": "boss@customers.example, x@customers.example"}
    save(maya, ticket, "To both", **typed)
    draft = kept(world, ticket)
    assert (draft.to, draft.cc) == (["li.wei@customers.example"], ["boss@customers.example", "x@customers.example"])
    part = maya.get(f"/desk/tickets/{ticket.number}/draft").text
    assert "li.wei@" not in part
    assert "li•••@customers.example" in part.encode().decode("unicode_escape", "ignore") or "\\u2022" in part
    sealed = re.search(r"sealed:[\w.\-]+", part)[0]
    save(maya, ticket, "To one", draft.version, recipients="chosen", to=sealed)
    assert kept(world, ticket).to == ["li.wei@customers.example"]


@pytest.mark.parametrize(("kind", "version"), [("email", "x"), ("email", "-1"), ("email", ""), ("sms", "0"), ("", "0")])
def test_what_is_no_draft_is_refused(world, ticket, maya, kind, version):
    assert save(maya, ticket, "Words", version, kind=kind).status_code == 422
    assert kept(world, ticket) is None


def test_the_log_says_that_something_was_begun_and_never_what(world, ticket, maya):
    version = save(maya, ticket, "A secret thought").json()["version"]
    save(maya, ticket, "A secret thought, longer", version)
    maya.post(f"/desk/tickets/{ticket.number}/draft/drop", headers=HX)
    events = world.all(select(Event).where(Event.ticket_id == ticket.id, Event.kind.startswith("draft.")))
    assert [event.kind for event in events] == ["draft.begun", "draft.dropped"]
    assert all(event.data == {} for event in events)


def test_to_clear_what_is_gone_already_is_no_conflict(world, ticket, maya):
    version = save(maya, ticket, "We look").json()["version"]
    maya.post(f"/desk/tickets/{ticket.number}/draft/drop", headers=HX)
    cleared = save(maya, ticket, "", version)
    assert (cleared.status_code, cleared.json()["version"]) == (200, 0)
    assert save(maya, ticket, "Others", version).status_code == 409


def test_of_two_windows_that_begin_at_once_one_is_told(world, ticket):
    with world.tx() as tx:
        agent = tx.session.scalars(select(Agent).where(Agent.name == "Maya")).one()
        drafts.keep_draft(tx, ticket, agent, "The first", kind="note", version=0)
        row = Draft(ticket_id=ticket.id, agent_id=agent.id, version=1, began_at=tx.now)
        with pytest.raises(Conflict):
            drafts._add(tx, row, "note", "The second")
    assert kept(world, ticket).text == "The first"
