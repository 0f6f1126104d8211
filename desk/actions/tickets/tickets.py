"""The life of a ticket: opened, replied to, noted, waiting, reopened, moved. Solving is in `solving`, intake in `intake`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from channels.message import Contact
from desk.actions.mail.heads import address_mail
from desk.actions.mail.outbox import queue_mail
from desk.actions.mail.threads import note_participants
from desk.actions.tickets import clocks
from desk.actions.tickets.prioritising import by_the_table, prioritise
from desk.actions.tickets.survivors import check_here
from desk.actions.timers import clear_timer, set_timer
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotFound
from desk.files import KeptFile
from desk.models import Agent, Attachment, Customer, Message, Queue, Ticket
from desk.models.message import INTERNAL, OUT
from desk.models.ticket import CATEGORIES, FIRST_NUMBER, LIVE, NEW, OPEN, PENDING_CUSTOMER, PENDING_INTERNAL, SOLVED, TYPES
from desk.models.work_item import KINDS
from desk.queries.work.hand_ups import is_only_asked
from desk.store import Tx
from routing.urgency import NORMAL, ONE

REPLY_CHANNELS = ("email", "chat")
TICKET_WORK = ("ticket", "complaint")
AWAIT_TIMER = "ticket.await_customer"  # pending while the customer is asked
REMIND_AFTER = (timedelta(days=2), timedelta(days=5))  # of silence
CUSTOMER_WORK = tuple(kind for kind in KINDS if kind != "hand_up")  # whoever has such work answers the customer


def open_ticket(
    tx: Tx,
    *,
    customer: Customer,
    queue: Queue,
    subject: str,
    channel: str,
    type: str = "enquiry",
    locale: str = "",
    impact: str = ONE,
    urgency: str = NORMAL,
) -> Ticket:
    """A new issue of this customer; its clocks start now, in the queue's opening hours."""
    if type not in TYPES:
        raise Invalid("“%(type)s” is no ticket type.", type=type)
    ticket = Ticket(
        subject=subject.strip()[:300] or "—",
        type=type,
        channel=channel,
        locale=locale or customer.locale or tx.settings.locale,
        impact=impact,
        urgency=urgency,
        priority=by_the_table(impact, urgency, customer.tier),
        customer_id=customer.id,
        queue_id=queue.id,
        team_id=queue.team_id,
        created_at=tx.now,
        updated_at=tx.now,
    )
    clocks.start(tx, ticket, queue)
    tx.session.add(ticket)
    tx.session.flush()
    ticket.number = FIRST_NUMBER + ticket.id
    tx.emit("ticket.opened", ticket=ticket, customer=customer, queue=queue, data={"channel": channel, "type": type})
    return ticket


def add_message(tx: Tx, ticket: Ticket, message: Message, files: Sequence[KeptFile] = ()) -> Message:
    """Append to the timeline; the files' bytes are already in the file store."""
    message.ticket_id = ticket.id
    message.created_at = tx.now
    tx.session.add(message)
    tx.session.flush()
    for file in files:
        tx.session.add(
            Attachment(
                message_id=message.id,
                sha256=file.sha256,
                name=file.name,
                content_type=file.content_type,
                claimed_type=file.claimed_type,
                content_id=file.content_id,
                size=file.size,
                created_at=tx.now,
            )
        )
    ticket.updated_at = tx.now
    tx.emit(
        "message.added",
        message=message,
        ticket=ticket,
        customer=ticket.customer_id,
        data={"direction": message.direction, "channel": message.channel, "kind": message.kind, "held": message.held},
    )
    return message


def reply(
    tx: Tx,
    ticket: Ticket,
    agent: Agent | None,
    text: str,
    *,
    channel: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    files: Sequence[KeptFile] = (),
    external_id: str | None = None,
) -> Message:
    """An agent (or a program in its own name: None) answers the customer.

    By mail the answer goes to the outbox in this transaction, to `to` or, without that, where `recipients` says; who gets it
    takes part from then on. By chat it is there at once.

    Raises `Invalid` without text or without a way to reach the customer, `Conflict` on a closed ticket. A repeated
    `external_id` returns the first message.
    """
    if external_id:
        before = tx.session.scalar(select(Message).where(Message.channel == channel, Message.external_id == external_id))
        if before is not None:
            return before
    message = draft_reply(tx, ticket, agent, text, channel=channel, to=to, cc=cc)
    message.external_id = external_id
    add_message(tx, ticket, message, files)
    if channel == "email":
        queue_mail(tx, ticket_id=ticket.id, message=message, payload={"kind": "reply"})
        note_participants(tx, ticket, [Contact("email", each) for each in (*message.to, *message.cc)], "added")
    answered(tx, ticket)
    if ticket.owner_id is None and agent is not None:
        assign(tx, ticket, agent.id)
    if ticket.status == NEW:
        set_status(tx, ticket, OPEN)
    return message


