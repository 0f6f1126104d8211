"""Having a customer asked again (回访): the work for it, always for somebody other than the one who handled the matter."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.actions.calendars import calendar_of
from desk.actions.complaints import alarms
from desk.actions.timers import set_timer
from desk.actions.work import work_items
from desk.models import Agent, Complaint, Customer, FollowUp, Queue, Ticket, WorkItem
from desk.store import Tx
from routing.clocks import deadline

REASONS = ("low_score", "not_solved", "complains", "complaint")
RETRY_AFTER = timedelta(days=1)
COMPLAINT_RETRY_DAYS = 2  # business days: three tries take five
WITHIN_DAYS, COMPLAINT_WITHIN_DAYS = 1, 2  # business days in which the customer is to be asked
AT_ONCE = timedelta(hours=4)  # for those of the highest value, and after the gravest complaints


def open_follow_up(tx: Tx, ticket: Ticket, reason: str, exclude: int | None) -> FollowUp:
    """Put a follow-up into the queue, never for the agent `exclude`. A ticket has one open follow-up; asked again, that is it.

    What is not solved goes first to who looks after that agent.
    """
    follow_up = open_one(tx, ticket.id)
    if follow_up is not None:
        return follow_up
    follow_up = FollowUp(ticket_id=ticket.id, reason=reason, excluded_agent_id=exclude, created_at=tx.now)
    follow_up.due_at = _due_at(tx, ticket, reason, tx.now)
    tx.session.add(follow_up)
    _queue(tx, follow_up, ticket)
    tx.emit("follow_up.opened", ticket=ticket, customer=ticket.customer_id, item=follow_up.item_id, data=_data(follow_up))
    return follow_up


def plan_next_try(tx: Tx, follow_up: FollowUp) -> None:
    """Nobody was reached: the work comes back tomorrow, on a complaint in two business days (timer `follow_up.try_again`)."""
    after = FollowUp(
        ticket_id=follow_up.ticket_id,
        reason=follow_up.reason,
        excluded_agent_id=follow_up.excluded_agent_id,
        created_at=tx.now,
        begun_at=follow_up.begun_at or follow_up.created_at,
    )
    again_at = _next_try_at(tx, follow_up)
    after.due_at = _due_at(tx, tx.session.get_one(Ticket, follow_up.ticket_id), follow_up.reason, again_at)
    tx.session.add(after)
    tx.session.flush()
    set_timer(tx, "follow_up.try_again", str(after.id), again_at, {"follow_up_id": after.id})


def _due_at(tx: Tx, ticket: Ticket, reason: str, since: datetime) -> datetime:
    """By when somebody is to have asked: so many business days, or a few hours for whom it is worst."""
    gravest = tx.session.scalar(select(Complaint.id).where(Complaint.ticket_id == ticket.id, Complaint.severity == 1))
    if gravest is not None or tx.session.get_one(Customer, ticket.customer_id).tier == "vip":
        return since + AT_ONCE
    calendar = calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id))
    return deadline(since, COMPLAINT_WITHIN_DAYS if reason == "complaint" else WITHIN_DAYS, "business_days", calendar)


def _next_try_at(tx: Tx, follow_up: FollowUp) -> datetime:
    if follow_up.reason != "complaint":
        return tx.now + RETRY_AFTER
    ticket = tx.session.get_one(Ticket, follow_up.ticket_id)
    calendar = calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id))
    today = calendar.local_day(tx.now)
    return tx.now + (calendar.add_business_days(today, COMPLAINT_RETRY_DAYS) - today)


def try_again(tx: Tx, follow_up: FollowUp) -> None:
    """Queue the next try, unless the matter has been settled meanwhile."""
    if follow_up.state == "open" and follow_up.item_id is None:
        _queue(tx, follow_up, tx.session.get_one(Ticket, follow_up.ticket_id))


def settle(
    tx: Tx,
    follow_up: FollowUp,
    outcome: str,
    *,
    note: str = "",
    handler_id: int | None = None,
    told_at: datetime | None = None,
) -> None:
    """Note what came of it, when the customer was told, and take the work out of the queue."""
    follow_up.state, follow_up.outcome, follow_up.note = "done", outcome, note.strip()[:4000]
    follow_up.handler_id, follow_up.done_at, follow_up.told_customer_at = handler_id, tx.now, told_at
    if follow_up.item_id is not None:
        work_items.finish(tx, tx.session.get_one(WorkItem, follow_up.item_id))
    tx.emit("follow_up.done", ticket=follow_up.ticket_id, agent=handler_id, item=follow_up.item_id, data=_data(follow_up))


def open_one(tx: Tx, ticket_id: int) -> FollowUp | None:
    """The ticket's follow-up that is still to be done."""
    query = select(FollowUp).where(FollowUp.ticket_id == ticket_id, FollowUp.state == "open")
    return tx.session.scalar(query.order_by(FollowUp.id.desc()).limit(1))


def _queue(tx: Tx, follow_up: FollowUp, ticket: Ticket) -> None:
    item = work_items.enqueue(
        tx,
        "follow_up",
        "followup",
        ticket,
        tx.session.get_one(Queue, ticket.queue_id),
        skills=((f"lang:{ticket.locale}", 1),) if ticket.locale else (),
        excluded_agent_ids=(follow_up.excluded_agent_id,) if follow_up.excluded_agent_id else (),
        sticky_agent_id=_supervisor(tx, ticket, follow_up) if follow_up.reason == "not_solved" else None,
    )
    follow_up.item_id = item.id


def _supervisor(tx: Tx, ticket: Ticket, follow_up: FollowUp) -> int | None:
    """Who looks after the agent that said it was solved."""
    owner = tx.session.get(Agent, follow_up.excluded_agent_id) if follow_up.excluded_agent_id else None
    looking = alarms.supervisors(alarms.active(tx), owner.team_id if owner is not None else ticket.team_id)
    able = [each.id for each in looking if viewer_of(each).can(Right.TAKE_WORK) and each.id != follow_up.excluded_agent_id]
    return able[0] if able else None


def _data(follow_up: FollowUp) -> dict[str, object]:
    return {"follow_up": follow_up.id, "reason": follow_up.reason, "outcome": follow_up.outcome}
