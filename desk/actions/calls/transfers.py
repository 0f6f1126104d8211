"""Passing a call on: blind to a queue, an agent or a number; or first asking somebody, then handing over, or all three together.

Nobody is left with a caller who could not be passed on but the one who had them: what fails comes back to the sender.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.calls import calls, segments
from desk.actions.calls.locks import lock_people
from desk.actions.calls.segments import CONSULTING
from desk.actions.calls.states import check, go
from desk.actions.people.customers import normal
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotFound
from desk.models import Agent, Call, CallLeg, CallSegment, Offer, Queue, RouterLease, Ticket, WorkItem
from desk.models.agent import AVAILABLE
from desk.models.call import (
    AGENT,
    CONFERENCE,
    CONSULT,
    CONSULTED,
    CUSTOMER,
    DONE,
    HOLD,
    OVER,
    QUEUED,
    TALKING,
    THIRD,
    TRANSFERRED,
    WRAP_UP,
)
from desk.models.work_item import ACTIVE as ITEM_ACTIVE
from desk.models.work_item import WAITING
from desk.queries.calendars import calendar_of
from desk.store import Tx

QUEUE_GOAL, AGENT_GOAL, NUMBER_GOAL = "queue", "agent", "number"
LONGEST_NOTE = 1000


@dataclass(frozen=True)
class Goal:
    """Where a call is to go: a queue by its key, an agent by id, or a number in E.164. As text `queue:billing`."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"

    @property
    def agents(self) -> tuple[int, ...]:
        return (int(self.key),) if self.kind == AGENT_GOAL else ()


def read_goal(text: str, *kinds: str) -> Goal:
    """The goal in `text`. Raises `Invalid` for what is none of these kinds."""
    kind, _, key = text.partition(":")
    if kind not in kinds or not key or (kind == AGENT_GOAL and not (key.isascii() and key.isdigit() and len(key) < 18)):
        raise Invalid("Choose where the call is to go.")
    return Goal(kind, normal("phone", key) if kind == NUMBER_GOAL else key)


def transfer(tx: Tx, call: Call, goal: Goal, note: str, *, by: str = "") -> None:
    """Pass the call on without asking. Raises `Conflict` when nobody can take it there; then nothing has happened.

    To a number the customer only moves when somebody answers there (`reached`); until then they hear music, and the agent may go.
    """
    check(call, "transfer")
    lock_people(tx, call, *goal.agents)
    if goal.kind == QUEUE_GOAL:
        to_queue(tx, call, _queue(tx, goal.key), note, by=by)
    elif goal.kind == AGENT_GOAL:
        _to_agent(tx, call, _agent(tx, call, goal), note, goal)
    else:
        _noted(call, note)
        calls.end_part(tx, call, "transfer_number", tx.now, to=str(goal))
        segments.begin_hold(call, tx.now)
        go(call, TRANSFERRED)
        call.agent_id = None
        calls.emit(tx, "call.transferred", call, data={"to": NUMBER_GOAL, "masked": goal.key[-3:]})


def to_queue(tx: Tx, call: Call, queue: Queue, note: str, *, by: str = "") -> None:
    """First in that queue's line, by the time the caller first came. Raises `Conflict` for a queue that is closed."""
    tickets.check_open(queue)
    if not calendar_of(tx.session, queue).is_open(tx.now):
        raise Conflict("This queue is closed now, and nobody would answer there. Choose another one.")
    sender = call.agent_id
    _noted(call, note)
    calls.end_part(tx, call, by or "transfer_queue", tx.now, to=f"queue:{queue.key}")
    _new_item(tx, call, queue)
    go(call, QUEUED)
    call.agent_id = None
    segments.begin_hold(call, tx.now)
    ticket = tx.session.get_one(Ticket, call.ticket_id)
    if ticket.queue_id != queue.id:
        tx.emit("ticket.moved", ticket=ticket, queue=queue, data={"old": ticket.queue_id, "new": queue.id})
        ticket.queue_id, ticket.team_id, ticket.updated_at = queue.id, queue.team_id, tx.now
    calls.emit(tx, "call.transferred", call, agent=sender, queue=queue, data={"to": QUEUE_GOAL, "queue": queue.key})


def consult(tx: Tx, call: Call, goal: Goal, note: str) -> None:
    """The agent asks somebody while the customer hears music. A colleague is asked by an ordinary offer, for them alone."""
    check(call, "consult")
    lock_people(tx, call, *goal.agents)
    if goal.kind == AGENT_GOAL:
        agent = _agent(tx, call, goal)
        item = _new_item(tx, call, tx.session.get_one(Queue, _item(tx, call).queue_id), kind="consult")
        _offer(tx, call, item, agent)
        call.note_for_agent = note.strip()[:LONGEST_NOTE]
    segments.begin_hold(call, tx.now)
    go(call, CONSULT)
    segments.follow(tx, call, tx.now)
    data: dict[str, Any] = {"to": goal.kind, **({"agent": int(goal.key)} if goal.kind == AGENT_GOAL else {})}
    calls.emit(tx, "call.consult_began", call, data=data)


