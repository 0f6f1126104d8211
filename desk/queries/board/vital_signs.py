"""What a machine asks of the desk's state: how much waits and since when, who is there, what has not left, who is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.models import Agent, Event, MailAccount, OutboxMail, Queue, SpooledMail, Timer, WorkItem
from desk.models.mail import FAILED, QUEUED, SENDING
from desk.models.work_item import WAITING
from desk.queries.calls.carrier_state import carrier_state

MOST_FAILED = 1000  # failed mails are counted so far


@dataclass(frozen=True)
class State:
    """Counts by label, and ages in seconds; an age is 0 when nothing waits."""

    waiting: dict[tuple[str, str], tuple[int, float]]  # (queue, channel) -> how many, and the longest wait
    agents: dict[str, int]
    unread: dict[str, tuple[int, float]]  # mail that was kept and waits to be read, by door
    unsent: tuple[int, float]
    retrying: int  # of the unsent, how many have been tried in vain
    failed: int
    timers: tuple[int, float]  # those that are due
    carrier_answers: bool
    failing_accounts: dict[str, bool]
    last_event: int


def state(session: Session, now: datetime) -> State:
    """How the desk is now."""

    def since(at: datetime | None) -> float:
        return 0.0 if at is None else max(0.0, (now - at).total_seconds())

    waiting = (
        select(Queue.key, WorkItem.channel, func.count(), func.min(WorkItem.enqueued_at))
        .join(Queue, Queue.id == WorkItem.queue_id)
        .where(WorkItem.state == WAITING)
        .group_by(Queue.key, WorkItem.channel)
    )
    agents = select(Agent.presence, func.count()).where(Agent.active.is_(True)).group_by(Agent.presence)
    spool = select(SpooledMail.door, func.count(), func.min(SpooledMail.received_at)).group_by(SpooledMail.door)
    tried = func.count().filter(OutboxMail.attempts > 0)
    outbox = select(func.count(), func.min(OutboxMail.created_at), tried).where(OutboxMail.state.in_((QUEUED, SENDING)))
    failed = select(OutboxMail.id).where(OutboxMail.state == FAILED).limit(MOST_FAILED).subquery()
    timers = select(func.count(), func.min(Timer.due_at)).where(Timer.done_at.is_(None), Timer.due_at <= now)
    accounts = select(MailAccount.name, MailAccount.failing_since).where(MailAccount.active.is_(True))
    unsent, oldest_unsent, retrying = session.execute(outbox).one()
    due, oldest_due = session.execute(timers).one()
    return State(
        waiting={(queue, channel): (count, since(at)) for queue, channel, count, at in session.execute(waiting)},
        agents=dict(session.execute(agents).all()),
        unread={door: (count, since(at)) for door, count, at in session.execute(spool)},
        unsent=(unsent, since(oldest_unsent)),
        retrying=retrying,
        failed=session.scalar(select(func.count()).select_from(failed)) or 0,
        timers=(due, since(oldest_due)),
        carrier_answers=carrier_state(session).is_there,
        failing_accounts={name: at is not None for name, at in session.execute(accounts)},
        last_event=session.scalar(select(func.max(Event.id))) or 0,
    )
