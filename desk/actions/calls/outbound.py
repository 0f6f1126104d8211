"""Calling somebody: the agent's own phone is rung first, then the other one, so that nobody is called to hear silence."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.voice.events import FINAL
from desk.actions.calls import callback_outcomes, calls, segments
from desk.actions.calls.locks import lock_call, lock_people
from desk.actions.calls.segments import OUTBOUND
from desk.actions.calls.states import go
from desk.actions.intake import find_queue
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.actions.work.holding import lock_agent
from desk.errors import Conflict
from desk.models import Agent, Call, CallLeg, CallSegment, Customer, OurNumber, Queue, Ticket, WorkItem
from desk.models.call import (
    AGENT,
    BUSY,
    CUSTOMER,
    DIALING,
    DONE,
    FAILED,
    MACHINE,
    NO_ANSWER,
    OVER,
    TALKING,
    WRAP_UP,
)
from desk.store import Tx

PENDING, RINGING = "pending-", "ringing-"  # what stands for the leg of somebody who has not been rung yet, or just now
STATES = {"busy": BUSY, "no-answer": NO_ANSWER, "canceled": NO_ANSWER, "failed": FAILED}
SUBJECTS = {"zh": "致电客户", "en": "Call to a customer"}
LONGEST_DIALING = timedelta(minutes=2)
_MACHINE = "machine"  # `mode` of the leg of an answering machine


def dial(
    tx: Tx,
    agent: Agent,
    number: str,
    customer: Customer,
    *,
    ticket: Ticket | None = None,
    queue: Queue | None = None,
    previous: Call | None = None,
    item: WorkItem | None = None,
    callback_id: int | None = None,
) -> Call:
    """A call of this agent to this number (E.164). `item` is work that they hold already and that asks for it.

    Raises `Conflict` while the agent is on a call or has one to wrap up.
    """
    check_free(tx, agent)
    if ticket is None:
        queue = queue or find_queue(tx, "general")
        locale = customer.locale or tx.settings.locale
        subject = SUBJECTS.get(locale, SUBJECTS["en"])
        ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject=subject, channel="voice")
        tickets.assign(tx, ticket, agent.id)
    token = secrets.token_hex(8)
    call = Call(
        sid=PENDING + token,
        direction="out",
        state=DIALING,
        from_number=our_number(tx),
        to_number=number,
        conference=f"call-{token}",
        customer_id=customer.id,
        ticket_id=ticket.id,
        agent_id=agent.id,
        locale=ticket.locale or customer.locale or tx.settings.locale,
        previous_call_id=previous.id if previous else None,
        callback_id=callback_id,
        arrived_at=tx.now,
    )
    tx.session.add(call)
    tx.session.flush()
    if item is None:
        queue = queue or tx.session.get_one(Queue, ticket.queue_id)
        item = work_items.enqueue(tx, "outbound", "voice", ticket, queue)
        tx.session.flush()
        work_items.take(tx, item.id, agent.id)
    call.item_id = item.id
    segments.begin(tx, call, agent.id, item, kind=OUTBOUND)
    calls.emit(tx, "call.dialed", call, customer=customer, data={"previous": call.previous_call_id})
    return call


def ring_back(tx: Tx, agent: Agent, old: Call) -> Call:
    """Call somebody whose call broke off; its wrap-up counts as done. Raises `Conflict` while that call is on."""
    old = lock_call(tx, old.id)
    if old.state not in OVER:
        raise Conflict("The call is still on.")
    if old.customer_id is None:
        raise Conflict("There is nobody to call back.")
    part = tx.session.scalar(
        select(CallSegment).where(CallSegment.call_id == old.id, CallSegment.agent_id == agent.id, CallSegment.state == WRAP_UP)
    )
    if part is not None:
        segments.finish(tx, old, part, "", "dropped")
    number = old.to_number if old.direction == "out" else old.from_number
    customer = tx.session.get_one(Customer, old.customer_id)
    ticket = tx.session.get(Ticket, old.ticket_id) if old.ticket_id else None
    return dial(tx, agent, customers.normal("phone", number), customer, ticket=ticket, previous=old)


def our_number(tx: Tx) -> str:
    """The number that people see when we call them. Raises `Conflict` when we have none."""
    number = tx.settings.own_number or tx.session.scalar(select(OurNumber.number).order_by(OurNumber.id).limit(1))
    if not number:
        raise Conflict("There is no number of ours to call from. An administrator can add one.")
    return number


def check_free(tx: Tx, agent: Agent) -> None:
    """Raises `Conflict` when the agent's hands are not free for a call. Of two calls begun at the same moment one is told so."""
    lock_agent(tx, agent.id)
    busy = select(CallSegment).where(CallSegment.agent_id == agent.id, CallSegment.state != DONE)
    segment = tx.session.scalar(busy.limit(1))
    if segment is not None and segment.state == WRAP_UP:
        raise Conflict("Wrap up your last call first.")
    if segment is not None:
        raise Conflict("You are on a call already.")
    offered = select(WorkItem.id).where(WorkItem.agent_id == agent.id, WorkItem.channel == "voice", WorkItem.state == "offered")
    if tx.session.scalar(offered.limit(1)) is not None:
        raise Conflict("A call is being offered to you. Answer or decline it first.")


