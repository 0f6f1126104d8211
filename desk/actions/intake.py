"""The first narrow waist: everything that comes in goes through `receive`, once, whatever the channel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from channels.message import Inbound
from desk.actions import customers, tickets
from desk.errors import Invalid
from desk.files import KeptFile
from desk.models import ContactPoint, Customer, Message, Queue, Ticket
from desk.models.message import IN, OUT
from desk.models.ticket import CLOSED, FIRST_NUMBER, LIVE, SOLVED
from desk.store import Tx
from knowledge.language import guess

REOPEN_DAYS = 30
_SUBJECT_NUMBER = re.compile(r"\[#(\d{5,12})\]")
_THANKS = re.compile(
    r"\W*(many |very |so )?(thanks|thank you|thx|cheers|ok|okay|great|perfect|谢谢|多谢|感谢|好的|收到|非常感谢)"
    r"( (a lot|so much|very much|you|again|for (your|the) help))?(你们?|您|了|啦|！)*\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Receipt:
    """What became of something that came in. `how` says why it joined its ticket, or `new`."""

    ticket: Ticket
    message: Message
    how: str
    opened: bool = False
    duplicate: bool = False


def receive(
    tx: Tx,
    inbound: Inbound,
    files: Sequence[KeptFile] = (),
    *,
    ticket: Ticket | None = None,
    ticket_number: int | None = None,
    queue_key: str = "",
    type: str = "enquiry",
    queue_work: bool = True,
) -> Receipt:
    """Take in one message: who is it, has it come before, which ticket is it about, who must know.

    `ticket_number` is what a signed reply address said; `ticket` is given by channels that know it (a running chat).
    `queue_work=False` leaves the work item to the caller (chat and calls have their own kind).
    """
    before = _same(tx, inbound)
    if before is not None:
        return Receipt(tx.session.get_one(Ticket, before.ticket_id), before, before.threaded_by, duplicate=True)
    locale = inbound.locale or guess(f"{inbound.subject} {inbound.reply_text or inbound.text}")
    customer = customers.identify(tx, inbound.sender.kind, inbound.sender.value, name=inbound.sender.name, locale=locale)
    how = "conversation"
    if ticket is None:
        ticket, how = find_ticket(tx, inbound, ticket_number)
    held = False
    opened = ticket is None
    if ticket is None:
        ticket = tickets.open_ticket(
            tx,
            customer=customer,
            queue=find_queue(tx, queue_key),
            subject=inbound.subject or _first_line(inbound.text),
            channel=inbound.channel,
            type=type,
            locale=locale,
        )
    else:
        held = not _takes_part(tx, ticket, customer, inbound)
    message = tickets.add_message(tx, ticket, _message(inbound, customer, how, held), files)
    if held:
        tx.emit("message.held", message=message, ticket=ticket, customer=customer, data={"how": how})
    if queue_work and inbound.kind == "message":
        if opened:
            tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))
        elif not held and not (ticket.status in (SOLVED, CLOSED) and is_only_thanks(inbound.reply_text or inbound.text)):
            tickets.customer_wrote(tx, ticket)
    return Receipt(ticket, message, how, opened)


def admit(tx: Tx, message: Message) -> None:
    """An agent lets a new participant into the ticket: their message counts from now on."""
    if not message.held:
        return
    message.held = False
    ticket = tx.session.get_one(Ticket, message.ticket_id)
    tx.emit("message.admitted", message=message, ticket=ticket, customer=message.customer_id)
    tickets.customer_wrote(tx, ticket)


def detach(tx: Tx, message: Message) -> Ticket:
    """A message that joined the wrong ticket gets a ticket of its own, in the same queue."""
    old = tx.session.get_one(Ticket, message.ticket_id)
    if message.direction != IN or message.customer_id is None:
        raise Invalid("Only a customer's message can get a ticket of its own.")
    queue = tx.session.get_one(Queue, old.queue_id)
    ticket = tickets.open_ticket(
        tx,
        customer=tx.session.get_one(Customer, message.customer_id),
        queue=queue,
        subject=message.subject or _first_line(message.text),
        channel=message.channel,
        locale=old.locale,
    )
    message.ticket_id, message.held, message.threaded_by = ticket.id, False, "detached"
    tx.emit("message.detached", message=message, ticket=old, data={"to": ticket.number})
    tx.emit("message.added", message=message, ticket=ticket, customer=message.customer_id, data={"direction": IN})
    tickets.queue_work(tx, ticket, queue)
    return ticket


def find_queue(tx: Tx, key: str) -> Queue:
    """The queue with this key, or the first one: work is never refused for want of a queue."""
    query = select(Queue).order_by((Queue.key == key).desc(), (Queue.key == "general").desc(), Queue.position, Queue.id)
    queue = tx.session.scalar(query.limit(1))
    if queue is None:
        raise Invalid("The desk has no queue yet. Run “python -m desk migrate” to set it up.")
    return queue


def is_only_thanks(text: str) -> bool:
    """Whether the text says thanks and nothing else; such a message does not open a solved ticket again."""
    return len(text) < 80 and _THANKS.fullmatch(text.strip()) is not None


def _same(tx: Tx, inbound: Inbound) -> Message | None:
    query = select(Message).where(Message.channel == inbound.channel, Message.external_id == inbound.external_id)
    return tx.session.scalar(query)


def find_ticket(tx: Tx, inbound: Inbound, number: int | None) -> tuple[Ticket | None, str]:
    """Which ticket a message is about, and how that is known.

    In this order: signed reply address; In-Reply-To, then References from the last; number in the subject, from a participant
    only. Never by likeness of subjects. A ticket closed for long is not joined.
    """
    if number is not None:
        ticket = _by_number(tx, number)
        if ticket is not None and _joinable(tx, ticket):
            return ticket, "reply_address"
    for how, ids in (("in_reply_to", [inbound.in_reply_to]), ("references", list(reversed(inbound.references)))):
        for message_id in ids[:50]:
            ticket = _by_message_id(tx, message_id)
            if ticket is not None and _joinable(tx, ticket):
                return ticket, how
    for found in _SUBJECT_NUMBER.findall(inbound.subject):
        ticket = _by_number(tx, int(found))
        if ticket is not None and _joinable(tx, ticket) and _is_participant(tx, ticket, inbound.sender.value):
            return ticket, "subject_number"
    return None, "new"


def _by_number(tx: Tx, number: int) -> Ticket | None:
    return tx.session.scalar(select(Ticket).where(Ticket.number == number)) if number > FIRST_NUMBER else None


def _by_message_id(tx: Tx, message_id: str) -> Ticket | None:
    if not message_id:
        return None
    query = select(Ticket).join(Message, Message.ticket_id == Ticket.id).where(Message.mail_message_id == message_id)
    return tx.session.scalar(query.order_by(Message.id).limit(1))


def _joinable(tx: Tx, ticket: Ticket) -> bool:
    if ticket.status in (*LIVE, SOLVED):
        return True
    return ticket.status == CLOSED and ticket.closed_at is not None and ticket.closed_at > tx.now - timedelta(days=REOPEN_DAYS)


def _takes_part(tx: Tx, ticket: Ticket, customer: Customer, inbound: Inbound) -> bool:
    if customer.id == ticket.customer_id:
        return True
    return inbound.sender.kind == "email" and _is_participant(tx, ticket, inbound.sender.value)


def _is_participant(tx: Tx, ticket: Ticket, address: str) -> bool:
    """Whether the address is the customer's, has been let in before, or was written to by us."""
    own = select(ContactPoint.id).where(ContactPoint.customer_id == ticket.customer_id, ContactPoint.value == address)
    if tx.session.scalar(own.limit(1)) is not None:
        return True
    wrote = select(Message.id).where(
        Message.ticket_id == ticket.id, Message.from_address == address, Message.direction == IN, Message.held.is_(False)
    )
    if tx.session.scalar(wrote.limit(1)) is not None:
        return True
    ours = (
        select(Message.to, Message.cc)
        .where(Message.ticket_id == ticket.id, Message.direction == OUT, Message.channel == "email")
        .order_by(Message.id.desc())
        .limit(200)
    )
    return any(address in (*to, *cc) for to, cc in tx.session.execute(ours))


def _message(inbound: Inbound, customer: Customer, how: str, held: bool) -> Message:
    return Message(
        channel=inbound.channel,
        direction=IN,
        kind=inbound.kind,
        customer_id=customer.id,
        author_name=inbound.sender.name or customer.name,
        from_address=inbound.sender.value,
        to=[contact.value for contact in inbound.to],
        cc=[contact.value for contact in inbound.cc],
        subject=inbound.subject[:500],
        text=inbound.text,
        reply_text=inbound.reply_text or inbound.text,
        html=inbound.html,
        external_id=inbound.external_id,
        mail_message_id=inbound.message_id or None,
        in_reply_to=inbound.in_reply_to,
        references=list(inbound.references),
        threaded_by=how,
        held=held,
        meta=inbound.meta,
    )


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:120]
