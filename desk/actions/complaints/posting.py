"""A letter was taken to the post: the day stands on it, and an acknowledgement counts from then."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.actions.complaints import complaints
from desk.actions.mail.paper_letters import POSTED
from desk.days import day_begins
from desk.errors import Conflict, Invalid
from desk.models import Agent, Complaint, Message, PaperLetter, Ticket
from desk.models.complaint import RECEIVED
from desk.queries.complaints.complaints import zone_of
from desk.sentences import N_
from desk.store import Tx

ACKNOWLEDGEMENT = "acknowledgement"
WRONG_DAY = N_("Choose the day on which it was posted: not before it was written, nor to come.")


def posted(tx: Tx, letter: PaperLetter, agent: Agent, day: str) -> None:
    """Somebody says on which `day` (2026-11-20) it went. Raises `Conflict` when that is known, `Invalid` for no such day."""
    viewer_of(agent).require(Right.REPLY)
    tx.session.refresh(letter, with_for_update=True)
    if letter.posted_on is not None:
        raise Conflict("This letter has been posted already.")
    ticket = tx.session.get_one(Ticket, letter.ticket_id)
    complaint = tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    zone = zone_of(tx.session, ticket, complaint)
    began, first = day_begins(day, zone), letter.made_at.astimezone(ZoneInfo(zone)).date()
    if began is None or began > tx.now or began.date() < first:
        raise Invalid(WRONG_DAY, {"day": WRONG_DAY})
    letter.posted_on, letter.posted_by = began.date(), agent.name
    tx.session.get_one(Message, letter.message_id).delivery = POSTED
    tx.emit("letter.posted", ticket=ticket, agent=agent, data={"letter": letter.id, "kind": letter.kind, "day": day})
    if letter.kind == ACKNOWLEDGEMENT and complaint is not None and complaint.stage == RECEIVED:
        of_day = began + timedelta(days=1) - timedelta(seconds=1)
        complaints.acknowledged(tx, complaint, ticket, how="post", mailed=False, at=min(tx.now, of_day))
