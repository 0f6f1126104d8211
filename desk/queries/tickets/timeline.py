"""One ticket as it reads: messages, notes, calls and what happened, in order of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.events import Event
from desk.models import Agent, Attachment, Call, CallRecording, Message, Team, Ticket
from desk.queries.tickets.belongings import Belongings
from desk.queries.tickets.links import merged_tickets
from desk.queries.work.why_offer import teams_by_key

PAGE = 200
# What is worth a line of its own; the rest is either a message already or of no interest here.
SHOWN = (
    "ticket.opened",
    "ticket.assigned",
    "ticket.status_set",
    "ticket.reopened",
    "ticket.solved",
    "ticket.moved",
    "ticket.changed",
    "ticket.raised",
    "ticket.closed",
    "ticket.confirmed",
    "offer.made",
    "offer.accepted",
    "offer.rejected",
    "offer.timed_out",
    "item.abandoned",
    "item.escalated",
    "item.calmed",
    "item.relaxed",
    "hand_up.asked",
    "hand_up.answered",
    "hand_up.returned",
    "hand_up.handed_on",
    "hand_up.withdrawn",
    "hand_up.overdue",
    "message.held",
    "message.admitted",
    "message.detached",
    "message.attached",
    "ticket.continued",
    "ticket.snoozed",
    "ticket.woken",
    "ticket.customer_silent",
    "ticket.marked_spam",
    "ticket.not_spam",
    "ticket.linked",
    "ticket.unlinked",
    "ticket.merged",
    "ticket.unmerged",
    "ticket.split",
    "ticket.unsplit",
    "ticket.answers_set",
    "mail.failed",
    "mail.bounced",
    "chat.ended",
    "chat.rated",
    "call.answered",
    "call.held",
    "call.resumed",
    "call.agent_lost",
    "callback.promised",
    "callback.planned",
    "callback.missed",
    "callback.called_in",
    "callback.late",
    "callback.not_reached",
    "callback.impossible",
    "callback.withdrawn",
    "survey.answered",
    "follow_up.opened",
    "follow_up.done",
    "complaint.received",
    "complaint.acknowledged",
    "complaint.assessed",
    "complaint.investigation_began",
    "complaint.info_asked",
    "complaint.extended",
    "complaint.decision_drafted",
    "complaint.approval_asked",
    "complaint.decided",
    "complaint.redress_began",
    "complaint.follow_up_began",
    "complaint.closed",
    "complaint.reopened",
    "complaint.withdrawn",
    "complaint.referred",
    "complaint.archived",
    "article.linked",
)


@dataclass(frozen=True)
class Entry:
    """One thing on the timeline: exactly one of `message`, `call` and `event` is set.

    `recording` is the sound of a message left on the phone. `names` maps agent ids to names; `teams` has the teams by their keys
    where a step calls one in.
    """

    key: str
    at: datetime
    message: Message | None = None
    attachments: list[Attachment] = field(default_factory=list)
    recording: CallRecording | None = None
    call: Call | None = None
    event: Event | None = None
    names: dict[int, str] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)


def timeline(session: Session, ticket: Ticket, has: Belongings, *, pages: int = 1) -> tuple[list[Entry], bool]:
    """The latest entries (`PAGE` for each of `pages`), oldest first, and whether there are earlier ones."""
    most = PAGE * pages
    messages = _latest(session, select(Message).where(Message.ticket_id == ticket.id), Message.id, most)
    whole = (
        Event.ticket_id.in_([ticket.id, *inside])
        if (inside := merged_tickets(session, ticket.id) if has.moves else [])
        else Event.ticket_id == ticket.id
    )
    events = _latest(session, select(Event).where(whole, Event.kind.in_(SHOWN)), Event.id, most)
    calls = _latest(session, select(Call).where(Call.ticket_id == ticket.id), Call.id, most) if has.calls else []
    files = _attachments(session, [message.id for message in messages])
    sounds = _sounds(session, messages)
    names = _names(session, events, calls)
    teams = teams_by_key(session) if any(event.kind == "item.relaxed" for event in events) else {}
    entries = [
        *(
            Entry(f"m{each.id}", each.created_at, message=each, attachments=files.get(each.id, []), recording=sounds.get(each.id))
            for each in messages
            if each.meta.get("system") != "survey"  # nobody who is rated knows who is asked
        ),
        *(Entry(f"c{each.id}", each.arrived_at, call=each, names=names) for each in calls),
        *(Entry(f"e{each.id}", each.at, event=each, names=names, teams=teams) for each in _telling(events)),
    ]
    entries.sort(key=_order)
    return entries[-most:], len(messages) + len(calls) + len(events) > most


def messages_to_split(session: Session, ticket: Ticket) -> list[Message]:
    """The latest mails, forms and notes, which could have a ticket of their own; the oldest of them first."""
    can = Message.channel.in_(("email", "form", "note"))
    return _latest(session, select(Message).where(Message.ticket_id == ticket.id, can), Message.id, PAGE)[::-1]


def _telling(events: list[Event]) -> list[Event]:
    """Leave out what another line says already: an offer that has gone on, an owner who took the offer, a status that follows."""
    offers = [event for event in sorted(events, key=lambda event: event.id) if event.kind.startswith("offer.")]
    last_of_kind = {(event.kind, event.agent_id): event.id for event in offers}
    last_offer = offers[-1].id if offers else 0
    accepted_at = {event.at for event in events if event.kind == "offer.accepted"}
    return [
        event
        for event in events
        if not _is_said_already(event, last_offer, accepted_at)
        # Offered and missed again and again is one line, that of the last time.
        and last_of_kind.get((event.kind, event.agent_id), event.id) == event.id
    ]


def _is_said_already(event: Event, last_offer: int, accepted_at: set[datetime]) -> bool:
    match event.kind:
        case "offer.made":
            return event.id != last_offer
        case "ticket.assigned":
            return event.at in accepted_at
        case "ticket.status_set":
            return event.data.get("new") not in ("pending_customer", "pending_internal")
    return False


def _order(entry: Entry) -> tuple[datetime, int, int]:
    """By time; in one instant the opening comes first, then what was said, then what happened."""
    opening = entry.event is not None and entry.event.kind == "ticket.opened"
    return entry.at, 0 if opening else 1 if entry.event is None else 2, int(entry.key[1:])


def _latest(session: Session, query: Any, key: Any, most: int) -> list[Any]:
    return list(session.scalars(query.order_by(key.desc()).limit(most + 1)))


def _attachments(session: Session, message_ids: list[int]) -> dict[int, list[Attachment]]:
    found: dict[int, list[Attachment]] = {}
    if message_ids:
        query = select(Attachment).where(Attachment.message_id.in_(message_ids)).order_by(Attachment.id)
        for attachment in session.scalars(query):
            found.setdefault(attachment.message_id or 0, []).append(attachment)
    return found


def _sounds(session: Session, messages: list[Message]) -> dict[int, CallRecording]:
    """The recordings of messages left on the phone, by message."""
    wanted = {each.meta["recording"]: each.id for each in messages if each.kind == "voicemail"}
    if not wanted:
        return {}
    rows = session.scalars(select(CallRecording).where(CallRecording.id.in_(wanted)))
    return {wanted[row.id]: row for row in rows}


def _names(session: Session, events: list[Event], calls: list[Call]) -> dict[int, str]:
    """Names for the agents that events and calls speak of."""
    ids = {event.agent_id for event in events} | {call.agent_id for call in calls}
    for event in events:
        if event.kind == "ticket.assigned":
            ids |= {event.data.get("old"), event.data.get("new")}
    ids.discard(None)
    if not ids:
        return {}
    return {each.id: each.name for each in session.execute(select(Agent.id, Agent.name).where(Agent.id.in_(ids)))}
