"""A chat that goes on by mail: what its visitor has not seen is sent to them, and whoever asks gets the whole of it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from desk.actions.mail import letters
from desk.actions.people import customers
from desk.errors import Conflict
from desk.models import Chat, ContactPoint, Customer, Ticket
from desk.queries.chats.chats import said_in, unseen_in
from desk.store import Tx

LETTER = "chat_transcript"
MOST_ASKED_FOR = 3  # mails that one chat's visitor may ask for
LONGEST = 60_000  # characters of conversation in one mail; of a longer one the end goes


def mail_rest(tx: Tx, chat: Chat, by: str, *, away: bool) -> bool:
    """The chat has ended: mail it when the visitor has not seen all, or was silent. False when there is no need or no address.

    `away`: they had no window open. One who is there has what we said on the screen.
    """
    if by == "customer" or not (by == "idle" or (away and unseen_in(tx.session, chat))):
        return False
    address = customers.address_of(tx, tx.session.get_one(Customer, chat.customer_id), "email")
    if not address:
        return False
    _mail(tx, chat, address)
    return True


def mail_transcript(tx: Tx, chat: Chat, address: str = "") -> str:
    """The visitor asks for the conversation by mail; returns the address that it goes to, which is the one they gave before.

    Without one they may name it now, but only after somebody has talked with them: no stranger's words leave in our name.
    Raises `Invalid` for what is no address, `Conflict` when it has been sent often enough.
    """
    if chat.mailed >= MOST_ASKED_FOR:
        raise Conflict("We have sent it already. Please look into your mailbox, also among the unwanted mail.")
    known = customers.address_of(tx, tx.session.get_one(Customer, chat.customer_id), "email")
    if not known and chat.answered_at is None:
        raise Conflict("Nobody has talked with you yet, so there is nothing to send.")
    address = known or customers.normal("email", address)
    chat.mailed += 1
    _mail(tx, chat, address)
    return address


def vouched_for(tx: Tx, customer: Customer, address: str) -> None:
    """The site that the visitor is signed in to says that this address is theirs."""
    query = select(ContactPoint).where(ContactPoint.customer_id == customer.id, ContactPoint.kind == "email")
    for point in tx.session.scalars(query.where(ContactPoint.value == address)):
        point.verified = True


def _mail(tx: Tx, chat: Chat, address: str) -> None:
    ticket = tx.session.get_one(Ticket, chat.ticket_id)
    letters.send_letter(tx, ticket, address, LETTER, conversation=conversation(tx, chat, ticket.locale))
    tx.emit("chat.mailed", chat=chat, ticket=chat.ticket_id, customer=chat.customer_id)


def conversation(tx: Tx, chat: Chat, locale: str) -> str:
    """What was said, each with its time at the desk; for a mail in the customer's language."""
    zone, you = ZoneInfo(tx.settings.timezone), "您" if locale == "zh" else "You"
    said, last = [], 0
    while rows := said_in(tx.session, chat, last):
        last = rows[-1]["id"]
        for row in rows:
            at = datetime.fromisoformat(row["at"]).astimezone(zone)
            who = you if row["from"] == "visitor" else row["name"]
            files = " ".join(f"[{file['name']}]" for file in row["files"])
            said.append(f"[{at:%Y-%m-%d %H:%M}] {who}: {row['text']} {files}".rstrip())
    text = "\n".join(said)
    return text if len(text) <= LONGEST else "…" + text[-LONGEST:]
