"""Mail that must leave: written with its cause, sent afterwards, tried again, and never lost with the one who was sending it."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import select, text, update

from channels.email.address import read_bounce
from channels.email.sender import RelayAway
from channels.fake import MemorySender
from channels.message import Contact, Inbound, SendFailed
from desk.actions import intake
from desk.actions.mail import outbox
from desk.actions.tickets import tickets
from desk.app import install
from desk.errors import Conflict, Invalid
from desk.models import Attachment, Message, OutboxMail, OutboxRecipient
from desk.store import StoreAway
from desk.work.mail_claims import Claims
from desk.work.mail_out import AWAY_S, MailOut
from tests.desk.racers import race

LOCKED = text("""
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND objid = :mail AND datname = current_database()
""")
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


class CountingSender(MemorySender):
    """Counts how often it was asked."""

    tries = 0

    def send(self, *mail):
        self.tries += 1
        return super().send(*mail)


def answered(house, text="Please press reset.", number=1, cc=()):
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
        return tickets.reply(tx, ticket, None, text, channel="email", cc=cc)


def mails(house):
    return house.all(select(OutboxMail).order_by(OutboxMail.id))


def recipients(house):
    return house.all(select(OutboxRecipient).order_by(OutboxRecipient.id))


def test_a_reply_is_sent_and_shown_as_sent(house, desk, sender):
    message = answered(house)
    assert mails(house)[0].state == "queued"
    MailOut(desk, sender).turn()
    [sent] = sender.inbox(CUSTOMER)
    assert sent.message_id == message.mail_message_id
    assert house.again(message).delivery == "sent"
    assert mails(house)[0].state == "sent"
    [recipient] = recipients(house)
    assert (recipient.address, recipient.state, recipient.code, recipient.said) == (CUSTOMER, "sent", 250, "OK")


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
    message, other = answered(house), MailOut(desk, sender)
    other._begin()
    still = Claims(desk)
    with house.tx() as tx:
        [mail] = outbox.claim_due(tx)
        still.hold(mail.id)  # and here the sender stands still for ever
    other.turn()
    assert sender.sent == []
    house.tick(outbox.CLAIM_S + 1)
    for _ in range(3):
        MailOut(desk, sender).turn()
    assert [mail.message_id for mail in sender.inbox(CUSTOMER)] == [message.mail_message_id]
    assert mails(house)[0].attempts == 2
    still.close()


def test_what_a_dead_sender_had_in_hand_is_sent_at_once_by_another_and_what_a_living_one_has_is_not(postgres_house, sender):
    first, second = answered(postgres_house), answered(postgres_house, number=2)
    desk = install(postgres_house.settings, clock=postgres_house.clock)
    living, dead = Claims(desk), Claims(desk)
    with closing(desk.knowledge):
        with postgres_house.tx() as tx:
            mine, its = outbox.claim_due(tx)
            assert living.hold(mine.id)
            assert dead.hold(its.id)
        dead._connection.close()  # as when the process ends, which the server notices in its own time
        while postgres_house.one(LOCKED.bindparams(mail=its.id)):
            pass
        MailOut(desk, sender).turn()
        assert [mail.message_id for mail in sender.inbox(CUSTOMER)] == [second.mail_message_id]
        living.close()
        MailOut(desk, sender).turn()
    desk.store.engine.dispose()
    assert {mail.message_id for mail in sender.inbox(CUSTOMER)} == {first.mail_message_id, second.mail_message_id}


def test_a_mail_whose_sender_died_after_sending_goes_out_again_under_the_same_message_id(house, desk, sender):
    """At least once: nobody can know whether the relay had it. The Message-ID is the same, so mail programs show it once."""
    answered(house)
    dying = MailOut(desk, sender)
    dying._begin()
    dying._desk = _Dies(desk)
    with pytest.raises(KeyboardInterrupt):
        dying.turn()
    house.tick(outbox.CLAIM_S + 1)
    MailOut(desk, sender).turn()
    first, second = sender.inbox(CUSTOMER)
    assert first.message_id == second.message_id
    assert mails(house)[0].state == "sent"


def test_a_sender_that_begins_alone_goes_on_with_what_a_dead_one_had_in_hand(sqlite_house):
    answered(sqlite_house)
    with sqlite_house.tx() as tx:
        assert len(outbox.claim_due(tx)) == 1
    desk, sender = install(sqlite_house.settings, clock=sqlite_house.clock), MemorySender()
    with closing(desk.knowledge):
        MailOut(desk, sender).turn()
    desk.store.engine.dispose()
    assert len(sender.sent) == 1


def test_two_senders_at_once_send_each_mail_once(house, tmp_path):
    for number in range(30):
        answered(house, number=number)
    outcomes = race(house, tmp_path, [claim, claim], [[5, 5]] * 6)
    claimed = [mail_id for turn in outcomes for each in turn for mail_id in each.split()]
    assert len(claimed) == len(set(claimed))
    assert sorted(map(int, claimed)) == sorted(mail.id for mail in mails(house))


def claim(tx, limit):
    return " ".join(str(mail.id) for mail in outbox.claim_due(tx, limit))


def test_a_mail_that_cannot_be_handed_over_is_tried_again_later_and_later_and_then_given_up(house, desk, sender):
    message = answered(house)
    sender.failure = SendFailed("the connection broke", retryable=True)
    out, waits = MailOut(desk, sender), []
    while (wait := out.turn()) is not None:
        waits.append(wait)
        assert house.again(message).delivery == "queued"
        house.tick(wait)
    steady = [int(wait) for wait in waits[: len(outbox.BACKOFF_S)]]
    assert all(step <= wait <= step * 1.25 + 1 for step, wait in zip(outbox.BACKOFF_S, steady, strict=True))
    assert sum(waits) == outbox.GIVE_UP_S
    assert house.again(message).delivery == "failed"
    assert house.again(message).delivery_error == "the connection broke"
    with house.tx() as tx:
        outbox.send_again(tx, tx.session.get_one(OutboxMail, mails(house)[0].id))
    sender.failure = None
    out.turn()
    assert len(sender.inbox(CUSTOMER)) == 1
    assert house.again(message).delivery == "sent"


def test_while_the_relay_is_away_it_is_left_alone_and_no_mail_is_blamed(house, desk):
    first, second = answered(house, number=1), answered(house, number=2)
    sender = CountingSender(failure=RelayAway("no connection to the mail relay"))
    out = MailOut(desk, sender)
    for wait in AWAY_S:
        assert out.turn() == pytest.approx(wait)
        assert out.turn() == pytest.approx(wait)  # woken by something else: still not
        house.tick(wait)
    assert sender.tries == len(AWAY_S)
    assert [mail.attempts for mail in mails(house)] == [0, 0]
    assert {house.again(one).delivery for one in (first, second)} == {"queued"}
    assert "no connection" in " ".join(house.again(one).delivery_error for one in (first, second))
    assert house.kinds("mail.delayed") == ["mail.delayed"] * sum(bool(mail.last_error) for mail in mails(house))
    sender.failure = None
    out.turn()
    assert len(sender.inbox(CUSTOMER)) == 2
    assert house.again(first).delivery_error == ""


def test_a_relay_that_never_comes_back_is_given_up_after_two_days(house, desk):
    message = answered(house)
    out = MailOut(desk, MemorySender(failure=RelayAway("no connection to the mail relay")))
    house.tick(outbox.GIVE_UP_S)
    out.turn()
    assert house.again(message).delivery == "failed"


def test_one_recipient_refused_for_now_is_tried_again_alone(house, desk):
    message = answered(house, cc=("wang@b.example", "busy@c.example"))
    sender = MemorySender(refuse={"busy@c.example": (451, "4.2.1 mailbox busy")})
    wait = MailOut(desk, sender).turn()
    assert [one.state for one in recipients(house)] == ["sent", "sent", "queued"]
    assert house.again(message).delivery == "queued"
    assert house.again(message).delivery_error == "busy@c.example: 451 4.2.1 mailbox busy"
    sender.refuse = {}
    house.tick(wait)
    MailOut(desk, sender).turn()
    assert [mail.recipients for mail in sender.sent] == [(CUSTOMER, "wang@b.example"), ("busy@c.example",)]
    assert {contact.value for contact in sender.sent[1].parsed.cc} == {"wang@b.example", "busy@c.example"}
    assert house.again(message).delivery == "sent"
    assert house.kinds("mail.") == ["mail.queued", "mail.delayed", "mail.sent"]


def test_one_recipient_refused_for_good_is_marked_alone_and_can_be_given_another_address(house, desk):
    message = answered(house, cc=("gone@b.example",))
    sender = MemorySender(refuse={"gone@b.example": (550, "5.1.1 no such user")})
    assert MailOut(desk, sender).turn() is None
    assert [(one.state, one.status) for one in recipients(house)] == [("sent", ""), ("failed", "5.1.1")]
    assert house.again(message).delivery == "partly"
    with house.tx() as tx:
        outbox.change_address(tx, tx.session.get_one(OutboxMail, mails(house)[0].id), "gone@b.example", " Found@b.example ")
    MailOut(desk, sender).turn()
    assert [mail.recipients for mail in sender.sent] == [(CUSTOMER,), ("found@b.example",)]
    assert house.again(message).cc == ["found@b.example"]
    assert house.again(message).delivery == "sent"


def test_an_address_is_not_changed_to_one_that_has_the_mail_already(house, desk):
    answered(house, cc=("gone@b.example",))
    MailOut(desk, MemorySender(refuse={"gone@b.example": (550, "no")})).turn()
    with house.tx() as tx:
        mail = tx.session.get_one(OutboxMail, mails(house)[0].id)
        with pytest.raises(Invalid):
            outbox.change_address(tx, mail, "gone@b.example", CUSTOMER)
        with pytest.raises(Conflict):
            outbox.change_address(tx, mail, CUSTOMER, "other@b.example")


def test_a_mail_that_comes_back_marks_its_recipient_once(house, desk, sender):
    message = answered(house, cc=("gone@b.example",))
    MailOut(desk, sender).turn()
    with house.tx() as tx:
        row = tx.session.get_one(Message, message.id)
        assert outbox.record_bounce(tx, row, "Gone@b.example", "4.2.2", "mailbox full, will retry", temporary=True)
        assert house.again(message).delivery == "sent"
        assert outbox.record_bounce(tx, row, "Gone@b.example", "5.1.1", "no such user", temporary=False)
        assert not outbox.record_bounce(tx, row, "gone@b.example", "5.1.1", "no such user", temporary=False)
        assert not outbox.record_bounce(tx, row, "nobody@b.example", "5.1.1", "no such user", temporary=False)
    assert [(one.state, one.came_back) for one in recipients(house)] == [("sent", False), ("failed", True)]
    assert house.again(message).delivery == "partly"
    assert "no such user" in house.again(message).delivery_error
    assert house.kinds("mail.") == ["mail.queued", "mail.sent", "mail.bounced", "mail.bounced"]


def test_a_failure_that_somebody_has_seen_is_no_longer_a_problem(house, desk):
    answered(house)
    MailOut(desk, MemorySender(refuse={CUSTOMER: (550, "no")})).turn()
    with house.tx() as tx:
        outbox.leave(tx, tx.session.get_one(OutboxMail, mails(house)[0].id))
    assert recipients(house)[0].settled_at is not None


def test_a_mail_is_not_sent_twice_because_the_database_was_away_when_it_was_to_be_recorded(house, desk, sender):
    answered(house)
    out = MailOut(desk, sender)
    out._begin()
    out._desk = _Dies(desk, StoreAway())
    with pytest.raises(StoreAway):
        out.turn()
    out._desk = desk
    house.tick(outbox.CLAIM_S + 1)
    out.turn()
    assert len(sender.sent) == 1
    assert mails(house)[0].state == "sent"


def test_a_mail_names_itself_in_the_address_to_which_it_bounces(house, desk, sender):
    answered(house)
    with house.tx() as tx:
        outbox.queue_mail(
            tx, ticket_id=None, message=None, payload={"to": [CUSTOMER], "subject": "x", "text": "y"}, automatic=True
        )  # fmt: skip
    MailOut(desk, sender).turn()
    assert [read_bounce(mail.envelope_from, "desk.example", desk.secret) for mail in sender.sent] == [mails(house)[0].id, None]
    assert sender.sent[1].envelope_from == ""


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
    house.tick(outbox.BACKOFF_S[0] * 2)
    MailOut(desk, sender).turn()
    assert len(sender.inbox(CUSTOMER)) == 2


class _Dies:
    """The installation of a sender that is killed between handing over a mail and writing down that it did."""

    def __init__(self, desk, how=KeyboardInterrupt):
        self._desk, self._how, self._transactions = desk, how, 0

    @property
    def store(self):
        return self

    def tx(self, actor):
        self._transactions += 1
        if self._transactions > 1:
            raise self._how
        return self._desk.store.tx(actor)

    def read(self):
        return self._desk.store.read()

    def __getattr__(self, name):
        return getattr(self._desk, name)