def draft_reply(
    tx: Tx,
    ticket: Ticket,
    agent: Agent | None,
    text: str,
    *,
    channel: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
) -> Message:
    """The answer as it would be written now, not yet part of anything; raises what `reply` raises."""
    if not text.strip():
        raise Invalid("Please write something before sending.")
    if channel not in REPLY_CHANNELS:
        raise Invalid("Choose whether to answer by mail or chat.")
    check_here(tx, ticket)
    if ticket.status not in (*LIVE, SOLVED):
        raise Conflict("This ticket is closed; open it again before answering.")
    if agent is not None and is_only_asked(tx.session, ticket, agent.id):
        raise Conflict("You were asked by a colleague: write a note or answer the question. The owner writes to the customer.")
    customer = tx.session.get_one(Customer, ticket.customer_id)
    message = Message(
        channel=channel,
        direction=OUT,
        agent_id=agent.id if agent else None,
        customer_id=customer.id,
        author_name=agent.name if agent else tx.actor.name,
        text=text.strip(),
        reply_text=text.strip(),
    )
    if channel == "email":
        address_mail(tx, ticket, message, to, cc)
    return message


def note(tx: Tx, ticket: Ticket, agent: Agent | None, text: str, files: Sequence[KeptFile] = ()) -> Message:
    """A note among colleagues; no customer ever sees it."""
    if not text.strip():
        raise Invalid("Please write something before sending.")
    check_here(tx, ticket)
    message = Message(
        channel="note",
        direction=INTERNAL,
        kind="note",
        agent_id=agent.id if agent else None,
        author_name=agent.name if agent else tx.actor.name,
        text=text.strip(),
    )
    return add_message(tx, ticket, message, files)


def customer_wrote(tx: Tx, ticket: Ticket) -> None:
    """A customer's message came in: clocks run, a solved ticket opens again, and if nobody has the work it is queued."""
    queue = tx.session.get_one(Queue, ticket.queue_id)
    rouse(tx, ticket, reason="customer_wrote")
    if ticket.status not in LIVE:
        reopen(tx, ticket, reason="customer_wrote")
    elif ticket.status in (PENDING_CUSTOMER, PENDING_INTERNAL):
        set_status(tx, ticket, OPEN)
    clocks.customer_waits(tx, ticket, queue)
    if work_items.open_item(tx, ticket.id, CUSTOMER_WORK) is None:
        queue_work(tx, ticket, queue)


def rouse(tx: Tx, ticket: Ticket, *, reason: str) -> None:
    """A snoozed ticket is among the others again; who works on it is the caller's matter."""
    if ticket.snoozed_until is not None:
        tx.emit("ticket.woken", ticket=ticket, agent=ticket.owner_id, data={"reason": reason})
        ticket.snoozed_until, ticket.updated_at = None, tx.now


def go_on(tx: Tx, ticket: Ticket) -> None:
    """What was waited for inside is here: the ticket is open again, and its owner has the work if nobody has."""
    rouse(tx, ticket, reason="answered_inside")
    if ticket.status == PENDING_INTERNAL:
        set_status(tx, ticket, OPEN)
    if ticket.status in LIVE and work_items.open_item(tx, ticket.id, CUSTOMER_WORK) is None:
        queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))


def queue_work(tx: Tx, ticket: Ticket, queue: Queue) -> None:
    """Have somebody deal with the ticket; its owner is asked first."""
    kind = "complaint" if ticket.type == "complaint" else "ticket"
    channel = "complaint" if ticket.type == "complaint" else "email"
    skills = ((f"lang:{ticket.locale}", 1),) if ticket.locale else ()
    work_items.enqueue(tx, kind, channel, ticket, queue, skills=skills, sticky_agent_id=ticket.owner_id)


def set_pending(tx: Tx, ticket: Ticket, status: str) -> None:
    """Wait for the customer (the resolution clock pauses) or for somebody inside (it does not). The work leaves the agent."""
    if status not in (PENDING_CUSTOMER, PENDING_INTERNAL):
        raise Invalid("A ticket can wait for the customer or for a colleague.")
    if ticket.status not in LIVE:
        raise Conflict("This ticket is not open.")
    set_status(tx, ticket, status)
    item = work_items.open_item(tx, ticket.id, TICKET_WORK)
    if item is not None:
        work_items.finish(tx, item)


