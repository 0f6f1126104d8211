"""The customer's issue: it holds many contacts over any channels and ends with a solution that the customer confirms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, event, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from desk.beginnings import Sought, folded
from desk.db import BIG, Base, only_where

NEW, OPEN, PENDING_CUSTOMER, PENDING_INTERNAL = "new", "open", "pending_customer", "pending_internal"
SOLVED, CLOSED, MERGED, SPAM = "solved", "closed", "merged", "spam"
LIVE = (NEW, OPEN, PENDING_CUSTOMER, PENDING_INTERNAL)
TYPES = ("enquiry", "request", "incident", "complaint")
CATEGORIES = ("billing", "technical", "delivery", "product", "service", "privacy", "other")
SOUGHT = 80  # so much of a subject is enough to find it
WRAP_UP_CODES = ("solved", "information_given", "follow_up", "transferred", "no_action", "wrong_number", "dropped")
NO_ARTICLE = ("one_of_a_kind", "personal", "not_written")  # why no article is linked to what was solved
NO_ANSWER = "no_answer"  # how the desk itself ends a ticket whose customer keeps silent
SOMEBODY_ELSE = "not_there"  # how a call of ours may end besides: who answered is not the customer
CALL_OUTCOMES = (*WRAP_UP_CODES, SOMEBODY_ELSE)
STATUSES = (*LIVE, SOLVED, CLOSED, MERGED, SPAM)
IS_LIVE = f"status IN {LIVE}"  # SQLite takes an index of such rows only for a query that says it in the same words
NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # after all that is ever due
FIRST_NUMBER = 10_000  # ticket numbers are the row's id above this, so that they are short, unique and never reused


class Ticket(Base):
    """`channel` is where it began. The due times are set by its priority and its queue's calendar.

    `no_article` says why no article is linked to what was solved, where its queue asks for one.
    A snoozed one (`snoozed_until`) leaves the lists of what is to do until then; its clocks go on. `answers` are those to the
    installation's own questions, by the key of each.

    `priority` follows from `impact` and `urgency` (`routing.urgency`) and the customer's tier; where a person or a macro has set
    it otherwise, `priority_reason` says why, and is None where nobody has.

    `subject_sought` is kept with the subject, for finding it by its start, and `due_order` with what is due, for sorting by it:
    it is `next_due`, or `NEVER`. The indexes end in the order of the lists they serve: `updated_at` on the screens, `id` in the
    API, and what is due, how urgent it is or since when it is there where there is something to do.
    """

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    number: Mapped[int | None] = mapped_column(unique=True)
    subject: Mapped[str]
    subject_sought: Mapped[str] = mapped_column(Sought)
    type: Mapped[str] = mapped_column(default="enquiry")
    category: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default=NEW)
    impact: Mapped[str] = mapped_column(default="one", server_default="one")
    urgency: Mapped[str] = mapped_column(default="normal", server_default="normal")
    priority: Mapped[int] = mapped_column(default=3)
    priority_reason: Mapped[str | None]
    level: Mapped[int] = mapped_column(default=1)
    channel: Mapped[str]
    locale: Mapped[str] = mapped_column(default="")
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    first_due_at: Mapped[datetime | None]
    first_human_reply_at: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]
    resolve_due_at: Mapped[datetime | None]
    due_order: Mapped[datetime] = mapped_column(default=NEVER, server_default="9999-01-01 00:00:00.000000")
    paused_since: Mapped[datetime | None]
    solved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reopened: Mapped[int] = mapped_column(default=0)
    wrap_up_code: Mapped[str] = mapped_column(default="")
    resolution: Mapped[str] = mapped_column(default="")
    no_article: Mapped[str | None]
    score: Mapped[int | None]
    snoozed_until: Mapped[datetime | None]
    answers: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    erased_at: Mapped[datetime | None]  # since then without its words

    __table_args__ = (
        Index("ix_ticket_status_updated", "status", "updated_at", "id"),
        Index("ix_ticket_status_id", "status", "id"),
        Index("ix_ticket_owner", "owner_id", "status", "updated_at", "id"),
        Index("ix_ticket_owner_id", "owner_id", "id"),
        Index("ix_ticket_team", "team_id", "status", "updated_at", "id"),
        Index(
            "ix_ticket_complaint",
            "status",
            "updated_at",
            "id",
            sqlite_where=text("type = 'complaint'"),
            postgresql_where=text("type = 'complaint'"),
        ),
        only_where("ix_ticket_snoozed", "snoozed_until", "id", where="snoozed_until IS NOT NULL"),
        only_where("ix_ticket_due", "status", "due_order", "id", where=IS_LIVE),
        only_where("ix_ticket_team_due", "team_id", "status", "due_order", "id", where=IS_LIVE),
        only_where("ix_ticket_urgent", "status", "priority", "due_order", "id", where=IS_LIVE),
        only_where("ix_ticket_team_urgent", "team_id", "status", "priority", "due_order", "id", where=IS_LIVE),
        only_where("ix_ticket_team_id", "team_id", "status", "id", where=IS_LIVE),
        Index("ix_ticket_customer", "customer_id", "id"),
        Index("ix_ticket_queue", "queue_id", "id"),
        Index("ix_ticket_channel", "channel", "id"),
        Index("ix_ticket_type", "type", "id"),
        Index("ix_ticket_subject_sought", "subject_sought"),
    )

    @validates("subject")
    def _seek(self, _field: str, subject: str) -> str:
        self.subject_sought = folded(subject, SOUGHT)
        return subject


def next_due(ticket: Ticket) -> datetime | None:
    """The promise to the customer that comes first; none while we wait for them or when it is settled."""
    if ticket.status not in LIVE or (ticket.status == PENDING_CUSTOMER and ticket.type != "complaint"):
        return None
    if ticket.type == "complaint":
        return ticket.resolve_due_at  # what the customer was promised in writing; nothing else is on the complaint's clock
    first = ticket.first_due_at if ticket.first_human_reply_at is None else None
    return min((due for due in (first, ticket.next_due_at, ticket.resolve_due_at) if due is not None), default=None)


@event.listens_for(Ticket, "before_insert")
@event.listens_for(Ticket, "before_update")
def _keep_order(_mapper: Any, _connection: Any, ticket: Ticket) -> None:
    ticket.status = ticket.status or NEW  # a default stands in the row only after this
    ticket.due_order = next_due(ticket) or NEVER
