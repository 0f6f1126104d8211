"""The whole file of one complaint, as the page of the case shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer
from desk.errors import NotFound
from desk.models import Agent, Allegation, Complaint, ComplaintDecision, Recusal, Redress
from desk.models.complaint import APPROVAL, ASSESSED, AWAITING_INFO, DECIDED, DRAFTED, INVESTIGATING, OPEN_STAGES, REDRESS
from desk.models.complaint_case import ASKED, DRAFT
from desk.models.complaint_policy import SUPERVISOR
from desk.queries.complaints.complaints import ComplaintCase, complaint_case
from desk.queries.complaints.policies import clock_lines

MOST_PEOPLE = 500


@dataclass(frozen=True)
class CaseFile:
    """The case, and what the viewer may do with it now. `names` are those of the people in it, by id."""

    case: ComplaintCase
    points: Sequence[Allegation]
    decisions: Sequence[ComplaintDecision]
    given: Sequence[Redress]
    kept_out: Sequence[tuple[Recusal, str]]
    people: Sequence[tuple[int, str]]
    names: dict[int, str]
    handles: bool
    writes: bool
    finds: bool
    gives: bool
    may_judge: bool
    may_extend: bool
    is_authors: bool

    @property
    def draft(self) -> ComplaintDecision | None:
        """The decision that is being made."""
        return next((each for each in self.decisions if each.state in (DRAFT, ASKED)), None)


def case_file(session: Session, viewer: Viewer, number: int, *, now: datetime) -> CaseFile:
    """The file of the complaint on this ticket; raises `NotFound` when there is none, or the viewer may not read it."""
    case = complaint_case(session, viewer, number, now=now)
    if case is None:
        raise NotFound("Ticket %(number)s is no complaint.", number=number)
    complaint, stage = case.complaint, case.complaint.stage
    of = complaint.id
    points = session.scalars(select(Allegation).where(Allegation.complaint_id == of).order_by(Allegation.id)).all()
    decisions = session.scalars(
        select(ComplaintDecision).where(ComplaintDecision.complaint_id == of).order_by(ComplaintDecision.id.desc())
    ).all()
    given = session.scalars(select(Redress).where(Redress.complaint_id == of).order_by(Redress.id)).all()
    out = select(Recusal, Agent.name).join(Agent, Agent.id == Recusal.agent_id).where(Recusal.ticket_id == case.ticket.id)
    handles = viewer.can(Right.HANDLE_COMPLAINT)
    people = session.execute(
        select(Agent.id, Agent.name)
        .where(Agent.active.is_(True))
        .order_by(Agent.name, Agent.id)
        .limit(MOST_PEOPLE if handles else 0)
    )
    authors = {each.drafted_by_id for each in decisions}
    names = select(Agent.id, Agent.name).where(Agent.id.in_({each for each in authors if each is not None}))
    asked = next((each for each in decisions if each.state == ASKED), None)
    is_authors = asked is not None and asked.drafted_by_id == viewer.agent_id
    return CaseFile(
        case=case,
        points=points,
        decisions=decisions,
        given=given,
        kept_out=[(recusal, name) for recusal, name in session.execute(out.order_by(Recusal.id))],
        people=[(agent_id, name) for agent_id, name in people],
        names=dict(map(tuple, session.execute(names))),
        handles=handles,
        writes=handles and stage in (ASSESSED, INVESTIGATING, AWAITING_INFO),
        finds=handles and stage in (INVESTIGATING, AWAITING_INFO),
        gives=handles and stage in (DECIDED, REDRESS),
        may_extend=stage in OPEN_STAGES
        and complaint.decided_at is None
        and _has_more_time(session, complaint, viewer)
        and now <= complaint.decide_due_at
        and complaint.handler_id != viewer.agent_id
        and (handles or viewer.can(Right.SUPERVISE)),
        may_judge=stage == APPROVAL and not is_authors and (handles or viewer.can(Right.SUPERVISE)),
        is_authors=is_authors or (stage == DRAFTED and any(each.drafted_by_id == viewer.agent_id for each in decisions[:1])),
    )


def _has_more_time(session: Session, complaint: Complaint, viewer: Viewer) -> bool:
    """Whether the policy of the strictest clock knows another step of more time that the viewer may agree to."""
    for line in clock_lines(session, complaint):
        if line.leads:
            step = line.rules.extensions[line.clock.extended] if line.clock.extended < len(line.rules.extensions) else None
            if step is None or (step.approver == SUPERVISOR and not viewer.can(Right.SUPERVISE)):
                return False
    return True
