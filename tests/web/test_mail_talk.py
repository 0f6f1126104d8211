"""Whom an answer goes to, the desk's letters, and leaving the question sheets, through their real pages."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from channels.message import Contact
from desk.actions.surveys import surveys
from desk.models import Customer, Message, Survey, Ticket, TicketParticipant
from tests.web.console_world import HX, mail
from tests.web.forms import filled, form_with
from tests.world import running, settings_for

BOSS = "boss@customers.example"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("talk")), background=False) as world:
        world.agent()
        world.agent("Sen", roles=("senior",))
        world.agent("Ada", roles=("admin",))
        yield world


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name, cc=(Contact("email", BOSS, "Boss"),))


def chips(page, field):
    return re.findall(rf'name="{field}" value="([^"]+)"><span class="clip">([^<]+)<', page)


def test_the_composer_shows_everybody_and_sends_to_who_is_left(world, ticket):
    sen = world.browser("sen@desk.example")
    page = sen.get(f"/desk/tickets/{ticket.number}").text
    [(to, _)] = chips(page, "to")
    assert [value for value, _ in chips(page, "cc")] == [BOSS]
    form = {"kind": "email", "text": "Yes.", "client_id": f"talk-{ticket.number}", "recipients": "chosen"}
    address = f"/desk/tickets/{ticket.number}/messages"
    assert sen.post(address, data=form, headers=HX).status_code == 422  # nobody is left to send it to
    assert sen.post(address, data={**form, "to": to, "cc": "new@x.example，second@x.example"}, headers=HX).status_code == 204
    sen.post(f"/desk/tickets/{ticket.number}/wait", data={"then": "pending_customer"}, headers=HX)
    sent = world.one(select(Message).where(Message.ticket_id == ticket.id, Message.direction == "out"))
    assert (sent.to, sent.cc) == ([to], ["new@x.example", "second@x.example"])


def test_who_sees_no_addresses_sends_them_sealed_and_only_for_their_ticket(world, ticket):
    maya = world.browser("maya@desk.example")
    page = maya.get(f"/desk/tickets/{ticket.number}/recipients").text
    [(sealed, shown)] = chips(page, "cc")
    assert BOSS not in page
    assert shown == "bo•••@customers.example"
    form = {"kind": "email", "text": "Yes.", "client_id": f"talk-{ticket.number}", "cc": sealed}
    other = mail(world, external_id="another ticket of hers")
    for number, status in ((other.number, 422), (ticket.number, 204)):
        assert maya.post(f"/desk/tickets/{number}/messages", data=form, headers=HX).status_code == status


def test_a_participant_is_named_beside_the_ticket_and_can_be_removed(world, ticket):
    sen = world.browser("sen@desk.example")
    assert "Also takes part" in sen.get(f"/desk/tickets/{ticket.number}").text
    row = world.one(select(TicketParticipant).where(TicketParticipant.ticket_id == ticket.id))
    other = mail(world, external_id="not theirs")
    assert sen.post(f"/desk/tickets/{other.number}/participants/{row.id}/remove", headers=HX).status_code == 404
    assert sen.post(f"/desk/tickets/{ticket.number}/participants/{row.id}/remove", headers=HX).status_code == 204
    assert BOSS not in sen.get(f"/desk/tickets/{ticket.number}/customer").text
    assert chips(sen.get(f"/desk/tickets/{ticket.number}/recipients").text, "cc") == []


def test_a_letter_is_looked_at_saved_refused_and_reset(world):
    ada = world.browser("ada@desk.example")
    address = "/admin/letters/received"
    form = form_with(ada.get(address).text, "en.subject")
    wrong = ada.post(address, data=filled(form, **{"zh.text": "没有编号 {nummer}", "en.subject": "No number"}))
    assert wrong.status_code == 422
    assert "[#{number}]" in wrong.text
    assert "没有编号 {nummer}" in wrong.text
    seen = ada.post(f"{address}/draft", data=filled(form, **{"en.text": "Look: {subject}"}), headers=HX).text
    assert "Look: The router is dead" in seen
    for text, status in (("Yours is {number}.", 303), ("Mine is {number}.", 409)):
        assert ada.post(address, data=filled(form, **{"en.text": text})).status_code == status
    assert "Yours is {number}." in ada.get(address).text
    ada.post(f"{address}/reset", data=filled(form_with(ada.get(address).text, "en.subject")))
    assert "Yours is" not in ada.get("/admin/letters").text
    assert "Yours is" not in ada.get(address).text


def test_one_click_without_a_session_is_enough_to_leave_and_looking_changes_nothing(world, ticket):
    with world.tx() as tx:
        row = tx.session.get_one(Ticket, ticket.id)
        row.status, row.solved_at = "solved", tx.now
        key = surveys.send_survey(tx, row, "email").access_key
    left = select(Customer.surveys_declined_at).where(Customer.id == ticket.customer_id)
    stranger = world.browser()
    assert "No more question sheets by mail" in stranger.get(f"/survey/{key}/leave").text
    assert world.one(left) is None
    for _ in range(2):
        answer = stranger.post(f"/survey/{key}/leave", data={"List-Unsubscribe": "One-Click"}, allow_redirects=False)
        assert answer.status_code == 200
    assert world.one(left) is not None
    assert "Wants no question sheets by mail" in world.browser("sen@desk.example").get(f"/desk/tickets/{ticket.number}").text
    stranger.post(f"/survey/{key}/leave", data={"again": "yes"})
    assert world.one(left) is None
    assert stranger.post("/survey/no-such-key/leave").status_code == 404
    assert world.one(select(Survey).where(Survey.access_key == key)).answered_at is None
