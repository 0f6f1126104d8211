"""Letters to those whom no mail reaches: the same texts, put on a list until a person has printed and posted them."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions.mail.letters import write
from desk.actions.tickets.tickets import add_message
from desk.models import Message, PaperLetter, Ticket
from desk.models.message import OUT
from desk.store import Tx

TO_POST, POSTED = "to_post", "posted"  # what stands on the message instead of how a mail was delivered


def write_on_paper(tx: Tx, ticket: Ticket, address: str, kind: str, **values: str | int) -> PaperLetter:
    """Put the letter on the list; one of its kind that still lies there for this ticket is the same."""
    same = select(PaperLetter).where(PaperLetter.ticket_id == ticket.id, PaperLetter.kind == kind)
    before = tx.session.scalar(same.where(PaperLetter.posted_on.is_(None)).limit(1))
    if before is not None:
        return before
    subject, text = write(tx, kind, ticket.locale, **{"number": ticket.number or 0, **values})
    message = Message(channel="letter", direction=OUT, kind="auto_reply", customer_id=ticket.customer_id, delivery=TO_POST)
    message.to, message.subject, message.text, message.reply_text = [address], subject, text, text
    add_message(tx, ticket, message)
    tx.session.flush()
    made = PaperLetter(ticket_id=ticket.id, message_id=message.id, kind=kind, address=address, made_at=tx.now)
    tx.session.add(made)
    tx.session.flush()
    tx.emit("letter.written", ticket=ticket, message=message, data={"letter": made.id, "kind": kind})
    return made