def consult_accepted(tx: Tx, item: WorkItem, agent_id: int) -> Call:
    """The colleague takes the question: their own phone is rung next. Raises `Conflict` when nobody asks any more."""
    call = call_of_consult(tx, item)
    if call is None or call.state != CONSULT or call.agent_id == agent_id:
        raise Conflict("Your colleague has gone back to the customer.")
    segments.begin(tx, call, agent_id, item, kind=CONSULTING)
    calls.emit(tx, "call.consult_accepted", call, agent=agent_id, item=item)
    return call


def complete(tx: Tx, call: Call, at: datetime | None = None) -> None:
    """The agent leaves the customer with whom they asked: a colleague has the call from now on, or somebody outside.

    Raises `Conflict` while nobody has answered there.
    """
    check(call, "complete")
    other = _other(tx, call)
    if other is None or other.status != "in-progress":
        raise Conflict("Nobody has answered there yet. Wait, or go back to the customer.")
    at = tx.now if at is None else at
    sender = call.agent_id
    if other.party == THIRD:
        calls.end_part(tx, call, "transfer_number", at, to=f"number:{other.to}")
        go(call, TRANSFERRED)
        call.agent_id = None
        call.flow_out, call.flow_out_at = "transfer", tx.now
    else:
        calls.end_part(tx, call, "transfer_warm", at, to=f"agent:{other.agent_id}")
        _take_over(tx, call, other, at)
    calls.emit(tx, "call.handed_over", call, agent=sender, data={"to": other.party, "agent": other.agent_id})


def join(tx: Tx, call: Call) -> None:
    """All three speak. Raises `Conflict` while nobody has answered there."""
    check(call, "join")
    other = _other(tx, call)
    if other is None or other.status != "in-progress":
        raise Conflict("Nobody has answered there yet. Wait, or go back to the customer.")
    segments.end_hold(tx, call, tx.now)
    go(call, CONFERENCE)
    segments.follow(tx, call, tx.now)
    calls.emit(tx, "call.joined", call)


def cancel(tx: Tx, call: Call) -> None:
    """Back to the customer, without the other one."""
    check(call, "cancel")
    let_other_go(tx, call, "agent")
    segments.end_hold(tx, call, tx.now)
    go(call, TALKING)
    segments.follow(tx, call, tx.now)
    calls.emit(tx, "call.consult_ended", call, data={"by": "agent"})


def swapped(tx: Tx, call: Call, customer_held: bool) -> None:
    """The agent speaks with the other one of the two now; the carrier has changed who hears music."""
    if call.state != CONSULT:
        return
    other = _other(tx, call)
    calls.note_held(tx, call.sid, customer_held)
    if other is not None:
        other.held = not customer_held
    if customer_held:
        segments.begin_hold(call, tx.now)
    else:
        segments.end_hold(tx, call, tx.now)
    calls.emit(tx, "call.swapped", call, data={"with": "other" if customer_held else CUSTOMER})


def reached(tx: Tx, call: Call, leg: CallLeg, at: datetime) -> None:
    """Who was asked, or to whom the call goes on, is in the room."""
    segment = segments.current(tx, call, leg.agent_id)
    if segment is not None and segment.started_at is None and leg.party == CONSULTED:
        segment.started_at, segment.state = at, CONSULT
        calls.emit(tx, "call.consult_answered", call, agent=leg.agent_id)
    if leg.party == THIRD and call.state == TRANSFERRED and not call.flow_out:
        call.flow_out, call.flow_out_at = "transfer", at
        segments.end_hold(tx, call, at)
        calls.emit(tx, "call.third_answered", call)
    elif leg.party == THIRD and call.state == CONSULT and leg.joined_at == at:
        calls.emit(tx, "call.third_answered", call)  # whoever asked sees that somebody is there


