"""What the meeting of a month looks at: what was upheld and why, what is done about it, and what is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.models import ActionCase, Agent, Complaint, ComplaintAlert, CorrectiveAction, Ticket
from desk.models.corrective_action import CLOSED
from desk.queries.complaints.corrective_actions import ActionRow, row_of
from desk.queries.complaints.figures import AT_FAULT, Figure, Scope, figures
from desk.queries.surveys.themes import Theme, themes

MOST = 500


@dataclass(frozen=True)
class UpheldCase:
    """A complaint that was right, and the actions that answer to it."""

    complaint: Complaint
    ticket: Ticket
    actions: Sequence[CorrectiveAction]


@dataclass(frozen=True)
class Review:
    """One month. `figures` and `before` are its measures and those of the month before; `upheld_total` counts all."""

    figures: dict[str, Figure]
    before: dict[str, Figure]
    upheld: Sequence[UpheldCase]
    upheld_total: int
    actions: Sequence[ActionRow]
    alerts: Sequence[ComplaintAlert]
    themes: Sequence[Theme]


def review_of(session: Session, viewer: Viewer, since: datetime, until: datetime, now: datetime) -> Review:
    """The month's list, as far as the viewer may know of it."""
    scope = Scope(since, until)
    told = figures(session, viewer, scope, now)
    before = figures(session, viewer, scope.before(), now)
    query = select(Complaint, Ticket).join(Ticket, Ticket.id == Complaint.ticket_id)
    query = query.where(
        Complaint.decided_at >= since,
        Complaint.decided_at < until,
        Complaint.outcome.in_(AT_FAULT),
        untouched_by(viewer, Complaint.ticket_id),
    )
    cases = session.execute(query.order_by(Complaint.cause, Complaint.product, Complaint.id).limit(MOST)).all()
    against: dict[int, list[CorrectiveAction]] = {}
    linked = select(ActionCase.complaint_id, CorrectiveAction).join(CorrectiveAction, CorrectiveAction.id == ActionCase.action_id)
    for complaint_id, action in session.execute(
        linked.where(ActionCase.complaint_id.in_([complaint.id for complaint, _ in cases])).order_by(CorrectiveAction.id)
    ):
        against.setdefault(complaint_id, []).append(action)
    moved = or_(
        CorrectiveAction.state != CLOSED,
        CorrectiveAction.checked_at.between(since, until),
        CorrectiveAction.done_at.between(since, until),
    )
    rows = select(CorrectiveAction, Agent.name).join(Agent, Agent.id == CorrectiveAction.owner_id)
    rows = rows.where(CorrectiveAction.opened_at < until, moved).order_by(CorrectiveAction.due_at, CorrectiveAction.id)
    alerts = select(ComplaintAlert).where(ComplaintAlert.found_at >= since, ComplaintAlert.found_at < until)
    return Review(
        figures=told,
        before=before,
        upheld=[UpheldCase(complaint, ticket, against.get(complaint.id, ())) for complaint, ticket in cases],
        upheld_total=told["upheld"].part,
        actions=[row_of(action, name, now) for action, name in session.execute(rows.limit(MOST))],
        alerts=session.scalars(alerts.order_by(ComplaintAlert.id).limit(MOST)).all(),
        themes=themes(session, viewer, since, until),
    )
