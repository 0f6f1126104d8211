"""How a ticket comes to its priority: by impact and urgency, by somebody's word, and what its promises do then."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from channels.message import Contact, Inbound
from desk.access import viewer_of
from desk.actions import intake
from desk.actions.complaints import complaints
from desk.actions.privacy import blanking
from desk.actions.tickets import bulk, canned, merging, splitting, tickets
from desk.errors import Invalid
from desk.events import Event
from desk.models import Agent, Customer, Message, Ticket

HOW = ("impact", "urgency", "priority", "priority_reason")


def mail(house, text="It is dead.", *, sender="li.na@customers.example") -> Ticket:
    with house.tx() as tx:
        inbound = Inbound(
            "email", text, Contact("email", sender, "Li Na"), "Router", text, message_id=f"{hash(text)}@example.org"
        )
        return intake.receive(tx, inbound).ticket


def act(house, ticket, verb, *args, **more):
    with house.tx() as tx:
        return verb(tx, tx.session.get_one(Ticket, ticket.id), *args, **more)


def weighed(house, ticket) -> tuple:
    now = house.again(ticket)
    return tuple(getattr(now, name) for name in HOW)


def changes(house) -> list[dict]:
    return [each.data for each in house.all(select(Event).where(Event.kind == "ticket.changed").order_by(Event.id))]


def test_impact_and_urgency_make_the_priority_and_the_promises_follow_from_the_beginning(house):
    ticket = mail(house)
    assert weighed(house, ticket) == ("one", "normal", 3, None)
    before = house.again(ticket)
    house.tick(600)
    act(house, ticket, tickets.set_fields, impact="team")
    act(house, ticket, tickets.set_fields, urgency="high")
    assert weighed(house, ticket) == ("team", "high", 1, None)
    now = house.again(ticket)
    assert now.first_due_at < before.first_due_at
    assert now.resolve_due_at < before.resolve_due_at
    first, second = changes(house)
    assert (first["old"], first["new"]) == ({"impact": "one", "priority": 3}, {"impact": "team", "priority": 2})
    assert (second["old"], second["new"]) == ({"urgency": "normal", "priority": 2}, {"urgency": "high", "priority": 1})
    assert first["due"]["resolve_due_at"][0] == before.resolve_due_at.isoformat()
    assert second["due"]["resolve_due_at"] == [first["due"]["resolve_due_at"][1], now.resolve_due_at.isoformat()]
    assert datetime.fromisoformat(second["due"]["first_due_at"][1]) == now.first_due_at


def test_a_promise_that_is_broken_stays_so_and_is_not_told_to_have_moved(house):
    ticket = mail(house)
    due = house.again(ticket).first_due_at
    house.tick((due - house.clock.now()).total_seconds() + 60)
    act(house, ticket, tickets.set_fields, impact="many", urgency="high")
    now = house.again(ticket)
    assert (now.priority, now.first_due_at) == (1, due)
    assert set(changes(house)[0]["due"]) == {"resolve_due_at"}


def test_by_hand_it_stands_with_its_reason_until_the_table_is_asked_again(house):
    ticket = mail(house)
    act(house, ticket, tickets.set_fields, priority=1, reason=" The minister waits. ")
    assert weighed(house, ticket) == ("one", "normal", 1, "The minister waits.")
    act(house, ticket, tickets.set_fields, category="billing", priority=1)  # said again without a reason, it keeps the one it has
    assert weighed(house, ticket) == ("one", "normal", 1, "The minister waits.")
    act(house, ticket, tickets.set_fields, impact="one")
    assert weighed(house, ticket) == ("one", "normal", 3, None)
    act(house, ticket, tickets.set_fields, priority=3, reason="It is of the third.")  # which it is anyway
    assert weighed(house, ticket) == ("one", "normal", 3, None)


def test_the_same_again_is_no_event_and_what_there_is_not_changes_nothing(house):
    ticket = mail(house)
    act(house, ticket, tickets.set_fields, urgency="low")
    before = house.kinds()
    act(house, ticket, tickets.set_fields, urgency="low")
    act(house, ticket, tickets.set_fields, impact="one", priority=None)
    assert house.kinds() == before
    for wrong in ({"impact": "all"}, {"urgency": "1"}, {"priority": 5}, {"priority": 0}, {"impact": "team", "urgency": "?"}):
        with pytest.raises(Invalid):
            act(house, ticket, tickets.set_fields, **wrong)
    assert weighed(house, ticket) == ("one", "low", 4, None)


def test_a_vip_is_one_step_more_urgent_whatever_is_weighed(house):
    ticket = mail(house)
    with house.tx() as tx:
        tx.session.get_one(Customer, ticket.customer_id).tier = "vip"
    act(house, ticket, tickets.set_fields, urgency="low")
    assert weighed(house, ticket) == ("one", "low", 3, None)
    act(house, ticket, tickets.set_fields, impact="many")
    assert weighed(house, ticket) == ("many", "low", 1, None)


def test_a_complaints_promised_day_is_not_moved_by_its_priority(house):
    ticket = mail(house, "Nobody calls me back, I complain.")
    with house.tx() as tx:
        now = tx.session.get_one(Ticket, ticket.id)
        complaints.register_from_ticket(tx, now, "Nobody calls back.", category="service")
    promised = house.again(ticket).resolve_due_at
    act(house, ticket, tickets.set_fields, impact="many", urgency="high")
    now = house.again(ticket)
    assert (now.priority, now.type, now.resolve_due_at) == (1, "complaint", promised)


def test_merged_the_more_urgent_one_counts_with_all_that_made_it_so_and_undone_each_has_its_own(house):
    one, other = mail(house, "Dead."), mail(house, "Still dead.")
    act(house, one, tickets.set_fields, impact="team")
    act(house, one, tickets.set_fields, priority=1, reason="They said so.")
    with house.tx() as tx:
        merging.merge(tx, tx.session.get_one(Ticket, one.id), tx.session.get_one(Ticket, other.id), None)
    assert weighed(house, other) == ("team", "normal", 1, "They said so.")
    with house.tx() as tx:
        merging.undo_merge(tx, tx.session.get_one(Ticket, one.id))
    assert weighed(house, one) == ("team", "normal", 1, "They said so.")
    assert weighed(house, other) == ("one", "normal", 3, None)


def test_what_is_split_off_is_no_less_urgent_than_the_ticket_that_it_comes_from(house):
    ticket = mail(house)
    act(house, ticket, tickets.set_fields, impact="team")
    act(house, ticket, tickets.set_fields, priority=1, reason="They said so.")
    act(house, ticket, tickets.note, None, "And the other matter.")
    note = house.one(select(Message).where(Message.kind == "note"))
    new = act(house, ticket, splitting.split, [note.id], subject="The other matter", agent=None)
    assert weighed(house, new) == ("team", "normal", 1, "They said so.")


def test_a_macro_names_itself_as_the_reason_and_undone_takes_it_along(house):
    ticket, maya = mail(house), house.agent()
    with house.tx() as tx:
        now, agent = tx.session.get_one(Ticket, ticket.id), tx.session.get_one(Agent, maya.id)
        canned.take_steps(tx, now, agent, "Urgent, mine", {"priority": 1})
    assert weighed(house, ticket) == ("one", "normal", 1, "Urgent, mine")
    used = house.one(select(Event).where(Event.kind == "macro.used"))
    with house.tx() as tx:
        canned.undo_steps(tx, tx.session.get_one(Ticket, ticket.id), tx.session.get_one(Agent, maya.id), used.id)
    assert weighed(house, ticket) == ("one", "normal", 3, None)


def test_many_are_weighed_at_once_each_by_its_own_table_and_undone_together(house):
    one, other, maya = mail(house, "Dead."), mail(house, "Slow.", sender="wu@customers.example"), house.agent()
    act(house, other, tickets.set_fields, urgency="low")
    numbers = [one.number, other.number]
    with house.tx() as tx:
        agent = tx.session.get_one(Agent, maya.id)
        made = bulk.act_on_many(
            tx, viewer_of(agent), agent, key="0123456789", verb="priority", value={"impact": "many"}, numbers=numbers
        )
        act_id = made.id
    assert (weighed(house, one), weighed(house, other)) == (("many", "normal", 1, None), ("many", "low", 2, None))
    with house.tx() as tx:
        agent = tx.session.get_one(Agent, maya.id)
        bulk.undo_act(tx, viewer_of(agent), agent, act_id)
    assert (weighed(house, one), weighed(house, other)) == (("one", "normal", 3, None), ("one", "low", 4, None))


def test_erased_the_reason_has_no_words_and_it_is_still_known_that_somebody_had_one(house):
    ticket, plain = mail(house), mail(house, "Another.", sender="wu@customers.example")
    act(house, ticket, tickets.set_fields, priority=1, reason="Li Na is ill.")
    with house.tx() as tx:
        blanking.blank(tx, [ticket.id, plain.id])
    assert (weighed(house, ticket)[3], weighed(house, plain)[3]) == ("", None)
