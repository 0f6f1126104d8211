"""A complaint from receipt to a confirmed end: promised dates, stages, evidence, decision, and the customer's own say."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from channels.form import MAX_LINE, MAX_TEXT, ComplaintForm, addition
from channels.message import Contact, Inbound
from desk.access import Right, viewer_of
from desk.actions import customers, follow_up_work, intake, solving, tickets, work_items
from desk.actions.complaint_letters import address_for, write_letter
from desk.actions.complaint_policy import ask_again_at, promise
from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid, NotFound
from desk.files import KeptFile
from desk.models import Agent, Attachment, Complaint, ContactPoint, Customer, Evidence, Message, Queue, Ticket
from desk.models.complaint import (
    ACKNOWLEDGED,
    ASSESSED,
    CLOSED,
    DECIDED,
    FOLLOW_UP,
    INVESTIGATING,
    NEXT,
    RECEIVED,
    REOPENED,
    WITHDRAWN,
)
from desk.models.message import IN
from desk.models.ticket import CATEGORIES, LIVE, MERGED, SPAM
from desk.sentences import N_
from desk.store import Tx

QUEUE_KEY = "complaints"
OUTCOMES = ("upheld", "partly_upheld", "not_upheld", "resolved_early")
SEVERITIES = (1, 2, 3, 4)  # 1 critical (safety, data leak, crime) to 4 low
OFFICER_STAGES = (ASSESSED, INVESTIGATING, DECIDED, FOLLOW_UP)  # entered by hand only with Right.HANDLE_COMPLAINT
REOPEN_WITHIN = timedelta(days=30)
NOT_REACHED_TRIES = 3


def file_complaint(tx: Tx, inbound: Inbound, form: ComplaintForm, files: Sequence[KeptFile] = ()) -> Complaint:
    """A complaint that the customer files themselves. The same form sent again is the same complaint.

    Raises `Invalid` with `fields` when it cannot be taken as it is.
    """
    check_form(form)
    receipt = intake.receive(tx, inbound, files, queue_key=QUEUE_KEY, type="complaint")
    if receipt.duplicate:
        return complaint_of(tx, receipt.ticket)
    if form.category:
        receipt.ticket.category = form.category
    _keep_second_contact(tx, receipt.ticket, form)
    complaint = _register(
        tx,
        receipt.ticket,
        received_at=tx.now,
        statement=form.statement,
        remedy_wanted=form.remedy_wanted,
        product=form.product,
        order_number=form.order_number,
        category=form.category,
    )
    add_evidence(tx, complaint, receipt.message, "customer")
    _acknowledge(tx, complaint, receipt.ticket, how="page")
    return complaint


def register_from_ticket(
    tx: Tx,
    ticket: Ticket,
    statement: str,
    *,
    remedy_wanted: str = "",
    product: str = "",
    order_number: str = "",
    category: str = "",
    told_by_voice: bool = False,
) -> Complaint:
    """What came as a call, a chat or a mail is a complaint: record it as one. Lack of merit is no reason not to.

    It counts as received when the customer last wrote, or now. It is acknowledged by mail when we know an address; otherwise
    only if the agent has read out number and date (`told_by_voice`). Registering twice returns the first record.
    """
    before = tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    if before is not None:
        return before
    fields = {} if statement.strip() else {"statement": N_("Write down what the customer complains of, in their words.")}
    if category and category not in CATEGORIES:
        fields["category"] = N_("Choose what it is about.")
    if fields:
        raise Invalid("Something is missing before this can be recorded as a complaint.", fields)
    if ticket.status in (MERGED, SPAM):
        raise Conflict("This ticket is closed; a complaint needs a ticket that is open.")
    if ticket.status not in LIVE:
        tickets.reopen(tx, ticket, reason="complaint")
    ticket.category = category or ticket.category
    _retype(tx, ticket)
    complaint = _register(
        tx,
        ticket,
        received_at=_last_heard(tx, ticket) or tx.now,
        statement=statement.strip(),
        remedy_wanted=remedy_wanted.strip(),
        product=product.strip(),
        order_number=order_number.strip(),
        category=ticket.category,
    )
    for message in tx.session.scalars(select(Message).where(Message.ticket_id == ticket.id, Message.direction == IN)).all():
        add_evidence(tx, complaint, message, "customer")
    if told_by_voice:
        _acknowledge(tx, complaint, ticket, how="voice")
    elif address_for(tx, ticket):
        _acknowledge(tx, complaint, ticket, how="mail")
    return complaint


def advance(
    tx: Tx,
    complaint: Complaint,
    stage: str,
    *,
    agent: Agent | None = None,
    category: str = "",
    severity: int | None = None,
    outcome: str = "",
    decision: str = "",
    reason: str = "",
) -> Complaint:
    """Move a complaint to its next stage. An `agent` needs `Right.HANDLE_COMPLAINT` for `OFFICER_STAGES`, else `NotAllowed`.

    Assessing needs `category`, deciding `outcome` and `decision` (which is sent to the customer as a letter), withdrawing
    `reason`. Raises `Conflict` with what is `allowed` for a move that is not, `Invalid` with `fields` for what is missing.
    """
    if stage not in NEXT[complaint.stage]:
        raise Conflict("The complaint has moved on, or this step does not come next.", allowed=NEXT[complaint.stage])
    if agent is not None and stage in OFFICER_STAGES:
        viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    old = complaint.stage
    if agent is not None and complaint.handler_id is None and stage in (ASSESSED, INVESTIGATING, DECIDED):
        complaint.handler_id = agent.id
    if stage == ACKNOWLEDGED:
        _acknowledge(tx, complaint, ticket, how="mail" if address_for(tx, ticket) else "voice")
        return complaint
    if stage == ASSESSED:
        _assess(complaint, ticket, category, severity)
    elif stage == DECIDED:
        _decide(tx, complaint, ticket, outcome, decision)
    elif stage == FOLLOW_UP:
        _ask_whether_settled(tx, complaint, ticket)
    elif stage == CLOSED:
        _close(tx, complaint, ticket, reason or "confirmed")
    elif stage == REOPENED:
        _reopen(tx, complaint, ticket, reason)
    elif stage == WITHDRAWN:
        _withdraw(tx, complaint, ticket, reason)
    complaint.stage = stage
    data = {"old": old, "new": stage, "reason": reason[:500], "outcome": complaint.outcome}
    tx.emit(EVENTS[stage], complaint=complaint, ticket=ticket, customer=ticket.customer_id, agent=agent, data=data)
    return complaint


def withdraw(tx: Tx, complaint: Complaint, statement: str, *, agent: Agent | None = None) -> Complaint:
    """The customer takes the complaint back, in their own words; possible until it is decided."""
    return advance(tx, complaint, WITHDRAWN, agent=agent, reason=statement)


def follow_up_due(tx: Tx, complaint: Complaint) -> None:
    """Some days after the decision (timer `complaint.follow_up`): have the customer asked, unless that has begun already."""
    if complaint.stage == DECIDED:
        advance(tx, complaint, FOLLOW_UP)


def add_evidence(tx: Tx, complaint: Complaint, message: Message, added_by: str) -> int:
    """Make a message's files part of the case, where nothing changes or removes them. Returns how many were new."""
    known = set(tx.session.scalars(select(Evidence.attachment_id).where(Evidence.complaint_id == complaint.id)))
    files = tx.session.scalars(select(Attachment).where(Attachment.message_id == message.id).order_by(Attachment.id)).all()
    new = [file for file in files if file.id not in known]
    for file in new:
        tx.session.add(
            Evidence(complaint_id=complaint.id, attachment_id=file.id, sha256=file.sha256, added_by=added_by, added_at=tx.now)
        )
    if new:
        data = {"by": added_by, "files": [{"name": file.name, "sha256": file.sha256} for file in new]}
        tx.emit("complaint.evidence_added", complaint=complaint, ticket=complaint.ticket_id, message=message, data=data)
    return len(new)


