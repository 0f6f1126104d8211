"""Keeping a call as it is while it is changed: what the carrier says and what people press comes at the same moment.

The one order: the call's row first, then the agents whom the change may concern, the smaller number first, then the work items.
SQLite has one writer, so that nothing is to be locked there.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk.models import Agent, Call, CallSegment, Offer, WorkItem
from desk.models.call import OVER
from desk.models.work_item import OFFERED
from desk.store import Tx

_FRESH = {"populate_existing": True}
_CONSULT = "consult"


def lock_call(tx: Tx, call_id: int) -> Call:
    """The call as it is now; nobody else changes it until this transaction is over."""
    if not _overlap(tx):
        return tx.session.get_one(Call, call_id)
    tx.session.flush()
    # Not against whoever only refers to it (legs, parts, events): they would wait for nothing.
    query = select(Call).where(Call.id == call_id).with_for_update(key_share=True)
    return tx.session.scalars(query, execution_options=_FRESH).one()


def as_it_is(tx: Tx, row: Any) -> None:
    """Read a row of the call's again, once the call is locked: somebody else may have changed it before."""
    if _overlap(tx):
        tx.session.refresh(row)


def lock_people(tx: Tx, call: Call, *also: int) -> None:
    """Lock everybody whom a change of this call may concern: who had or has a part in it, and who is asked about it."""
    if not _overlap(tx):
        return
    tx.session.flush()
    concerned = set(also) | set(tx.session.scalars(select(CallSegment.agent_id).where(CallSegment.call_id == call.id)))
    asked = select(WorkItem.agent_id).where(WorkItem.ticket_id == call.ticket_id, WorkItem.ended_at.is_(None))
    concerned |= {each for each in tx.session.scalars(asked.where(WorkItem.channel == "voice")) if each is not None}
    if concerned:
        rows = select(Agent.id).where(Agent.id.in_(concerned)).order_by(Agent.id)
        tx.session.execute(rows.with_for_update(key_share=True)).all()


def lock_calls_of_item(tx: Tx, item_id: int, *also: int) -> None:
    """Lock the call that this work is about, if it is about one, and its people, before the work itself is touched."""
    if not _overlap(tx):
        return
    item = tx.session.get_one(WorkItem, item_id)
    query = select(Call.id).where(Call.item_id == item_id)
    if item.kind == _CONSULT:
        query = select(Call.id).where(Call.ticket_id == item.ticket_id, Call.state.not_in(OVER))
    elif item.kind not in ("call", "callback", "outbound"):
        return
    for call_id in tx.session.scalars(query.order_by(Call.id)).all():
        lock_people(tx, lock_call(tx, call_id), *also)


def lock_calls_offered_to(tx: Tx, agent_id: int) -> None:
    """Lock the calls that an agent is asked to take, since taking them back may send them to somebody else."""
    if not _overlap(tx):
        return
    asked = select(Offer.item_id).where(Offer.agent_id == agent_id, Offer.state == OFFERED).order_by(Offer.item_id)
    for item_id in tx.session.scalars(asked).all():
        lock_calls_of_item(tx, item_id, agent_id)


def _overlap(tx: Tx) -> bool:
    return tx.session.get_bind().dialect.name != "sqlite"
