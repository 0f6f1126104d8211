"""The first narrow waist: everything that comes in goes through `receive`, once, whatever the channel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from channels.message import Inbound
from desk.actions.mail.strangers import UNCONFIRMED, stranger
from desk.actions.mail.threads import Thread, disowned, find_thread, note_participants, takes_part
from desk.actions.people import customers
from desk.actions.tickets import spam, tickets
from desk.actions.tickets.survivors import held_still
from desk.errors import Invalid
from desk.files import KeptFile
from desk.models import Customer, Message, Queue, Ticket
from desk.models.message import IN
from desk.models.ticket import CLOSED, SOLVED
from desk.queries.people.contact_limits import contact_persons
from desk.store import Tx
from knowledge.language import guess

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
    locale = locale_of(inbound)
    thread = Thread(ticket, "conversation") if ticket is not None else find_thread(tx, inbound, ticket_number)
    ticket, how = None if thread.ticket is None else held_still(tx, thread.ticket), thread.how
    if thread.meant is not None:
        inbound = replace(inbound, meta={**inbound.meta, "meant_for": thread.meant.number})
    if disowned(inbound) and ticket is None:
        customer = stranger(tx, inbound, locale)
        inbound = replace(inbound, meta={**inbound.meta, UNCONFIRMED: True})
    else:
        name = "" if disowned(inbound) else inbound.sender.name
        customer = customers.identify(tx, inbound.sender.kind, inbound.sender.value, name=name, locale=locale)
    if ticket is None:
        queue = find_queue(tx, queue_key)
        if thread.earlier is not None:
            inbound = replace(inbound, meta={**inbound.meta, "earlier_ticket": thread.earlier.number})
        junk = queue_work and inbound.channel == "email" and type != "complaint" and spam.sends_junk(tx, customer)
        queue_work = queue_work and not junk
        only = contact_persons(tx.session, [customer.id], tx.now).get(customer.id)
        asked = {"how": how, "type": type, "locale": locale, "queue_work": queue_work, "owner_id": only}
        receipt = open_new(tx, inbound, files, customer, queue, **asked)
        if junk:
            spam.sort_out(tx, receipt.ticket)
        if thread.earlier is not None:
            tx.emit("ticket.continued", ticket=thread.earlier, customer=customer, data={"in": receipt.ticket.number})
        note_others(tx, receipt.ticket, inbound)
        return receipt
    held = not takes_part(tx, ticket, customer, inbound)
    message = tickets.add_message(tx, ticket, _message(inbound, customer, how, held), files)
    if held:
        tx.emit("message.held", message=message, ticket=ticket, customer=customer, data={"how": how})
    else:
        note_others(tx, ticket, inbound)
    settled = ticket.status in (SOLVED, CLOSED) and is_only_thanks(inbound.reply_text or inbound.text)
    if queue_work and inbound.kind == "message" and not held and not settled:
        tickets.customer_wrote(tx, ticket)
    return Receipt(ticket, message, how)


def open_new(
    tx: Tx,
    inbound: Inbound,
    files: Sequence[KeptFile],
    customer: Customer,
    queue: Queue,
    *,
    how: str = "new",
    type: str = "enquiry",
    locale: str = "",
    queue_work: bool = True,
    owner_id: int | None = None,
) -> Receipt:
    """A message that is the first of its ticket. Asks the database nothing, so that many can be written together.

    `owner_id` is the one person through whom its customer reaches us, if there is such a limit.
    """
    ticket = tickets.open_ticket(
        tx,
        customer=customer,
        queue=queue,
        subject=inbound.subject or _first_line(inbound.text),
        channel=inbound.channel,
        type=type,
        locale=locale,
    )
    message = tickets.add_message(tx, ticket, _message(inbound, customer, how, held=False), files)
    if owner_id is not None:
        tickets.assign(tx, ticket, owner_id)
    if queue_work and inbound.kind == "message":
        tickets.queue_work(tx, ticket, queue)
    return Receipt(ticket, message, how, opened=True)


def note_others(tx: Tx, ticket: Ticket, inbound: Inbound) -> None:
    """Those whom a person's mail was sent to beside us take part from now on."""
    if inbound.kind == "message" and inbound.channel == "email":
        note_participants(tx, ticket, (*inbound.to, *inbound.cc), "copy")


def locale_of(inbound: Inbound) -> str:
    """The language that the message says, or shows."""
    return inbound.locale or guess(f"{inbound.subject} {inbound.reply_text or inbound.text}")


def find_queue(tx: Tx, key: str) -> Queue:
    """The queue with this key if it is open, or the first one: work is never refused for want of a queue."""
    wanted = (Queue.key == key).desc(), (Queue.key == "general").desc()
    query = select(Queue).order_by(Queue.closed, *wanted, Queue.position, Queue.id)
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
        meta=_meta(inbound),
    )


def _meta(inbound: Inbound) -> dict[str, Any]:
    """What the channel told, and where answers are wanted when that is not where the message came from."""
    elsewhere = [contact.value for contact in inbound.reply_to if contact.value != inbound.sender.value]
    return {**inbound.meta, "reply_to": elsewhere} if elsewhere else inbound.meta


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:120]
