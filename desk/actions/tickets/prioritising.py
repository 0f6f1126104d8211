"""A ticket's priority: by whom it touches and how soon it hurts, or by somebody's word, with why; its promises follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from desk.actions.tickets import clocks
from desk.errors import Invalid
from desk.models import Customer, Queue, Ticket
from desk.store import Tx
from routing.urgency import FIRST, IMPACTS, LAST, URGENCIES, priority_of

LONGEST_REASON = 300
FIELDS = ("impact", "urgency", "priority", "priority_reason")


@dataclass(frozen=True)
class Change:
    """What stood before in what has changed, and which promises moved, from when to when."""

    old: dict[str, Any] = field(default_factory=dict)
    due: dict[str, list[str]] = field(default_factory=dict)


def by_the_table(impact: str, urgency: str, tier: str) -> int:
    """A customer's tier may raise the priority by one step; it never lowers it."""
    return priority_of(impact, urgency, raised=tier == "vip")


def prioritise(
    tx: Tx,
    ticket: Ticket,
    *,
    impact: str | None = None,
    urgency: str | None = None,
    priority: int | None = None,
    reason: str | None = None,
) -> Change:
    """Set what is given: without a `priority` it follows from the other two, whatever somebody had set it to before.

    A priority that the table gives anyway is nobody's word. Raises `Invalid` for what there is not.
    """
    _check(impact, urgency, priority)
    if not (impact or urgency) and (priority is None or (priority == ticket.priority and not reason)):
        return Change()
    before = {name: getattr(ticket, name) for name in FIELDS}
    ticket.impact, ticket.urgency = impact or ticket.impact, urgency or ticket.urgency
    tier = tx.session.get_one(Customer, ticket.customer_id).tier
    usual = by_the_table(ticket.impact, ticket.urgency, tier)
    ticket.priority = usual if priority is None else priority
    ticket.priority_reason = None if ticket.priority == usual else (reason or "").strip()[:LONGEST_REASON]
    old = {name: value for name, value in before.items() if value != getattr(ticket, name)}
    due = clocks.start_anew(tx, ticket, tx.session.get_one(Queue, ticket.queue_id)) if "priority" in old else {}
    return Change(old, due)


def _check(impact: str | None, urgency: str | None, priority: int | None) -> None:
    if impact is not None and impact not in IMPACTS:
        raise Invalid("Say whom it touches: one, team or many.")
    if urgency is not None and urgency not in URGENCIES:
        raise Invalid("Say how urgent it is: low, normal or high.")
    if priority is not None and not FIRST <= priority <= LAST:
        raise Invalid("A priority is a number from 1 to 4.")
