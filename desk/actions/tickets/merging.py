"""Merging two tickets about one matter, and taking that back exactly within a day.

The rows go over to the surviving ticket, so that everything that looks at a ticket looks at all of it; which ones went, and what
stood on both before, is kept with the merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from channels.message import Contact
from desk.actions.mail.threads import note_participants
from desk.actions.tickets import prioritising, tickets
from desk.actions.tickets.survivors import merge_of
from desk.actions.tickets.tags import MOST_ON_A_TICKET
from desk.actions.tickets.tickets import CUSTOMER_WORK, TICKET_WORK
from desk.actions.timers import set_timer
from desk.actions.work import work_items
from desk.actions.work.work_items import OPEN_STATES
from desk.errors import Conflict, Invalid
from desk.models import (
    Agent,
    ArticleLink,
    Call,
    Callback,
    Chat,
    Complaint,
    ContactPoint,
    Customer,
    Draft,
    FollowUp,
    HandUp,
    Mention,
    Message,
    OutboxMail,
    Queue,
    RawMail,
    Recusal,
    Survey,
    Ticket,
    TicketFollower,
    TicketMove,
    TicketParticipant,
    TicketTag,
    UnsentReply,
    WorkItem,
)
from desk.models.chat import ENDED
from desk.models.mail_in import REMOVED
from desk.models.message import IN
from desk.models.ticket import LIVE, MERGED, NEW, OPEN, PENDING_CUSTOMER, PENDING_INTERNAL
from desk.models.ticket_link import MERGE
from desk.models.unsent import WAITING
from desk.queries.tickets.links import UNDONE_WITHIN
from desk.store import Tx

MOVED = (Message, RawMail, OutboxMail, Call, Chat, Callback, HandUp, FollowUp, Survey, Mention)
CLOCKS = (*prioritising.FIELDS, "first_due_at", "next_due_at", "resolve_due_at")
AT_ONCE = 500  # ids in one statement
_HOW = "merged"  # how somebody came to take part


def merge(tx: Tx, ticket: Ticket, into: Ticket, agent: Agent | None) -> TicketMove:
    """All that was said on `ticket` is on `into` from now on, and so is what comes in answer to it; the earlier clocks hold.

    Who calls has made sure that both may be read. Raises `Conflict` for complaints, for a ticket that is not open, and while
    somebody is there, is asked, or an answer is about to leave.
    """
    hold(tx, ticket, into)
    _check(tx, ticket, into)
    work = work_items.open_item(tx, ticket.id, TICKET_WORK)
    data: dict[str, Any] = {
        "from": _kept(ticket, ("status", "paused_since", "snoozed_until", *CLOCKS)) | {"worked": work is not None},
        "into": _kept(into, ("status", "paused_since", "snoozed_until", *CLOCKS)),
        "rows": {},
    }
    if work is not None:
        work_items.finish(tx, work)
    data["added"] = _share(tx, ticket, into)
    data["rows"] = {model.__tablename__: _move(tx, model, ticket.id, into.id) for model in MOVED}
    data["rows"]["draft"] = _move(tx, Draft, ticket.id, into.id, Draft.agent_id)
    data["rows"]["article_link"] = _move(tx, ArticleLink, ticket.id, into.id, ArticleLink.article_id)
    tickets.set_status(tx, ticket, MERGED)
    _take_clocks(ticket, into, data["from"])
    if data["from"]["status"] in (NEW, OPEN):
        tickets.rouse(tx, into, reason="merged")
        if into.status in (PENDING_CUSTOMER, PENDING_INTERNAL):
            tickets.set_status(tx, into, OPEN)
    if work is not None and work_items.open_item(tx, into.id, CUSTOMER_WORK) is None:
        tickets.queue_work(tx, into, tx.session.get_one(Queue, into.queue_id))
    into.updated_at = tx.now
    data["made"] = _kept(into, ("status", *CLOCKS))
    move = TicketMove(kind=MERGE, from_id=ticket.id, to_id=into.id, agent_id=agent.id if agent else None, at=tx.now, data=data)
    tx.session.add(move)
    tx.emit("ticket.merged", ticket=ticket, customer=ticket.customer_id, data={"into": into.number})
    tx.emit("ticket.merged", ticket=into, customer=into.customer_id, data={"from": ticket.number})
    return move


def undo_merge(tx: Tx, ticket: Ticket) -> Ticket:
    """Everything is where it was; what came since in answer to the merged ticket goes back with it. Returns the other one.

    Raises `Conflict` after a day, when it was undone already, when the surviving ticket went into another one meanwhile, and when
    it has become a complaint.
    """
    move = tx.session.scalar(select(TicketMove).where(*merge_of(ticket)))
    if move is None:
        raise Conflict("This ticket is not merged any more.")
    into = tx.session.get_one(Ticket, move.to_id)
    hold(tx, ticket, into)
    tx.session.refresh(move)
    if move.undone_at is not None:
        raise Conflict("This ticket is not merged any more.")
    if tx.now - move.at > UNDONE_WITHIN:
        raise Conflict("Merging can be undone for a day only. Split off the messages instead.")
    if into.status == MERGED:
        raise Conflict("The other ticket has been merged further. Undo that first.")
    _check_no_case(tx, (ticket.id, into.id))
    came = _came_since(tx, ticket, into, move)
    for model in (*MOVED, Draft):
        _move_back(tx, model, move, model.id)
    _move_back(tx, ArticleLink, move, ArticleLink.article_id)
    set_messages(tx, came, into.id, ticket.id)
    _unshare(tx, into, move.data["added"])
    _put_back(tx, ticket, into, move.data, answered=bool(came))
    move.undone_at = tx.now
    tx.emit("ticket.unmerged", ticket=ticket, customer=ticket.customer_id, data={"from": into.number})
    tx.emit("ticket.unmerged", ticket=into, customer=into.customer_id, data={"of": ticket.number})
    return into


def hold(tx: Tx, *both: Ticket) -> None:
    """Nobody adds anything to either, nor merges it, before this transaction ends."""
    ids = [each.id for each in both]
    tx.session.flush()
    tx.session.execute(select(Ticket.id).where(Ticket.id.in_(ids)).order_by(Ticket.id).with_for_update()).all()
    for each in both:
        tx.session.refresh(each)


def _check(tx: Tx, ticket: Ticket, into: Ticket) -> None:
    ids = (ticket.id, into.id)
    if ticket.id == into.id:
        raise Invalid("A ticket cannot be merged with itself.")
    _check_no_case(tx, ids)
    for each in (ticket, into):
        if each.status not in LIVE:
            raise Conflict("Ticket #%(number)s is not open. Open it again before merging.", number=each.number)
    if _is_talking(tx, ids):
        raise Conflict("The customer is still there: end the conversation first.")
    open_work = select(WorkItem.kind).where(WorkItem.ticket_id == ticket.id, WorkItem.state.in_(OPEN_STATES))
    if set(tx.session.scalars(open_work)) - set(TICKET_WORK):
        raise Conflict("Something is still to be done on this ticket: a promised call, a question to a colleague or a wrap-up.")
    leaving = select(UnsentReply.id).where(UnsentReply.ticket_id == ticket.id, UnsentReply.state == WAITING)
    if tx.session.scalar(leaving.limit(1)) is not None:
        raise Conflict("An answer is about to leave this ticket. Wait a moment, or take it back.")


def _check_no_case(tx: Tx, ids: Sequence[int]) -> None:
    """What belongs to a case stays in its file, and who is kept out of one learns nothing by another ticket."""
    for case in (Complaint, Recusal):
        if tx.session.scalar(select(case.id).where(case.ticket_id.in_(ids)).limit(1)) is not None:
            raise Conflict("A complaint is not merged: its file stays as it is. Link the two tickets instead.")


def _is_talking(tx: Tx, ids: Sequence[int]) -> bool:
    call = select(Call.id).where(Call.ticket_id.in_(ids), Call.ended_at.is_(None)).limit(1)
    chat = select(Chat.id).where(Chat.ticket_id.in_(ids), Chat.state != ENDED).limit(1)
    return tx.session.scalar(call) is not None or tx.session.scalar(chat) is not None


def _move(tx: Tx, model: Any, old: int, new: int, once_by: Any = None) -> list[int]:
    """Give the rows of one ticket to another and say which; of what may be there once for each `once_by`, only what it lacks."""
    key = model.article_id if model is ArticleLink else model.id
    query = select(key).where(model.ticket_id == old)
    if once_by is not None:
        query = query.where(once_by.not_in(select(once_by).where(model.ticket_id == new)))
    ids = list(tx.session.scalars(query.order_by(key)))
    _set_ticket(tx, model, key, ids, old, new)
    return ids


def _move_back(tx: Tx, model: Any, move: TicketMove, key: Any) -> None:
    _set_ticket(tx, model, key, move.data["rows"].get(model.__tablename__, []), move.to_id, move.from_id)


def _set_ticket(tx: Tx, model: Any, key: Any, ids: Sequence[int], old: int, new: int) -> None:
    for first in range(0, len(ids), AT_ONCE):
        some = key.in_(ids[first : first + AT_ONCE])
        tx.session.execute(update(model).where(model.ticket_id == old, some).values(ticket_id=new))


def set_messages(tx: Tx, ids: Sequence[int], old: int, new: int) -> None:
    """Messages with what was sent or received as them."""
    _set_ticket(tx, Message, Message.id, ids, old, new)
    for model in (RawMail, OutboxMail, Mention):
        _set_ticket(tx, model, model.message_id, ids, old, new)


def _share(tx: Tx, ticket: Ticket, into: Ticket) -> dict[str, list[int]]:
    """Who takes part or follows, and the tags; returns the rows that are new on the other ticket."""
    added: dict[str, list[int]] = {}
    owns = select(ContactPoint.value).where(ContactPoint.customer_id == ticket.customer_id, ContactPoint.kind == "email")
    name = tx.session.get_one(Customer, ticket.customer_id).name
    people = [Contact("email", value, name) for value in tx.session.scalars(owns)]
    others = select(TicketParticipant).where(TicketParticipant.ticket_id == ticket.id, TicketParticipant.how != REMOVED)
    people += [Contact("email", each.address, each.name) for each in tx.session.scalars(others)]
    there = set(_ids(tx, TicketParticipant, into))
    note_participants(tx, into, people, _HOW)
    tx.session.flush()
    added["ticket_participant"] = sorted(set(_ids(tx, TicketParticipant, into)) - there)
    added["ticket_follower"] = _copy(tx, TicketFollower, TicketFollower.agent_id, ("agent_id", "seen_id"), ticket, into)
    added["ticket_tag"] = _copy(tx, TicketTag, TicketTag.tag_id, ("tag_id",), ticket, into)
    return added


def _copy(tx: Tx, model: Any, key: Any, fields: tuple[str, ...], ticket: Ticket, into: Ticket) -> list[int]:
    there = set(tx.session.scalars(select(key).where(model.ticket_id == into.id)))
    rows = tx.session.scalars(select(model).where(model.ticket_id == ticket.id).order_by(model.id)).all()
    new = [row for row in rows if getattr(row, key.key) not in there]
    if model is TicketTag:
        new = new[: max(0, MOST_ON_A_TICKET - len(there))]
    copies = [model(ticket_id=into.id, at=tx.now, **{field: getattr(row, field) for field in fields}) for row in new]
    tx.session.add_all(copies)
    tx.session.flush()
    return [each.id for each in copies]


def _unshare(tx: Tx, into: Ticket, added: dict[str, list[int]]) -> None:
    for model in (TicketParticipant, TicketFollower, TicketTag):
        rows = delete(model).where(model.id.in_(added.get(model.__tablename__, [])), model.ticket_id == into.id)
        if model is TicketParticipant:
            rows = rows.where(TicketParticipant.how == _HOW)  # whom somebody let in or took off meanwhile stays so
        tx.session.execute(rows)


def _ids(tx: Tx, model: Any, ticket: Ticket) -> list[int]:
    return list(tx.session.scalars(select(model.id).where(model.ticket_id == ticket.id)))


def _take_clocks(ticket: Ticket, into: Ticket, before: dict[str, Any]) -> None:
    """Of two promises the earlier one holds; one that was kept on either side is no promise any more there."""
    if ticket.priority < into.priority:
        for name in prioritising.FIELDS:
            setattr(into, name, getattr(ticket, name))
    for name in ("first_due_at", "next_due_at", "resolve_due_at"):
        dues = [due for due in (getattr(into, name), _moment(before[name])) if due is not None]
        setattr(into, name, min(dues, default=None))


def _came_since(tx: Tx, ticket: Ticket, into: Ticket, move: TicketMove) -> list[int]:
    """What came to the survivor since, and answers what went over or was addressed to the merged ticket."""
    gone = set(move.data["rows"]["message"])
    since = select(Message).where(Message.ticket_id == into.id, Message.direction == IN, Message.created_at >= move.at)
    found = [each for each in tx.session.scalars(since.order_by(Message.id)) if each.id not in gone]
    answered = {each.in_reply_to for each in found if each.in_reply_to}
    theirs: set[str | None] = set()
    if answered:
        known = select(Message.mail_message_id, Message.id).where(Message.mail_message_id.in_(answered))
        theirs = {message_id for message_id, row_id in tx.session.execute(known) if row_id in gone}
    return [each.id for each in found if each.in_reply_to in theirs or each.meta.get("meant_for") == ticket.number]


def _put_back(tx: Tx, ticket: Ticket, into: Ticket, data: dict[str, Any], *, answered: bool) -> None:
    before, made, other = data["from"], data["made"], data["into"]
    if into.status == made["status"]:
        into.status = other["status"]
    if into.priority == made["priority"]:
        _prioritise_as(into, other)
    for name in ("first_due_at", "next_due_at", "resolve_due_at"):
        if getattr(into, name) == _moment(made[name]):
            setattr(into, name, _moment(other[name]))
    if into.status == other["status"]:
        into.paused_since = _moment(other["paused_since"])
    ticket.status = before["status"]
    _prioritise_as(ticket, before)
    for name in ("paused_since", "first_due_at", "next_due_at", "resolve_due_at"):
        setattr(ticket, name, _moment(before[name]))
    until = _moment(before["snoozed_until"])
    if until is not None and until > tx.now:
        ticket.snoozed_until = until
        set_timer(tx, "ticket.wake", str(ticket.id), until, {"ticket_id": ticket.id})
    ticket.updated_at = into.updated_at = tx.now
    tx.session.flush()
    if answered:
        tickets.customer_wrote(tx, ticket)
    elif before["worked"] or (before["snoozed_until"] and ticket.snoozed_until is None):
        tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))


def _prioritise_as(ticket: Ticket, before: dict[str, Any]) -> None:
    for name in prioritising.FIELDS:
        if name in before:  # a merge of an earlier release kept the priority alone
            setattr(ticket, name, before[name])


def _kept(ticket: Ticket, names: Sequence[str]) -> dict[str, Any]:
    values = {name: getattr(ticket, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
