"""The register of complaints: one line for each, as an authority or an auditor asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets, was_complaint
from desk.models import Agent, Complaint, Ticket
from desk.models.complaint import case_number

HEADINGS = (
    *("number", "received_at", "channel", "category", "severity", "product", "stage", "policy", "acknowledge_due_at"),
    *("acknowledged_at", "decide_due_at", "extended_from", "decided_at", "decided_in_time", "outcome", "cause"),
    *("times_reopened", "level", "closed_at", "handler"),
)
AT_ONCE = 500
RISKY = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def register(session: Session, viewer: Viewer, since: datetime, until: datetime) -> Iterator[list[str]]:
    """The complaints received from `since` to `until` that the viewer may read, the oldest first; each value as text."""
    query = (
        select(Complaint, Ticket, Agent.name)
        .join(Ticket, Ticket.id == Complaint.ticket_id)
        .outerjoin(Agent, Agent.id == Complaint.handler_id)
        .where(or_(visible_tickets(viewer), was_complaint(viewer)), Complaint.received_at >= since, Complaint.received_at < until)
        .order_by(Complaint.id)
    )
    for complaint, ticket, handler in session.execute(query.execution_options(yield_per=AT_ONCE)):
        in_time = "" if complaint.decided_at is None else str(complaint.decided_at <= complaint.decide_due_at).lower()
        yield [
            *(
                case_number(ticket.number or 0, complaint.reopened),
                _at(complaint.received_at),
                ticket.channel,
                complaint.category,
                str(complaint.severity),
            ),
            *(safe(complaint.product), complaint.stage, complaint.policy, _at(complaint.acknowledge_due_at)),
            *(_at(complaint.acknowledged_at), _at(complaint.decide_due_at), _at(complaint.extended_from)),
            *(_at(complaint.decided_at), in_time, complaint.outcome, complaint.cause),
            *(str(ticket.reopened), str(ticket.level), _at(complaint.closed_at), safe(handler or "")),
        ]


def safe(value: str) -> str:
    """The value so that no spreadsheet computes with it."""
    return f"'{value}" if value.startswith(RISKY) else value


def _at(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