def customer_adds(tx: Tx, complaint: Complaint, text: str, files: Sequence[KeptFile] = (), *, token: str) -> Message:
    """The complainant adds words or files on the status page; whoever handles the case is woken. `token` makes it happen once."""
    if complaint.stage in (CLOSED, WITHDRAWN):
        raise Conflict("This complaint is closed. If something is still open, tell us below and we look at it again.")
    if not text.strip() and not files:
        raise Invalid("Please write something or attach a file.", {"text": N_("Please write something or attach a file.")})
    if len(text) > MAX_TEXT:
        raise Invalid("This text is too long.", {"text": N_("This text is too long; please attach it as a file.")})
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    inbound = addition(token, _contact(tx, ticket), text or "—", ticket.locale)
    receipt = intake.receive(tx, inbound, files, ticket=ticket)
    add_evidence(tx, complaint, receipt.message, "customer")
    return receipt.message


def customer_answers(tx: Tx, complaint: Complaint, satisfied: bool, text: str = "", *, token: str = "") -> Complaint:
    """The complainant says whether the matter is settled: closed if so, looked at again by somebody else if not.

    A closed complaint can be answered “not settled” for thirty days.
    """
    if complaint.stage == (CLOSED if satisfied else REOPENED):
        return complaint
    wanted = CLOSED if satisfied else REOPENED
    if wanted not in NEXT[complaint.stage]:
        raise Conflict("There is nothing to answer at this stage.", allowed=NEXT[complaint.stage])
    if not satisfied and not text.strip():
        raise Invalid("Please tell us what is still open.", {"text": N_("Please tell us what is still open.")})
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    if text.strip():
        inbound = addition(token or secrets.token_hex(8), _contact(tx, ticket), text[:MAX_TEXT], ticket.locale)
        intake.receive(tx, inbound, ticket=ticket, queue_work=False)
    return heard(tx, complaint, satisfied, reason="customer")


