"""Whom an answer by mail goes to, who takes part, and what colleagues write into a thread."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.mail import outbox, placing, showing, threads
from desk.actions.mail.heads import MOST_RECIPIENTS
from desk.actions.tickets import tickets
from desk.errors import Conflict, Invalid
from desk.models import Agent, MailAddress, Message, OutboxMail, OutboxRecipient, Ticket, TicketParticipant
from desk.queries.mail.recipients import participants, recipients

CUSTOMER, BOSS, FRIEND = "wang@customers.example", "boss@customers.example", "friend@elsewhere.example"


def mail(tx, sender=CUSTOMER, number=1, to=(), cc=(), **more):
    people = {field: tuple(Contact("email", each) for each in more.pop(field, ())) for field in ("reply_to",)}
    return intake.receive(
        tx,
        Inbound(
            channel="email",
            external_id=f"in-{number}",
            sender=Contact("email", sender),
            subject="Router",
            text="It is dead.",
            message_id=f"in-{number}@customers.example",
            to=tuple(Contact("email", each) for each in (tx.settings.mail_from, *to)),
            cc=tuple(Contact("email", each) for each in cc),
            **people,
            **more,
        ),
    )


def usual(tx, ticket):
    found = recipients(tx.session, tx.settings, ticket)
    return found.to, found.cc


def test_an_answer_goes_to_everybody_of_the_conversation_once_and_never_to_ourselves(house):
    with house.tx() as tx:
        queue = intake.find_queue(tx, "general")
        tx.session.add(MailAddress(address="bills@desk.example", queue_id=queue.id, created_at=tx.now))
        own = f"support+T1.abc@{tx.settings.mail_domain}"
        ticket = mail(
            tx,
            cc=(BOSS, BOSS.upper(), CUSTOMER, "Bills+x@desk.example", own, "no address"),
            meta={"sent_to": ["hidden@x.example"]},
        ).ticket
        assert usual(tx, ticket) == ([CUSTOMER], [BOSS])
        mail(tx, BOSS, 2, in_reply_to="in-1@customers.example", cc=(FRIEND,))
        assert usual(tx, ticket) == ([BOSS], [CUSTOMER, FRIEND])  # whose matter it is hears of it
        mail(tx, "stranger@x.example", 3, in_reply_to="in-1@customers.example")
        assert usual(tx, ticket) == ([BOSS], [CUSTOMER, FRIEND])  # held: nobody has let them in


def test_answers_go_where_the_mail_asks_for_and_both_addresses_are_told(house):
    with house.tx() as tx:
        ticket = mail(tx, reply_to=(FRIEND,)).ticket
        found = recipients(tx.session, tx.settings, ticket)
        assert (found.to, found.sender, found.wanted) == ([FRIEND], CUSTOMER, FRIEND)
        assert tickets.reply(tx, ticket, None, "Yes.", channel="email").to == [FRIEND]
        mail(tx, number=2, in_reply_to="in-1@customers.example", reply_to=(tx.settings.mail_from,))
        assert recipients(tx.session, tx.settings, ticket).to == [CUSTOMER]


def test_the_agent_chooses_and_whoever_is_written_to_takes_part(house):
    with house.tx() as tx:
        ticket = mail(tx).ticket
        message = tickets.reply(tx, ticket, None, "Look.", channel="email", to=[FRIEND], cc=[BOSS, FRIEND.upper(), BOSS])
        assert (message.to, message.cc) == ([FRIEND], [BOSS])
        assert [each.address for each in participants(tx.session, ticket)] == [FRIEND, BOSS]
        for wrong in (tx.settings.mail_from, f"any+thing@{tx.settings.mail_domain}", "nobody"):
            with pytest.raises(Invalid):
                tickets.reply(tx, ticket, None, "Look.", channel="email", to=[wrong])
        many = [f"p{number}@customers.example" for number in range(MOST_RECIPIENTS)]
        with pytest.raises(Invalid):
            tickets.reply(tx, ticket, None, "Look.", channel="email", cc=many)


def test_whom_an_agent_removed_gets_no_copies_and_waits_to_be_let_in(house):
    with house.tx() as tx:
        ticket = mail(tx, cc=(BOSS,)).ticket
        tickets.reply(tx, ticket, None, "Yes.", channel="email", cc=[BOSS])
        threads.remove_participant(tx, ticket, participants(tx.session, ticket)[0])
        again = mail(tx, number=2, in_reply_to="in-1@customers.example", cc=(BOSS,))
        assert usual(tx, ticket) == ([CUSTOMER], [])
        assert list(participants(tx.session, again.ticket)) == []
        held = mail(tx, BOSS, 3, in_reply_to="in-1@customers.example").message
        assert held.held
        placing.admit(tx, held)
        assert [(each.address, each.how) for each in participants(tx.session, ticket)] == [(BOSS, "let_in")]
        assert len(tx.session.scalars(select(TicketParticipant)).all()) == 1


@pytest.fixture
def note(house):
    """Bo's mail into a customer's thread, with a friend of the customer in it."""
    bo = house.agent("Bo")
    with house.tx() as tx:
        ticket = mail(tx, cc=(FRIEND,)).ticket
        message = Message(
            channel="email",
            direction="internal",
            kind="note",
            agent_id=bo.id,
            author_name="Bo",
            from_address="bo@desk.example",
            to=[tx.settings.mail_from],
            cc=[FRIEND],
            subject="Re: Router",
            text="Hold the button.",
            mail_message_id="bo-1@desk.example",
        )
        return tickets.add_message(tx, ticket, message).id


def test_a_colleagues_mail_becomes_an_answer_to_who_has_not_had_it_and_a_note_again(house, note):
    maya = house.agent("Maya").id
    with house.tx() as tx:
        message = tx.session.get_one(Message, note)
        ticket = tx.session.get_one(Ticket, message.ticket_id)
        showing.show(tx, message, tx.session.get_one(Agent, maya))
        assert (message.direction, message.kind, message.to, message.cc) == ("out", "message", [CUSTOMER], [])
        assert message.references == ["in-1@customers.example", "bo-1@desk.example"]
        assert ticket.first_human_reply_at == tx.now
        [sent] = tx.session.scalars(select(OutboxMail)).all()
        assert sent.payload["message_id"] != message.mail_message_id
        assert outbox.claim_due(tx) == []  # it can be taken back first
        with pytest.raises(Invalid):
            showing.show(tx, message, tx.session.get_one(Agent, maya))
        showing.hide(tx, message)
        assert (message.direction, message.kind, message.cc, message.delivery) == ("internal", "note", [FRIEND], "")
        assert ticket.first_human_reply_at is None
        assert tx.session.scalars(select(OutboxRecipient)).all() == []
    with house.tx() as tx:
        message = tx.session.get_one(Message, note)
        showing.show(tx, message, tx.session.get_one(Agent, maya))
    house.tick(61)
    with house.tx() as tx:
        assert len(outbox.claim_due(tx)) == 1
        with pytest.raises(Conflict):
            showing.hide(tx, tx.session.get_one(Message, note))


def test_a_colleagues_mail_that_everybody_has_is_shown_without_another(house, note):
    with house.tx() as tx:
        message = tx.session.get_one(Message, note)
        message.cc = [FRIEND, CUSTOMER]
        showing.show(tx, message, tx.session.get_one(Agent, message.agent_id))
        assert (message.to, message.cc) == ([], [FRIEND, CUSTOMER])
        assert tx.session.scalars(select(OutboxMail)).all() == []
        showing.hide(tx, message)
        assert message.to == [tx.settings.mail_from]
