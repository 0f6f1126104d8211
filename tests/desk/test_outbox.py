"""Mail that must leave: written with its cause, sent afterwards, tried again, and never lost with the one who was sending it."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import select, update

from channels.fake import MemorySender
from channels.message import Contact, Inbound, SendFailed
from desk.actions import intake, outbox, tickets
from desk.app import install
from desk.models import Attachment, OutboxMail
from desk.work.mail_out import MailOut
from tests.desk.racers import race

CUSTOMER = "li.na@customers.example"


@pytest.fixture
def desk(house):
    desk = install(house.settings, clock=house.clock)
    with closing(desk.knowledge):
        yield desk
    desk.store.engine.dispose()


@pytest.fixture
def sender():
    return MemorySender()


def answered(house, text="Please press reset.", number=1):
    """A customer's mail and the reply to it, waiting to be sent."""
    with house.tx() as tx:
        inbound = Inbound(
            channel="email",
            external_id=f"in-{number}",
            sender=Contact("email", CUSTOMER),
            subject="Router",
            text="It is dead.",
            message_id=f"in-{number}@customers.example",
        )
        ticket = intake.receive(tx, inbound).ticket
        return tickets.reply(tx, ticket, None, text, channel="email")


def mails(house):
    return house.all(select(OutboxMail).order_by(OutboxMail.id))


def test_a_reply_is_sent_and_shown_as_sent(house, desk, sender):
    message = answered(house)
    assert mails(house)[0].state == "queued"
    MailOut(desk, sender).turn()
    [sent] = sender.inbox(CUSTOMER)
    assert sent.message_id == message.mail_message_id
    assert house.again(message).delivery == "sent"
    assert mails(house)[0].state == "sent"
    assert mails(house)[0].results == {CUSTOMER: [250, "OK"]}


def test_a_reply_that_is_rolled_back_is_never_sent(house, desk, sender):

    def write_and_give_up():
        with house.tx() as tx:
            ticket = tickets.open_ticket(
                tx,
                customer=intake.customers.identify(tx, "email", CUSTOMER),
                queue=intake.find_queue(tx, "general"),
                subject="x",
                channel="email",
            )
            tickets.reply(tx, ticket, None, "Never mind.", channel="email")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_give_up()
    MailOut(desk, sender).turn()
    assert sender.sent == []


def test_a_mail_whose_sender_died_before_sending_is_sent_once_after_the_claim_has_run_out(house, desk, sender):
    message = answered(house)
    with house.tx() as tx:
        assert len(outbox.claim_due(tx)) == 1  # and here the sender dies
    MailOut(desk, sender).turn()
    assert sender.sent == []
    house.tick(outbox.CLAIM_S + 1)
    for _ in range(3):
        MailOut(desk, sender).turn()
    assert [mail.message_id for mail in sender.inbox(CUSTOMER)] == [message.mail_message_id]
    assert mails(house)[0].attempts == 2


def test_a_mail_whose_sender_died_after_sending_goes_out_again_under_the_same_message_id(house, desk, sender):
    """At least once: nobody can know whether the relay had it. The Message-ID is the same, so mail programs show it once."""
    answered(house)
    dying = MailOut(desk, sender)
    dying._desk = _Dies(desk)
    with pytest.raises(KeyboardInterrupt):
        dying.turn()
    house.tick(outbox.CLAIM_S + 1)
    MailOut(desk, sender).turn()
    first, second = sender.inbox(CUSTOMER)
    assert first.message_id == second.message_id
    assert mails(house)[0].state == "sent"


def test_two_senders_at_once_send_each_mail_once(house, tmp_path):
    for number in range(30):
        answered(house, number=number)
    outcomes = race(house, tmp_path, [claim, claim], [[5, 5]] * 6)
    claimed = [mail_id for turn in outcomes for each in turn for mail_id in each.split()]
    assert len(claimed) == len(set(claimed))
    assert sorted(map(int, claimed)) == sorted(mail.id for mail in mails(house))


def claim(tx, limit):
    return " ".join(str(mail.id) for mail in outbox.claim_due(tx, limit))


def test_a_relay_that_is_away_is_tried_again_later_and_later_and_then_given_up(house, desk, sender):
    message = answered(house)
    sender.failure = SendFailed("connection refused", retryable=True)
    out, waits = MailOut(desk, sender), []
    while (wait := out.turn()) is not None:
        waits.append(wait)
        assert house.again(message).delivery == "queued"
        house.tick(wait)
    assert waits == list(outbox.BACKOFF_S)
    assert house.again(message).delivery == "failed"
    assert house.again(message).delivery_error == "connection refused"
    with house.tx() as tx:
        outbox.send_again(tx, tx.session.get_one(OutboxMail, mails(house)[0].id))
    sender.failure = None
    out.turn()
    assert len(sender.inbox(CUSTOMER)) == 1
    assert house.again(message).delivery == "sent"


def test_a_mail_that_the_relay_refuses_for_good_is_not_tried_again(house, desk):
    message = answered(house)
    refusing = MemorySender(refuse={CUSTOMER: (550, "no such user")})
    assert MailOut(desk, refusing).turn() is None
    assert house.again(message).delivery == "failed"
    assert "no such user" in house.again(message).delivery_error
    assert house.kinds("mail.") == ["mail.queued", "mail.failed"]


def test_one_mail_that_cannot_be_made_does_not_hold_up_the_others(house, desk, sender):
    broken, good = answered(house, number=1), answered(house, "All is well.", number=2)
    with house.tx() as tx:
        tx.session.add(
            Attachment(message_id=broken.id, sha256="0" * 64, name="a", content_type="text/plain", size=1, created_at=tx.now)
        )
    MailOut(desk, sender).turn()
    assert [mail.message_id for mail in sender.inbox(CUSTOMER)] == [good.mail_message_id]
    assert house.again(broken).delivery == "queued"
    assert house.again(broken).delivery_error
    with house.tx() as tx:
        tx.session.execute(update(Attachment).values(sha256=desk.files.put(b"x")))
    house.tick(outbox.BACKOFF_S[0])
    MailOut(desk, sender).turn()
    assert len(sender.inbox(CUSTOMER)) == 2


class _Dies:
    """The installation of a sender that is killed between handing over a mail and writing down that it did."""

    def __init__(self, desk):
        self._desk, self._transactions = desk, 0

    @property
    def store(self):
        return self

    def tx(self, actor):
        self._transactions += 1
        if self._transactions > 1:
            raise KeyboardInterrupt
        return self._desk.store.tx(actor)

    def read(self):
        return self._desk.store.read()

    def __getattr__(self, name):
        return getattr(self._desk, name)
