"""Merging and splitting: nothing is lost, mail finds its way, and taking it back leaves everything as it was."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.access import access_ticket, viewer_of
from desk.actions.complaints.complaints import register_from_ticket
from desk.actions.tickets import drafts, following, linking, merging, snoozing, splitting, tags, tickets
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid
from desk.models import Agent, Message, Queue, Ticket, TicketLink, TicketMove, TicketParticipant, WorkItem
from desk.queries.tickets.belongings import belongings
from desk.queries.tickets.links import links_of, moves_to_undo
from desk.queries.tickets.timeline import timeline
from tests.desk.at_hand_world import answer, mail, shape, where


def merge(house, ticket, into, agent=None):
    with house.tx() as tx:
        one, other = (tx.session.get_one(Ticket, each.id) for each in (ticket, into))
        merging.merge(tx, one, other, tx.session.get_one(Agent, agent.id) if agent else None)


def undo(house, ticket):
    with house.tx() as tx:
        merging.undo_merge(tx, tx.session.get_one(Ticket, ticket.id))


def messages(house, ticket):
    return house.all(
        select(Message.external_id).where(Message.ticket_id == ticket.id, Message.external_id.is_not(None)).order_by(Message.id)
    )


@pytest.fixture
def two(house):
    """Two tickets of two customers, each with all that a ticket can have."""
    maya = house.agent("Maya")
    one, other = mail(house, "li.na", "1"), mail(house, "wang", "2")
    answer(house, one, maya)
    with house.tx() as tx:
        agent, one, other = (
            tx.session.get_one(Agent, maya.id),
            tx.session.get_one(Ticket, one.id),
            tx.session.get_one(Ticket, other.id),
        )
        tickets.set_fields(tx, one, priority=1)
        for ticket, words in ((one, ("refund", "March")), (other, ("refund",))):
            for word in words:
                tags.tag_ticket(tx, ticket, tags.tag_named(tx, word))
        following.follow(tx, one, agent)
        drafts.keep_draft(tx, one, agent, kind="note", text="Not yet", version=0, seen="")
    return maya, one, other


def entries_of(house, reading, agent, ticket):
    ticket = house.again(ticket)
    return timeline(reading, ticket, belongings(reading, viewer_of(agent), ticket, house.clock.now()))[0]


def test_the_merged_ticket_points_to_the_other_which_has_everything(house, two):
    maya, one, other = two
    merge(house, one, other, maya)
    assert house.again(one).status == "merged"
    assert messages(house, other) == ["1", "2"]
    assert all(ticket_id == other.id for ticket_id in where(house)["message"].values())
    assert house.again(other).priority == 1
    assert house.all(select(TicketParticipant.address).where(TicketParticipant.ticket_id == other.id)) == [
        "li.na@customers.example"
    ]
    with house.store.read() as reading:
        entries, _more = timeline(
            reading, (to := house.again(other)), belongings(reading, viewer_of(maya), to, house.clock.now())
        )
        told = [each.event.data for each in entries if each.event and each.event.kind == "ticket.merged"]
        assert sorted(told, key=str) == [{"from": one.number}, {"into": other.number}]
        assert [each[1].number for each in moves_to_undo(reading, viewer_of(maya), other, house.clock.now())] == [one.number]
    assert house.faults() == []


def test_undone_everything_is_where_and_as_it_was(house, two):
    _maya, one, other = two
    before = where(house), shape(house, one), shape(house, other)
    merge(house, one, other)
    house.tick(3600)
    undo(house, one)
    assert (where(house), shape(house, one), shape(house, other)) == before
    assert house.faults() == []


@pytest.mark.parametrize("how", ["answers the mail", "names the number", "answers our answer"])
def test_mail_to_the_merged_ticket_lands_in_the_other_and_goes_back_when_that_is_undone(house, two, how):
    maya, one, other = two
    ours = answer(house, one, maya)
    merge(house, one, other)
    more = {"answers the mail": {"in_reply_to": "1@mail.example"}, "answers our answer": {"in_reply_to": ours.mail_message_id}}
    subject = f"Re: [#{one.number}]" if how == "names the number" else "Re: My bill"
    assert mail(house, "li.na", "late", subject=subject, **more.get(how, {})).id == other.id
    assert house.one(select(Message.held).where(Message.external_id == "late")) is False
    undo(house, one)
    assert messages(house, one) == ["1", "late"]
    assert messages(house, other) == ["2"]
    assert house.again(one).status in ("open", "new")


def test_what_was_said_on_the_other_meanwhile_stays_there(house, two):
    maya, one, other = two
    merge(house, one, other)
    mail(house, "wang", "more", in_reply_to="2@mail.example")
    said = answer(house, other, maya, "To both of you")
    undo(house, one)
    assert messages(house, other) == ["2", "more"]
    assert where(house)["message"][said.id] == other.id


def test_a_promise_that_was_changed_meanwhile_stays_changed(house, two):
    _maya, one, other = two
    merge(house, one, other)
    with house.tx() as tx:
        tickets.set_fields(tx, tx.session.get_one(Ticket, other.id), priority=2)
    undo(house, one)
    assert (house.again(one).priority, house.again(other).priority) == (1, 2)


def test_what_was_snoozed_sleeps_on_after_a_merge_that_was_undone(house, two):
    maya, one, other = two
    until = house.clock.now() + timedelta(days=2)
    with house.tx() as tx:
        snoozing.snooze(tx, tx.session.get_one(Ticket, one.id), tx.session.get_one(Agent, maya.id), until)
    merge(house, one, other)
    assert house.again(one).snoozed_until is None
    undo(house, one)
    assert house.again(one).snoozed_until == until
    assert house.one(select(WorkItem.id).where(WorkItem.ticket_id == one.id, WorkItem.ended_at.is_(None))) is None


def test_what_has_become_a_complaint_is_not_parted_again(house, two):
    _maya, one, other = two
    merge(house, one, other)
    with house.tx() as tx:
        register_from_ticket(tx, tx.session.get_one(Ticket, other.id), "You charged me twice.")
    with pytest.raises(Conflict, match="its file stays"):
        undo(house, one)
    assert messages(house, other) == ["1", "2"]


def test_a_chain_of_merges_is_undone_from_its_end(house, two):
    _maya, one, other = two
    third = mail(house, "zhao", "3")
    merge(house, one, other)
    merge(house, other, third)
    assert messages(house, third) == ["1", "2", "3"]
    assert mail(house, "li.na", "late", in_reply_to="1@mail.example").id == third.id
    with pytest.raises(Conflict, match="merged further"):
        undo(house, one)
    undo(house, other)
    undo(house, one)
    assert messages(house, one) == ["1", "late"]
    assert messages(house, other) == ["2"]
    assert messages(house, third) == ["3"]


def test_after_a_day_it_stays(house, two):
    _maya, one, other = two
    merge(house, one, other)
    house.tick(86_401)
    with pytest.raises(Conflict, match="for a day only"):
        undo(house, one)
    with house.store.read() as reading:
        assert moves_to_undo(reading, viewer_of(two[0]), other, house.clock.now()) == []


def test_complaints_conversations_and_promises_are_not_merged(house):
    one, other = mail(house, "li.na", "1"), mail(house, "wang", "2")
    with pytest.raises(Invalid, match="with itself"):
        merge(house, one, one)
    with house.tx() as tx:
        queue = tx.session.get_one(Queue, one.queue_id)
        work_items.enqueue(tx, "callback", "voice", tx.session.get_one(Ticket, one.id), queue)
    with pytest.raises(Conflict, match="still to be done"):
        merge(house, one, other)
    third = mail(house, "zhao", "3")
    with house.tx() as tx:
        register_from_ticket(tx, tx.session.get_one(Ticket, third.id), "You charged me twice.")
    for pair in ((third, other), (other, third)):
        with pytest.raises(Conflict, match="A complaint is not merged"):
            merge(house, *pair)
    assert house.all(select(TicketMove.id)) == []


def test_a_mail_that_comes_while_two_tickets_are_merged_is_seen(postgres_house):
    """The merge has moved what there was and has not ended yet when the mail comes: it waits, and then joins the other ticket."""
    house = postgres_house
    one, other = mail(house, "li.na", "1"), mail(house, "wang", "2")
    begun = threading.Event()
    found = []

    def receive():
        begun.set()
        found.append(mail(house, "li.na", "late", in_reply_to="1@mail.example"))

    with house.tx() as tx:
        merging.merge(tx, tx.session.get_one(Ticket, one.id), tx.session.get_one(Ticket, other.id), None)
        coming = threading.Thread(target=receive)
        coming.start()
        assert begun.wait(60)
    coming.join(60)
    assert [each.id for each in found] == [other.id]
    assert messages(house, other) == ["1", "2", "late"]


def test_nothing_is_written_on_a_ticket_that_has_gone_into_another(house, two):
    maya, one, other = two
    merge(house, one, other)
    with house.tx() as tx:
        gone, agent = tx.session.get_one(Ticket, one.id), tx.session.get_one(Agent, maya.id)
        with pytest.raises(Conflict, match=f"merged into #{other.number}"):
            tickets.note(tx, gone, agent, "Too late")


# Splitting


def test_messages_that_were_split_off_have_a_ticket_of_their_own_until_they_go_back(house):
    maya = house.agent("Maya")
    one = mail(house, "li.na", "1")
    mail(house, "li.na", "2", in_reply_to="1@mail.example")
    moved = house.one(select(Message.id).where(Message.external_id == "2"))
    before = where(house)["message"]
    with house.tx() as tx:
        agent = tx.session.get_one(Agent, maya.id)
        new = splitting.split(tx, tx.session.get_one(Ticket, one.id), [moved], "Another matter", agent)
    assert (messages(house, one), messages(house, new)) == (["1"], ["2"])
    assert mail(house, "li.na", "3", in_reply_to="2@mail.example").id == new.id
    with house.store.read() as reading:
        assert [(row.how, row.ticket.id) for row in links_of(reading, viewer_of(maya), new)] == [("related", one.id)]
    with house.tx() as tx:
        splitting.undo_split(tx, tx.session.get_one(Ticket, new.id), None)
    assert messages(house, one) == ["1", "2", "3"]
    assert {key: where(house)["message"][key] for key in before} == before
    assert house.all(select(TicketLink.id)) == []
    assert mail(house, "li.na", "4", in_reply_to="3@mail.example").id == one.id
    assert house.faults() == []


def test_something_stays_and_only_what_is_there_goes(house):
    one, other = mail(house, "li.na", "1"), mail(house, "wang", "2")
    ids = {each.external_id: each.id for each in house.all(select(Message))}
    with house.tx() as tx:
        ticket = tx.session.get_one(Ticket, one.id)
        with pytest.raises(Conflict, match="Something must stay"):
            splitting.split(tx, ticket, [ids["1"]], "", None)
        for chosen in ([], [ids["2"]], [ids["1"], 10**9]):
            with pytest.raises(Invalid):
                splitting.split(tx, ticket, chosen, "", None)
    assert messages(house, other) == ["2"]


# Links


def test_of_a_ticket_that_one_may_not_read_a_link_says_nothing(house):
    maya = house.agent("Maya")
    one, other = mail(house, "li.na", "1"), mail(house, "wang", "2")
    stranger = house.agent("Stranger", team="care")
    with house.tx() as tx:
        mine, theirs = tx.session.get_one(Ticket, one.id), tx.session.get_one(Ticket, other.id)
        linking.link(tx, mine, theirs, "child", None)
        with pytest.raises(Conflict, match="below this one"):
            linking.link(tx, theirs, mine, "child", None)
        theirs.team_id = stranger.team_id
    with house.store.read() as reading:
        assert links_of(reading, viewer_of(maya), house.again(one)) == []
        assert [row.how for row in links_of(reading, viewer_of(house.agent("Sen")), house.again(one))] == []
        entries, _more = timeline(
            reading, (this := house.again(one)), belongings(reading, viewer_of(maya), this, house.clock.now())
        )
        told = [each.event.data for each in entries if each.event and each.event.kind == "ticket.linked"]
        assert str(other.number) not in str(told)
    with house.store.read() as reading:
        access_ticket(reading, viewer_of(maya), one.number)
