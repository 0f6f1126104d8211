"""After abuse: one warning, then a supervisor's limit on how a customer reaches us; the matter goes on all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from channels.chat.secret import identity, new_token
from channels.message import Contact, Inbound
from channels.voice.events import CallEvent
from desk.access import viewer_of
from desk.actions import intake
from desk.actions.calls import arrival
from desk.actions.chats import chats
from desk.actions.people import conduct, customers
from desk.errors import Conflict, Invalid, NotAllowed
from desk.events import Event
from desk.models import (
    Chat,
    Customer,
    Ticket,
    Timer,
    WorkItem,
)
from desk.queries.calls.dismissal import IN_WRITING
from desk.queries.people.contact_limits import limit_known_by, limits_to_review, running_limit
from tests.desk.care_world import World, agent, mail_in, run_due


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def limited(tx, ticket: Ticket, **how):
    """The customer of this ticket was warned, and Lin has decided."""
    lin, customer = agent(tx, "Lin"), tx.session.get_one(Customer, ticket.customer_id)
    lin.roles = ["supervisor"]
    conduct.warn(tx, ticket, agent(tx, "Dan"), "Called Dan names.", "en")
    times = {"review_at": tx.now + timedelta(days=60), "until": tx.now + timedelta(days=90)}
    return conduct.set_limit(tx, customer, lin, how.pop("kind", "channel"), reason="Names again.", **times, **how)


def test_one_warning_comes_before_a_limit_that_a_supervisor_sets_for_six_months_at_most(world):
    with world.tx() as tx:
        ticket, lin = mail_in(tx), agent(tx, "Lin")
        customer = tx.session.get_one(Customer, ticket.customer_id)
        times = {"reason": "Names.", "review_at": tx.now + timedelta(days=20), "until": tx.now + timedelta(days=40)}
        with pytest.raises(NotAllowed):
            conduct.set_limit(tx, customer, lin, "channel", **times)
        lin.roles = ["supervisor"]
        with pytest.raises(Conflict):
            conduct.set_limit(tx, customer, lin, "channel", **times)
        conduct.warn(tx, ticket, agent(tx, "Dan"), "Called Dan names.", "zh")
        with pytest.raises(Conflict):
            conduct.warn(tx, ticket, agent(tx, "Dan"), "And again.", "zh")
        for wrong, field in (
            ({"until": tx.now + timedelta(days=190)}, "until"),
            ({"review_at": tx.now + timedelta(days=41)}, "review"),
        ):
            with pytest.raises(Invalid) as refused:
                conduct.set_limit(tx, customer, lin, "channel", **times | wrong)
            assert set(refused.value.fields) == {field}
        conduct.set_limit(tx, customer, lin, "channel", **times)
        with pytest.raises(Conflict):
            conduct.set_limit(tx, customer, lin, "channel", **times)


def test_a_limit_comes_up_for_review_and_ends_by_itself(world):
    with world.tx() as tx:
        ticket = mail_in(tx)
        limited(tx, ticket)
        customer_id = ticket.customer_id
    world.days(54)
    with world.tx() as tx:
        lin = viewer_of(agent(tx, "Lin"))
        assert [row.customer_name for row in limits_to_review(tx.session, lin, tx.now)] == ["Wang Wei"]
        assert limits_to_review(tx.session, viewer_of(agent(tx, "Dan")), tx.now) == []
        conduct.review(tx, running_limit(tx.session, customer_id, tx.now), agent(tx, "Lin"), "It goes on.", goes_on=True)
        assert limits_to_review(tx.session, lin, tx.now) == []
    world.days(37)
    with world.tx() as tx:
        assert running_limit(tx.session, customer_id, tx.now) is None
    run_due(world, conduct.END_TIMER)
    with world.tx() as tx:
        assert tx.session.scalars(select(Event.kind).where(Event.kind == "customer.limit_ended")).all() == [
            "customer.limit_ended"
        ]
        mail = Inbound(
            channel="email", external_id="mail-9", sender=Contact("email", "wang@example.com"), text="Hello", locale="en"
        )
        assert intake.receive(tx, mail, queue_key="general").ticket.owner_id is None


def test_what_somebody_writes_who_reaches_us_through_one_person_is_theirs(world):
    with world.tx() as tx:
        dan = agent(tx, "Dan")
        limited(tx, mail_in(tx), kind="person", person_id=dan.id)
        mail = Inbound(
            channel="email", external_id="mail-2", sender=Contact("email", "wang@example.com"), text="Where is it?", locale="en"
        )
        assert intake.receive(tx, mail, queue_key="general").ticket.owner_id == dan.id


def test_a_threat_makes_the_case_critical_with_all_that_follows(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        conduct.threat(tx, complaint, agent(tx, "Dan"), "Said that he would come and hit us.")
        assert complaint.severity == 1
        assert tx.session.scalar(select(Timer.id).where(Timer.kind == "complaint.level")) is not None


def test_who_reaches_us_in_writing_only_is_told_so_on_the_phone_and_can_leave_a_message(world):
    with world.tx() as tx:
        ticket = mail_in(tx)
        customers.add_contact_point(tx, tx.session.get_one(Customer, ticket.customer_id), "phone", "+8613800138000")
        before = arrival.begin(tx, arrival.arrive(tx, CallEvent("CA1", "+8613800138000", "+862155501234", "ringing", "inbound")))
        limited(tx, ticket)
        call = arrival.arrive(tx, CallEvent("CA2", "+8613800138000", "+862155501234", "ringing", "inbound"))
        told = arrival.begin(tx, call)
        assert (told.why, before.why == told.why) == (IN_WRITING, False)
        assert any("in writing" in text for _lang, text in told.say)
        assert not any("called back" in text for _lang, text in told.say)
        assert arrival.press(tx, call, "1").then == arrival.LEAVE_MESSAGE
        again = arrival.arrive(tx, CallEvent("CA3", "+8613800138000", "+862155501234", "ringing", "inbound"))
        arrival.begin(tx, again)
        assert arrival.press(tx, again, "2").then == arrival.GOODBYE


def test_a_call_of_who_reaches_us_through_one_person_is_theirs(world):
    with world.tx() as tx:
        ticket, dan = mail_in(tx), agent(tx, "Dan")
        customers.add_contact_point(tx, tx.session.get_one(Customer, ticket.customer_id), "phone", "+8613800138000")
        limited(tx, ticket, kind="person", person_id=dan.id)
        call = arrival.arrive(tx, CallEvent("CA1", "+8613800138000", "+862155501234", "ringing", "inbound"))
        arrival.put_in_queue(tx, call)
        assert tx.session.get_one(Ticket, call.ticket_id).owner_id == dan.id
        assert tx.session.get_one(WorkItem, call.item_id).sticky_agent_id == dan.id


@pytest.mark.parametrize("mark", ["address", "browser"])
@pytest.mark.parametrize("kind", ["channel", "person"])
def test_who_may_not_chat_leaves_a_message_that_is_their_contacts(world, kind, mark):
    token, words = new_token(), {"client_id": str(uuid4()), "name": "Wang Wei", "text": "I want to talk.", "topic": "other"}
    with world.tx() as tx:
        dan, ticket = agent(tx, "Dan"), mail_in(tx)
        if mark == "browser":
            customers.add_contact_point(tx, tx.session.get_one(Customer, ticket.customer_id), "chat", identity(token))
        limit = limited(tx, ticket, kind=kind, **({"person_id": dan.id} if kind == "person" else {}))
    asked = {**words, "email": "wang@example.com" if mark == "address" else "", "locale": "zh"}
    with pytest.raises(Conflict) as told, world.tx() as tx:
        chats.open_chat(tx, asked, token=token)
    assert told.value.allowed == ("leave_message",)
    assert ("Dan Okafor" in str(told.value.values)) == (kind == "person" and mark == "browser")  # whoever typed it may be anybody
    with world.tx() as tx:
        assert tx.session.scalar(select(func.count(Chat.id))) == 0
        left = chats.leave_message(tx, {**asked, "email": "wang@example.com"}, token=token)
        assert left.owner_id == (dan.id if kind == "person" else None)
        assert limit.customer_id == left.customer_id
    with world.tx() as tx:
        assert chats.open_chat(tx, {**words, "email": "li@example.com"}, token=new_token())


def test_a_chat_that_is_over_is_not_taken_up_again_by_who_is_limited_since(world):
    with world.tx() as tx:
        ticket = mail_in(tx)
        limited(tx, ticket)
        at = {"token_hash": "t", "visitor_name": "Wang Wei", "topic": "other", "opened_at": tx.now, "ended_at": tx.now}
        chat = Chat(ticket_id=ticket.id, customer_id=ticket.customer_id, state="ended", **at)
        tx.session.add(chat)
        tx.session.flush()
        with pytest.raises(Conflict, match="in writing"):
            chats.come_back(tx, chat)


def test_what_a_limited_customer_writes_instead_of_being_rung_is_their_contacts_once(world):
    number = "+8613800138000"
    with world.tx() as tx:
        dan, ticket = agent(tx, "Dan"), mail_in(tx)
        customers.add_contact_point(tx, tx.session.get_one(Customer, ticket.customer_id), "phone", number)
        assert limit_known_by(tx.session, [("phone", number)], tx.now) is None
        limited(tx, ticket, kind="person", person_id=dan.id)
        found = limit_known_by(tx.session, [("phone", number), ("email", "")], tx.now)
        for said in ("My bill is wrong.", "My bill is wrong.", " "):
            conduct.instead_of_a_call(tx, found, number, said, "zh")
        made = tx.session.scalars(select(Ticket).where(Ticket.channel == "form")).all()
        assert [(each.subject, each.owner_id, each.customer_id) for each in made] == [
            ("My bill is wrong.", dan.id, ticket.customer_id)
        ]


def test_a_limit_that_went_with_an_erased_customer_is_asked_of_by_nobody(world):
    with world.tx() as tx:
        tx.session.delete(limited(tx, mail_in(tx)))
    world.days(100)
    run_due(world, conduct.END_TIMER, conduct.REVIEW_TIMER)
    with world.tx() as tx:
        assert tx.session.scalar(select(func.count(Event.id)).where(Event.kind == "customer.limit_ended")) == 0