def other_left(tx: Tx, call: Call, leg: CallLeg, status: str, at: datetime) -> None:
    """Whom the agent asked has gone, or never came: the agent is with the customer again, or takes them off hold.

    A call that was to go on to a number comes back to whoever sent it; when it had got there, it is over for them.
    """
    lock_people(tx, call)
    segment = segments.current(tx, call, leg.agent_id) if leg.party == CONSULTED else None
    if segment is not None:
        _end_consult(tx, call, segment, "agent", at)
    if call.state in (CONSULT, CONFERENCE):
        held = call.state == CONSULT and segments.is_on_hold(call)
        go(call, HOLD if held else TALKING)
        segments.follow(tx, call, at)
        answered = leg.joined_at is not None or status == "completed"
        calls.emit(tx, "call.consult_ended" if answered else "call.consult_failed", call, data={"status": status})
    elif call.state == TRANSFERRED and call.flow_out:
        calls.caller_left(tx, call, at)
    elif call.state == TRANSFERRED:
        _back_to_sender(tx, call, status)


def not_rung(tx: Tx, call: Call) -> None:
    """The number could not even be dialled: as if nobody had answered there."""
    if call.state == CONSULT:
        go(call, HOLD)
        segments.follow(tx, call, tx.now)
        calls.emit(tx, "call.consult_failed", call, data={"status": "failed"})
    elif call.state == TRANSFERRED and not call.flow_out:
        _back_to_sender(tx, call, "failed")


def refused(tx: Tx, item: WorkItem, made: Offer) -> None:
    """Somebody was asked, they alone, and did not take it. A question ends there; a call goes back to whoever sent it."""
    if item.kind == "consult":
        call = call_of_consult(tx, item)
        work_items.finish(tx, item)
        if call is not None and call.state == CONSULT and _other(tx, call) is None:
            go(call, HOLD)
            segments.follow(tx, call, tx.now)
            calls.emit(tx, "call.consult_failed", call, data={"status": made.state, "agent": made.agent_id})
        return
    call = tx.session.scalar(select(Call).where(Call.item_id == item.id))
    sent = None if call is None else segments.latest(tx, call)
    if call is None or sent is None or call.state != QUEUED:
        return
    if sent.ended_by == "transfer_agent" and sent.transferred_to == f"agent:{made.agent_id}":
        _back_to_sender(tx, call, made.state)


def call_of_consult(tx: Tx, item: WorkItem) -> Call | None:
    """The call that a colleague is asked about."""
    query = select(Call).where(Call.ticket_id == item.ticket_id, Call.state.not_in(OVER)).order_by(Call.id.desc())
    return tx.session.scalar(query.limit(1))


def take_over_by(tx: Tx, call: Call, leg: CallLeg, at: datetime) -> None:
    """A supervisor who is in the room has the call from now on; the agent wraps up."""
    check(call, "take_over")
    lock_people(tx, call, leg.agent_id or 0)
    agent_id = call.agent_id
    calls.end_part(tx, call, "takeover", at, to=f"agent:{leg.agent_id}")
    _take_over(tx, call, leg, at)
    calls.emit(tx, "call.taken_over", call, data={"from": agent_id})


def let_other_go(tx: Tx, call: Call, by: str) -> None:
    """Whoever was asked is not wanted any more: an offer is taken back, a ringing phone stops, a question ends."""
    lock_people(tx, call)
    calls.dismiss(tx, call, CONSULTED, THIRD)
    parts = select(CallSegment).where(CallSegment.call_id == call.id, CallSegment.kind == CONSULTING)
    for segment in tx.session.scalars(parts.where(CallSegment.ended_at.is_(None))).all():
        _end_consult(tx, call, segment, by, tx.now)
    asked = select(WorkItem).where(WorkItem.ticket_id == call.ticket_id, WorkItem.kind == "consult")
    for item in tx.session.scalars(asked.where(WorkItem.ended_at.is_(None))).all():
        if item.id != call.item_id and not work_items.abandon(tx, item) and item.state == ITEM_ACTIVE:
            work_items.finish(tx, item)


def colleague_is_there(tx: Tx, call: Call) -> bool:
    """Whether an agent was asked who is on the line by now."""
    other = _other(tx, call)
    return other is not None and other.party == CONSULTED and other.status == "in-progress"


def _take_over(tx: Tx, call: Call, leg: CallLeg, at: datetime) -> None:
    """Whoever is on this leg has the call now; what holds their hands is work of their own."""
    assert leg.agent_id is not None
    segment = segments.current(tx, call, leg.agent_id)
    if segment is None or segment.item_id is None:
        item = _new_item(tx, call, tx.session.get_one(Queue, _item(tx, call).queue_id), kind="consult")
        tx.session.flush()
        work_items.take(tx, item.id, leg.agent_id)
        segment = segments.begin(tx, call, leg.agent_id, item)
    else:  # the question is answered, and the work begins
        segment.ended_at = max(at, segment.started_at or at)
        segment.ended_by, segment.state = "agent", DONE
        segment = segments.begin(tx, call, leg.agent_id, tx.session.get_one(WorkItem, segment.item_id))
    leg.party, leg.mode = AGENT, ""
    call.agent_id, call.item_id, call.muted = leg.agent_id, segment.item_id, False
    go(call, TALKING)
    segments.follow(tx, call, at)


