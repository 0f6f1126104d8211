"""Erasing a customer: an administrator asks, a supervisor agrees, the worker carries it out a few tickets at a time.

What a duty keeps is restricted until the duty ends: it stays, and nobody works with it. After that it is erased as well.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, String, cast, delete, or_, select, update

from desk.access import Right, viewer_of
from desk.actions import search_words
from desk.actions.complaints.record import tell
from desk.actions.privacy import blanking, redaction
from desk.actions.privacy.letting_go import let_go
from desk.db import to_json
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import (
    Agent,
    BlockedNumber,
    Call,
    Callback,
    ChatBlock,
    Complaint,
    ConductWarning,
    ContactLimit,
    ContactPoint,
    Customer,
    Erasure,
    IdempotentAnswer,
    MailboxMail,
    MailedLink,
    MailSilence,
    Message,
    OutboxMail,
    OutboxRecipient,
    PatternNote,
    PictureTrust,
    RestrictedTicket,
    SearchLog,
    Ticket,
    TicketParticipant,
)
from desk.models.complaint import ARCHIVED, DISPOSED
from desk.models.erasure import AGREED, ASKED, CUSTOMER, DONE, DROPPED, RESTRICTED, RUNNING
from desk.models.mail import QUEUED
from desk.models.search import CUSTOMERS, TICKETS
from desk.queries.privacy.duties import HELD, OPEN_CASE, Duty, duties_of, in_hand, on_the_line
from desk.queries.privacy.erasures import standing
from desk.sentences import N_
from desk.store import Tx

BATCH = 10
LONGEST = 500
LOOK_AGAIN = timedelta(days=1)
SET_ASIDE = "kept_"  # how the kind of a contact begins by which nobody is found, written to or rung while all is restricted
SHORTEST_NAME = 4  # letters: a shorter name stands in too many words that are not the customer's


@dataclass(frozen=True)
class Step:
    """What one transaction did: files that no row names now, and whether the next step can be taken at once."""

    files: Sequence[str] = ()
    goes_on: bool = False


def ask(tx: Tx, customer: Customer, agent: Agent, reason: str) -> Erasure:
    """An administrator asks that this customer be erased. Raises `Conflict` when it is asked already, `Invalid` without why."""
    viewer_of(agent).require(Right.ADMINISTER)
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})
    tx.session.get_one(Customer, customer.id, with_for_update=True)
    if customer.erased_at is not None:
        raise Conflict("This customer has been erased already.")
    if standing(tx.session, customer.id) is not None:
        raise Conflict("Erasing this customer has been asked for already.")
    made = Erasure(
        kind=CUSTOMER,
        customer_id=customer.id,
        customer_since=customer.created_at,
        reason=reason.strip()[:LONGEST],
        asked_by_id=agent.id,
        asked_by=agent.name,
        asked_at=tx.now,
    )
    tx.session.add(made)
    tx.session.flush()
    tx.emit("erasure.asked", customer=customer, agent=agent, data={"erasure": made.id})
    return made


def agree(tx: Tx, erasure: Erasure, agent: Agent) -> None:
    """A supervisor agrees: from here on it cannot be taken back.

    Raises `NotAllowed` for who asked, `Conflict` while somebody still works for the customer.
    """
    _judge(tx, erasure, agent)
    assert erasure.customer_id is not None
    _check_idle(tx, erasure.customer_id)
    erasure.state = AGREED
    tx.emit("erasure.agreed", customer=erasure.customer_id, agent=agent, data={"erasure": erasure.id})


def drop(tx: Tx, erasure: Erasure, agent: Agent) -> None:
    """It is not done after all: whoever asked takes it back, or a supervisor does not agree."""
    viewer = viewer_of(agent)
    if not viewer.can(Right.ADMINISTER):
        viewer.require(Right.SUPERVISE)
    _check_asked(tx, erasure)
    erasure.state, erasure.judged_by, erasure.judged_at = DROPPED, agent.name, tx.now
    tx.emit("erasure.dropped", customer=erasure.customer_id, agent=agent, data={"erasure": erasure.id})


def carry_on(tx: Tx, erasure: Erasure, loose: Sequence[int] = ()) -> Step:
    """Do the next part. `loose` are the entries of the log that name the customer, for the last part."""
    if erasure.state not in (AGREED, RUNNING, RESTRICTED) or erasure.customer_id is None:
        return Step()
    duties = [] if erasure.ended else duties_of(tx.session, erasure.customer_id, tx.now)
    cases = {duty.ticket_id for duty in duties}
    if erasure.repeated:
        let_go(tx, erasure.customer_id, cases)
    elif in_hand(tx.session, erasure.customer_id, cases) or on_the_line(tx.session, erasure.customer_id):
        return Step()  # they came back meanwhile; their new matter is settled first
    erasure.state = RUNNING
    search_words.squeeze_later(tx)
    tx.session.flush()
    kept = Ticket.id.in_(cases) if not any(duty.keeps_everything for duty in duties) else Ticket.id.is_not(None)
    left = select(Ticket.id).where(Ticket.customer_id == erasure.customer_id, Ticket.erased_at.is_(None), ~kept)
    ids = tx.session.scalars(left.order_by(Ticket.id).limit(BATCH)).all()
    if ids:
        if blanking.is_leaving(tx.session, ids) and not erasure.repeated:
            return Step()
        return Step(sorted(_erase_tickets(tx, erasure, ids)), goes_on=True)
    if duties:
        _restrict(tx, erasure, duties)
        return Step()
    return Step(sorted(_finish(tx, erasure, loose)))


def _judge(tx: Tx, erasure: Erasure, agent: Agent) -> None:
    viewer_of(agent).require(Right.SUPERVISE)
    _check_asked(tx, erasure)
    if erasure.asked_by_id == agent.id:
        raise NotAllowed("You asked for this; somebody else has to agree.")
    erasure.judged_by, erasure.judged_at = agent.name, tx.now


def _check_asked(tx: Tx, erasure: Erasure) -> None:
    tx.session.refresh(erasure, with_for_update=True)
    if erasure.state != ASKED:
        raise Conflict("This has been decided already.")


def _check_idle(tx: Tx, customer_id: int) -> None:
    cases = {duty.ticket_id for duty in duties_of(tx.session, customer_id, tx.now)}
    numbers = in_hand(tx.session, customer_id, cases)
    if numbers:
        said = ", ".join(map(str, numbers))
        raise Conflict("Somebody still works for this customer: settle these tickets first: %(numbers)s.", numbers=said)
    if on_the_line(tx.session, customer_id):
        raise Conflict("This customer is on the telephone or in a chat just now. Wait for the end.")


def _erase_tickets(tx: Tx, erasure: Erasure, ids: Sequence[int]) -> set[str]:
    events = redaction.events_of_tickets(tx.session, ids)
    for case in tx.session.scalars(select(Complaint).where(Complaint.ticket_id.in_(ids))).all():
        end_case(tx, case, erasure)
    files = blanking.blank(tx, ids)
    search_words.put(tx, TICKETS, list(ids), [])
    count(erasure, tickets=len(ids), entries=redaction.redact(tx, erasure, events), files=len(files))
    tx.emit("erasure.went_on", customer=erasure.customer_id, data={"erasure": erasure.id, "tickets": len(ids)})
    return files


def end_case(tx: Tx, case: Complaint, erasure: Erasure) -> None:
    """The case stands in the register as deleted. One that an older backup has at another stage is taken there at once."""
    if case.stage == DISPOSED:
        return
    old, case.stage = case.stage, DISPOSED
    case.closed_at = case.closed_at or tx.now
    tell(tx, case, "complaint.disposed", data={"old": old if old == ARCHIVED else "", "new": DISPOSED, "erasure": erasure.id})


def begin(tx: Tx, kind: str, asked_by: str, judged_by: str) -> Erasure:
    """One that was agreed on elsewhere, or by a rule, and is carried out at once: while it is running entries may lose words."""
    made = Erasure(kind=kind, state=RUNNING, asked_by=asked_by, judged_by=judged_by, asked_at=tx.now, judged_at=tx.now)
    tx.session.add(made)
    tx.session.flush()
    return made


def count(erasure: Erasure, **more: int) -> None:
    """Add to what is known to be gone."""
    known = erasure.counts or {}
    erasure.counts = {**known, **{what: known.get(what, 0) + number for what, number in more.items()}}


def _restrict(tx: Tx, erasure: Erasure, duties: Sequence[Duty]) -> None:
    """All that stays is set aside. A case that is open or held goes on being seen by those who handle it, and by nobody else."""
    assert erasure.customer_id is not None
    customer = tx.session.get_one(Customer, erasure.customer_id)
    in_use = [duty.ticket_id for duty in duties if duty.why in (OPEN_CASE, HELD)]
    theirs = select(Ticket.id).where(Ticket.customer_id == customer.id)
    aside = set(tx.session.scalars(theirs.where(Ticket.erased_at.is_(None), Ticket.id.not_in(in_use))))
    before = set(tx.session.scalars(select(RestrictedTicket.ticket_id).where(RestrictedTicket.ticket_id.in_(theirs))))
    tx.session.execute(delete(RestrictedTicket).where(RestrictedTicket.ticket_id.in_(before - aside)))
    tx.session.add_all(RestrictedTicket(ticket_id=each, since=tx.now) for each in sorted(aside - before))
    points = ContactPoint.customer_id == customer.id
    if any(duty.why == OPEN_CASE for duty in duties):
        tx.session.execute(update(ContactPoint).where(points, ContactPoint.kind == "chat").values(kind=SET_ASIDE + "chat"))
    else:
        reached = update(ContactPoint).where(points, ~ContactPoint.kind.startswith(SET_ASIDE))
        tx.session.execute(reached.values(kind=SET_ASIDE + ContactPoint.kind))
    _stop_mails(tx, aside)
    search_words.put(tx, CUSTOMERS, [customer.id], [])
    first = customer.restricted_at is None
    customer.restricted_at = customer.restricted_at or tx.now
    customer.surveys_declined_at = customer.surveys_declined_at or tx.now
    untils = [duty.until for duty in duties if duty.until is not None and duty.until > tx.now]
    erasure.state, erasure.duties = RESTRICTED, [duty.to_json() for duty in duties]
    erasure.look_again_at = min(untils) if len(untils) == len(duties) else tx.now + LOOK_AGAIN
    if first:
        tx.emit("customer.restricted", customer=customer, data={"erasure": erasure.id, "why": duties[0].why})


def _finish(tx: Tx, erasure: Erasure, loose: Sequence[int]) -> set[str]:
    """What is left beside the tickets: who it was, how to reach them, and wherever else they stand."""
    assert erasure.customer_id is not None
    customer = tx.session.get_one(Customer, erasure.customer_id, with_for_update=True)
    points = tx.session.scalars(select(ContactPoint).where(ContactPoint.customer_id == customer.id)).all()
    addresses = {point.value for point in points if point.kind.endswith("email")}
    numbers = {point.value for point in points if point.kind.endswith("phone")}
    words = {*addresses, *numbers, *([customer.name] if len(customer.name) >= _shortest(customer.name) else [])}
    files = _elsewhere(tx, customer, addresses)
    for model, column, values in (
        (MailedLink, MailedLink.email, addresses),
        (MailSilence, MailSilence.address, addresses),
        (PictureTrust, PictureTrust.address, addresses),
        (MailboxMail, MailboxMail.recipient, addresses),
        (ChatBlock, ChatBlock.value, addresses),
        (BlockedNumber, BlockedNumber.number, numbers),
        (ContactPoint, ContactPoint.customer_id, {customer.id}),
        (PatternNote, PatternNote.customer_id, {customer.id}),
        (ConductWarning, ConductWarning.customer_id, {customer.id}),
        (ContactLimit, ContactLimit.customer_id, {customer.id}),
    ):
        tx.session.execute(delete(model).where(column.in_(values)))
    if words:
        tx.session.execute(delete(SearchLog).where(or_(*(_says(SearchLog.query, word) for word in words))))
        answers = cast(IdempotentAnswer.body, String)
        tx.session.execute(delete(IdempotentAnswer).where(or_(*(_says(answers, to_json(word)[1:-1]) for word in words))))
    entries = redaction.redact(tx, erasure, loose)
    customer = tx.session.get_one(Customer, customer.id)
    customer.name = f"#{secrets.token_hex(4).upper()}"
    customer.note, customer.organisation_id, customer.restricted_at, customer.erased_at = "", None, None, tx.now
    customer.surveys_declined_at = customer.surveys_declined_at or tx.now
    search_words.put(tx, CUSTOMERS, [customer.id], [])
    count(erasure, contacts=len(points), entries=entries, files=len(files))
    erasure.state, erasure.duties, erasure.look_again_at, erasure.done_at = DONE, [], None, tx.now
    tx.emit("customer.erased", customer=customer, data={"erasure": erasure.id})
    return files


def _elsewhere(tx: Tx, customer: Customer, addresses: set[str]) -> set[str]:
    """What they wrote on others' tickets, calls of no ticket, and where they were in copy."""
    written = tx.session.scalars(select(Message.id).where(Message.customer_id == customer.id)).all()
    files = blanking.unnamed(tx.session, blanking.blank_messages(tx, written))
    calls = tx.session.scalars(select(Call.id).where(Call.customer_id == customer.id)).all()
    files |= blanking.unnamed(tx.session, blanking.blank_calls(tx, calls))
    files |= blanking.blank_mails_from(tx, addresses)
    ended = Callback.customer_id == customer.id
    tx.session.execute(update(Callback).where(ended, Callback.ended_at.is_not(None)).values(number="", name=""))
    in_copy = TicketParticipant.address.in_(addresses)
    elsewhere = tx.session.scalars(select(TicketParticipant.ticket_id).where(in_copy)).all()
    tx.session.execute(delete(TicketParticipant).where(in_copy))
    for message in tx.session.scalars(select(Message).where(Message.ticket_id.in_(elsewhere))).all():
        message.to = [each for each in message.to if each not in addresses]
        message.cc = [each for each in message.cc if each not in addresses]
    sent = select(OutboxMail).join(OutboxRecipient, OutboxRecipient.mail_id == OutboxMail.id)
    for mail in tx.session.scalars(sent.where(OutboxRecipient.address.in_(addresses))).unique().all():
        mail.payload = {
            **mail.payload,
            **{name: [each for each in mail.payload.get(name) or [] if each not in addresses] for name in ("to", "cc")},
        }
    tx.session.execute(delete(OutboxRecipient).where(OutboxRecipient.address.in_(addresses)))
    return files


def _stop_mails(tx: Tx, ticket_ids: set[int]) -> None:
    waiting = select(OutboxMail.id).where(OutboxMail.ticket_id.in_(ticket_ids), OutboxMail.state == QUEUED)
    ids = tx.session.scalars(waiting).all()
    tx.session.execute(delete(OutboxRecipient).where(OutboxRecipient.mail_id.in_(ids)))
    tx.session.execute(delete(OutboxMail).where(OutboxMail.id.in_(ids)))


def _says(column: object, word: str) -> ColumnElement[bool]:
    return column.icontains(word, autoescape=True)  # type: ignore[attr-defined, no-any-return]


def _shortest(name: str) -> int:
    return SHORTEST_NAME if name.isascii() else 2
