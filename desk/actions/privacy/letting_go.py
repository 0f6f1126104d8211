"""Ending what an older backup has under way for somebody who has been erased since; nobody works for them any more."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update

from desk.actions.tickets import solving
from desk.actions.work import work_items
from desk.models import Call, Callback, Chat, Ticket, WorkItem
from desk.models.call import ABANDONED
from desk.models.callback import WITHDRAWN
from desk.models.chat import ENDED
from desk.models.ticket import LIVE
from desk.store import Tx


def let_go(tx: Tx, customer_id: int, cases: Collection[int]) -> None:
    """Work, conversations and promises end, and the tickets close; but for those that are `cases` still."""
    theirs = (Ticket.customer_id == customer_id) & Ticket.id.not_in(cases)
    work = select(WorkItem).join(Ticket, Ticket.id == WorkItem.ticket_id).where(theirs, WorkItem.ended_at.is_(None))
    for item in tx.session.scalars(work).all():
        work_items.finish(tx, item)
    calls = update(Call).where(Call.customer_id == customer_id, Call.ended_at.is_(None))
    tx.session.execute(calls.values(state=ABANDONED, ended_at=tx.now))
    chats = update(Chat).where(Chat.customer_id == customer_id, Chat.ended_at.is_(None))
    tx.session.execute(chats.values(state=ENDED, ended_at=tx.now, ended_by="system"))
    promises = update(Callback).where(Callback.customer_id == customer_id, Callback.ended_at.is_(None))
    tx.session.execute(promises.values(state=WITHDRAWN, ended_at=tx.now, next_at=None))
    for ticket in tx.session.scalars(select(Ticket).where(theirs, Ticket.status.in_(LIVE))).all():
        solving.close(tx, ticket, reason="erased")
