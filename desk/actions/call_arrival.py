"""A caller on the way to a person: known by their number, through the menus, into the queue."""

from __future__ import annotations

from sqlalchemy import select

from channels.voice.events import CallEvent
from desk.actions import customers, intake, tickets, work_items
from desk.actions.calendars import calendar_of
from desk.actions.calls import CUSTOMER
from desk.errors import Invalid
from desk.models import Call, CallLeg, Customer
from desk.models.call import IVR, QUEUED
from desk.store import Tx
from routing.ivr import MENUS, START, Position, Step, step

LOCALES = {"zh-CN": "zh", "en": "en"}
QUEUES = {"complaint": "complaints"}  # menu topics whose queue has another key
SUBJECTS = {
    "zh": {
        "billing": "来电：账单问题",
        "technical": "来电：技术支持",
        "complaint": "来电：投诉",
        "general": "来电",
    },
    "en": {
        "billing": "Call about billing",
        "technical": "Call about a technical matter",
        "complaint": "Call with a complaint",
        "general": "Call",
    },
}


def arrive(tx: Tx, event: CallEvent) -> Call:
    """A call comes in: known by its number, or as a caller without one. The same call again is the same row."""
    call = tx.session.scalar(select(Call).where(Call.sid == event.call_sid))
    if call is not None:
        return call
    customer = _caller(tx, event)
    call = Call(
        sid=event.call_sid,
        state=IVR,
        from_number=event.from_,
        to_number=event.to,
        conference=f"call-{event.call_sid}",
        customer_id=customer.id,
        menu=START.to_dict(),
        arrived_at=tx.now,
    )
    tx.session.add(call)
    tx.session.flush()
    tx.session.add(CallLeg(call_id=call.id, sid=event.call_sid, party=CUSTOMER, status="in-progress", started_at=tx.now))
    tx.emit("call.arrived", call=call, customer=customer)
    return call


def press(tx: Tx, call: Call, digits: str | None) -> Step:
    """One step through the menu. When it is done the caller is put into the queue."""
    taken = step(MENUS, Position.from_dict(call.menu), digits)
    call.menu = taken.position.to_dict()
    if taken.done and call.state == IVR:
        _queue(tx, call, dict(taken.position.chosen))
    return taken


def is_open(tx: Tx, call: Call) -> bool:
    """Whether the line that the caller asks for is open now."""
    topic = str(call.menu.get("chosen", {}).get("topic", "general"))
    queue = intake.find_queue(tx, QUEUES.get(topic, topic))
    return calendar_of(tx.session, queue).is_open(tx.now)


def _caller(tx: Tx, event: CallEvent) -> Customer:
    try:
        return customers.identify(tx, "phone", event.from_, name=event.caller_name)
    except Invalid:
        return customers.identify(tx, "chat", f"call:{event.call_sid}", name="?")


def _queue(tx: Tx, call: Call, chosen: dict[str, str]) -> None:
    topic = chosen.get("topic", "general")
    customer = tx.session.get_one(Customer, call.customer_id)
    locale = LOCALES.get(chosen.get("language", "")) or customer.locale or tx.settings.locale
    customer.locale = customer.locale or locale
    queue = intake.find_queue(tx, QUEUES.get(topic, topic))
    ticket = tickets.open_ticket(
        tx,
        customer=customer,
        queue=queue,
        subject=SUBJECTS[locale].get(topic, SUBJECTS[locale]["general"]),
        channel="voice",
        locale=locale,
    )
    item = work_items.enqueue(tx, "call", "voice", ticket, queue, skills=((f"lang:{locale}", 1),))
    call.locale, call.topic, call.ticket_id, call.item_id = locale, topic, ticket.id, item.id
    call.state, call.queued_at = QUEUED, tx.now
    tx.emit("call.queued", call=call, ticket=ticket, item=item, customer=customer, queue=queue, data={"topic": topic})
