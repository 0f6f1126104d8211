"""A caller in the line: what they were told, and stepping out of the room to choose something else, or back into it."""

from __future__ import annotations

from sqlalchemy import select, update

from desk.actions.work.holding import lock_item
from desk.models import Call, CallLeg, WorkItem
from desk.models.call import AGENT, QUEUED
from desk.models.work_item import WAITING
from desk.queries.calls.callers import CallersPlace
from desk.store import Tx

LEAVE, CALLBACK, VOICEMAIL = "leave", "callback", "voicemail"


def note_told(tx: Tx, call_id: int, place: CallersPlace) -> None:
    """Keep with the call what its caller is told, so that the next time, from whichever process, it is not more."""
    if place.told is not None:
        told = update(Call).where(Call.id == call_id).values(told=place.told.to_dict())
        tx.session.execute(told.execution_options(synchronize_session=False))


def step_out(tx: Tx, call: Call) -> bool:
    """The caller has left the room by the star key. It gets another name: what is still told of the old one counts no more.

    True when its agent was being rung into the old one just now, who would find nobody there: they are to be rung anew.
    """
    name, _, number = call.conference.partition(".")
    call.conference = f"{name}.{int(number or 1) + 1}"
    call.conference_sid, call.aside = "", LEAVE
    tx.emit("call.stepped_out", call=call, ticket=call.ticket_id, item=call.item_id, customer=call.customer_id)
    rung = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party == AGENT, CallLeg.unwanted.is_(False))
    rung = rung.where(CallLeg.ended_at.is_(None), CallLeg.joined_at.is_(None))
    legs = tx.session.scalars(rung).all()
    for leg in legs:
        leg.unwanted = True
    return any(leg.to for leg in legs)  # of one that is only just being rung its ringer sees it


def step_in(tx: Tx, call: Call) -> None:
    """The caller goes back into the room, to the place that they never lost."""
    if call.aside:
        call.aside = ""
        tx.emit("call.stepped_in", call=call, ticket=call.ticket_id, item=call.item_id, customer=call.customer_id)


def still_waits(tx: Tx, call: Call) -> bool:
    """Whether nobody is taking the call just now; the caller's work cannot be taken before this transaction ends."""
    item = tx.session.get(WorkItem, call.item_id) if call.item_id else None
    if call.state != QUEUED or item is None:
        return False
    lock_item(tx, item)
    return item.state == WAITING


def visits(call: Call) -> int:
    """How often the caller has been in the room: the number in its name."""
    return int(call.conference.partition(".")[2] or 1)
