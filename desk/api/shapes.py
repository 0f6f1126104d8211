"""How each noun looks in JSON. Fields are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from desk.access import Viewer, masked, shown_name
from desk.events import Event
from desk.models import Agent, Article, Attachment, Complaint, ContactPoint, Customer, Message, Queue, Tag, Ticket, WorkItem
from desk.models.complaint import case_number


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ticket_shape(
    ticket: Ticket,
    customer: Customer,
    owner: Agent | None,
    queue: Queue,
    viewer: Viewer,
    *,
    tags: Sequence[Tag] = (),
    merged_into: int | None = None,
) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status,
        "type": ticket.type,
        "category": ticket.category or None,
        "channel": ticket.channel,
        "impact": ticket.impact,
        "urgency": ticket.urgency,
        "priority": ticket.priority,
        "priority_reason": ticket.priority_reason,
        "level": ticket.level,
        "locale": ticket.locale or None,
        "queue": queue.key,
        "customer": {"id": customer.id, "name": shown_name(viewer, customer.name), "tier": customer.tier},
        "owner": {"id": owner.id, "name": owner.name} if owner else None,
        "created_at": moment(ticket.created_at),
        "updated_at": moment(ticket.updated_at),
        "first_due_at": moment(ticket.first_due_at),
        "resolve_due_at": moment(ticket.resolve_due_at),
        "first_human_reply_at": moment(ticket.first_human_reply_at),
        "solved_at": moment(ticket.solved_at),
        "closed_at": moment(ticket.closed_at),
        "reopened": ticket.reopened,
        "wrap_up_code": ticket.wrap_up_code or None,
        "resolution": ticket.resolution or None,
        "score": ticket.score,
        "snoozed_until": moment(ticket.snoozed_until),
        "merged_into": merged_into,
        "tags": [tag.word for tag in tags],
        "fields": ticket.answers or {},
    }


def tag_shape(tag: Tag) -> dict[str, Any]:
    return {"id": tag.id, "word": tag.word, "colour": tag.colour}


def message_shape(message: Message, ticket_number: int | None, files: list[Attachment], viewer: Viewer) -> dict[str, Any]:
    def address(value: str) -> str:
        return shown_name(viewer, value)

    return {
        "id": message.id,
        "ticket": ticket_number,
        "channel": message.channel,
        "direction": message.direction,
        "kind": message.kind,
        "from": {"name": shown_name(viewer, message.author_name), "address": address(message.from_address) or None},
        "to": [address(each) for each in message.to],
        "cc": [address(each) for each in message.cc],
        "subject": message.subject or None,
        "text": message.text,
        "reply_text": message.reply_text or message.text,
        "attachments": [
            {"id": file.id, "name": file.name, "content_type": file.content_type, "size": file.size, "sha256": file.sha256}
            for file in files
        ],
        "delivery": message.delivery or None,
        "held": message.held,
        "threaded_by": message.threaded_by or None,
        "created_at": moment(message.created_at),
    }


def customer_shape(customer: Customer, contacts: list[ContactPoint], viewer: Viewer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "name": shown_name(viewer, customer.name),
        "tier": customer.tier,
        "locale": customer.locale or None,
        "contacts": [
            {
                "kind": each.kind,
                "value": masked(each.value, each.kind) if viewer.masked else each.value,
                "verified": each.verified,
            }
            for each in contacts
            if each.kind != "chat"
        ],
        "created_at": moment(customer.created_at),
    }


def work_item_shape(item: WorkItem, ticket_number: int | None) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "channel": item.channel,
        "state": item.state,
        "ticket": ticket_number,
        "customer": item.customer_id,
        "queue": item.queue_id,
        "agent": item.agent_id,
        "tier": item.tier,
        "requires": [{"skill": skill, "level": level} for skill, level in item.requires],
        "band": item.band,
        "due_at": moment(item.due_at),
        "enqueued_at": moment(item.enqueued_at),
        "offered_at": moment(item.offered_at),
        "answered_at": moment(item.answered_at),
        "ended_at": moment(item.ended_at),
        "attempts": item.attempts,
    }


def agent_shape(agent: Agent, skills: dict[str, int]) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "email": agent.email,
        "roles": agent.roles,
        "team": agent.team_id,
        "presence": agent.presence,
        "presence_since": moment(agent.presence_since),
        "used": agent.used,
        "capacity": agent.capacity,
        "skills": skills,
    }


def complaint_shape(complaint: Complaint, ticket_number: int | None) -> dict[str, Any]:
    return {
        "id": complaint.id,
        "ticket": ticket_number,
        "reference": case_number(ticket_number or 0, complaint.reopened),
        "anonymous": complaint.anonymous,
        "stage": complaint.stage,
        "category": complaint.category or None,
        "severity": complaint.severity,
        "statement": complaint.statement,
        "remedy_wanted": complaint.remedy_wanted or None,
        "outcome": complaint.outcome or None,
        "received_at": moment(complaint.received_at),
        "acknowledge_due_at": moment(complaint.acknowledge_due_at),
        "acknowledged_at": moment(complaint.acknowledged_at),
        "decide_due_at": moment(complaint.decide_due_at),
        "decided_at": moment(complaint.decided_at),
        "closed_at": moment(complaint.closed_at),
    }


def article_shape(article: Article, products: Sequence[str], files: Sequence[tuple[int, Attachment]]) -> dict[str, Any]:
    """`path` of a file is below the address of the API."""
    words = ("title", "text", "question", "summary", "environment", "cause", "category")
    return {
        "id": article.key,
        "lang": article.lang,
        **{name: getattr(article, name) for name in words},
        "audience": article.audience,
        "state": article.state,
        "confidence": article.confidence,
        "tags": article.tags,
        "products": list(products),
        "files": [
            {
                "id": file_id,
                "name": file.name,
                "type": file.content_type,
                "size": file.size,
                "sha256": file.sha256,
                "path": f"/articles/{article.key}/files/{file_id}",
            }
            for file_id, file in files
        ],
        "twin": article.twin_key,
        "version": article.version,
        "updated_at": moment(article.updated_at),
    }


def event_shape(event: Event, data: dict[str, Any]) -> dict[str, Any]:
    about = {
        noun: getattr(event, f"{noun}_id")
        for noun in ("ticket", "message", "customer", "agent", "item", "queue", "complaint", "call", "chat", "article")
        if getattr(event, f"{noun}_id") is not None
    }
    return {
        "id": event.id,
        "at": moment(event.at),
        "kind": event.kind,
        "actor": {"kind": event.actor_kind, "id": event.actor_id, "name": event.actor_name},
        "about": about,
        "data": data,
    }