def is_to_be_rung(session: Session, call: Call) -> bool:
    """Whether the agent is on the line by now, so that the other one's phone may ring."""
    if call.state != DIALING or not call.sid.startswith(PENDING):
        return False
    there = select(CallLeg.id).where(CallLeg.call_id == call.id, CallLeg.party == AGENT, CallLeg.status == "in-progress")
    return session.scalar(there.limit(1)) is not None


def claim_ringing(tx: Tx, call: Call) -> bool:
    """Whether the customer's phone is to be rung now, which is asked by several and answered with yes once."""
    if call.state != DIALING or not call.sid.startswith(PENDING):
        return False
    mine = update(Call).where(Call.id == call.id, Call.sid == call.sid)
    sid = RINGING + call.sid.removeprefix(PENDING)
    won = tx.session.execute(mine.values(sid=sid).execution_options(synchronize_session=False)).rowcount == 1  # type: ignore[attr-defined]
    tx.session.refresh(call)
    return won


def is_rung(tx: Tx, call: Call, sid: str) -> bool:
    """The carrier rings the customer under this leg. False when the agent has given up meanwhile."""
    call.sid = sid
    leg = tx.session.scalar(select(CallLeg).where(CallLeg.sid == sid))
    if leg is None:
        leg = CallLeg(call_id=call.id, sid=sid, party=CUSTOMER, label=CUSTOMER, started_at=tx.now)
        tx.session.add(leg)
    leg.to = call.to_number  # its first report may have come before the answer that names it
    calls.emit(tx, "call.ringing", call)
    if leg.status in FINAL:
        was_not_reached(tx, call, leg.status, leg.ended_at or tx.now)
    return call.state not in OVER


def forget_unrung(tx: Tx, call: Call) -> None:
    """End a call of which the carrier never said under which name it rings the other one: we stopped in that very moment."""
    if call.state == DIALING and call.sid.startswith(RINGING) and tx.now - call.arrived_at > LONGEST_DIALING:
        _end(tx, call, FAILED, "agent", tx.now)


def somebody_answered(tx: Tx, call: Call, at: datetime) -> None:
    """The agent picked up, or the customer did. When both are there the conversation begins."""
    legs = tx.session.scalars(select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.status == "in-progress")).all()
    parties = {each.party for each in legs}
    if AGENT in parties:
        segment = segments.current(tx, call, call.agent_id)
        if segment is not None and segment.started_at is None:
            segment.started_at, segment.state = at, DIALING
            calls.emit(tx, "call.agent_ready", call)
    if {AGENT, CUSTOMER} <= parties:
        calls.begin_talking(tx, call, at)


def answered_by(tx: Tx, call: Call, who: str) -> None:
    """The carrier listened and says who answered. A machine is the agent's to decide about; they are told."""
    if not who.startswith("machine") and who != "fax":
        return
    leg = tx.session.scalar(select(CallLeg).where(CallLeg.sid == call.sid))
    if leg is not None and leg.mode != _MACHINE and call.state not in OVER:
        leg.mode = _MACHINE
        calls.emit(tx, "call.machine_answered", call)


def leave_machine(tx: Tx, call: Call) -> None:
    """A machine took a call that was to keep a promise: it ends, the agent is free at once, and the customer is tried again."""
    if call.callback_id is None or call.state in OVER or not was_a_machine(tx, call):
        return
    if not callback_outcomes.machine_answered(tx, call):
        return
    if call.state in (DIALING, TALKING):
        call.answered_at = None  # which of the carrier's words comes first makes no difference: the customer was not there
        _end(tx, call, MACHINE, "agent", tx.now)
    else:
        calls.caller_left(tx, call, by="agent")
    callback_outcomes.free_agent(tx, call)


def was_not_reached(tx: Tx, call: Call, status: str, at: datetime) -> bool:
    """Whether this was the end of a call that nobody answered; then it is recorded as that."""
    if call.state != DIALING:
        return False
    _end(tx, call, STATES.get(status, NO_ANSWER), segments.being_ended_by(tx, call) or "caller", at)
    return True


def agent_left(tx: Tx, call: Call, at: datetime) -> None:
    """The agent has gone, or was never reached, before anybody answered."""
    if call.state == DIALING:
        segment = segments.current(tx, call, call.agent_id)
        spoke = segment is not None and segment.started_at is not None
        _end(tx, call, NO_ANSWER if spoke else FAILED, "agent", at)


def was_a_machine(tx: Tx, call: Call) -> bool:
    """Whether an answering machine took this call."""
    return tx.session.scalar(select(CallLeg.mode).where(CallLeg.sid == call.sid)) == _MACHINE


def _end(tx: Tx, call: Call, state: str, by: str, at: datetime) -> None:
    lock_people(tx, call)
    segment = segments.current(tx, call, call.agent_id)
    go(call, state)
    call.ended_at = max(at, call.arrived_at)
    calls.end_help(tx, call)
    if segment is not None:
        segments.end(tx, segment, by, at)
        if segment.state == DONE and segment.item_id is not None:
            work_items.finish(tx, tx.session.get_one(WorkItem, segment.item_id))
    if call.callback_id is not None:
        callback_outcomes.attempt_failed(tx, call)  # it is tried again, and the agent is free at once
        if segment is not None:
            segment.state = DONE
    calls.emit(tx, "call.not_reached", call, customer=call.customer_id, data={"state": state})
