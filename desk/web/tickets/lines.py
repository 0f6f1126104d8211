"""The lines of a list of tickets as its page writes them, made ready in one go: what they share is asked once for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext
from markupsafe import Markup

from desk.access import Viewer, shown_name
from desk.http.wording import moments
from desk.models import Tag
from desk.queries.tickets.tickets import TicketRow

TAGS = 3  # that stand in a line; of more there is the number


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket in words; `channel` and `status` are codes, whose shapes the page makes once for all lines."""

    number: int | None
    choose: str
    subject: str
    is_complaint: bool
    channel: str
    status: str
    priority: int
    customer: str
    is_vip: bool
    owner: str
    queue: str
    queue_zh: str
    snoozed_until: datetime | None
    due: Markup
    changed: Markup
    tags: Sequence[Tag]
    tags_more: int


def lines_of(rows: Sequence[TicketRow], viewer: Viewer) -> list[Line]:
    """The same in words of the viewer's language, with their clock, and no more of a name than they may see."""
    choose, written = gettext("Choose #%(number)s"), moments()
    found = []
    for row in rows:
        ticket = row.ticket
        found.append(
            Line(
                number=ticket.number,
                choose=choose % {"number": ticket.number},
                subject=ticket.subject,
                is_complaint=ticket.type == "complaint",
                channel=ticket.channel,
                status=ticket.status,
                priority=ticket.priority,
                customer=shown_name(viewer, row.customer_name),
                is_vip=row.tier == "vip",
                owner=row.owner_name,
                queue=row.queue_name,
                queue_zh=row.queue_name_zh,
                snoozed_until=ticket.snoozed_until,
                due=written(row.due_at, "until", warn=3600, kind="due"),
                changed=written(ticket.updated_at, "ago"),
                tags=row.tags[:TAGS],
                tags_more=max(len(row.tags) - TAGS, 0),
            )
        )
    return found
