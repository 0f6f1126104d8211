"""Promises to ring back: asked for on the line, on our site or when we are closed; each keeps the place it was asked from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import phonenumbers
from sqlalchemy import select

from desk.actions.calls.callback_outcomes import KIND, LATE_TIMER, about, end, join_line, park_in_time, plan, withdraw
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.actions.timers import set_timer
from desk.actions.work.holding import lock_item
from desk.actions.work.places import place
from desk.errors import Conflict, Invalid
from desk.models import Agent, Call, Callback, Customer, Queue, Ticket, WorkItem
from desk.models.call import CALLBACK_SET, DECLINED, QUEUED, UNDECIDED
from desk.models.callback import CALLED_IN, DIALLING, PLANNED, QUEUE, WAITING
from desk.models.ticket import NEW, OPEN
from desk.models.work_item import OFFERED
from desk.models.work_item import WAITING as ITEM_WAITING
from desk.queries.calls.callbacks import TIMELY_S, callback_of_item, hours_of, open_callback
from desk.sentences import N_
from desk.store import Tx

SOONEST = timedelta(minutes=30)  # a promise is counted as broken no sooner than this
UNKNOWN_WAIT = timedelta(hours=1)
SUBJECTS = {"zh": "请回电", "en": "Please call back"}
_NEVER = (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)
_NOT_RUNG = N_("We cannot ring this number.")


@dataclass(frozen=True)
class Attempt:
    """What the call that keeps a promise is made from."""

    callback: Callback
    item: WorkItem
    ticket: Ticket
    customer: Customer


def readable(typed: str, *, near: tuple[str, ...], shown: str = "") -> str:
    """A number in E.164 that we are ready to ring: it exists, costs no more than a call, and is in a country of one of `near`.

    Who could have us ring any number of the world at our cost would do so. `typed` may be in the form of the country of the first
    of `near` that says one. The number that the carrier has `shown` exists, though the book of numbers may not know it. Raises
    `Invalid`.
    """
    homes = [home for home in map(_country, near) if home]
    region = phonenumbers.region_code_for_country_code(homes[0]) if homes else "CN"
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException as error:
        raise Invalid(_NOT_RUNG) from error
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    exists = phonenumbers.is_valid_number(number) or (found == shown and phonenumbers.is_possible_number(number))
    if not exists or phonenumbers.number_type(number) in _NEVER:
        raise Invalid(_NOT_RUNG)
    if homes and number.country_code not in homes:
        raise Invalid(_NOT_RUNG)
    return found


def promise(tx: Tx, call: Call, number: str, minutes: int | None) -> Callback:
    """Whoever waits on the line hangs up, and the same work waits on in the same place, until the customer is rung.

    `minutes` is the wait as it was told. Raises `Conflict` when somebody is taking the call this very moment.
    """
    item = tx.session.get(WorkItem, call.item_id) if call.item_id else None
    if call.state != QUEUED or item is None or call.ticket_id is None:
        raise Conflict("Somebody is answering this call.")
    lock_item(tx, item)
    if item.state != ITEM_WAITING:
        raise Conflict("Somebody is answering this call.")
    _settle_earlier(tx, number)
    wait = UNKNOWN_WAIT if minutes is None else max(SOONEST, timedelta(minutes=2 * minutes))
    callback = Callback(
        source=QUEUE,
        number=number,
        name=tx.session.get_one(Customer, item.customer_id).name,
        locale=call.locale,
        customer_id=item.customer_id,
        ticket_id=call.ticket_id,
        queue_id=item.queue_id,
        item_id=item.id,
        requested_at=tx.now,
        promised_by=tx.now + wait,
        waiting_since=item.enqueued_at,
        due_at=item.due_at,
    )
    tx.session.add(callback)
    tx.session.flush()
    item.kind = KIND
    call.item_id, call.callback_id, call.aside = None, callback.id, ""
    call.state, call.flow_out, call.flow_out_at, call.ended_at = CALLBACK_SET, "callback", tx.now, tx.now
    _be_on_time(tx, callback)
    park_in_time(tx, callback)
    tx.emit("callback.promised", **about(callback, source=QUEUE, by=callback.promised_by.isoformat()), call=call)
    return callback


def promise_later(
    tx: Tx,
    *,
    number: str,
    customer: Customer,
    queue: Queue,
    source: str,
    at: datetime | None = None,
    subject: str = "",
    locale: str = "",
    call: Call | None = None,
) -> Callback:
    """Somebody who does not wait on the line is to be rung: at an hour of their choice, or as soon as may be.

    A number has one promise: asked for again, the earlier one goes. Raises `Conflict` when there is no hour at which it could be
    kept.
    """
    hours = hours_of(tx.session, queue, number)
    first = hours.first(max(at or tx.now, tx.now))
    if first is None:
        raise Conflict("There is no hour at which we could call this number.")
    _settle_earlier(tx, number)
    locale = locale or customer.locale or tx.settings.locale
    ticket = tickets.open_ticket(
        tx, customer=customer, queue=queue, subject=subject or SUBJECTS[locale], channel="voice", locale=locale
    )
    due, _promote = place(tx.session, queue, "voice", customer.tier, first)
    callback = Callback(
        source=source,
        number=number,
        name=customer.name,
        locale=locale,
        customer_id=customer.id,
        ticket_id=ticket.id,
        queue_id=queue.id,
        requested_at=tx.now,
        promised_by=first + timedelta(seconds=TIMELY_S),
        waiting_since=first,
        due_at=due,
    )
    tx.session.add(callback)
    tx.session.flush()
    if call is not None:
        call.callback_id, call.ticket_id, call.aside = callback.id, ticket.id, ""
        call.state, call.flow_out, call.flow_out_at, call.ended_at = CALLBACK_SET, "callback", tx.now, tx.now
    _be_on_time(tx, callback)
    tx.emit("callback.promised", **about(callback, source=source, by=callback.promised_by.isoformat()), call=call)
    if first <= tx.now:
        join_line(tx, callback)
    else:
        plan(tx, callback, first)
    return callback


def recognise(tx: Tx, call: Call) -> bool:
    """A caller whom we have promised to ring has come first: their old place is theirs at once, and nobody rings them any more.

    False when there is no such promise, or somebody is dialling them this very moment, or the line is closed.
    """
    callback = open_callback(tx.session, _normal(call.from_number))
    if callback is None or callback.state == DIALLING or call.state in (QUEUED, CALLBACK_SET):
        return False
    queue = tx.session.get_one(Queue, callback.queue_id)
    if not hours_of(tx.session, queue, callback.number).calendar.is_open(tx.now):
        return False
    item = tx.session.get(WorkItem, callback.item_id) if callback.item_id else join_line(tx, callback)
    assert item is not None
    lock_item(tx, item)
    tx.session.refresh(callback)
    if callback.state not in (WAITING, PLANNED) or item.state not in (ITEM_WAITING, OFFERED):
        return False
    item.kind = "call"
    call.item_id, call.ticket_id, call.callback_id = item.id, callback.ticket_id, callback.id
    call.customer_id, call.locale = callback.customer_id, callback.locale
    declined = select(Call.id).where(Call.callback_id == callback.id, Call.recording == DECLINED).limit(1)
    if call.recording == UNDECIDED and tx.session.scalar(declined) is not None:
        call.recording = DECLINED
    call.state, call.queued_at = QUEUED, tx.now
    end(tx, callback, CALLED_IN, "callback.called_in", call=call.id)
    tx.emit("call.queued", call=call, ticket=call.ticket_id, item=item, customer=call.customer_id, queue=item.queue_id)
    return True


def accepted(tx: Tx, item: WorkItem, agent: Agent) -> Attempt:
    """An agent took the call to be made. Raises `Conflict` when the customer does not want it any more."""
    callback = callback_of_item(tx.session, item.id)
    if callback is None:
        raise Conflict("The customer does not wait for this call any more.")
    callback.state = DIALLING
    ticket = tx.session.get_one(Ticket, callback.ticket_id)
    if ticket.owner_id is None:
        tickets.assign(tx, ticket, agent.id)
    if ticket.status == NEW:
        tickets.set_status(tx, ticket, OPEN)
    for earlier in tx.session.scalars(select(Call).where(Call.item_id == item.id)):
        earlier.item_id = None  # the work is the new call's now
    return Attempt(callback, item, ticket, tx.session.get_one(Customer, callback.customer_id))


def _settle_earlier(tx: Tx, number: str) -> None:
    earlier = open_callback(tx.session, number)
    if earlier is not None and not withdraw(tx, earlier):
        raise Conflict("Somebody is calling this number just now.")
    tx.session.flush()


def _be_on_time(tx: Tx, callback: Callback) -> None:
    set_timer(tx, LATE_TIMER, str(callback.id), callback.promised_by, {"callback_id": callback.id})


def _country(number: str) -> int | None:
    try:
        return phonenumbers.parse(number).country_code
    except phonenumbers.NumberParseException:
        return None


def _normal(number: str) -> str:
    try:
        return customers.normal("phone", number)
    except Invalid:
        return ""
