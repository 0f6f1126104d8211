"""Reading actions against complaints and the alerts that raised them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, false, func, select, true
from sqlalchemy.orm import Session, aliased

from desk.access import Right, Viewer, visible_tickets
from desk.errors import NotFound
from desk.models import ActionCase, Agent, Complaint, ComplaintAlert, CorrectiveAction, Ticket
from desk.models.corrective_action import CLOSED, DONE, NOT_EFFECTIVE, OPEN

SOON = timedelta(days=3)
MOST = 200
MOST_DUE = 20
STATES = (OPEN, DONE, CLOSED)
MOST_PEOPLE = 500


@dataclass(frozen=True)
class ActionRow:
    """An action with its owner. `word` is on_time, soon or late by its clock; effective or not when it is closed."""

    action: CorrectiveAction
    owner: str
    word: str

    @property
    def colour(self) -> str:
        return {"on_time": "live", "effective": "live", "soon": "waiting"}.get(self.word, "late")


@dataclass(frozen=True)
class AlertRow:
    """An alert, who took it on, and the actions against it."""

    alert: ComplaintAlert
    taken_by: str
    actions: Sequence[CorrectiveAction]


@dataclass(frozen=True)
class ActionPage:
    """One action, the complaints behind it that the viewer may see (of `cases_total`), its past, and what the viewer may do."""

    row: ActionRow
    done_by: str
    checked_by: str
    cases: Sequence[tuple[Complaint, Ticket]]
    cases_total: int
    before: CorrectiveAction | None
    after: CorrectiveAction | None
    may_do: bool
    may_check: bool
    may_change: bool
    may_tell: bool
    check_is_early: bool


def action_list(session: Session, viewer: Viewer, now: datetime, *, state: str = OPEN, mine: bool = False) -> list[ActionRow]:
    """The actions in one state that the viewer may see, the earliest due first (closed: the latest first)."""
    query = select(CorrectiveAction, Agent.name).join(Agent, Agent.id == CorrectiveAction.owner_id)
    query = query.where(CorrectiveAction.state == state, _seen_by(viewer))
    if mine:
        query = query.where(CorrectiveAction.owner_id == viewer.agent_id)
    order = {OPEN: (CorrectiveAction.due_at,), DONE: (CorrectiveAction.check_due_at,)}.get(
        state, (CorrectiveAction.due_at.desc(),)
    )
    rows = session.execute(query.order_by(*order, CorrectiveAction.id).limit(MOST))
    return [row_of(action, owner, now) for action, owner in rows]


def action_counts(session: Session, viewer: Viewer) -> dict[str, int]:
    """How many are in each state."""
    query = select(CorrectiveAction.state, func.count()).where(_seen_by(viewer)).group_by(CorrectiveAction.state)
    return dict.fromkeys(STATES, 0) | dict(map(tuple, session.execute(query)))


def access_action(session: Session, viewer: Viewer, action_id: int) -> CorrectiveAction:
    """The action if the viewer may see it: their own, or any for who reads complaints; raises `NotFound`."""
    action = session.scalar(select(CorrectiveAction).where(CorrectiveAction.id == action_id, _seen_by(viewer)))
    if action is None:
        raise NotFound("There is no such action.")
    return action


def action_page(session: Session, viewer: Viewer, action_id: int, now: datetime) -> ActionPage:
    """Everything about one action; raises `NotFound`."""
    action = access_action(session, viewer, action_id)
    people = {action.owner_id, action.done_by_id, action.checked_by_id} - {None}
    names = dict(map(tuple, session.execute(select(Agent.id, Agent.name).where(Agent.id.in_(people)))))
    of = select(ActionCase.complaint_id).where(ActionCase.action_id == action.id)
    cases = select(Complaint, Ticket).join(Ticket, Ticket.id == Complaint.ticket_id)
    cases = cases.where(Complaint.id.in_(of), visible_tickets(viewer)).order_by(Complaint.id.desc()).limit(MOST)
    after = select(CorrectiveAction).where(CorrectiveAction.previous_id == action.id)
    judges = viewer.can(Right.HANDLE_COMPLAINT) or viewer.can(Right.SUPERVISE)
    return ActionPage(
        row=row_of(action, names[action.owner_id], now),
        done_by=names.get(action.done_by_id, ""),
        checked_by=names.get(action.checked_by_id, ""),
        cases=[(complaint, ticket) for complaint, ticket in session.execute(cases)],
        cases_total=session.scalar(select(func.count()).select_from(of.subquery())) or 0,
        before=session.get(CorrectiveAction, action.previous_id) if action.previous_id else None,
        after=session.scalar(after.limit(1)),
        may_do=action.state == OPEN and (judges or action.owner_id == viewer.agent_id),
        may_check=action.state == DONE and judges and viewer.agent_id not in (action.owner_id, action.done_by_id),
        may_change=action.state == OPEN and judges,
        may_tell=action.done_at is not None and action.result != NOT_EFFECTIVE and judges,
        check_is_early=action.check_due_at is not None and now < action.check_due_at,
    )


def actions_of_case(session: Session, complaint_id: int) -> Sequence[CorrectiveAction]:
    """The actions that answer to this complaint."""
    query = select(CorrectiveAction).join(ActionCase, ActionCase.action_id == CorrectiveAction.id)
    return session.scalars(query.where(ActionCase.complaint_id == complaint_id).order_by(CorrectiveAction.id)).all()


def left_behind(session: Session, complaint_id: int) -> bool:
    """Whether an action that answers to this complaint is still to be done and its owner is gone: nobody sees to it."""
    query = (
        select(CorrectiveAction.id)
        .join(ActionCase, ActionCase.action_id == CorrectiveAction.id)
        .join(Agent, Agent.id == CorrectiveAction.owner_id)
        .where(ActionCase.complaint_id == complaint_id, CorrectiveAction.state == OPEN, Agent.active.is_(False))
    )
    return session.scalar(query.limit(1)) is not None


def due_actions(session: Session, viewer: Viewer, now: datetime) -> list[ActionRow]:
    """What the viewer is to do themselves; and, of what somebody else has done, what they can check now. The earliest first."""
    if viewer.agent_id is None:
        return []
    mine = (CorrectiveAction.state == OPEN, CorrectiveAction.owner_id == viewer.agent_id)
    base = select(CorrectiveAction, Agent.name).join(Agent, Agent.id == CorrectiveAction.owner_id)
    found = list(session.execute(base.where(*mine).order_by(CorrectiveAction.due_at, CorrectiveAction.id).limit(MOST_DUE)))
    if viewer.can(Right.HANDLE_COMPLAINT):
        others = (CorrectiveAction.owner_id != viewer.agent_id, CorrectiveAction.done_by_id != viewer.agent_id)
        due = base.where(CorrectiveAction.state == DONE, CorrectiveAction.check_due_at <= now, *others)
        found += session.execute(due.order_by(CorrectiveAction.check_due_at, CorrectiveAction.id).limit(MOST_DUE))
    return [row_of(action, owner, now) for action, owner in found]


def alerts(session: Session, *, is_open: bool = True, limit: int = 100) -> list[AlertRow]:
    """The alerts that are open, or those that are closed, the latest first."""
    taker = aliased(Agent)
    query = select(ComplaintAlert, taker.name).outerjoin(taker, taker.id == ComplaintAlert.acknowledged_by_id)
    if is_open:
        query = query.where(ComplaintAlert.closed_at.is_(None)).order_by(ComplaintAlert.id.desc())
    else:
        query = query.where(ComplaintAlert.closed_at.is_not(None)).order_by(
            ComplaintAlert.closed_at.desc(), ComplaintAlert.id.desc()
        )
    found = [(alert, name or "") for alert, name in session.execute(query.limit(limit))]
    against: dict[int | None, list[CorrectiveAction]] = {}
    ids = [alert.id for alert, _ in found]
    for action in session.scalars(
        select(CorrectiveAction).where(CorrectiveAction.alert_id.in_(ids)).order_by(CorrectiveAction.id)
    ):
        against.setdefault(action.alert_id, []).append(action)
    return [AlertRow(alert, name, against.get(alert.id, ())) for alert, name in found]


def access_alert(session: Session, alert_id: int) -> ComplaintAlert:
    """The alert; raises `NotFound`."""
    alert = session.get(ComplaintAlert, alert_id)
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


def cases_of_alert(session: Session, viewer: Viewer, alert: ComplaintAlert) -> list[tuple[Complaint, Ticket]]:
    """The complaints that it was made of, as far as the viewer may see them."""
    query = select(Complaint, Ticket).join(Ticket, Ticket.id == Complaint.ticket_id)
    query = query.where(Complaint.id.in_(alert.complaint_ids), visible_tickets(viewer)).order_by(Complaint.id)
    return [(complaint, ticket) for complaint, ticket in session.execute(query)]


def people(session: Session) -> list[tuple[int, str]]:
    """Who can own an action."""
    query = select(Agent.id, Agent.name).where(Agent.active.is_(True)).order_by(Agent.name, Agent.id).limit(MOST_PEOPLE)
    return [(agent_id, name) for agent_id, name in session.execute(query)]


def row_of(action: CorrectiveAction, owner: str, now: datetime) -> ActionRow:
    """The action with its clock as a word."""
    at = action.clock_at
    if at is None:
        return ActionRow(action, owner, action.result)
    return ActionRow(action, owner, "late" if now > at else "soon" if now > at - SOON else "on_time")


def _seen_by(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.can(Right.READ_COMPLAINTS):
        return true()
    return CorrectiveAction.owner_id == viewer.agent_id if viewer.agent_id is not None else false()
