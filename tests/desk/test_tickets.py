"""The life of a ticket: its clocks, its owner, its waiting and its coming back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotFound
from desk.models import Message, OutboxMail, Queue, Ticket, WorkItem


@pytest.fixture
def ticket(house):
    with house.tx() as tx:
        inbound = Inbound(
            channel="email",
            external_id="1",
            sender=Contact("email", "li.na@customers.example", "Li Na"),
            subject="Router",
            text="It is dead.",
            message_id="one@customers.example",
        )
        return intake.receive(tx, inbound).ticket


def act(house, ticket, verb, *args, **more):
    with house.tx() as tx:
        return verb(tx, tx.session.get_one(Ticket, ticket.id), *args, **more)


def test_a_reply_is_part_of_the_thread_and_stops_the_clock_of_the_first_answer(house, ticket):
    maya = house.agent()
    house.tick(60)
    sent = act(house, ticket, tickets.reply, maya, "Press reset.", channel="email", cc=["Boss@customers.example"])
    assert (sent.to, sent.cc) == (["li.na@customers.example"], ["boss@customers.example"])
    assert (sent.in_reply_to, sent.references) == ("one@customers.example", ["one@customers.example"])
    assert sent.subject == f"Re: Router [#{ticket.number}]"
    now = house.again(ticket)
    assert (now.status, now.owner_id, now.first_human_reply_at) == ("open", maya.id, house.clock.now())
    assert len(house.all(select(OutboxMail))) == 1
    second = act(house, ticket, tickets.reply, maya, "And again.", channel="email")
    assert second.subject == sent.subject
    assert house.again(ticket).first_human_reply_at == now.first_human_reply_at


def test_a_reply_sent_twice_with_one_id_is_one_reply(house, ticket):
    sent = {act(house, ticket, tickets.reply, None, "Once.", channel="email", external_id="form-1").id for _ in range(2)}
    assert len(sent) == len(house.all(select(OutboxMail))) == 1


@pytest.mark.parametrize(("text", "channel"), [("", "email"), ("  \n ", "email"), ("Hello", "pigeon")])
def test_an_empty_reply_or_an_unknown_way_is_refused_and_nothing_is_sent(house, ticket, text, channel):
    with pytest.raises(Invalid):
        act(house, ticket, tickets.reply, None, text, channel=channel)
    with pytest.raises(Invalid):
        act(house, ticket, tickets.reply, None, "Hello", channel="email", cc=["nonsense"])
    assert house.one(select(OutboxMail)) is None
    assert len(house.all(select(Message))) == 1


@pytest.mark.parametrize("status", ["closed", "merged", "spam"])
def test_a_ticket_that_is_over_is_not_answered(house, ticket, status):
    with house.tx() as tx:
        tx.session.get_one(Ticket, ticket.id).status = status
    with pytest.raises(Conflict):
        act(house, ticket, tickets.reply, None, "Hello", channel="email")


def test_a_customer_without_an_address_cannot_be_answered_by_mail(house):
    with house.tx() as tx:
        customer = customers.identify(tx, "phone", "13800138000")
        ticket = tickets.open_ticket(tx, customer=customer, queue=intake.find_queue(tx, ""), subject="x", channel="voice")
    with pytest.raises(Invalid, match="no e-mail address"):
        act(house, ticket, tickets.reply, None, "Hello", channel="email")


def test_waiting_for_the_customer_stops_the_clock_and_waiting_for_a_colleague_does_not(house, ticket):
    due = house.again(ticket).resolve_due_at
    act(house, ticket, tickets.set_pending, "pending_customer")
    house.tick(3600)
    act(house, ticket, tickets.set_status, "open")
    assert house.again(ticket).resolve_due_at == due + timedelta(hours=1)
    act(house, ticket, tickets.set_pending, "pending_internal")
    house.tick(3600)
    act(house, ticket, tickets.set_status, "open")
    assert house.again(ticket).resolve_due_at == due + timedelta(hours=1)


def test_a_ticket_that_waits_leaves_its_agent_and_comes_back_when_the_customer_writes(house, ticket):
    maya = house.agent()
    item = house.one(select(WorkItem))
    with house.tx() as tx:
        work_items.take(tx, item.id, maya.id)
    act(house, ticket, tickets.set_pending, "pending_customer")
    assert house.again(item).state == "done"
    assert house.again(maya).used == 0
    act(house, ticket, tickets.customer_wrote)
    assert house.again(ticket).status == "open"
    assert house.all(select(WorkItem.state).order_by(WorkItem.id)) == ["done", "waiting"]
    act(house, ticket, tickets.customer_wrote)
    assert len(house.all(select(WorkItem))) == 2


def test_a_move_takes_the_work_to_the_new_queue_and_its_team(house, ticket):
    maya, item = house.agent(), house.one(select(WorkItem))
    made = house.offer(item, maya)
    complaints = house.one(select(Queue).where(Queue.key == "complaints"))
    act(house, ticket, tickets.move, complaints)
    moved, now = house.again(ticket), house.again(item)
    assert (moved.queue_id, moved.team_id, moved.owner_id) == (complaints.id, complaints.team_id, None)
    assert (now.state, now.queue_id, now.due_at) == ("waiting", complaints.id, item.due_at)
    assert ["complaints", 1] in now.requires
    assert house.again(made).state == "rescinded"
    before = house.kinds()
    act(house, ticket, tickets.move, complaints)
    assert house.kinds() == before


def test_fields_are_corrected_with_their_old_values_on_record(house, ticket):
    act(house, ticket, tickets.set_fields, priority=1, category="technical", subject="Dead router")
    now = house.again(ticket)
    assert (now.priority, now.category, now.subject) == (1, "technical", "Dead router")
    assert now.resolve_due_at < ticket.resolve_due_at
    before = house.kinds()
    act(house, ticket, tickets.set_fields, priority=1, category="technical", subject=" Dead router ")
    assert house.kinds() == before
    for wrong in ({"priority": 5}, {"priority": 0}, {"category": "nonsense"}):
        with pytest.raises(Invalid):
            act(house, ticket, tickets.set_fields, **wrong)
    assert house.again(ticket).priority == 1


def test_an_owner_must_exist_and_being_one_again_is_no_event(house, ticket):
    with pytest.raises(NotFound):
        act(house, ticket, tickets.assign, 4711)
    maya = house.agent()
    for _ in range(2):
        act(house, ticket, tickets.assign, maya.id)
    assert house.kinds("ticket.assigned") == ["ticket.assigned"]
    assert house.again(ticket).status == "open"


def test_notes_are_for_colleagues_and_never_leave(house, ticket):
    act(house, ticket, tickets.note, None, "He was rude.")
    note = house.one(select(Message).where(Message.kind == "note"))
    assert (note.direction, note.channel) == ("internal", "note")
    assert house.one(select(OutboxMail)) is None
    with pytest.raises(Invalid):
        act(house, ticket, tickets.note, None, " ")
