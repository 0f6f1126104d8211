"""Keeping a visitor out of the chat for a while. They are told, and a complaint can be made all the same."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from desk.actions.chats.chats import end_chat
from desk.errors import Conflict, Invalid
from desk.models import Chat, ChatBlock
from desk.models.chat import BLOCK_KINDS, ENDED
from desk.queries.chats.blocks import marks_of
from desk.sentences import N_
from desk.store import Tx

DAYS = (1, 365)
LONGEST_REASON = 500


def block(tx: Tx, chat: Chat, *, marks: Collection[str], reason: str, days: int) -> list[ChatBlock]:
    """Keep this chat's visitor out by these marks (browser, email, network); a chat of theirs that runs is ended.

    Raises `Invalid` with the fields that are wrong.
    """
    reason, known = reason.strip(), marks_of(tx.session, chat)
    wrong = {}
    if not reason or len(reason) > LONGEST_REASON:
        wrong["reason"] = N_("Write why, in at most 500 characters.")
    if not DAYS[0] <= days <= DAYS[1]:
        wrong["days"] = N_("From 1 to 365 days.")
    if not marks or not set(marks) <= set(known):
        wrong["marks"] = N_("Choose by what the visitor is known again.")
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    until = tx.now + timedelta(days=days)
    made = [
        ChatBlock(
            kind=kind,
            value=known[kind],
            chat_id=chat.id,
            reason=reason,
            until=until,
            made_by_id=tx.actor.agent_id,
            made_by=tx.actor.name,
            made_at=tx.now,
            lifted_by="",
        )
        for kind in BLOCK_KINDS
        if kind in marks
    ]
    tx.session.add_all(made)
    tx.emit(
        "chat.visitor_blocked",
        chat=chat,
        ticket=chat.ticket_id,
        customer=chat.customer_id,
        data={"marks": sorted(marks), "reason": reason, "until": until.isoformat()},
    )
    if chat.state != ENDED:
        end_chat(tx, chat, "system")
    return made


def lift(tx: Tx, row: ChatBlock) -> None:
    """Let them chat again from now on. Raises `Conflict` when it has ended already."""
    if row.lifted_at is not None or row.until <= tx.now:
        raise Conflict("This has ended already.")
    row.lifted_at, row.lifted_by = tx.now, tx.actor.name
    tx.emit("chat.block_lifted", chat=row.chat_id, data={"mark": row.kind})