def reopen(tx: Tx, ticket: Ticket, *, reason: str) -> None:
    """The matter is not settled after all: the clocks go on, they do not start anew."""
    if ticket.status in LIVE:
        return
    if ticket.solved_at is not None:
        clocks.go_on(tx, ticket, ticket.solved_at)
    ticket.reopened += 1
    ticket.solved_at = ticket.closed_at = None
    set_status(tx, ticket, OPEN)
    tx.emit("ticket.reopened", ticket=ticket, customer=ticket.customer_id, data={"reason": reason})


def assign(tx: Tx, ticket: Ticket, agent_id: int | None) -> None:
    """Make somebody the owner, the one face the customer knows."""
    if ticket.owner_id == agent_id:
        return
    if agent_id is not None and tx.session.get(Agent, agent_id) is None:
        raise NotFound("There is no such agent.")
    if agent_id is not None and ticket.type == "complaint" and agent_id in work_items.kept_out(tx, ticket.id):
        raise Conflict("This person must not deal with this complaint.")
    tx.emit("ticket.assigned", ticket=ticket, agent=agent_id, data={"old": ticket.owner_id, "new": agent_id})
    ticket.owner_id = agent_id
    ticket.updated_at = tx.now
    if ticket.status == NEW and agent_id is not None:
        ticket.status = OPEN


def set_fields(
    tx: Tx,
    ticket: Ticket,
    *,
    impact: str | None = None,
    urgency: str | None = None,
    priority: int | None = None,
    reason: str | None = None,
    category: str | None = None,
    subject: str | None = None,
) -> None:
    """Correct what the ticket says. A new priority sets the clocks again from the ticket's own start.

    `reason` is why the `priority` is another one than impact and urgency make.
    """
    change = prioritise(tx, ticket, impact=impact, urgency=urgency, priority=priority, reason=reason)
    old: dict[str, object] = dict(change.old)
    if category is not None and category != ticket.category:
        if category not in CATEGORIES:
            raise Invalid("“%(category)s” is no category.", category=category)
        old["category"], ticket.category = ticket.category, category
    if subject is not None and subject.strip() and subject.strip() != ticket.subject:
        old["subject"], ticket.subject = ticket.subject, subject.strip()[:300]
    if old:
        ticket.updated_at = tx.now
        new = {name: getattr(ticket, name) for name in old}
        tx.emit("ticket.changed", ticket=ticket, data={"old": old, "new": new} | ({"due": change.due} if change.due else {}))


def check_open(queue: Queue) -> None:
    """Raises `Conflict` for a queue that takes no new work."""
    if queue.closed:
        raise Conflict("This queue takes no new work at present. Choose another one.")


def move(tx: Tx, ticket: Ticket, queue: Queue) -> None:
    """Hand the ticket to another queue, with its waiting or held work; the due times stay."""
    if queue.id == ticket.queue_id:
        return
    check_open(queue)
    tx.emit("ticket.moved", ticket=ticket, queue=queue, data={"old": ticket.queue_id, "new": queue.id})
    rouse(tx, ticket, reason="moved")
    item = work_items.open_item(tx, ticket.id, TICKET_WORK)
    if item is not None:
        work_items.hand_back(tx, item, queue=queue)
    ticket.queue_id, ticket.team_id, ticket.updated_at = queue.id, queue.team_id, tx.now
    assign(tx, ticket, None)
    if item is None and ticket.status in LIVE:
        queue_work(tx, ticket, queue)


def answered(tx: Tx, ticket: Ticket) -> None:
    """Somebody has written to the customer: the promises that this keeps are kept."""
    if ticket.first_human_reply_at is None:
        ticket.first_human_reply_at = tx.now
    ticket.next_due_at = None


def set_status(tx: Tx, ticket: Ticket, status: str) -> None:
    """Change the status, keeping the pause of the resolution clock right. Guards are the callers'."""
    if status == ticket.status:
        return
    if ticket.paused_since is not None:
        clocks.go_on(tx, ticket, ticket.paused_since)
    ticket.paused_since = tx.now if status == PENDING_CUSTOMER and ticket.type != "complaint" else None
    _await_customer(tx, ticket)
    if status not in LIVE:
        ticket.snoozed_until = None
    tx.emit("ticket.status_set", ticket=ticket, customer=ticket.customer_id, data={"old": ticket.status, "new": status})
    ticket.status, ticket.updated_at = status, tx.now


def _await_customer(tx: Tx, ticket: Ticket) -> None:
    """Who was asked is reminded (see `awaiting`); of a complaint its own clocks take care."""
    if ticket.paused_since is not None:
        set_timer(tx, AWAIT_TIMER, str(ticket.id), tx.now + REMIND_AFTER[0], {"ticket_id": ticket.id, "reminded": 0})
    elif ticket.status == PENDING_CUSTOMER:
        clear_timer(tx, AWAIT_TIMER, str(ticket.id))
