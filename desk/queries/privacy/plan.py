"""Before anybody decides: what erasing a customer takes away, what stays and why, counted from the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from desk.models import (
    Attachment,
    Call,
    CallRecording,
    Chat,
    Complaint,
    Consent,
    ContactPoint,
    Customer,
    Draft,
    Event,
    Evidence,
    Message,
    OutboxMail,
    RawMail,
    Survey,
    Ticket,
    UnsentReply,
)
from desk.models.mail import QUEUED
from desk.models.message import INTERNAL
from desk.queries.privacy.duties import Duty, duties_of, in_hand, on_the_line


@dataclass(frozen=True)
class Plan:
    """`goes` and `stays` are {what: how many}; `duties` keep some of it for now, `in_hand` are tickets to settle first."""

    customer: Customer
    goes: dict[str, int]
    stays: dict[str, int]
    duties: list[Duty]
    in_hand: list[int]
    on_the_line: bool


def plan_of(session: Session, customer: Customer, now: datetime) -> Plan:
    """What would happen now."""
    tickets = select(Ticket.id).where(Ticket.customer_id == customer.id)
    cases = select(Complaint.id).where(Complaint.ticket_id.in_(tickets))
    calls = or_(Call.ticket_id.in_(tickets), Call.customer_id == customer.id)
    messages = or_(Message.ticket_id.in_(tickets), Message.customer_id == customer.id)

    def count(model: Any, *which: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count()).select_from(model).where(*which)) or 0

    goes = {
        "contacts": count(ContactPoint, ContactPoint.customer_id == customer.id),
        "messages": count(Message, messages, Message.direction != INTERNAL),
        "notes": count(Message, messages, Message.direction == INTERNAL),
        "files": count(Attachment, Attachment.message_id.in_(select(Message.id).where(messages)))
        + count(Evidence, Evidence.complaint_id.in_(cases)),
        "recordings": count(
            CallRecording, CallRecording.call_id.in_(select(Call.id).where(calls)), CallRecording.attachment_id.is_not(None)
        ),
        "raw_mails": count(RawMail, RawMail.ticket_id.in_(tickets), RawMail.sha256 != ""),
        "waiting_mails": count(OutboxMail, OutboxMail.ticket_id.in_(tickets), OutboxMail.state == QUEUED),
        "drafts": count(Draft, Draft.ticket_id.in_(tickets)) + count(UnsentReply, UnsentReply.ticket_id.in_(tickets)),
        "comments": count(Survey, Survey.ticket_id.in_(tickets), Survey.comment != ""),
        "case_texts": count(Complaint, Complaint.ticket_id.in_(tickets), Complaint.statement != ""),
        "entries": count(Event, Event.ticket_id.in_(tickets)),
    }
    stays = {
        "tickets": count(Ticket, Ticket.customer_id == customer.id),
        "calls": count(Call, calls),
        "chats": count(Chat, Chat.customer_id == customer.id),
        "marks": count(Survey, Survey.ticket_id.in_(tickets), Survey.score.is_not(None)),
        "cases": count(Complaint, Complaint.ticket_id.in_(tickets)),
        "consents": count(Consent, Consent.customer_id == customer.id),
    }
    duties = duties_of(session, customer.id, now)
    numbers = list(in_hand(session, customer.id, [duty.ticket_id for duty in duties]))
    return Plan(customer, goes, stays, duties, numbers, on_the_line(session, customer.id))