def heard(tx: Tx, complaint: Complaint, satisfied: bool, *, reason: str, agent: Agent | None = None) -> Complaint:
    """We know whether the complainant is content, from themselves or from whoever asked them."""
    follow_up = follow_up_work.open_one(tx, complaint.ticket_id)
    if follow_up is not None:
        outcome = "satisfied" if satisfied else "dissatisfied"
        follow_up_work.settle(tx, follow_up, outcome, handler_id=agent.id if agent else None)
    return advance(tx, complaint, CLOSED if satisfied else REOPENED, agent=agent, reason=reason)


def close_unconfirmed(tx: Tx, complaint: Complaint) -> Complaint:
    """Three tries and nobody reached: closed, with a letter that tells how to open it again."""
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    write_letter(tx, complaint, ticket, "not_reached")
    return advance(tx, complaint, CLOSED, reason="not_reached")


def check_form(form: ComplaintForm) -> None:
    """Raises `Invalid` with a sentence for each field that has to be changed."""
    fields = {}
    if not form.statement:
        fields["statement"] = N_("Please tell us what happened.")
    elif len(form.statement) > MAX_TEXT:
        fields["statement"] = N_("This text is too long; please attach it as a file.")
    if len(form.remedy_wanted) > MAX_TEXT:
        fields["remedy_wanted"] = N_("This text is too long; please attach it as a file.")
    if not form.email and not form.phone:
        fields["email"] = N_("We need an e-mail address or a phone number to answer you.")
    fields |= _wrong_contacts(form)
    for name in ("name", "product", "order_number"):
        if len(getattr(form, name)) > MAX_LINE:
            fields[name] = N_("This is too long; 200 characters are enough.")
    if form.category and form.category not in CATEGORIES:
        fields["category"] = N_("Choose what it is about, or leave it to us.")
    if fields:
        raise Invalid("Please check your answers; nothing has been sent yet.", fields)


def complaint_of(tx: Tx, ticket: Ticket) -> Complaint:
    """The complaint record of a ticket; raises `NotFound` when it has none."""
    complaint = tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    if complaint is None:
        raise NotFound("Ticket %(number)s is no complaint.", number=ticket.number)
    return complaint


