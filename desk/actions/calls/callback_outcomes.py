"""What becomes of a promise to ring back: the line is joined, the customer is reached or not, tried again, or gives it up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.calls import segments
from desk.actions.tickets import tickets
from desk.actions.timers import clear_timer, set_timer
from desk.actions.work import escalating, work_items
from desk.actions.work.holding import lock_item, release
from desk.errors import Conflict
from desk.models import Call, Callback, CallSegment, Queue, Ticket, WorkItem
from desk.models.call import MACHINE
from desk.models.callback import (
    DIALLING,
    NOT_REACHED,
    OPEN,
    PLANNED,
    REACHED,
    WAITING,
    WITHDRAWN,
)
from desk.models.ticket import LIVE, PENDING_CUSTOMER, SOMEBODY_ELSE
from desk.models.work_item import ACTIVE, CANCELED, WRAP_UP
from desk.queries.calls.callbacks import TIMELY_S, hours_for, open_callback
from desk.sentences import N_
from desk.store import Tx
from routing.ring_back import next_try

KIND = "callback"
WRONG_NUMBER = "wrong_number"  # the agent's code for having reached a stranger
JOIN_TIMER, PARK_TIMER, LATE_TIMER = "callback.join", "callback.park", "callback.late"


def join_line(tx: Tx, callback: Callback) -> WorkItem:
    """Put the promise into the line with the place that it keeps: it has waited since it was asked for."""
    ticket = tx.session.get_one(Ticket, callback.ticket_id)
    queue = tx.session.get_one(Queue, callback.queue_id)
    skills = ((f"lang:{callback.locale}", 1),) if callback.locale else ()
    item = work_items.enqueue(tx, KIND, "voice", ticket, queue, skills=skills)
    item.enqueued_at, item.due_at = callback.waiting_since, callback.due_at
    tx.session.flush()
    callback.item_id, callback.state, callback.next_at = item.id, WAITING, None
    park_in_time(tx, callback)
    return item


def park_in_time(tx: Tx, callback: Callback) -> None:
    """It leaves the line when the customer may not be rung any more today."""
    set_timer(tx, PARK_TIMER, str(callback.id), hours_for(tx.session, callback).last(tx.now), {"callback_id": callback.id})


def join(tx: Tx, data: dict[str, Any]) -> None:
    """Timer: the hour has come at which it is tried, again or at last."""
    callback = tx.session.get_one(Callback, data["callback_id"])
    if callback.state != PLANNED:
        return
    first = hours_for(tx.session, callback).first(tx.now)
    if first is None or first > tx.now:  # the opening hours have changed meanwhile
        plan(tx, callback, first)
        return
    join_line(tx, callback)
    tx.emit("callback.joined", **about(callback))


def park(tx: Tx, data: dict[str, Any]) -> None:
    """Timer: nobody took it today. It waits outside the line until the customer may be rung again."""
    callback = tx.session.get_one(Callback, data["callback_id"])
    item = tx.session.get(WorkItem, callback.item_id) if callback.item_id else None
    if callback.state != WAITING or item is None:
        return
    lock_item(tx, item)
    if item.state in (ACTIVE, WRAP_UP):
        return
    _take_out(tx, item)
    plan(tx, callback, hours_for(tx.session, callback).first(tx.now))


def notice_late(tx: Tx, data: dict[str, Any]) -> None:
    """Timer: the promised time is over. If nobody has dialled, the promise is broken: everybody sees it, and it goes first."""
    callback = tx.session.get_one(Callback, data["callback_id"])
    if callback.state not in OPEN or callback.first_attempt_at is not None or callback.late_at is not None:
        return
    callback.late_at = tx.now
    if callback.state == WAITING and callback.item_id is not None:
        escalating.put_first(tx, tx.session.get_one(WorkItem, callback.item_id), N_("The promised call back is late."))
    tx.emit("callback.late", **about(callback))


def plan(tx: Tx, callback: Callback, at: datetime | None) -> None:
    """It is tried at that moment; None when there is no such moment, and the promise cannot be kept."""
    if at is None:
        end(tx, callback, NOT_REACHED, "callback.impossible")
        _leave_to_customer(tx, callback)
        return
    callback.state, callback.item_id, callback.next_at = PLANNED, None, at
    set_timer(tx, JOIN_TIMER, str(callback.id), at, {"callback_id": callback.id})
    tx.emit("callback.planned", **about(callback, at=at.isoformat()))


def reached(tx: Tx, call: Call) -> None:
    """Somebody has answered the call that keeps a promise. Telling it twice has one effect."""
    callback = _of(tx, call)
    if callback is None or callback.state not in OPEN:
        return
    _count(callback, call, "answered")
    end(tx, callback, REACHED, "callback.reached", call=call.id, agent=call.agent_id)


def attempt_failed(tx: Tx, call: Call) -> None:
    """The call that was to keep a promise has ended without an answer: the agent is free at once, and it is tried again later.

    `call.state` says why (no_answer, busy, machine, failed). Telling it twice has one effect.
    """
    callback = _of(tx, call)
    if callback is None or callback.state != DIALLING:
        return
    _count(callback, call, call.state)
    free_agent(tx, call)
    _missed(tx, callback, call)


def machine_answered(tx: Tx, call: Call) -> bool:
    """Not the customer but a machine took the call that was to keep a promise. Whether it did so first now: then hang up.

    Nothing private is said to a machine.
    """
    callback = _of(tx, call)
    if callback is None or callback.last_outcome == MACHINE or callback.state not in (DIALLING, REACHED):
        return False
    if callback.state == DIALLING:
        _count(callback, call, MACHINE)
    _take_back(tx, callback, MACHINE)
    _missed(tx, callback, call)
    return True


def free_agent(tx: Tx, call: Call) -> None:
    """Nobody was spoken to, so there is nothing to write up: whoever made the call has free hands."""
    for segment in tx.session.scalars(select(CallSegment).where(CallSegment.call_id == call.id, CallSegment.state == WRAP_UP)):
        segments.finish(tx, call, segment, "", "no_action")
    if call.item_id is not None:
        work_items.finish(tx, tx.session.get_one(WorkItem, call.item_id))


def wrapped_up(tx: Tx, call: Call, outcome: str) -> None:
    """The agent says how the call ended. A wrong number is not rung again; where somebody else answered, it is tried again."""
    callback = _of(tx, call)
    if callback is None or callback.state != REACHED:
        return
    if outcome == SOMEBODY_ELSE:
        _take_back(tx, callback, SOMEBODY_ELSE)
        _missed(tx, callback, call)
    elif outcome == WRONG_NUMBER:
        callback.state, callback.last_outcome = NOT_REACHED, WRONG_NUMBER
        tx.emit("callback.missed", **about(callback, outcome=WRONG_NUMBER), call=call, agent=call.agent_id)


def try_again(tx: Tx, callback: Callback) -> None:
    """A person wants the customer rung once more: somebody else had answered, or the time is better now.

    Raises `Conflict` while the promise stands, or when the customer has been promised another call meanwhile.
    """
    if callback.state in OPEN:
        raise Conflict("This call back is still to be made.")
    first = hours_for(tx.session, callback).first(tx.now)
    if first is None or open_callback(tx.session, callback.number) is not None:
        raise Conflict("There is another call back to this number, or no hour for it.")
    _take_back(tx, callback, callback.last_outcome)
    callback.promised_by = max(callback.promised_by, first + timedelta(seconds=TIMELY_S))
    if first > tx.now:
        plan(tx, callback, first)
        return
    join_line(tx, callback)
    tx.emit("callback.joined", **about(callback))


def not_dialled(tx: Tx, call: Call) -> None:
    """The agent's own phone could not be reached, so that nobody was dialled: the promise waits in the line as before."""
    callback = _of(tx, call)
    if callback is None or callback.state != DIALLING:
        return
    item = tx.session.get_one(WorkItem, call.item_id) if call.item_id else None
    if item is not None and item.state == ACTIVE:
        work_items.hand_back(tx, item)
    call.item_id = None
    callback.state = WAITING
    tx.emit("callback.waits_again", **about(callback), call=call)


