"""Winning back whom we have disappointed twice, or who says that they complain: their answer becomes a complaint."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.actions.complaints import complaints
from desk.actions.surveys.marks import complains, is_low
from desk.models import Complaint, Survey, Ticket
from desk.models.ticket import MERGED, SPAM
from desk.store import Tx

SECOND_WITHIN = timedelta(days=90)
SAID = {"en": "Answered our question sheet a second time with a low mark.", "zh": "客户在满意度调查中再次给出低分。"}


def consider(tx: Tx, survey: Survey) -> Complaint | None:
    """An answer has come that is low, or complains (timer `survey.recover`). The complaint that follows; None for one bad mark.

    A ticket that is a complaint already stays that one.
    """
    ticket = tx.session.get_one(Ticket, survey.ticket_id)
    is_bad = is_low(survey) or survey.solved is False
    if ticket.status in (MERGED, SPAM) or not (complains(survey) or (is_bad and _was_low_before(tx, survey))):
        return None
    known = tx.session.scalar(select(Complaint.id).where(Complaint.ticket_id == ticket.id))
    if known is not None:
        return None
    statement = survey.comment or SAID["zh" if ticket.locale == "zh" else "en"]
    complaint = complaints.register_from_ticket(tx, ticket, statement, received_at=survey.answered_at)
    tx.emit("survey.became_complaint", ticket=ticket, customer=ticket.customer_id, data={"survey": survey.id})
    return complaint


def _was_low_before(tx: Tx, survey: Survey) -> bool:
    earlier = select(Survey).where(
        Survey.customer_id == survey.customer_id,
        Survey.id < survey.id,
        Survey.sent_at > survey.sent_at - SECOND_WITHIN,
        Survey.answered_at.is_not(None),
    )
    return any(is_low(each) or each.solved is False for each in tx.session.scalars(earlier.limit(20)))
