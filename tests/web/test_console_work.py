"""What is done in the console over HTTP: each action once, by whom it may be done, and told when it cannot be."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select

from channels.voice.port import CarrierFailed
from desk.actions import intake
from desk.actions.mail import outbox
from desk.actions.surveys.follow_up_work import open_follow_up
from desk.actions.work import work_items
from desk.models import (
    Agent,
    Allegation,
    Attachment,
    Call,
    Complaint,
    ComplaintDecision,
    FollowUp,
    Message,
    OutboxMail,
    Recusal,
    Redress,
    RouterLease,
    Ticket,
    WorkItem,
)
from tests.web.console_world import HX, a_call, last, mail, squeezed
from tests.world import running, settings_for


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), background=False) as world:
        yield world


def test_an_answer_sent_twice_is_one_mail(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    for _ in range(2):
        data = {"kind": "email", "text": "We refund it.", "client_id": "the-same-id", "then": "pending_customer"}
        assert browser.post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX).status_code == 204
    assert len(world.all(select(OutboxMail))) == 1
    assert world.ticket().status == "pending_customer"


def test_a_note_stays_inside_and_brings_its_files(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    browser.post(
        f"/desk/tickets/{ticket.number}/messages",
        data={"kind": "note", "text": "Ask level two.", "client_id": "note-12345"},
        files={"files": ("Beleg.pdf", io.BytesIO(b"%PDF-1.4 x"), "application/pdf")},
    )
    assert not world.all(select(OutboxMail))
    assert last(world, Message).direction == "internal"
    assert last(world, Attachment).name == "Beleg.pdf"
    assert "Ask level two." in browser.get(f"/desk/tickets/{ticket.number}").text


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"kind": "email", "text": "  ", "client_id": "12345678"}, 422),
        ({"kind": "fax", "text": "x", "client_id": "12345678"}, 422),
        ({"kind": "email", "text": "x"}, 422),
        ({"kind": "chat", "text": "x", "client_id": "12345678"}, 409),
        ({"kind": "email", "text": "x", "client_id": "12345678", "cc": "no address"}, 422),
    ],
)
def test_what_cannot_be_sent_is_told_and_nothing_changes(world, data, status):
    maya = world.agent()
    ticket = mail(world)
    answer = world.browser(maya.email).post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert len(world.all(select(Message))) == 1
    assert world.ticket().owner_id is None


def test_solving_asks_for_what_is_missing_field_by_field(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    answer = browser.post(f"/desk/tickets/{ticket.number}/solve", data={}, headers=HX)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"category", "wrap_up_code", "resolution"}
    good = {"category": "billing", "wrap_up_code": "solved", "resolution": "Paid back."}
    assert browser.post(f"/desk/tickets/{ticket.number}/solve", data=good, headers=HX).status_code == 204
    assert world.ticket().status == "solved"
    assert browser.post(f"/desk/tickets/{ticket.number}/reopen", headers=HX).status_code == 204
    assert world.ticket().status == "open"


def test_two_who_take_the_same_work_do_not_both_get_it(world):
    ticket = mail(world)
    first, second = (world.browser(world.agent(name).email) for name in ("Ada", "Ben"))
    assert first.post(f"/desk/tickets/{ticket.number}/take", headers=HX).status_code == 204
    answer = second.post(f"/desk/tickets/{ticket.number}/take", headers=HX)
    assert answer.status_code == 409
    assert "Somebody else" in answer.json()["detail"]


def test_an_offer_belongs_to_whom_it_was_made(world):
    mail(world)
    ada, ben = world.agent("Ada", available=True), world.agent("Ben")
    with world.tx() as tx:
        tx.session.add(RouterLease(id=1, epoch=1, holder="test", until=tx.now))
        tx.session.flush()
        item = tx.session.scalar(select(WorkItem))
        made = work_items.offer(
            tx, item.id, ada.id, epoch=1, reason={"mode": "longest_idle", "waited_s": 75, "free": 1, "able": 2}
        )
    assert world.browser(ben.email).post(f"/desk/offers/{made.id}/accept").status_code == 404
    browser = world.browser(ada.email)
    page = browser.get("/desk").text
    assert f"/desk/offers/{made.id}/accept" in page
    number = world.ticket().number
    assert browser.post(f"/desk/offers/{made.id}/accept", headers=HX).status_code == 204
    assert "You had been free the longest." in browser.get(f"/desk/tickets/{number}").text
    assert browser.post(f"/desk/offers/{made.id}/decline", headers=HX).status_code == 409


def test_a_failed_mail_says_why_and_can_be_sent_again(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    browser.post(f"/desk/tickets/{ticket.number}/messages", data={"kind": "email", "text": "Hello.", "client_id": "12345678"})
    with world.tx() as tx:
        outbox.record_failed(tx, tx.session.scalar(select(OutboxMail.id)), "550 no such mailbox", retryable=False)
    message = last(world, Message)
    assert "550 no such mailbox" in browser.get(f"/desk/tickets/{ticket.number}").text
    again = f"/desk/tickets/{ticket.number}/messages/{message.id}/send-again"
    assert browser.post(again, headers=HX).status_code == 204
    assert last(world, OutboxMail).state == "queued"
    assert browser.post(again, headers=HX).status_code == 409


def test_a_message_of_another_ticket_is_not_reached_through_this_one(world):
    maya = world.agent()
    mine, other = mail(world, "One."), mail(world, "Two.")
    message = world.one(select(Message).where(Message.ticket_id == other.id))
    answer = world.browser(maya.email).post(f"/desk/tickets/{mine.number}/messages/{message.id}/detach")
    assert answer.status_code == 404


def test_a_complaint_is_registered_by_an_agent_and_moved_by_an_officer_only(world):
    maya, officer = world.agent(), world.agent("He", roles=("complaint_officer",), team="care")
    ticket = mail(world)
    agent, care = world.browser(maya.email), world.browser(officer.email)
    assert care.get(f"/desk/tickets/{ticket.number}").status_code == 404
    assert agent.post(f"/desk/tickets/{ticket.number}/complaint", data={"statement": ""}, headers=HX).status_code == 422
    good = {"statement": "You charged me twice.", "category": "billing"}
    assert agent.post(f"/desk/tickets/{ticket.number}/complaint", data=good, headers=HX).status_code == 204
    assert agent.post(f"/desk/tickets/{ticket.number}/complaint/advance", data={"stage": "assessed"}).status_code == 403
    assert agent.get("/desk/complaints").status_code == 403
    assert "March bill" in care.get("/desk/complaints").text

    page = care.get(f"/desk/tickets/{ticket.number}").text
    assert "You charged me twice." in page
    answer = care.post(f"/desk/tickets/{ticket.number}/complaint/advance", data={"stage": "closed"}, headers=HX)
    assert answer.status_code == 409
    assert "Possible now: Assess, Withdraw, It is no complaint." in answer.json()["detail"]
    assert answer.json()["allowed"] == ["assessed", "follow_up", "withdrawn", "retyped"]
    for data in ({"stage": "assessed", "category": "billing", "severity": "3"}, {"stage": "investigating"}):
        assert care.post(f"/desk/tickets/{ticket.number}/complaint/advance", data=data, headers=HX).status_code == 204, data
    case, point = f"/desk/complaints/{ticket.number}", last(world, Allegation).id
    for act, data, status in (
        ("draft", {"outcome": "upheld"}, 409),  # no finding yet
        ("finding", {"point": str(point), "finding": "proven", "reason": ""}, 422),
        ("finding", {"point": str(point), "finding": "proven", "reason": "The log."}, 204),
        ("cause", {"cause": "technology_fault", "why1": "Sent twice.", "why2": "No key."}, 204),
        ("give", {"kind": "refund", "amount": "many", "due": "2999-12-31"}, 422),
        ("give", {"kind": "refund", "amount": "328", "due": "2999-12-31"}, 204),
        ("draft", {"outcome": "upheld", "looked_into": "The log.", "reasons": "We pay it back.", "apology": "Sorry."}, 204),
        ("submit", {}, 409),  # nobody's approval is needed
        ("approve", {}, 409),
        ("send", {}, 204),
    ):
        assert agent.post(f"{case}/{act}", data=data, headers=HX).status_code == 403
        assert care.post(f"{case}/{act}", data=data, headers=HX).status_code == status, (act, data)
    assert last(world, Complaint).stage == "redress"
    page = care.get(case).text
    assert "We pay it back." in page
    assert "328.00" in page
    letter = care.get(f"{case}/letters/{last(world, ComplaintDecision).id}")
    assert "328.00" in letter.text
    assert "sandbox" in letter.headers["Content-Security-Policy"]
    assert world.browser().get(f"/track/{last(world, Complaint).access_key}/letter").text == letter.text
    given = {"given": str(last(world, Redress).id), "proof": "Receipt."}
    assert care.post(f"{case}/given", data=given, headers=HX).status_code == 204


def test_somebody_kept_out_finds_the_case_by_no_address(world):
    senior, officer = world.agent("Sam", roles=("senior",)), world.agent("He", roles=("complaint_officer",), team="care")
    ticket = mail(world)
    own, care = world.browser(senior.email), world.browser(officer.email)
    good = {"statement": "Sam was rude to me.", "category": "service"}
    assert own.post(f"/desk/tickets/{ticket.number}/complaint", data=good, headers=HX).status_code == 204
    case = f"/desk/complaints/{ticket.number}"
    assert own.get(case).status_code == 200
    assert care.post(f"{case}/keep_out", data={"agent": str(senior.id)}, headers=HX).status_code == 422
    assert care.post(f"{case}/keep_out", data={"agent": str(senior.id), "why": "about"}, headers=HX).status_code == 204
    assert "Sam" in care.get(case).text
    for path in (case, f"{case}/body", f"/desk/tickets/{ticket.number}", f"/desk/tickets/{ticket.number}/timeline"):
        assert own.get(path).status_code == 404, path
    for path in ("/desk/complaints", "/desk/tickets?view=all", f"/desk/tickets?search={ticket.number}", "/desk/worklist"):
        assert f"/{ticket.number}" not in own.get(path).text, path
    assert care.post(f"/desk/tickets/{ticket.number}/assign", data={"agent": str(senior.id)}, headers=HX).status_code == 409
    assert own.post(f"/desk/tickets/{ticket.number}/take", headers=HX).status_code == 404
    lifted = {"recusal": str(last(world, Recusal).id), "reason": "Another Sam."}
    assert care.post(f"{case}/let_in", data=lifted, headers=HX).status_code == 204
    assert own.get(case).status_code == 200


def test_whoever_handled_a_matter_does_not_ask_the_customer_about_it(world):
    maya, ben = world.agent(), world.agent("Ben")
    ticket = mail(world)
    with world.tx() as tx:
        open_follow_up(tx, tx.session.get(Ticket, ticket.id), "low_score", exclude=maya.id)
    follow_up = last(world, FollowUp)
    own, other = world.browser(maya.email), world.browser(ben.email)
    assert own.post(f"/desk/follow-ups/{follow_up.id}", data={"outcome": "satisfied"}).status_code == 403
    assert f"/desk/follow-ups/{follow_up.id}" not in own.get(f"/desk/tickets/{ticket.number}").text
    assert f"/desk/follow-ups/{follow_up.id}" in other.get(f"/desk/tickets/{ticket.number}/customer").text
    assert other.post(f"/desk/follow-ups/{follow_up.id}", data={"outcome": "dissatisfied"}, headers=HX).status_code == 422
    assert other.post(f"/desk/follow-ups/{follow_up.id}", data={"outcome": "satisfied"}, headers=HX).status_code == 204
    assert last(world, FollowUp).outcome == "satisfied"


def test_a_ticket_by_hand_finds_its_customer_and_goes_into_the_queue_or_to_the_agent(world):
    maya = world.agent()
    browser = world.browser(maya.email)
    answer = browser.post("/desk/tickets", data={"contact": "", "subject": ""}, headers=HX)
    assert answer.status_code == 422
    assert "f-contact-error" in answer.text
    queue = world.one(select(Ticket.queue_id)) or 1
    data = {
        "contact": "138 0013 8000",
        "name": "Li Na",
        "subject": "Asked in the shop",
        "queue": queue,
        "channel": "voice",
        "text": "Wants a bill.",
    }
    assert browser.post("/desk/tickets", data=data, headers=HX).status_code == 204
    assert world.one(select(WorkItem.state)) == "waiting"
    assert browser.post("/desk/tickets", data={**data, "mine": "1"}, headers=HX).status_code == 204
    first, second = world.all(select(Ticket).order_by(Ticket.id))
    assert first.customer_id == second.customer_id
    assert (first.owner_id, second.owner_id) == (None, maya.id)


def test_a_wrong_name_takes_no_owner_away(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    assert browser.post(f"/desk/tickets/{ticket.number}/assign", data={"agent": "me"}, headers=HX).status_code == 204
    for wrong in ("nobody", "-1", "99999999999999999999", "4711"):
        answer = browser.post(f"/desk/tickets/{ticket.number}/assign", data={"agent": wrong}, headers=HX)
        assert answer.status_code == 404, wrong
    assert browser.post(f"/desk/tickets/{ticket.number}/assign", headers=HX).status_code == 404
    assert world.ticket().owner_id == maya.id
    assert browser.post(f"/desk/tickets/{ticket.number}/assign", data={"agent": ""}, headers=HX).status_code == 204
    assert world.ticket().owner_id is None


def test_presence_is_the_agents_own_and_wrong_words_change_nothing(world):
    maya = world.agent()
    browser = world.browser(maya.email)
    assert browser.post("/desk/presence", data={"presence": "away", "reason": "lunch"}, headers=HX).status_code == 204
    assert browser.post("/desk/presence", data={"presence": "flying"}, headers=HX).status_code == 422
    agent = world.one(select(Agent).where(Agent.id == maya.id))
    assert (agent.presence, agent.presence_reason) == ("away", "lunch")
    assert "Lunch" in browser.get("/desk/presence").text


def test_whoever_missed_an_offer_is_told_and_can_come_back(world):
    maya = world.agent()
    with world.tx() as tx:
        tx.session.get(Agent, maya.id).presence = "not_responding"
    browser = world.browser(maya.email)
    assert "You missed an offer." in browser.get("/desk").text
    browser.post("/desk/presence", data={"presence": "available"})
    assert "You missed an offer." not in browser.get("/desk").text


def test_only_who_holds_a_call_may_hold_mute_end_or_wrap_it_up(world):
    maya, ben = world.agent(), world.agent("Ben")
    call = a_call(world, maya)
    other = world.browser(ben.email)
    for verb in ("hold", "mute", "hang-up", "wrap-up"):
        assert other.post(f"/desk/calls/{call.id}/{verb}", headers=HX).status_code == 404, verb
    own = world.browser(maya.email)
    assert own.post(f"/desk/calls/{call.id}/hold", headers=HX).status_code == 409, "not connected yet"
    assert "Connecting" in own.get("/desk/strip").text
    assert squeezed(other.get("/desk/strip").text) == ""


def test_a_caller_is_back_in_the_queue_when_the_agents_phone_cannot_be_reached(world, monkeypatch):
    maya = world.agent(available=True)
    call = a_call(world)

    def refuse(**_what):
        raise CarrierFailed("no such client", retryable=False)

    monkeypatch.setattr(world.desk.carrier, "add_participant", refuse)
    number = world.ticket().number
    answer = world.browser(maya.email).post(f"/desk/tickets/{number}/take", headers=HX)
    assert answer.status_code == 409
    assert "no such client" in answer.json()["detail"]
    assert world.one(select(Call.state).where(Call.id == call.id)) == "queued"
    assert world.one(select(WorkItem.state)) == "waiting"
    assert world.one(select(Agent.used).where(Agent.id == maya.id)) == 0


def test_a_moved_ticket_leaves_its_agent_and_says_so(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    browser.post(f"/desk/tickets/{ticket.number}/take")
    billing = 0
    with world.tx() as tx:
        billing = intake.find_queue(tx, "billing").id
    answer = browser.post(f"/desk/tickets/{ticket.number}/move", data={"queue": billing}, headers=HX)
    assert "was moved" in answer.headers["HX-Trigger"]
    assert (world.ticket().queue_id, world.ticket().owner_id) == (billing, None)
    assert browser.post(f"/desk/tickets/{ticket.number}/move", data={"queue": 999}, headers=HX).status_code == 404


def test_the_next_level_is_asked_in_the_console_and_may_only_write_notes(world):
    maya, hannah = world.agent(), world.agent("Hannah", skills={"support": 2})
    ticket = mail(world)
    asks = f"/desk/tickets/{ticket.number}/hand-up"
    owner, asked = world.browser(maya.email), world.browser(hannah.email)
    packet = {"problem": "Charged twice", "tried": "Looked", "question": "Was it?", "within": "240"}
    refused = owner.post(asks, data={**packet, "tried": ""}, headers=HX)
    assert refused.status_code == 422
    assert owner.post(asks, data=packet, headers=HX).status_code == 204
    assert asked.post(f"{asks}/answer", data={"answer": "Yes"}, headers=HX).status_code == 409
    with world.tx() as tx:
        work_items.take(tx, last(world, WorkItem).id, hannah.id)
    page = squeezed(asked.get(f"/desk/tickets/{ticket.number}").text)
    assert "Charged twice" in page
    assert 'id="kind-email"' not in page
    assert "You are asked; the owner writes to the customer." in page
    assert asked.post(f"{asks}/answer", data={"answer": "Yes, twice."}, headers=HX).status_code == 204
    assert last(world, Message).text == "Yes, twice."
    assert "Hannah" in squeezed(owner.get(f"/desk/tickets/{ticket.number}/timeline").text)
