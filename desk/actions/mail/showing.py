"""What a colleague wrote by mail into a thread is a note; an agent may make it an answer to the customer, and a note again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from desk.actions.mail.heads import new_message_id
from desk.actions.mail.outbox import queue_mail, sent_as
from desk.actions.tickets import tickets
from desk.errors import Conflict, Invalid
from desk.models import Agent, Message, OutboxRecipient, Ticket
from desk.models.mail import QUEUED
from desk.models.message import INTERNAL, OUT
from desk.models.ticket import NEW, OPEN
from desk.queries.mail.recipients import our_own, recipients
from desk.store import Tx


def show(tx: Tx, message: Message, agent: Agent) -> None:
    """Make a colleague's mail part of the conversation.

    Whoever takes part and has not had it gets it by mail, after the agent's `undo_s`. Raises what `tickets.draft_reply` raises.
    """
    if message.direction != INTERNAL or message.channel != "email":
        raise Invalid("Only a colleague's mail can be shown to the customer.")
    ticket = tx.session.get_one(Ticket, message.ticket_id)
    draft = tickets.draft_reply(tx, ticket, agent, message.text, channel="email")
    usual = recipients(tx.session, tx.settings, ticket)
    had = {message.from_address, *(each.lower() for each in (*message.to, *message.cc))}
    missing = [each for each in (*usual.to, *usual.cc) if each not in had]
    before = {
        **{field: getattr(message, field) for field in ("to", "cc", "subject", "in_reply_to", "references")},
        "first": ticket.first_human_reply_at is None,
        "at": tx.now.isoformat(),
        "next_due_at": ticket.next_due_at.isoformat() if ticket.next_due_at else "",
    }
    message.meta = {**message.meta, "shown": before}
    message.direction, message.kind, message.customer_id = OUT, "message", ticket.customer_id
    ours = our_own(tx.session, tx.settings)
    message.to = missing or [each for each in message.to if each not in ours]
    message.cc = [] if missing else message.cc
    message.subject, message.in_reply_to = draft.subject, draft.in_reply_to
    own = [message.mail_message_id] if message.mail_message_id else []
    message.references = [*draft.references, *own]  # who answers the mail as the colleague sent it is understood too
    if missing:
        # A Message-ID stands for one mail only, and the colleague's has gone to others.
        mail = queue_mail(tx, ticket_id=ticket.id, message=message, payload={"kind": "reply", "message_id": new_message_id(tx)})
        mail.next_at = tx.now + timedelta(seconds=agent.undo_s)
    tickets.answered(tx, ticket)
    if ticket.status == NEW:
        tickets.set_status(tx, ticket, OPEN)
    tx.emit("message.shown", message=message, ticket=ticket, customer=ticket.customer_id, data={"mailed": len(missing)})


def hide(tx: Tx, message: Message) -> None:
    """It is a note again. Raises `Conflict` when it has left for the customer."""
    before = message.meta.get("shown")
    if before is None:
        raise Invalid("Only a colleague's mail can become a note again.")
    mail = sent_as(tx, message)
    if mail is not None:
        tx.session.refresh(mail, with_for_update=True)
        if mail.state != QUEUED or mail.attempts:
            raise Conflict("The customer has been sent this answer already; it cannot become a note again.")
        tx.session.execute(delete(OutboxRecipient).where(OutboxRecipient.mail_id == mail.id))
        tx.session.delete(mail)
    message.meta = {key: value for key, value in message.meta.items() if key != "shown"}
    message.direction, message.kind, message.customer_id = INTERNAL, "note", None
    message.delivery = message.delivery_error = ""
    for field in ("to", "cc", "subject", "in_reply_to", "references"):
        setattr(message, field, before[field])
    ticket = tx.session.get_one(Ticket, message.ticket_id)
    if before["first"] and ticket.first_human_reply_at == datetime.fromisoformat(before["at"]):
        ticket.first_human_reply_at = None
    if ticket.next_due_at is None and before["next_due_at"]:
        ticket.next_due_at = datetime.fromisoformat(before["next_due_at"])
    tx.emit("message.hidden", message=message, ticket=ticket, customer=ticket.customer_id)
