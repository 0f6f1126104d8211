"""A copy of a customer's data, made for them when they ask for it; that it was made is put on record."""

from __future__ import annotations

from typing import Any

from desk.access import Right, viewer_of
from desk.errors import Invalid
from desk.models import Agent, Customer
from desk.queries.privacy.copy import copy_of
from desk.sentences import N_
from desk.store import Tx


def make(tx: Tx, customer: Customer, agent: Agent, kind: str, reason: str) -> dict[str, Any]:
    """What the copy holds. Raises `Invalid` without a reason."""
    viewer = viewer_of(agent)
    if not viewer.can(Right.ADMINISTER):
        viewer.require(Right.SUPERVISE)
    if not reason.strip():
        raise Invalid("Say why.", {"why": N_("Say why.")})
    tx.emit("customer.copied", customer=customer, agent=agent, data={"format": kind, "reason": reason.strip()[:500]})
    return copy_of(tx.session, customer, tx.now)