def end(tx: Tx, callback: Callback, state: str, kind: str, *, agent: int | None = None, **data: Any) -> None:
    """The promise is over; nothing is planned for it any more."""
    callback.state, callback.ended_at, callback.next_at = state, tx.now, None
    for timer in (JOIN_TIMER, PARK_TIMER, LATE_TIMER):
        clear_timer(tx, timer, str(callback.id))
    tx.emit(kind, **about(callback, **data), agent=agent)


def withdraw(tx: Tx, callback: Callback) -> bool:
    """The customer does not want the call any more, or it was settled otherwise. False when it is over or being made now."""
    item = tx.session.get(WorkItem, callback.item_id) if callback.item_id else None
    if item is not None:
        lock_item(tx, item)
    tx.session.refresh(callback)
    if callback.state not in (WAITING, PLANNED) or (item is not None and item.state in (ACTIVE, WRAP_UP)):
        return False
    if item is not None:
        _take_out(tx, item)
    end(tx, callback, WITHDRAWN, "callback.withdrawn")
    return True


def about(callback: Callback, **data: Any) -> dict[str, Any]:
    """What an event of this promise is about."""
    return {
        "ticket": callback.ticket_id,
        "customer": callback.customer_id,
        "queue": callback.queue_id,
        "item": callback.item_id,
        "data": {"callback": callback.id, "attempts": callback.attempts, **data},
    }


