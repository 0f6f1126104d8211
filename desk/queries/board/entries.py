"""What entered the queues, with its wait and what became of it: the contacts that service level and abandonment are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from desk.models import Call, CallSegment, Chat, Ticket, WorkItem
from desk.models.work_item import ABANDONED, DONE
from desk.queries.figures import Contact

LIVE_CHANNELS = ("voice", "chat")
THRESHOLD_S = {"voice": 20, "chat": 60}
OURS = ("callback", "consult", "outbound")  # work of calls that we make: nobody came into a queue for it


@dataclass(frozen=True)
class Entry:
    """One contact that entered a queue. `contact` is its wait and outcome; `item_id` is 0 once the work is another contact's."""

    item_id: int
    queue_id: int
    channel: str
    agent_id: int | None
    ticket_id: int
    customer_id: int
    queued_at: datetime
    contact: Contact


def entries_since(session: Session, queue_ids: Sequence[int], start: datetime, now: datetime) -> list[Entry]:
    """What entered these queues since `start`; queue measures belong to the moment of entering.

    The answer to a call is the moment the agent's line was connected, not the press of a button; a call that is put into another
    queue enters that one then, and waits there anew. Who left the line for a promise
    to be rung back, or to leave a message, has neither been answered nor given up. A caller who takes a place that was kept for
    them has waited since this call entered.
    """
    entries = [*_by_work(session, queue_ids, start, now), *_promised(session, queue_ids, start)]
    return sorted(entries, key=lambda entry: (entry.queued_at, entry.item_id))


def _by_work(session: Session, queue_ids: Sequence[int], start: datetime, now: datetime) -> list[Entry]:
    # Of several calls about one piece of work the last one has it.
    other = aliased(Call)
    latest = select(func.max(other.id)).where(other.item_id == WorkItem.id, other.direction == "in").scalar_subquery()
    connected = select(func.min(CallSegment.started_at)).where(CallSegment.item_id == WorkItem.id).scalar_subquery()
    query = (
        select(
            WorkItem.id,
            WorkItem.queue_id,
            WorkItem.channel,
            WorkItem.state,
            WorkItem.agent_id,
            WorkItem.ticket_id,
            WorkItem.customer_id,
            WorkItem.enqueued_at,
            WorkItem.answered_at,
            WorkItem.ended_at,
            Call.id,
            Call.queued_at,
            Call.answered_at,
            Call.abandoned_at,
            Chat.answered_at,
            connected,
        )
        .select_from(WorkItem)
        .outerjoin(Call, Call.id == latest)
        .outerjoin(Chat, Chat.item_id == WorkItem.id)
        .where(WorkItem.queue_id.in_(queue_ids), WorkItem.enqueued_at >= start, WorkItem.kind.not_in(OURS))
    )
    entries = []
    for row in session.execute(query):
        (item_id, queue_id, channel, state, agent_id, ticket_id, customer_id, queued_at, taken_at, ended_at, *spoken) = row
        call_id, call_queued_at, call_answered_at, call_abandoned_at, chat_answered_at, connected_at = spoken
        queued_at = max(queued_at, call_queued_at or queued_at)
        if call_answered_at is not None and call_answered_at < queued_at:
            call_answered_at = None  # that was in the queue before
        answered_at = connected_at or (call_answered_at if call_id is not None else chat_answered_at or taken_at)
        left_at = call_abandoned_at or (ended_at if state == ABANDONED else None)
        if answered_at is not None:
            contact = Contact((answered_at - queued_at).total_seconds(), "answered")
        elif left_at is not None:
            contact = Contact((left_at - queued_at).total_seconds(), "abandoned")
        else:
            contact = Contact((now - queued_at).total_seconds(), "left_otherwise" if state == DONE else "waiting")
        entries.append(Entry(item_id, queue_id, channel, agent_id, ticket_id, customer_id, queued_at, contact))
    return entries


def _promised(session: Session, queue_ids: Sequence[int], start: datetime) -> list[Entry]:
    """Calls that left the line for a promise to be rung back: their work is the promise's now."""
    query = select(Call.ticket_id, Call.customer_id, Call.queued_at, Call.flow_out_at, Ticket.queue_id)
    query = (
        query.select_from(Call)
        .join(Ticket, Ticket.id == Call.ticket_id)
        .where(Call.flow_out == "callback", Call.arrived_at >= start, Call.queued_at >= start)
    )
    return [
        Entry(
            0,
            queue_id,
            "voice",
            None,
            ticket_id,
            customer_id,
            queued_at,
            Contact((left_at - queued_at).total_seconds(), "left_otherwise"),
        )
        for ticket_id, customer_id, queued_at, left_at, queue_id in session.execute(query.where(Ticket.queue_id.in_(queue_ids)))
    ]
