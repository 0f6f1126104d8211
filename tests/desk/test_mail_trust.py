"""Mail whose sender nobody stands behind does nothing by itself; mail that comes back marks who did not get ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from channels.email.dkim_signature import Key, new_key
from channels.email.parsed import BouncedRecipient
from channels.message import Contact, Inbound
from desk.actions.mail import outbox, silences, strangers
from desk.actions.mail.mail import ReadMail, take_in_all
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.errors import Conflict
from desk.files import KeptFile
from desk.models import ContactPoint, Customer, Message, OutboxMail, OutboxRecipient, RawMail, Ticket, WorkItem
from desk.work import mail_child
from desk.work.mail_wire import Job
from tests.unit.channels.email.names import Names

CUSTOMER = "li.na@customers.example"
FAILED = {"authentication": {"standing": "failed", "domain": "customers.example"}}


def take_in(tx, mail):
    take_in_all(tx, [mail])
    return tx.session.scalars(select(RawMail).where(RawMail.identity == mail.inbound.external_id)).one()


def read(number, *, meta=None, **more):
    inbound = Inbound(
        channel="email",
        external_id=f"in-{number}",
        sender=Contact("email", more.pop("sender", CUSTOMER)),
        subject=more.pop("subject", "Router"),
        text="Change my bank account.",
        message_id=f"in-{number}@customers.example",
        in_reply_to=more.pop("in_reply_to", ""),
        meta=meta or {},
    )
    raw = KeptFile("0" * 64, "message.eml", "message/rfc822", 10)
    return ReadMail(
        inbound=inbound, files=(), raw=raw, envelope_from=CUSTOMER, envelope_to=("support@desk.example",),
        received_at=datetime(2026, 11, 20, tzinfo=UTC), verdict=more.pop("verdict", "person"), reasons=(), **more,
    )  # fmt: skip


def test_what_a_forger_writes_to_a_ticket_is_held_and_wakes_nobody(house):
    with house.tx() as tx:
        first = take_in(tx, read(1))
        ticket = tx.session.get_one(Ticket, first.ticket_id)
        tickets.reply(tx, ticket, None, "Done.", channel="email")
    with house.tx() as tx:
        forged = take_in(tx, read(2, meta=FAILED, in_reply_to="in-1@customers.example"))
        honest = take_in(tx, read(3, in_reply_to="in-1@customers.example"))
    messages = {row.id: row for row in house.all(select(Message))}
    assert forged.ticket_id == honest.ticket_id == first.ticket_id
    assert messages[forged.message_id].held
    assert not messages[honest.message_id].held


def test_who_writes_in_a_customers_name_is_not_that_customer_until_an_agent_says_so(house):
    with house.tx() as tx:
        first = take_in(tx, read(1))
        customers.set_tier(tx, tx.session.get_one(Customer, tx.session.get_one(Ticket, first.ticket_id).customer_id), "vip")
    with house.tx() as tx:
        forged = take_in(tx, read(2, meta=FAILED, subject="My password"))
    theirs, other = house.all(select(Ticket).order_by(Ticket.id))
    assert theirs.id == first.ticket_id
    assert other.id == forged.ticket_id
    assert other.customer_id != theirs.customer_id
    stranger = house.one(select(Customer).where(Customer.id == other.customer_id))
    assert stranger.tier != "vip"
    assert stranger.name == f"? {CUSTOMER}"
    assert house.all(select(ContactPoint).where(ContactPoint.customer_id == stranger.id)) == []
    with house.tx() as tx:
        message = tx.session.get_one(Message, forged.message_id)
        strangers.confirm(tx, message)
    assert house.again(other).customer_id == theirs.customer_id
    assert house.one(select(Message.customer_id).where(Message.id == forged.message_id)) == theirs.customer_id
    item = house.one(select(WorkItem).where(WorkItem.ticket_id == other.id))
    assert item.customer_id == theirs.customer_id
    with house.tx() as tx, pytest.raises(Conflict):
        strangers.confirm(tx, tx.session.get_one(Message, forged.message_id))


def test_a_forged_colleague_is_no_colleague(house):
    maya = house.agent()
    with house.tx() as tx:
        first = take_in(tx, read(1))
        forged = take_in(tx, read(2, sender=maya.email, meta=FAILED, in_reply_to="in-1@customers.example"))
        honest = take_in(tx, read(3, sender=maya.email, in_reply_to="in-1@customers.example"))
    messages = {row.id: row for row in house.all(select(Message))}
    assert (messages[forged.message_id].kind, messages[forged.message_id].held) == ("message", True)
    assert messages[honest.message_id].kind == "note"
    assert first.ticket_id == forged.ticket_id


@pytest.mark.parametrize(("named", "how"), [(True, "address"), (False, "message id")])
def test_a_bounce_marks_its_recipient_and_opens_nothing(house, named, how):
    with house.tx() as tx:
        ticket = tx.session.get_one(Ticket, take_in(tx, read(1)).ticket_id)
        message = tickets.reply(tx, ticket, None, "Done.", channel="email", cc=("gone@b.example",))
        mail = outbox.sent_as(tx, message)
        mail.state = "sending"
        outbox.record_answers(tx, mail.id, {address: outbox.Answer(250) for address in (CUSTOMER, "gone@b.example")})
        sent = {"bounced_mail_id": mail.id} if named else {"returned_message_id": message.mail_message_id}
    with house.tx() as tx:
        reports = (
            BouncedRecipient("gone@b.example", "failed", "5.1.1", "no such user"),
            BouncedRecipient(CUSTOMER, "delayed", "4.2.2"),
        )
        ledger = take_in(tx, read(2, verdict="bounce", bounced=reports, **sent))
    states = {row.address: (row.state, row.came_back, row.status) for row in house.all(select(OutboxRecipient))}
    assert states["gone@b.example"] == ("failed", True, "5.1.1"), how
    assert states[CUSTOMER] == ("sent", False, "4.2.2")
    assert house.again(message).delivery == "partly"
    assert (ledger.ticket_id, len(house.all(select(Ticket)))) == (ticket.id, 1)


@pytest.fixture
def telling(house):
    house.store.settings = house.settings = replace(house.settings, mail_acknowledge=True)
    return house


def person(number, **more):
    return read(number, meta={"verdict": "person", **more.pop("meta", {})}, **more)


def told(house):
    query = select(OutboxMail).where(OutboxMail.automatic).order_by(OutboxMail.id)
    return [mail.payload["in_reply_to"] for mail in house.all(query)]


def test_who_opens_a_ticket_is_told_once_and_not_too_often(telling):
    for number in range(6):
        with telling.tx() as tx:
            take_in(tx, person(number, subject=f"Matter {number}"))
    assert told(telling) == [f"in-{number}@customers.example" for number in range(3)]
    with telling.tx() as tx:
        take_in(tx, person(7, in_reply_to="in-1@customers.example"))
        take_in(tx, person(8, sender="wang@customers.example"))
    assert len(told(telling)) == 4
    telling.tick(3601)
    with telling.tx() as tx:
        take_in(tx, person(9))
    assert len(told(telling)) == 5
    mail = telling.one(select(OutboxMail).order_by(OutboxMail.id).limit(1))
    assert "[#10001]" in mail.payload["subject"]


def test_machines_forgers_and_floods_are_not_told(telling):
    with telling.tx() as tx:
        silences.silence(tx, "wang@customers.example", 30)
    with telling.tx() as tx:
        take_in(tx, person(1, meta=FAILED))
        take_in(tx, read(2, meta={"verdict": "list"}, verdict="list", sender="list@customers.example"))
        take_in(tx, person(3, sender="wang@customers.example"))
    assert told(telling) == []


def test_nobody_is_told_unless_it_is_wanted(house):
    with house.tx() as tx:
        take_in(tx, person(1))
    assert told(house) == []


def test_a_letter_that_stands_on_no_timeline_is_marked_too(house):
    with house.tx() as tx:
        payload = {"to": [CUSTOMER], "subject": "x", "text": "y"}
        mail = outbox.queue_mail(tx, ticket_id=None, message=None, payload=payload)
    with house.tx() as tx:
        take_in(tx, read(2, verdict="bounce", bounced_mail_id=mail.id))
    assert house.one(select(OutboxRecipient)).state == "failed"


def test_a_mail_is_judged_while_it_is_read(tmp_path, monkeypatch):
    key = Key("shop.example", "s1", new_key())
    records = {("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=reject"], (key.record_name, "TXT"): [key.record]}
    monkeypatch.setattr(mail_child, "RESOLVER", Names(records))
    raw = b"From: a@shop.example\r\nTo: support@desk.example\r\nSubject: x\r\n\r\ny\r\n"
    job = Job(raw, "a@shop.example", frozenset(), frozenset(), tmp_path, trust="check", peer="192.0.2.1")
    assert mail_child.read(job).inbound.meta["authentication"]["standing"] == "failed"
    # A report of a mail server names nobody in its envelope: then the name counts by which it greeted us.
    spf = {("shop.example", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"]}
    monkeypatch.setattr(mail_child, "RESOLVER", Names({**records, **spf}))
    nobody = replace(job, envelope_from="", helo="shop.example", raw=raw.replace(b"a@", b"postmaster@"))
    assert mail_child.read(nobody).inbound.meta["authentication"]["by"] == "spf:shop.example"
    assert mail_child.read(replace(nobody, helo="")).inbound.meta["authentication"]["standing"] == "failed"
    assert mail_child.read(replace(job, raw=key.sign(raw))).inbound.meta["authentication"]["by"] == "dkim:shop.example"
    told = replace(job, raw=b"Authentication-Results: mx.desk; dmarc=pass\r\n" + raw, trust="upstream:mx.desk")
    assert mail_child.read(told).inbound.meta["authentication"]["standing"] == "verified"
    assert "authentication" not in mail_child.read(replace(job, trust="off")).inbound.meta
