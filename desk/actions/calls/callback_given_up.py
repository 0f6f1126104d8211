"""A customer takes back on our site that they want to be rung."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import exists, select

from desk.actions.calls.callback_outcomes import withdraw
from desk.actions.tickets import tickets
from desk.actions.tickets.solving import QUIET, settle
from desk.actions.timers import set_timer
from desk.actions.work.work_items import OPEN_STATES
from desk.errors import Conflict
from desk.models import Callback, Ticket, WorkItem
from desk.models.callback import WEB, WITHDRAWN
from desk.models.ticket import LIVE
from desk.store import Tx

_SAID: Mapping[str, str] = {"zh": "客户不再需要回电。", "en": "The customer does not want to be called back any more."}


def give_up(tx: Tx, callback: Callback) -> None:
    """Nobody rings them any more, and a ticket that was opened for the call alone is solved. Telling it twice has one effect.

    Raises `Conflict` when the call is being made, or has been.
    """
    if callback.state == WITHDRAWN:
        return
    if not withdraw(tx, callback):
        raise Conflict("We are calling you just now, or have called you already.")
    ticket = tx.session.get_one(Ticket, callback.ticket_id)
    tickets.note(tx, ticket, None, _SAID[ticket.locale if ticket.locale in _SAID else "en"])
    if callback.source == WEB and _is_untouched(tx, ticket):
        settle(tx, ticket, category=ticket.category, wrap_up_code="no_action", resolution="")
        set_timer(tx, "ticket.close", str(ticket.id), tx.now + QUIET, {"ticket_id": ticket.id})


def _is_untouched(tx: Tx, ticket: Ticket) -> bool:
    """Whether nobody has taken it up, and nothing waits for anybody."""
    waits = select(exists().where(WorkItem.ticket_id == ticket.id, WorkItem.state.in_(OPEN_STATES)))
    return ticket.status in LIVE and ticket.owner_id is None and not tx.session.scalar(waits)
