"""All that is held of one customer, for them: what they said, what we told them, what we noted of it in figures.

Left out are colleagues' notes among themselves, what others wrote, and the sound of recordings, on which others speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from desk.models import (
    Attachment,
    Call,
    CallRecording,
    Chat,
    Complaint,
    ComplaintDecision,
    Consent,
    ContactPoint,
    Customer,
    Message,
    Survey,
    Ticket,
)
from desk.models.complaint_case import SENT
from desk.models.message import IN, INTERNAL

OF_CUSTOMER = ("id", "name", "tier", "locale", "note", "surveys_declined_at", "created_at", "restricted_at")
OF_TICKET = (
    *("number", "subject", "type", "category", "status", "impact", "urgency", "priority", "channel", "locale", "created_at"),
    *("first_human_reply_at", "solved_at", "closed_at", "reopened", "wrap_up_code", "resolution", "score", "answers"),
)
OF_CASE = (
    *("stage", "policy", "category", "severity", "statement", "remedy_wanted", "product", "order_number", "outcome", "decision"),
    *("cause", "needs", "received_at", "acknowledged_at", "decide_due_at", "decided_at", "closed_at"),
)
OF_CALL = ("direction", "from_number", "to_number", "state", "wrap_up_code", "arrived_at", "answered_at", "ended_at", "recording")


def copy_of(session: Session, customer: Customer, now: datetime) -> dict[str, Any]:
    """The whole of it, as JSON would say it."""
    mine = customer.id
    tickets = session.scalars(select(Ticket).where(Ticket.customer_id == mine).order_by(Ticket.id)).all()
    calls = session.scalars(select(Call).where(Call.customer_id == mine).order_by(Call.id)).all()
    recordings = select(CallRecording).where(CallRecording.call_id.in_([call.id for call in calls])).order_by(CallRecording.id)
    return {
        "made_at": now.isoformat(),
        "customer": _said(customer, OF_CUSTOMER),
        "contacts": _rows(session, ContactPoint, ContactPoint.customer_id == mine, ("kind", "value", "verified", "created_at")),
        "consents": _rows(session, Consent, Consent.customer_id == mine),
        "tickets": [_ticket(session, ticket) for ticket in tickets],
        "calls": [_said(call, OF_CALL) for call in calls],
        "recordings": [_said(row, ("kind", "state", "started_at", "duration_s")) for row in session.scalars(recordings)],
        "chats": _rows(session, Chat, Chat.customer_id == mine, ("visitor_name", "topic", "page_url", "opened_at", "rating")),
        "answers": _rows(
            session,
            Survey,
            Survey.customer_id == mine,
            ("kind", "channel", "sent_at", "answered_at", "score", "expected", "solved", "comment"),
        ),
    }


def _ticket(session: Session, ticket: Ticket) -> dict[str, Any]:
    between = Message.ticket_id == ticket.id, Message.direction != INTERNAL, Message.held.is_(False)
    messages = [
        message
        for message in session.scalars(select(Message).where(*between).order_by(Message.id))
        if message.direction != IN or message.customer_id == ticket.customer_id
    ]
    found = {**_said(ticket, OF_TICKET), "messages": [_message(session, message) for message in messages]}
    case = session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    if case is not None:
        sent = ComplaintDecision.complaint_id == case.id, ComplaintDecision.state == SENT
        letters = session.scalars(select(ComplaintDecision).where(*sent).order_by(ComplaintDecision.id)).all()
        found["complaint"] = {
            **_said(case, OF_CASE),
            "decisions": [_said(row, ("outcome", "reasons", "sent_at")) for row in letters],
        }
    return found


def _message(session: Session, message: Message) -> dict[str, Any]:
    files = session.execute(select(Attachment.name, Attachment.size).where(Attachment.message_id == message.id)).all()
    return {
        **_said(message, ("channel", "direction", "created_at", "subject", "text")),
        "files": [{"name": name, "size": size} for name, size in files],
    }


def _rows(session: Session, model: Any, which: Any, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    return [_said(row, names) for row in session.scalars(select(model).where(which).order_by(model.id))]


def _said(row: Any, names: Sequence[str] = ()) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names or [column.key for column in inspect(type(row)).column_attrs]}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
