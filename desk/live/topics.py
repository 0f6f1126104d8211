"""Which screens an event concerns, and who may watch them. A topic is a room's name: `ticket:10023`, `worklist:7`, `board`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, access_customer, access_ticket
from desk.errors import DeskError
from desk.events import Event
from desk.models.follower import TicketFollower
from desk.models.ticket import FIRST_NUMBER, Ticket
from desk.models.work_item import WorkItem

BOARD = "board"
ARTICLES = "articles"
MAILBOX = "mailbox"
# The lists and pages that follow every event of these kinds.
_KINDS = {
    BOARD: (
        *("item.", "offer.", "agent.", "queue.", "call.", "callback.", "chat.", "survey.", "complaint."),
        *("voice.lines_", "setting.carrier_"),
    ),
    "tickets": ("ticket.", "message.", "item."),
    ARTICLES: ("article.",),
    MAILBOX: ("mailbox.",),
    "callbacks": ("callback.", "voicemail.", "recording."),
    "complaints": ("complaint.", "follow_up.", "complaint_alert.", "corrective_action."),
    "phones": ("setting.carrier_",),
    "admin": ("agent.", "queue.", "setting.", "token.", "voice.", "tag.", "field."),
}
# What becomes of a recording after the call shows on the ticket's page and nowhere in anybody's work.
_QUIET = {f"recording.{what}" for what in ("completed", "absent", "fetched", "failed", "left_carrier", "erased", "played")}
# What an agent sees of their own: the list of their work, the strip of their phone, whether they are available.
_IN_LIST = (
    *("item.", "offer.", "ticket.", "message.", "chat.", "complaint.", "mail.", "draft.", "mention.", "corrective_action."),
    *("view.", "bulk."),
)
_NEVER_IN_LIST = ("call.", "recording.", "agent.")
_ON_PHONE = ("call.", "recording.", "item.", "offer.", "ticket.", "callback.")
_OWN_KINDS = ("draft.",)  # concern nobody but the one who did it


def topics_of(events: Sequence[Event], holders: dict[int, set[int]]) -> set[str]:
    """The topics that these events touch. `holders` maps ticket ids to agents whose work list shows the ticket."""
    topics: set[str] = set()
    for event in events:
        if event.ticket_id is not None and not event.kind.startswith(_OWN_KINDS):
            topics.add(f"ticket:{FIRST_NUMBER + event.ticket_id}")
            if event.kind not in _QUIET:
                for agent_id in holders.get(event.ticket_id, ()):
                    topics.update(_own(event.kind, agent_id, in_list=not event.kind.startswith(_NEVER_IN_LIST)))
        if event.agent_id is not None:
            topics.update(_own(event.kind, event.agent_id, in_list=event.kind.startswith(_IN_LIST)))
            if event.kind.startswith("agent."):
                topics.add(f"self:{event.agent_id}")
        if event.customer_id is not None:
            topics.add(f"customer:{event.customer_id}")
        topics.update(topic for topic, kinds in _KINDS.items() if event.kind.startswith(kinds))
    return topics


def _own(kind: str, agent_id: int, *, in_list: bool) -> Iterator[str]:
    if in_list:
        yield f"worklist:{agent_id}"
    if kind.startswith(_ON_PHONE):
        yield f"phone:{agent_id}"


def holders_of(session: Session, events: Iterable[Event]) -> dict[int, set[int]]:
    """For each ticket in these events, the agents who own it, hold work on it or follow it: their lists change with it."""
    tickets = {event.ticket_id for event in events if event.ticket_id is not None}
    holders: dict[int, set[int]] = {}
    if not tickets:
        return holders
    owned = select(Ticket.id, Ticket.owner_id).where(Ticket.id.in_(tickets), Ticket.owner_id.is_not(None))
    held = select(WorkItem.ticket_id, WorkItem.agent_id).where(WorkItem.ticket_id.in_(tickets), WorkItem.agent_id.is_not(None))
    follow = select(TicketFollower.ticket_id, TicketFollower.agent_id).where(TicketFollower.ticket_id.in_(tickets))
    all_of_them = union(owned, held.where(WorkItem.state.in_(("offered", "active", "wrap_up"))), follow)
    for ticket_id, agent_id in session.execute(all_of_them):
        holders.setdefault(ticket_id, set()).add(agent_id)
    return holders


def may_watch(session: Session, viewer: Viewer, topic: str) -> bool:
    """Whether this viewer may be told that something changed here; the same rule that guards the page itself."""
    noun, _, key = topic.partition(":")
    try:
        match noun:
            case "ticket":
                access_ticket(session, viewer, int(key))
                return True
            case "customer":
                access_customer(session, viewer, int(key))
                return True
            case "worklist" | "phone" | "self":
                return viewer.agent_id == int(key) and (viewer.can(Right.TAKE_WORK) or viewer.can(Right.READ_TICKETS))
            case "board":
                return viewer.can(Right.SUPERVISE)
            case "phones":
                return viewer.can(Right.TAKE_WORK)
            case "tickets" | "callbacks":
                return viewer.can(Right.READ_TICKETS)
            case "complaints":
                return viewer.can(Right.READ_COMPLAINTS)
            case "articles":
                return viewer.can(Right.READ_ARTICLES)
            case "admin":
                return viewer.can(Right.ADMINISTER) or viewer.can(Right.READ_AUDIT)
            case "mailbox":
                return True  # the demo's public mailbox
    except (DeskError, ValueError, OverflowError):  # there is no such thing, or no such number
        return False
    return False