EVENTS = {
    RECEIVED: "complaint.received",
    ACKNOWLEDGED: "complaint.acknowledged",
    ASSESSED: "complaint.assessed",
    INVESTIGATING: "complaint.investigation_began",
    DECIDED: "complaint.decided",
    FOLLOW_UP: "complaint.follow_up_began",
    CLOSED: "complaint.closed",
    REOPENED: "complaint.reopened",
    WITHDRAWN: "complaint.withdrawn",
}


def _register(tx: Tx, ticket: Ticket, *, received_at: datetime, **facts: str) -> Complaint:
    due = promise(tx.session, tx.session.get_one(Queue, ticket.queue_id), received_at)
    complaint = Complaint(
        ticket_id=ticket.id,
        received_at=received_at,
        acknowledge_due_at=due.acknowledge_by,
        decide_due_at=due.decide_by,
        access_key=secrets.token_urlsafe(24),
        **facts,
    )
    tx.session.add(complaint)
    # The promised date is the one that counts, on every list.
    ticket.resolve_due_at = due.decide_by
    data = {
        "channel": ticket.channel,
        "policy": "DEFAULT",
        "acknowledge_due_at": due.acknowledge_by.isoformat(),
        "decide_due_at": due.decide_by.isoformat(),
    }
    tx.emit(EVENTS[RECEIVED], complaint=complaint, ticket=ticket, customer=ticket.customer_id, data=data)
    return complaint


def _retype(tx: Tx, ticket: Ticket) -> None:
    """Make the ticket a complaint in the complaints queue; work on it that nobody has taken goes there too."""
    queue = intake.find_queue(tx, QUEUE_KEY)
    if ticket.type != "complaint":
        tx.emit("ticket.changed", ticket=ticket, data={"old": {"type": ticket.type}, "new": {"type": "complaint"}})
        ticket.type = "complaint"
    old = work_items.open_item(tx, ticket.id, tickets.TICKET_WORK)
    if old is not None:
        work_items.finish(tx, old)
    ticket.queue_id, ticket.team_id, ticket.updated_at = queue.id, queue.team_id, tx.now
    tickets.queue_work(tx, ticket, queue)


def _acknowledge(tx: Tx, complaint: Complaint, ticket: Ticket, *, how: str) -> None:
    mailed = write_letter(tx, complaint, ticket, "acknowledgement")
    complaint.stage, complaint.acknowledged_at = ACKNOWLEDGED, tx.now
    data = {"old": RECEIVED, "new": ACKNOWLEDGED, "how": how, "mailed": mailed}
    tx.emit(EVENTS[ACKNOWLEDGED], complaint=complaint, ticket=ticket, customer=ticket.customer_id, data=data)


def _assess(complaint: Complaint, ticket: Ticket, category: str, severity: int | None) -> None:
    fields = {}
    if (category or complaint.category) not in CATEGORIES:
        fields["category"] = N_("Choose what it is about.")
    if severity is not None and severity not in SEVERITIES:
        fields["severity"] = N_("Severity is a number from 1 to 4.")
    if fields:
        raise Invalid("Something is missing before this step.", fields)
    complaint.category = ticket.category = category or complaint.category
    complaint.severity = severity or complaint.severity


def _decide(tx: Tx, complaint: Complaint, ticket: Ticket, outcome: str, decision: str) -> None:
    fields = {}
    if outcome not in OUTCOMES:
        fields["outcome"] = N_("Choose what was found.")
    if not decision.strip():
        fields["decision"] = N_("Write the decision and its reasons, as the customer will read them.")
    if fields:
        raise Invalid("Something is missing before this complaint can be decided.", fields)
    complaint.outcome, complaint.decision = outcome, decision.strip()
    # The promise was kept, or not, by the first decision; a second one after reopening does not change that.
    complaint.decided_at = complaint.decided_at or tx.now
    write_letter(tx, complaint, ticket, "decision")
    ticket.first_human_reply_at = ticket.first_human_reply_at or tx.now
    solving.finish_work(tx, ticket)
    solving.settle(tx, ticket, category=ticket.category, wrap_up_code="solved", resolution=complaint.decision)
    asked_at = ask_again_at(tx.session, tx.session.get_one(Queue, ticket.queue_id), tx.now)
    set_timer(tx, "complaint.follow_up", str(complaint.id), asked_at, {"complaint_id": complaint.id})


