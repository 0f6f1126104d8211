"""What happens in a complaint, recorded so that a change of any of it afterwards shows."""

from __future__ import annotations

import json
from typing import Any

from desk.db import to_json
from desk.events import link
from desk.models import Complaint
from desk.models.complaint import (
    ACKNOWLEDGED,
    APPROVAL,
    ARCHIVED,
    ASSESSED,
    AWAITING_INFO,
    CLOSED,
    DECIDED,
    DISPOSED,
    DRAFTED,
    FOLLOW_UP,
    INVESTIGATING,
    RECEIVED,
    REDRESS,
    REFERRED,
    REOPENED,
    RETYPED,
    WITHDRAWN,
)
from desk.store import Tx

# What entering a stage is called in the record.
EVENTS = {
    RECEIVED: "complaint.received",
    ACKNOWLEDGED: "complaint.acknowledged",
    ASSESSED: "complaint.assessed",
    INVESTIGATING: "complaint.investigation_began",
    AWAITING_INFO: "complaint.info_asked",
    DRAFTED: "complaint.decision_drafted",
    APPROVAL: "complaint.approval_asked",
    DECIDED: "complaint.decided",
    REDRESS: "complaint.redress_began",
    ARCHIVED: "complaint.archived",
    DISPOSED: "complaint.disposed",
    REFERRED: "complaint.referred",
    FOLLOW_UP: "complaint.follow_up_began",
    CLOSED: "complaint.closed",
    REOPENED: "complaint.reopened",
    WITHDRAWN: "complaint.withdrawn",
    RETYPED: "complaint.retyped",
}


def tell(tx: Tx, complaint: Complaint, happened: str, *, data: dict[str, Any] | None = None, **about: Any) -> None:
    """Record the event with a hash of itself and of the one before it; the last hash stands in the complaint's own row.

    Two transactions on one complaint wait for each other here, so that the chain has one end.
    """
    tx.session.flush()
    tx.session.refresh(complaint, ["chain"], with_for_update=True)
    kept = json.loads(to_json(data or {}))
    complaint.chain = link(complaint.chain, tx.now, happened, tx.actor, kept)
    tx.emit(happened, complaint=complaint, data={**kept, "chain": complaint.chain}, **{"ticket": complaint.ticket_id} | about)
