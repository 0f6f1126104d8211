"""A complaint: a ticket that is handled as a case, on clocks promised to the customer."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from unicodedata import normalize

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

RECEIVED, ACKNOWLEDGED, ASSESSED, INVESTIGATING = "received", "acknowledged", "assessed", "investigating"
AWAITING_INFO, DRAFTED, APPROVAL = "awaiting_info", "drafted", "approval"
DECIDED, REDRESS, FOLLOW_UP, CLOSED, ARCHIVED = "decided", "redress", "follow_up", "closed", "archived"
DISPOSED = "disposed"
REOPENED, WITHDRAWN, REFERRED, RETYPED = "reopened", "withdrawn", "referred", "retyped"

_NUMBER = re.compile(r"#?\s?([0-9]{1,12})(?:\s?[-‐–]\s?R[0-9]{1,3})?", re.IGNORECASE)

# What may follow what. The edges answer a forbidden move with this list.
NEXT: dict[str, tuple[str, ...]] = {
    RECEIVED: (ACKNOWLEDGED, FOLLOW_UP, WITHDRAWN, RETYPED),
    ACKNOWLEDGED: (ASSESSED, FOLLOW_UP, WITHDRAWN, RETYPED),
    ASSESSED: (INVESTIGATING, REFERRED, WITHDRAWN, RETYPED),
    INVESTIGATING: (DRAFTED, AWAITING_INFO, WITHDRAWN, RETYPED),
    AWAITING_INFO: (INVESTIGATING, WITHDRAWN, RETYPED),
    DRAFTED: (APPROVAL, DECIDED, INVESTIGATING, WITHDRAWN),
    APPROVAL: (DECIDED, INVESTIGATING, WITHDRAWN),
    DECIDED: (REDRESS, FOLLOW_UP),
    REDRESS: (FOLLOW_UP,),
    FOLLOW_UP: (CLOSED, REOPENED),
    CLOSED: (REOPENED, ARCHIVED),
    ARCHIVED: (DISPOSED,),
    DISPOSED: (),
    REOPENED: (INVESTIGATING, WITHDRAWN),
    WITHDRAWN: (ARCHIVED,),
    REFERRED: (ARCHIVED,),
    RETYPED: (ARCHIVED,),
}
OPEN_STAGES = (
    *(RECEIVED, ACKNOWLEDGED, ASSESSED, INVESTIGATING, AWAITING_INFO, DRAFTED, APPROVAL),
    REOPENED,
)
WHILE_LOOKING = (ASSESSED, INVESTIGATING, AWAITING_INFO)
ANSWERED_STAGES = (DECIDED, REDRESS, FOLLOW_UP)
OVER_STAGES = (CLOSED, ARCHIVED, DISPOSED, WITHDRAWN, REFERRED, RETYPED)


class Complaint(Base):
    """The record beside the ticket. `policy` is the strictest of its policies, whose dates these are, in days of `zone`."""

    __tablename__ = "complaint"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), unique=True)
    stage: Mapped[str] = mapped_column(default=RECEIVED)
    policy: Mapped[str] = mapped_column(default="DEFAULT")
    zone: Mapped[str] = mapped_column(default="")  # "" is that of the queue
    category: Mapped[str] = mapped_column(default="")
    severity: Mapped[int] = mapped_column(default=3)
    statement: Mapped[str]
    remedy_wanted: Mapped[str] = mapped_column(default="")
    product: Mapped[str] = mapped_column(default="")
    order_number: Mapped[str] = mapped_column(default="")
    # upheld | partly_upheld | not_upheld | withdrawn | referred | resolved_early | retyped
    outcome: Mapped[str] = mapped_column(default="")
    decision: Mapped[str] = mapped_column(default="")
    cause: Mapped[str] = mapped_column(default="")  # the root cause, one of desk.actions.complaints.file.CAUSES
    cause_found_at: Mapped[datetime | None]
    whys: Mapped[list[str]] = mapped_column(JSON, default=list)  # why, and why that, and so on, to the cause
    needs: Mapped[str] = mapped_column(default="")  # what this customer needs from us; never why they need it
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    received_at: Mapped[datetime]
    acknowledge_due_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    decide_due_at: Mapped[datetime]
    extended_from: Mapped[datetime | None]  # what was promised first, where there was more time
    extended_for: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    dispose_after: Mapped[datetime | None]  # known once it is archived
    anonymous: Mapped[bool] = mapped_column(default=False)  # nobody can be written to, or asked
    reopened: Mapped[int] = mapped_column(default=0)  # stands behind the number, see `case_number`
    disposed_sha256: Mapped[str] = mapped_column(default="")  # of all that was deleted
    # For each clock the date for which it last alarmed, and at which percentage of the time; see desk.actions.complaints.alarms.
    alarms: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    chain: Mapped[str] = mapped_column(default="")  # the hash of the last event of this complaint, see desk.events.link
    mass_event_id: Mapped[int | None] = mapped_column(ForeignKey("mass_event.id"))  # of which one cause it is
    access_key: Mapped[str] = mapped_column(unique=True)  # the secret part of the status page's address

    __table_args__ = (
        Index("ix_complaint_stage_due", "stage", "decide_due_at"),
        Index("ix_complaint_stage_id", "stage", "id"),
        Index("ix_complaint_closed", "closed_at", "id"),
        only_where("ix_complaint_dispose", "dispose_after", "id", where="dispose_after IS NOT NULL"),
        only_where("ix_complaint_retyped", "ticket_id", where="outcome = 'retyped'"),
        only_where("ix_complaint_mass_event", "mass_event_id", "id", where="mass_event_id IS NOT NULL"),
        Index("ix_complaint_received", "received_at", "id"),
        Index("ix_complaint_decided", "decided_at", "id"),
        Index("ix_complaint_decide_due", "decide_due_at", "id"),
        Index("ix_complaint_acknowledge_due", "acknowledge_due_at", "id"),
        Index("ix_complaint_cause_found", "cause_found_at", "id"),
    )


def case_number(number: int, reopened: int) -> str:
    """What a complaint is called: the number of its ticket; from its first reopening on with -R1, then -R2."""
    return f"{number}-R{reopened}" if reopened else str(number)


def number_in(written: str) -> int | None:
    """The ticket's number in what somebody typed for a complaint's: 10023, #10023-R1; None when it is none."""
    found = _NUMBER.fullmatch(normalize("NFKC", written).strip())
    return int(found[1]) if found else None


class Evidence(Base):
    """A file that belongs to the case: never changed, never removed."""

    __tablename__ = "evidence"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachment.id"))
    sha256: Mapped[str]
    added_by: Mapped[str]  # customer | agent
    added_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("complaint_id", "attachment_id"), Index("ix_evidence_attachment", "attachment_id"))
