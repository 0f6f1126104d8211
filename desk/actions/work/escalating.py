"""Putting one piece of work before all other, by a person's word, and taking that back. Its due time and its queue stay."""

from __future__ import annotations

from sqlalchemy import update

from desk.errors import Conflict, Invalid
from desk.models import WorkItem
from desk.models.work_item import OFFERED, WAITING
from desk.sentences import N_
from desk.store import Tx
from routing.order import band
from routing.values import ESCALATED

LONGEST_REASON = 300


def escalate(tx: Tx, item: WorkItem, reason: str) -> None:
    """Somebody says that this goes first, and why. Raises `Invalid` without a reason, `Conflict` when it does not wait."""
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise Invalid("Say why this goes first.", {"reason": N_("Say why this goes first.")})
    if not put_first(tx, item, reason):
        raise Conflict("Somebody else has taken this work.")


def put_first(tx: Tx, item: WorkItem, reason: str) -> bool:
    """Into band 0, before everything that waits. False when somebody has it already; doing it twice has one effect."""
    return _set_band(tx, item, ESCALATED, "item.escalated", {"reason": reason})


def put_back(tx: Tx, item: WorkItem) -> None:
    """It takes its usual place again, by its due time. Raises `Conflict` when it does not wait."""
    if not _set_band(tx, item, band(item.channel), "item.calmed", {}):
        raise Conflict("Somebody else has taken this work.")


def _set_band(tx: Tx, item: WorkItem, wanted: int, kind: str, data: dict[str, str]) -> bool:
    tx.session.flush()
    waits = update(WorkItem).where(WorkItem.id == item.id, WorkItem.state.in_((WAITING, OFFERED)))
    changed = tx.session.execute(waits.where(WorkItem.band != wanted).values(band=wanted, version=WorkItem.version + 1))
    tx.session.refresh(item)
    if changed.rowcount:
        tx.emit(kind, item=item, ticket=item.ticket_id, customer=item.customer_id, queue=item.queue_id, data=data)
    return item.band == wanted and item.state in (WAITING, OFFERED)