def _ask_whether_settled(tx: Tx, complaint: Complaint, ticket: Ticket) -> None:
    clear_timer(tx, "complaint.follow_up", str(complaint.id))
    write_letter(tx, complaint, ticket, "follow_up")
    follow_up_work.open_follow_up(tx, ticket, "complaint", exclude=complaint.handler_id)


def _close(tx: Tx, complaint: Complaint, ticket: Ticket, reason: str) -> None:
    complaint.closed_at = tx.now
    solving.finish_work(tx, ticket)
    solving.close(tx, ticket, reason=reason)


def _reopen(tx: Tx, complaint: Complaint, ticket: Ticket, reason: str) -> None:
    if complaint.closed_at is not None and complaint.closed_at + REOPEN_WITHIN < tx.now:
        raise Conflict("This complaint was closed more than thirty days ago; please make a new one.")
    complaint.closed_at = None
    ticket.level = min(ticket.level + 1, 3)
    tickets.reopen(tx, ticket, reason=f"complaint: {reason}"[:200])
    former = complaint.handler_id
    complaint.handler_id = None
    tickets.assign(tx, ticket, None)
    if work_items.open_item(tx, ticket.id, tickets.TICKET_WORK) is None:
        queue = tx.session.get_one(Queue, ticket.queue_id)
        skills = ((f"lang:{ticket.locale}", 1),) if ticket.locale else ()
        # Who decided does not judge their own decision a second time.
        excluded = (former,) if former is not None else ()
        work_items.enqueue(tx, "complaint", "complaint", ticket, queue, skills=skills, excluded_agent_ids=excluded)


def _withdraw(tx: Tx, complaint: Complaint, ticket: Ticket, reason: str) -> None:
    if not reason.strip():
        raise Invalid("Please note why, in the customer's words.", {"reason": N_("Please note why, in the customer's words.")})
    complaint.outcome = "withdrawn"
    ticket.wrap_up_code, ticket.resolution = "no_action", reason.strip()
    _close(tx, complaint, ticket, "withdrawn")


def _keep_second_contact(tx: Tx, ticket: Ticket, form: ComplaintForm) -> None:
    """Note the phone number beside the address, but only for a customer whom this form made known.

    Otherwise anyone could hang their own number on somebody else's record by naming that person's address.
    """
    customer = tx.session.get_one(Customer, ticket.customer_id)
    if form.email and form.phone and customer.created_at == tx.now:
        customers.add_contact_point(tx, customer, "phone", customers.normal("phone", form.phone))


def _wrong_contacts(form: ComplaintForm) -> dict[str, str]:
    sentences = {
        "email": N_("This is no e-mail address. It should look like name@example.com."),
        "phone": N_("This is no phone number. Write it with its country code, such as +86 138 0013 8000."),
    }
    return {kind: sentence for kind, sentence in sentences.items() if getattr(form, kind) and not _is_contact(kind, form)}


def _is_contact(kind: str, form: ComplaintForm) -> bool:
    try:
        customers.normal(kind, getattr(form, kind))
    except Invalid:
        return False
    return True


def _contact(tx: Tx, ticket: Ticket) -> Contact:
    """The complainant as the channel knows them: whoever has the link writes as the customer of the ticket."""
    customer = tx.session.get_one(Customer, ticket.customer_id)
    point = tx.session.scalar(
        select(ContactPoint).where(ContactPoint.customer_id == customer.id).order_by(ContactPoint.id).limit(1)
    )
    if point is None:
        raise NotFound("We have lost the way to reach you; please file the complaint again.")
    return Contact(point.kind, point.value, customer.name)


def _last_heard(tx: Tx, ticket: Ticket) -> datetime | None:
    query = select(Message.created_at).where(Message.ticket_id == ticket.id, Message.direction == IN, Message.held.is_(False))
    return tx.session.scalar(query.order_by(Message.id.desc()).limit(1))