def _take_out(tx: Tx, item: WorkItem) -> None:
    """Out of the line; whoever is being asked is asked no longer. The item's lock is held."""
    release(tx, item, CANCELED)
    work_items.finish(tx, item)


def _missed(tx: Tx, callback: Callback, call: Call) -> None:
    tx.emit("callback.missed", **about(callback, outcome=callback.last_outcome), call=call, agent=call.agent_id)
    again = next_try(callback.attempts, tx.now, hours_for(tx.session, callback))
    if again is not None:
        plan(tx, callback, again)
        return
    end(tx, callback, NOT_REACHED, "callback.not_reached")
    _leave_to_customer(tx, callback)


def _take_back(tx: Tx, callback: Callback, outcome: str) -> None:
    """What was taken for the end of the promise was none."""
    callback.state, callback.ended_at, callback.last_outcome = PLANNED, None, outcome
    tx.session.flush()


def _of(tx: Tx, call: Call) -> Callback | None:
    if call.callback_id is None or call.direction != "out":
        return None
    return tx.session.scalar(
        select(Callback).where(Callback.id == call.callback_id).with_for_update(), execution_options={"populate_existing": True}
    )


def _count(callback: Callback, call: Call, outcome: str) -> None:
    callback.attempts += 1
    callback.first_attempt_at = callback.first_attempt_at or call.arrived_at
    callback.last_outcome = outcome


def _leave_to_customer(tx: Tx, callback: Callback) -> None:
    """Nobody was reached: the ticket says so and waits for the customer, unless somebody works on it."""
    ticket = tx.session.get_one(Ticket, callback.ticket_id)
    tickets.note(tx, ticket, None, _SAID[ticket.locale if ticket.locale in _SAID else "en"].format(count=callback.attempts))
    if ticket.status in LIVE and ticket.status != PENDING_CUSTOMER and work_items.open_item(tx, ticket.id, _ANY_WORK) is None:
        tickets.set_pending(tx, ticket, PENDING_CUSTOMER)


_ANY_WORK = ("call", "chat", "ticket", "complaint", KIND)
_SAID: Mapping[str, str] = {
    "zh": "回电 {count} 次均未联系上客户，不再自动回拨。",
    "en": "Rung back {count} times without reaching the customer; not tried again by itself.",
}
