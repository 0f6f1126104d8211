"""What comes in is taken in once, by whom it is from, into the ticket it belongs to."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.mail import placing, threads
from desk.actions.tickets import tickets
from desk.errors import Conflict, Invalid
from desk.models import Customer, Message, Ticket, WorkItem
from tests.desk.racers import race

LI, MALLORY = "li.na@customers.example", "mallory@elsewhere.example"


def inbound(number=1, *, sender=LI, text="My router is dead.", **more):
    return Inbound(
        channel="email",
        external_id=f"mail-{number}",
        sender=Contact("email", sender),
        text=text,
        message_id=f"mail-{number}@customers.example",
        **{"subject": "Router", **more},
    )


def take(house, *args, ticket_number=None, **more):
    with house.tx() as tx:
        return intake.receive(tx, inbound(*args, **more), ticket_number=ticket_number)


def ticket_now(house, receipt):
    return house.again(receipt.ticket)


def test_the_first_message_opens_a_ticket_with_its_customer_and_its_work(house):
    receipt = take(house, text="我的路由器坏了，怎么办？")
    ticket, item = ticket_now(house, receipt), house.one(select(WorkItem))
    assert (receipt.opened, receipt.how, ticket.number) == (True, "new", 10_000 + ticket.id)
    assert (ticket.subject, ticket.channel, ticket.status, ticket.locale) == ("Router", "email", "new", "zh")
    assert house.one(select(Customer.locale)) == "zh"
    assert (item.kind, item.state, item.requires) == ("ticket", "waiting", [["lang:zh", 1]])
    assert house.kinds()[-4:] == ["customer.added", "ticket.opened", "message.added", "item.queued"]


def test_the_same_message_again_changes_nothing(house):
    first = take(house)
    kinds = house.kinds()
    again = take(house, text="With other words.")
    assert (again.duplicate, again.message.id, again.ticket.id) == (True, first.message.id, first.ticket.id)
    assert len(house.all(select(Message))) == 1
    assert house.kinds() == kinds


@pytest.mark.parametrize(
    ("more", "how"),
    [
        ({"in_reply_to": "mail-1@customers.example"}, "in_reply_to"),
        ({"references": ("unknown@x.example", "mail-1@customers.example")}, "references"),
        ({"subject": "Re: Router [#10001]"}, "subject_number"),
    ],
)
def test_an_answer_joins_its_ticket_and_says_why(house, more, how):
    first = take(house)
    second = take(house, 2, **more)
    assert (second.ticket.id, second.how, second.opened) == (first.ticket.id, how, False)
    assert not second.message.held
    assert len(house.all(select(WorkItem))) == 1


def test_a_signed_reply_address_counts_before_everything_else(house):
    first, other = take(house), take(house, 2, subject="Bill")
    third = take(house, 3, in_reply_to="mail-2@customers.example", ticket_number=first.ticket.number)
    assert (third.ticket.id, third.how) == (first.ticket.id, "reply_address")
    assert other.ticket.id != first.ticket.id


@pytest.mark.parametrize(
    "more", [{"subject": "Re: Router"}, {"subject": "Router"}, {"subject": "[#10099] Router"}, {"subject": "[#1]"}]
)
def test_a_likeness_of_subjects_or_a_number_of_nothing_joins_nothing(house, more):
    assert take(house).ticket.id != take(house, 2, **more).ticket.id


def test_a_stranger_may_not_join_by_a_number_in_the_subject(house):
    first = take(house)
    assert take(house, 2, sender=MALLORY, subject=f"Re: [#{first.ticket.number}]").opened


def test_a_stranger_who_knows_a_message_id_is_held_and_wakes_nobody_until_let_in(house):
    first = take(house)
    with house.tx() as tx:
        tickets.set_pending(tx, tx.session.get_one(Ticket, first.ticket.id), "pending_customer")
    held = take(house, 2, sender=MALLORY, in_reply_to="mail-1@customers.example")
    assert held.message.held
    assert ticket_now(house, first).status == "pending_customer"
    with house.tx() as tx:
        for _ in range(2):
            placing.admit(tx, tx.session.get_one(Message, held.message.id))
    assert ticket_now(house, first).status == "open"
    assert house.kinds("message.admitted") == ["message.admitted"]
    assert not take(house, 3, sender=MALLORY, in_reply_to="mail-2@customers.example").message.held


def test_whoever_was_copied_in_by_us_takes_part(house):
    first = take(house)
    with house.tx() as tx:
        ticket = tx.session.get_one(Ticket, first.ticket.id)
        reply = tickets.reply(tx, ticket, None, "Hello both.", channel="email", cc=["boss@customers.example"])
    joined = take(house, 2, sender="boss@customers.example", in_reply_to=reply.mail_message_id)
    assert (joined.ticket.id, joined.message.held) == (first.ticket.id, False)


def test_a_message_in_the_wrong_ticket_gets_one_of_its_own(house):
    take(house)
    wrong = take(house, 2, sender=MALLORY, in_reply_to="mail-1@customers.example", subject="Another matter")
    with house.tx() as tx:
        own = placing.detach(tx, tx.session.get_one(Message, wrong.message.id))
    message = house.again(wrong.message)
    assert (message.ticket_id, message.held, message.threaded_by) == (own.id, False, "detached")
    assert house.one(select(WorkItem.state).where(WorkItem.ticket_id == own.id)) == "waiting"
    with house.tx() as tx:
        note = tickets.note(tx, tx.session.get_one(Ticket, own.id), None, "A note.")
    with pytest.raises(Invalid), house.tx() as tx:
        placing.detach(tx, tx.session.get_one(Message, note.id))


@pytest.mark.parametrize(
    ("text", "only_thanks"),
    [
        *(
            (text, True)
            for text in ("Thanks!", "thank you very much", "Many thanks for your help.", "谢谢！", "好的", "非常感谢你们", "OK")
        ),
        *(
            (text, False)
            for text in ("Thanks, but it is still dead.", "谢谢，但是还是不行", "Not ok", "", "No thanks", "好的，什么时候到？")
        ),
    ],
)
def test_thanks_alone_are_told_from_thanks_with_more(text, only_thanks):
    assert intake.is_only_thanks(text) is only_thanks


@pytest.mark.parametrize(("text", "status"), [("Thank you!", "solved"), ("It is dead again.", "open")])
def test_only_more_than_thanks_opens_a_solved_ticket_again(house, text, status):
    first = take(house)
    solved(house, first)
    take(house, 2, text=text, in_reply_to="mail-1@customers.example")
    assert ticket_now(house, first).status == status


@pytest.mark.parametrize(("days", "joins"), [(threads.REOPEN_DAYS - 1, True), (threads.REOPEN_DAYS + 1, False)])
def test_a_ticket_closed_for_long_is_not_joined(house, days, joins):
    first = take(house)
    solved(house, first, "closed")
    house.tick(days * 24 * 3600)
    second = take(house, 2, in_reply_to="mail-1@customers.example")
    assert (second.ticket.id == first.ticket.id) is joins
    assert house.one(select(WorkItem.state).where(WorkItem.ticket_id == second.ticket.id, WorkItem.state == "waiting"))


def test_the_same_message_by_two_processes_at_once_is_one(house, tmp_path):
    outcomes = race(house, tmp_path, [receive, receive], [[number, number] for number in range(25)])
    assert len(house.all(select(Message))) == len(house.all(select(Ticket))) == len(house.all(select(WorkItem))) == 25
    # On PostgreSQL the second may be refused by the database; the door then takes it again and finds the first.
    assert all(turn[0] == turn[1] or "Conflict" in turn for turn in outcomes)


def receive(tx, number):
    try:
        receipt = intake.receive(tx, inbound(number, sender=f"c{number}@customers.example"))
        tx.session.flush()
    except IntegrityError as error:
        raise Conflict("This message is being taken in by somebody else.") from error
    return receipt.message.id


def solved(house, receipt, status="solved"):
    with house.tx() as tx:
        ticket = tx.session.get_one(Ticket, receipt.ticket.id)
        item = tx.session.scalars(select(WorkItem).where(WorkItem.ticket_id == ticket.id)).one()
        tickets.work_items.finish(tx, item)
        ticket.status, ticket.solved_at = status, tx.now
        ticket.closed_at = tx.now if status == "closed" else None
