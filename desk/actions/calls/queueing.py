"""Putting a caller into the line, with a ticket and work that waits for an agent; or past it, to the other ways there are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from desk.actions import intake
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.models import Call, Customer, Queue, WorkItem
from desk.models.call import IVR, OVERFLOW, QUEUED
from desk.models.work_item import WAITING
from desk.queries.people.contact_limits import contact_persons
from desk.store import Tx

AWAY = "away:"  # where in the menus a caller is who cannot be put through; after it stands why

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


def queue_call(tx: Tx, call: Call, chosen: dict[str, str]) -> None:
    """The caller waits from now on, for what they chose."""
    topic = chosen.get("topic", "general")
    customer = tx.session.get_one(Customer, call.customer_id)
    locale = chosen.get("language", "") or call.locale or customer.locale or tx.settings.locale
    customer.locale = customer.locale or locale
    queue = intake.find_queue(tx, chosen.get("queue", "general"))
    ticket = tickets.open_ticket(
        tx, customer=customer, queue=queue, subject=_subject(chosen, topic, locale), channel="voice", locale=locale
    )
    skill = chosen.get("skill")
    skills = ((f"lang:{locale}", 1), *(((skill, 1),) if skill else ()))
    only = contact_persons(tx.session, [customer.id], tx.now).get(customer.id)
    if only is not None:
        tickets.assign(tx, ticket, only)
    item = work_items.enqueue(tx, "call", "voice", ticket, queue, skills=skills, sticky_agent_id=only)
    call.locale, call.topic, call.ticket_id, call.item_id = locale, topic, ticket.id, item.id
    call.state, call.queued_at = QUEUED, tx.now
    tx.emit("call.queued", call=call, ticket=ticket, item=item, customer=customer, queue=queue, data={"topic": topic})


def was_turned_away(call: Call) -> bool:
    """Whether the caller has been told that we are closed, or the line full, and has not chosen another way yet."""
    return call.state == IVR and str(call.menu.get("stage", "")).startswith(AWAY)


def send_elsewhere(tx: Tx, call: Call, at: datetime) -> None:
    """The caller leaves us as one who could not be put through: they gave up no place, as they had none."""
    call.state, call.flow_out, call.flow_out_at, call.ended_at, call.aside = OVERFLOW, "overflow", at, at, ""
    tx.emit("call.sent_elsewhere", call=call, customer=call.customer_id)


def is_full(tx: Tx, queue: Queue, limit: int) -> bool:
    """Whether so many callers wait in this queue that nobody else should."""
    waiting = select(WorkItem.id).where(WorkItem.queue_id == queue.id, WorkItem.kind == "call", WorkItem.state == WAITING)
    return (tx.session.scalar(select(func.count()).select_from(waiting.limit(limit).subquery())) or 0) >= limit


def _subject(chosen: dict[str, str], topic: str, locale: str) -> str:
    """What the ticket is called: by the topic, or as the option was announced."""
    lang = locale if locale in SUBJECTS else "en"
    about = chosen.get(f"about_{lang}")
    if topic in SUBJECTS[lang] and (topic != "general" or not about):
        return SUBJECTS[lang][topic]
    return f"来电：{about}" if lang == "zh" else f"Call: {about}"
