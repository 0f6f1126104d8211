"""A desk with a past: thousands of settled tickets, each with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, text

from desk.beginnings import folded
from desk.events import Event
from desk.models import (
    Agent,
    Call,
    Chat,
    Complaint,
    ContactPoint,
    Customer,
    FollowUp,
    Message,
    Offer,
    OutboxMail,
    OutboxRecipient,
    Queue,
    RawMail,
    SignIn,
    Survey,
    Tag,
    Ticket,
    TicketFollower,
    TicketParticipant,
    TicketTag,
    Timer,
    UnsentReply,
    WorkItem,
)
from desk.models.ticket import NEVER
from tests.desk.house import MORNING, House

GROWING = (
    *("ticket", "message", "event", "work_item", "offer", "call", "chat", "contact_point", "customer", "complaint"),
    *("outbox_mail", "outbox_recipient", "raw_mail", "ticket_participant", "unsent_reply", "timer", "survey", "follow_up"),
    *("sign_in", "ticket_tag", "ticket_follower"),
)
TODAY = 30
KINDS = ("ticket.opened", "message.added", "item.queued", "offer.made", "ticket.solved")


def fill(house: House, count: int, first: int = 0) -> None:
    """Add `count` settled tickets with all that belongs to them, and at the first time a few of today."""
    with house.store.engine.begin() as connection:
        base = {table: connection.execute(text(f'SELECT coalesce(max(id), 0) FROM "{table}"')).scalar() for table in GROWING}
        people_ids = connection.execute(select(Agent.id).order_by(Agent.id)).scalars().all()
        queue = connection.execute(select(Queue.id, Queue.team_id).order_by(Queue.id)).first()
        if first == 0:
            tags = [{"word": word, "folded": word, "colour": "grey", "created_at": MORNING} for word in ("often", "rare")]
            connection.execute(insert(Tag), tags)
        for model, rows in past(count, first, base, people_ids, queue):
            connection.execute(insert(model), rows)
        if connection.dialect.name == "postgresql":
            for table in GROWING:
                connection.execute(
                    text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))")
                )
            connection.execute(text("ANALYZE"))


def past(
    count: int, first: int, base: dict[str, int], agents: list[int], queue: Any
) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    numbers = range(first, first + count)
    at = {n: MORNING - timedelta(hours=n % 4000, seconds=n % 7) for n in numbers}
    ids = {table: {n: base[table] + 1 + n - first for n in numbers} for table in GROWING}
    agent = {n: agents[n % len(agents)] for n in numbers}
    live = {n: n - first < TODAY for n in numbers}
    status = {n: ("new", "open", "pending_customer")[n % 3] if live[n] else ("solved", "closed", "spam")[n % 3] for n in numbers}
    whose = {n: ids["customer"][n] for n in numbers}
    yield (
        Customer,
        [{"id": whose[n], "name": f"Anna {n}", "name_sought": folded(f"Anna {n}"), "created_at": at[n]} for n in numbers],
    )
    yield (
        ContactPoint,
        [
            {"customer_id": whose[n], "kind": kind, "value": value, "created_at": at[n]}
            for n in numbers
            for kind, value in (("email", f"p{n}@customers.example"), ("phone", f"+86138{n:08d}"))
        ],
    )
    yield (
        Ticket,
        [
            {
                "id": ids["ticket"][n],
                "number": 10_000 + ids["ticket"][n],
                "subject": f"Invoice {n}",
                "subject_sought": folded(f"Invoice {n}"),
                "type": "complaint" if n % 20 == 0 else "request",
                "status": status[n],
                "channel": "email",
                "customer_id": whose[n],
                "queue_id": queue.id,
                "team_id": queue.team_id,
                "owner_id": agent[n] if n % 4 else None,
                "created_at": at[n],
                "updated_at": at[n],
                "resolve_due_at": at[n],
                "due_order": at[n] if live[n] and status[n] != "pending_customer" else NEVER,
                "solved_at": None if live[n] else at[n],
                "closed_at": None if live[n] else at[n],
            }
            for n in numbers
        ],
    )
    about = {n: {"ticket_id": ids["ticket"][n], "customer_id": whose[n]} for n in numbers}
    yield (TicketTag, [{"ticket_id": ids["ticket"][n], "tag_id": 1, "at": at[n]} for n in numbers])
    rare = [{"ticket_id": ids["ticket"][n], "tag_id": 2, "at": at[n]} for n in numbers if n % 100 == 0]
    yield (TicketTag, rare)
    yield (
        TicketFollower,
        [{"ticket_id": ids["ticket"][n], "agent_id": agent[n], "at": at[n], "seen_id": 0} for n in numbers if n % 20 == 0],
    )
    yield (
        Message,
        [
            {
                **about[n],
                "channel": "email",
                "direction": "in" if half == 0 else "out",
                "from_address": f"p{n}@customers.example",
                "text": "Hello",
                "external_id": f"m{n}.{half}",
                "delivery": "sent" if half else "",
                "mail_message_id": f"m{n}@mail.example" if half == 0 else None,
                "created_at": at[n],
            }
            for n in numbers
            for half in (0, 1)
        ],
    )
    yield (
        WorkItem,
        [
            {
                **about[n],
                "id": ids["work_item"][n],
                "kind": kind,
                "channel": channel,
                "state": "waiting" if live[n] else "done",
                "queue_id": queue.id,
                "agent_id": None if live[n] else agent[n],
                "requires": [],
                "band": 1,
                "due_at": at[n],
                "enqueued_at": at[n],
                "answered_at": None if live[n] else at[n],
                "ended_at": None if live[n] else at[n],
            }
            for n in numbers
            for kind, channel in [(("call", "voice"), ("chat", "chat"), ("ticket", "email"))[n % 3]]
        ],
    )
    yield (
        Offer,
        [
            {
                "item_id": ids["work_item"][n],
                "agent_id": agent[n],
                "channel": "email",
                "weight": 20,
                "state": "timeout" if live[n] else "completed",
                "offered_at": at[n],
                "deadline": at[n],
                "epoch": 1,
            }
            for n in numbers
        ],
    )
    work = {n: {**about[n], "item_id": ids["work_item"][n]} for n in numbers}
    yield (
        Call,
        [
            {
                **work[n],
                "sid": f"CA{n}",
                "state": "queued" if live[n] else "done",
                "from_number": "+8613800000000",
                "to_number": "+862155501234",
                "conference": f"call-{n}",
                "arrived_at": at[n],
            }
            for n in numbers
            if n % 3 == 0
        ],
    )
    yield (
        Chat,
        [
            {**work[n], "token_hash": f"{n:064d}", "state": "queued" if live[n] else "ended", "opened_at": at[n]}
            for n in numbers
            if n % 3 == 1
        ],
    )
    yield (
        Complaint,
        [
            {
                "ticket_id": ids["ticket"][n],
                "stage": "received" if live[n] else "closed",
                "statement": "No",
                "received_at": at[n],
                "acknowledge_due_at": at[n],
                "decide_due_at": at[n],
                "closed_at": None if live[n] else at[n],
                "access_key": f"complaint-{n:020d}",
            }
            for n in numbers
            if n % 20 == 0
        ],
    )
    yield (
        Event,
        [
            {
                "id": ids["event"][n] * 5 + place,
                "at": at[n],
                "kind": kind,
                "actor_kind": "agent",
                "actor_id": agent[n],
                "data": {},
            }
            | {**about[n], "agent_id": agent[n], "item_id": ids["work_item"][n]}
            for n in numbers
            for place, kind in enumerate(KINDS)
        ],
    )
    yield (
        OutboxMail,
        [
            {
                "id": ids["outbox_mail"][n],
                "ticket_id": ids["ticket"][n],
                "payload": {},
                "state": "sent",
                **dict.fromkeys(("next_at", "give_up_at", "created_at"), at[n]),
            }
            for n in numbers
        ],
    )
    yield (
        OutboxRecipient,
        [
            {"mail_id": ids["outbox_mail"][n], "address": f"p{n}@customers.example", "changed_at": at[n]}
            | {"state": "sent" if n % 50 else "failed", "settled_at": at[n] if n % 100 else None}
            for n in numbers
        ],
    )
    yield (
        RawMail,
        [
            {
                "identity": f"raw {n}",
                "sha256": f"{n:064d}",
                "size": 1000,
                "mailbox": "support@desk.example",
                "envelope_from": f"p{n}@customers.example",
                "envelope_to": ["support@desk.example"],
                "from_address": f"p{n}@customers.example",
                "received_at": at[n],
                "verdict": "person",
                "reasons": [],
                "outcome": "opened" if n % 50 else "quarantined",
                "ticket_id": ids["ticket"][n],
            }
            for n in numbers
        ],
    )
    yield (
        TicketParticipant,
        [{"ticket_id": ids["ticket"][n], "address": f"boss{n}@customers.example", "created_at": at[n]} for n in numbers],
    )
    yield (
        UnsentReply,
        [
            {"ticket_id": ids["ticket"][n], "agent_id": agent[n], "client_id": f"unsent-{n}", "text": "Hello"}
            | {"state": "taken_back", **dict.fromkeys(("created_at", "send_at"), at[n])}
            for n in numbers
        ],
    )
    yield Timer, [{"kind": "ticket.close", "key": str(n), "due_at": at[n], "done_at": at[n]} for n in numbers]
    yield (
        Survey,
        [
            {"ticket_id": ids["ticket"][n], "access_key": f"survey-{n:020d}", "channel": "email", "sent_at": at[n]}
            | {"answered_at": at[n], "score": 4}
            for n in numbers
        ],
    )
    yield (
        FollowUp,
        [
            {"ticket_id": ids["ticket"][n], "reason": "low_score", "state": "open" if live[n] else "done", "created_at": at[n]}
            for n in numbers
        ],
    )
    yield (
        SignIn,
        [{"at": at[n], "email": f"a{n % 9}@desk.example", "outcome": "ok", "address": f"10.0.0.{n % 9}"} for n in numbers],
    )
