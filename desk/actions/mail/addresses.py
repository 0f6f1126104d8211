"""Our mail addresses: which we take mail for, and the queue that each one's goes to."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions.people import customers
from desk.errors import Invalid
from desk.models import MailAddress, Queue
from desk.sentences import N_
from desk.store import Tx


def set_address(
    tx: Tx, row: MailAddress, *, address: str, queue: Queue | None, name: str = "", name_zh: str = "", active: bool = True
) -> MailAddress:
    """Add or change an address of ours; it holds at once. Raises `Invalid` with a sentence for each wrong field."""
    wrong = {}
    address = address.strip().lower()
    try:
        address = customers.normal("email", address)
    except Invalid:
        wrong["address"] = N_("This is no mail address.")
    if "+" in address.partition("@")[0]:
        wrong["address"] = N_("Write the address without “+”: what stands behind it is for the tickets.")
    same = tx.session.scalar(select(MailAddress).where(MailAddress.address == address))
    if same is not None and same.id != row.id:
        wrong["address"] = N_("This address is in the list already.")
    if queue is None:
        wrong["queue"] = N_("Choose a queue.")
    if wrong or queue is None:
        raise Invalid("This address cannot be used like that.", wrong)
    row.address, row.queue_id, row.active = address, queue.id, active
    row.name, row.name_zh = name.strip()[:100], name_zh.strip()[:100]
    if row.id is None:
        row.created_at = tx.now
        tx.session.add(row)
    tx.emit("mail_address.changed", queue=queue, data={"address": address, "active": active})
    return row
