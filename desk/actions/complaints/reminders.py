"""Reminding those who handle complaints: each case once a day, however often and by how many officers it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.actions.complaints.record import tell
from desk.actions.tickets import tickets
from desk.events import Event
from desk.models import Agent, Complaint, Mention, Ticket
from desk.models.complaint import OPEN_STAGES
from desk.store import Tx

AGAIN_AFTER = timedelta(hours=20)
REMINDED = "complaint.reminded"
TEXTS = {"en": "Reminder: this complaint is to be decided in time.", "zh": "催办提醒：请按时处理本投诉。"}


@dataclass(frozen=True)
class Reminded:
    """How many were told of theirs; how many were told today already; and how many have nobody to tell, or are not open."""

    told: int
    before: int
    nobody: int


def remind(tx: Tx, complaints: Iterable[Complaint], officer: Agent) -> Reminded:
    """Tell each case's handler once, in a note that names them, which stays on their work list until they have looked.

    Raises `NotAllowed` for who neither handles complaints nor supervises.
    """
    chosen, viewer = sorted(complaints, key=lambda each: each.id), viewer_of(officer)
    if chosen and not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    told = before = nobody = 0
    for complaint in chosen:
        # Two officers who do it at the same moment wait for each other here.
        tx.session.refresh(complaint, ["stage", "handler_id"], with_for_update=True)
        if complaint.stage not in OPEN_STAGES or complaint.handler_id is None:
            nobody += 1
        elif _was_reminded(tx, complaint):
            before += 1
        else:
            _tell(tx, complaint, officer)
            told += 1
    return Reminded(told, before, nobody)


def _tell(tx: Tx, complaint: Complaint, officer: Agent) -> None:
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    handler = tx.session.get_one(Agent, complaint.handler_id)
    note = tickets.note(tx, ticket, officer, TEXTS["zh" if handler.locale == "zh" else "en"])
    tx.session.flush()
    tx.session.add(Mention(agent_id=handler.id, ticket_id=ticket.id, message_id=note.id, at=tx.now))
    tx.emit("mention.made", ticket=ticket, agent=handler)
    tell(tx, complaint, REMINDED, agent=handler, data={"by": officer.name})


def _was_reminded(tx: Tx, complaint: Complaint) -> bool:
    query = select(Event.id).where(
        Event.ticket_id == complaint.ticket_id, Event.kind == REMINDED, Event.at > tx.now - AGAIN_AFTER
    )
    return tx.session.scalar(query.limit(1)) is not None