def _to_agent(tx: Tx, call: Call, agent: Agent, note: str, goal: Goal) -> None:
    queue = tx.session.get_one(Queue, _item(tx, call).queue_id)
    sender = call.agent_id
    _noted(call, note)
    calls.end_part(tx, call, "transfer_agent", tx.now, to=str(goal))
    item = _new_item(tx, call, queue)
    _offer(tx, call, item, agent)
    go(call, QUEUED)
    call.agent_id = None
    segments.begin_hold(call, tx.now)
    calls.emit(tx, "call.transferred", call, agent=sender, data={"to": AGENT_GOAL, "agent": agent.id})


def _back_to_sender(tx: Tx, call: Call, why: str) -> None:
    """The sender has the caller again as soon as their phone has rung; without them the caller waits, first in the line."""
    sent = segments.latest(tx, call)
    item = _item(tx, call)
    if sent is None:
        return
    agent = tx.session.get_one(Agent, sent.agent_id)
    if item.state != WAITING and item.id == sent.item_id:  # passed on to a number: the sender's own item is wrapped up or done
        item = _new_item(tx, call, tx.session.get_one(Queue, item.queue_id))
        tx.session.flush()
    if sent.state == WRAP_UP:
        segments.finish(tx, call, sent, "", "transferred")
    if agent.presence != AVAILABLE or agent.used:
        go(call, QUEUED)
        calls.emit(tx, "call.transfer_failed", call, agent=agent, item=item, data={"status": why, "back": False})
        return
    work_items.take(tx, item.id, agent.id)
    segments.begin(tx, call, agent.id, item)
    go(call, HOLD)
    call.agent_id = agent.id
    call.lost_until = tx.now + timedelta(seconds=calls.GRACE_S)
    calls.emit(tx, "call.transfer_failed", call, item=item, data={"status": why, "back": True})


def _end_consult(tx: Tx, call: Call, segment: CallSegment, by: str, at: datetime) -> None:
    segments.end(tx, segment, by, at)
    if segment.item_id is not None and segment.item_id != call.item_id:
        work_items.finish(tx, tx.session.get_one(WorkItem, segment.item_id))


def _other(tx: Tx, call: Call) -> CallLeg | None:
    """The leg of whoever the agent asked, unless they have gone."""
    query = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party.in_((CONSULTED, THIRD)))
    query = query.where(CallLeg.ended_at.is_(None), CallLeg.unwanted.is_(False))
    return tx.session.scalar(query.order_by(CallLeg.id.desc()).limit(1))


def _new_item(tx: Tx, call: Call, queue: Queue, *, kind: str = "call") -> WorkItem:
    """Work for the next part of this call, in the place that the caller had from the beginning."""
    old = _item(tx, call)
    ticket = tx.session.get_one(Ticket, call.ticket_id)
    item = work_items.enqueue(tx, kind, "voice", ticket, queue, skills=tuple((name, level) for name, level in old.asked))
    item.due_at, item.promote_at = min(old.due_at, item.due_at), old.promote_at
    if kind == "call":
        call.item_id = item.id
    return item


def _offer(tx: Tx, call: Call, item: WorkItem, agent: Agent) -> None:
    """Ask this one person. Raises `Conflict` when they cannot be asked."""
    tx.session.flush()
    lease = tx.session.scalar(select(RouterLease.epoch)) or 0
    reason = {"by_hand": tx.actor.name, "call": call.id}
    if work_items.offer(tx, item.id, agent.id, epoch=lease, reason=reason) is None:
        raise Conflict("%(name)s cannot take a call now. Choose somebody else, or a queue.", name=agent.name)


def _agent(tx: Tx, call: Call, goal: Goal) -> Agent:
    agent = tx.session.get(Agent, int(goal.key))
    if agent is None or not agent.active:
        raise NotFound("There is no such agent.")
    if agent.id == call.agent_id:
        raise Conflict("You have this call already.")
    return agent


def _queue(tx: Tx, key: str) -> Queue:
    queue = tx.session.scalar(select(Queue).where(Queue.key == key))
    if queue is None:
        raise NotFound("There is no such queue.")
    return queue


def _item(tx: Tx, call: Call) -> WorkItem:
    if call.item_id is None:
        raise Conflict("This call has not reached anybody yet.")
    return tx.session.get_one(WorkItem, call.item_id)


def _noted(call: Call, note: str) -> None:
    call.note_for_agent = note.strip()[:LONGEST_NOTE]


work_items.REFUSED.update(call=refused, consult=refused)
