"""A complaint from receipt to a confirmed end: promised dates, stages, evidence, decision, and the customer's own say."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from channels.form import ComplaintForm
from channels.message import Inbound
from desk.access import Right, viewer_of
from desk.actions import intake
from desk.actions.calendars import calendar_of
from desk.actions.complaints import file, level, representatives
from desk.actions.complaints.alarms import critical
from desk.actions.complaints.alerts import look_soon
from desk.actions.complaints.clocks import answered, resume
from desk.actions.complaints.evidence import add_evidence
from desk.actions.complaints.form import check_form, keep_second_contact
from desk.actions.complaints.letters import address_for, tell_customer, way_to, write_letter
from desk.actions.complaints.line import check_outside_line
from desk.actions.complaints.policy import ask_again_at, start_clocks
from desk.actions.complaints.record import EVENTS, tell
from desk.actions.complaints.retyping import make_ordinary, ticket_of_its_own
from desk.actions.complaints.severity import CRITICAL, HIGH, SEVERITIES, at_least, check_lowering
from desk.actions.surveys import follow_up_work
from desk.actions.tickets import solving, tickets
from desk.actions.timers import clear_timer, set_timer
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotAllowed, NotFound
from desk.files import KeptFile
from desk.models import Agent, Complaint, Message, Queue, Ticket
from desk.models.complaint import (
    ACKNOWLEDGED,
    APPROVAL,
    ARCHIVED,
    ASSESSED,
    AWAITING_INFO,
    CLOSED,
    DECIDED,
    DISPOSED,
    DRAFTED,
    FOLLOW_UP,
    INVESTIGATING,
    NEXT,
    RECEIVED,
    REDRESS,
    REFERRED,
    REOPENED,
    RETYPED,
    WITHDRAWN,
)
from desk.models.message import IN
from desk.models.ticket import CATEGORIES, LIVE, MERGED, SPAM
from desk.queries.complaints.corrective_actions import left_behind
from desk.queries.complaints.policies import keep_until
from desk.sentences import N_
from desk.store import Tx
from routing.clocks import deadline

QUEUE_KEY = "complaints"
# Entered by hand only with Right.HANDLE_COMPLAINT.
OFFICER_STAGES = (ASSESSED, INVESTIGATING, AWAITING_INFO, REFERRED, RETYPED, FOLLOW_UP)
REOPEN_WITHIN = timedelta(days=30)
OLDEST_LETTER = timedelta(days=731)
NOT_REACHED_TRIES = 3
NOBODY_TO_ASK = "nobody to ask"
INFO_TIMER, ARCHIVE_TIMER = "complaint.info", "complaint.archive"
BY_DECIDING = (DRAFTED, APPROVAL, DECIDED, REDRESS)  # entered by what `decisions` does, never by naming the stage
ANSWER_DAYS = 5  # business days that the customer has for what we asked them
SPOKEN, SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ", 16  # the key of a complaint without a name can be written down and read out


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
    keep_second_contact(tx, receipt.ticket, form)
    complaint = _register(
        tx,
        receipt.ticket,
        received_at=tx.now,
        statement=form.statement,
        remedy_wanted=form.remedy_wanted,
        product=form.product,
        order_number=form.order_number,
        category=form.category,
        anonymous=form.anonymous,
    )
    if form.relation:
        representatives.note(tx, complaint, form.relation, name=form.for_name, email=form.for_email, wrote=True)
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
    anonymous: bool = False,
    received_at: datetime | None = None,
    policies: Sequence[str] = (),
) -> Complaint:
    """What came as a call, a chat or a mail is a complaint: record it as one. Lack of merit is no reason not to.

    It counts as received when the customer last wrote, or now; a letter or fax at `received_at`, as its date stamp says. It is
    acknowledged by mail when we know an address; otherwise only if the agent has read out number and date (`told_by_voice`).
    Without a name there is nobody to tell. Registering twice returns the first record; one that was found to be none stays as it
    is, and the new one is on a ticket of its own.
    """
    before = tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    if before is not None and before.outcome != RETYPED:
        return before
    fields = {} if statement.strip() else {"statement": N_("Write down what the customer complains of, in their words.")}
    if category and category not in CATEGORIES:
        fields["category"] = N_("Choose what it is about.")
    if received_at is not None and not tx.now - OLDEST_LETTER <= received_at <= tx.now:
        fields["received"] = N_("Choose the day on which it came: today or before, within two years.")
    if fields:
        raise Invalid("Something is missing before this can be recorded as a complaint.", fields)
    if ticket.status in (MERGED, SPAM):
        raise Conflict("This ticket is closed; a complaint needs a ticket that is open.")
    if before is not None:
        ticket = ticket_of_its_own(tx, ticket)
    if ticket.status not in LIVE:
        tickets.reopen(tx, ticket, reason="complaint")
    ticket.category = category or ticket.category
    _retype(tx, ticket)
    complaint = _register(
        tx,
        ticket,
        received_at=received_at or _last_heard(tx, ticket) or tx.now,
        policies=policies,
        statement=statement.strip(),
        remedy_wanted=remedy_wanted.strip(),
        product=product.strip(),
        order_number=order_number.strip(),
        category=ticket.category,
        anonymous=anonymous,
    )
    for message in tx.session.scalars(select(Message).where(Message.ticket_id == ticket.id, Message.direction == IN)).all():
        add_evidence(tx, complaint, message, "customer")
    if anonymous:
        _acknowledge(tx, complaint, ticket, how="nobody")
    elif told_by_voice:
        _acknowledge(tx, complaint, ticket, how="voice")
    elif address_for(tx, ticket):
        _acknowledge(tx, complaint, ticket, how="mail")
    else:
        write_letter(tx, complaint, ticket, "acknowledgement")  # on paper, if at all: it is acknowledged once that is posted
    return complaint


def advance(
    tx: Tx,
    complaint: Complaint,
    stage: str,
    *,
    agent: Agent | None = None,
    category: str = "",
    severity: int | None = None,
    reason: str = "",
) -> Complaint:
    """Move a complaint to its next stage. An `agent` needs `Right.HANDLE_COMPLAINT` for `OFFICER_STAGES`, else `NotAllowed`.

    Assessing needs `category`, asking the customer the question and referring or withdrawing the `reason`. Deciding is done by
    `decisions`. Raises `Conflict` with what is `allowed` for a move that is not, `Invalid` with `fields` for what is
    missing.
    """
    check_next(complaint, stage)
    _check_not_apart(complaint, stage)
    if agent is not None:
        _check_who(complaint, stage, agent)
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    if complaint.stage == FOLLOW_UP:
        _asking_ends(tx, complaint, stage, agent, reason)
    if agent is not None:
        check_outside_line(tx, complaint, agent)
    if agent is not None and complaint.handler_id is None and stage in (ASSESSED, INVESTIGATING):
        complaint.handler_id = agent.id
    if stage == ACKNOWLEDGED:
        _acknowledge(tx, complaint, ticket, how=way_to(tx, ticket))
        return complaint
    if stage == ASSESSED:
        _assess(tx, complaint, ticket, category, severity, reason)
    elif stage == AWAITING_INFO:
        _ask_customer(tx, complaint, ticket, agent, reason)
    elif stage == REFERRED:
        _refer(tx, complaint, ticket, agent, reason)
    elif stage == FOLLOW_UP:
        _ask_whether_settled(tx, complaint, ticket)
    else:
        _end_or_begin_anew(tx, complaint, ticket, stage, reason)
    return enter(tx, complaint, stage, agent=agent, reason=reason)


def _end_or_begin_anew(tx: Tx, complaint: Complaint, ticket: Ticket, stage: str, reason: str) -> None:
    if stage == CLOSED:
        _end(tx, complaint, ticket, reason or "confirmed")
    elif stage == REOPENED:
        _reopen(tx, complaint, ticket, reason)
    elif stage == WITHDRAWN:
        _withdraw(tx, complaint, ticket, reason)
    elif stage == RETYPED:
        make_ordinary(tx, complaint, ticket, reason)
        _archive_later(tx, complaint)


def _check_not_apart(complaint: Complaint, stage: str) -> None:
    """Raises `Conflict` for what is not entered by naming the stage."""
    if stage == DISPOSED or (stage == FOLLOW_UP and complaint.stage in (RECEIVED, ACKNOWLEDGED)):
        raise Conflict("This step has a form of its own.", allowed=NEXT[complaint.stage])
    if stage in BY_DECIDING or (stage == INVESTIGATING and complaint.stage in (DRAFTED, APPROVAL)):
        raise Conflict("This step is taken by writing or judging a decision.", allowed=NEXT[complaint.stage])


def _check_who(complaint: Complaint, stage: str, agent: Agent) -> None:
    if stage in OFFICER_STAGES:
        viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if stage == CLOSED and agent.id == complaint.handler_id:
        raise NotAllowed("You handled this matter yourself; somebody else has to ask the customer.")


def check_next(complaint: Complaint, stage: str) -> None:
    """Raises `Conflict` with what is `allowed` when this stage does not come next."""
    if stage not in NEXT[complaint.stage]:
        raise Conflict("The complaint has moved on, or this step does not come next.", allowed=NEXT[complaint.stage])


def enter(tx: Tx, complaint: Complaint, stage: str, *, agent: Agent | None = None, reason: str = "", **data: object) -> Complaint:
    """The complaint is at this stage now; raises as `check_next`. A case that is looked into has at least one point."""
    check_next(complaint, stage)
    old, complaint.stage = complaint.stage, stage
    if old == AWAITING_INFO:
        clear_timer(tx, INFO_TIMER, str(complaint.id))
        answered(tx, complaint)
    told = {"old": old, "new": stage, "reason": reason[:500], "outcome": complaint.outcome, **data}
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    tell(tx, complaint, EVENTS[stage], customer=ticket.customer_id, agent=agent, data=told)
    if stage == INVESTIGATING and not file.allegations_of(tx, complaint):
        file.add_allegation(tx, complaint, complaint.statement)
    return complaint


def decide(tx: Tx, complaint: Complaint) -> None:
    """What a decision that leaves does to the ticket: the customer has it, the work is done, and they are asked some days later.

    The promise was kept, or not, by the first decision; a second one after reopening does not change that.
    """
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    resume(tx, complaint, why="decided")
    complaint.decided_at = complaint.decided_at or tx.now
    write_letter(tx, complaint, ticket, "decision")
    end_work(tx, complaint, ticket)
    plan_follow_up(tx, complaint, ticket)


def end_work(tx: Tx, complaint: Complaint, ticket: Ticket) -> None:
    """The customer has our word: the ticket is solved by it."""
    ticket.first_human_reply_at = ticket.first_human_reply_at or tx.now
    solving.finish_work(tx, ticket)
    solving.settle(tx, ticket, category=ticket.category, wrap_up_code="solved", resolution=complaint.decision)


def given(tx: Tx, complaint: Complaint, redress_id: int, proof: str) -> None:
    """Redress was given; when it was the last, the customer is asked some days after that."""
    file.redress_done(tx, complaint, redress_id, proof)
    if all(each.done_at is not None for each in file.redress_of(tx, complaint)):
        plan_follow_up(tx, complaint, tx.session.get_one(Ticket, complaint.ticket_id))


def info_overdue(tx: Tx, complaint: Complaint) -> None:
    """The customer has not answered our question in time: we go on with what we know, and never close because of it."""
    if complaint.stage == AWAITING_INFO:
        enter(tx, complaint, INVESTIGATING, reason="no answer in time")


def archive_due(tx: Tx, complaint: Complaint) -> None:
    """It can be opened no more, and is kept until a known day. While nobody owns an action that answers to it, it waits."""
    ended = complaint.stage in (CLOSED, WITHDRAWN, REFERRED, RETYPED)
    if not ended or complaint.closed_at is None or complaint.closed_at + REOPEN_WITHIN > tx.now:
        return
    if left_behind(tx.session, complaint.id):
        set_timer(tx, ARCHIVE_TIMER, str(complaint.id), tx.now + timedelta(days=1), {"complaint_id": complaint.id})
        return
    complaint.dispose_after = keep_until(tx.session, complaint)
    enter(tx, complaint, ARCHIVED)


def withdraw(tx: Tx, complaint: Complaint, statement: str, *, agent: Agent | None = None) -> Complaint:
    """The customer takes the complaint back, in their own words; possible until it is decided."""
    return advance(tx, complaint, WITHDRAWN, agent=agent, reason=statement)


def follow_up_due(tx: Tx, complaint: Complaint) -> None:
    """Some days after the decision (timer `complaint.follow_up`): have the customer asked, unless that has begun already."""
    open_redress = any(each.done_at is None for each in file.redress_of(tx, complaint))
    if complaint.stage in (DECIDED, REDRESS) and not open_redress:
        advance(tx, complaint, FOLLOW_UP)
    elif complaint.stage == FOLLOW_UP and complaint.anonymous:
        if not complaint.needs:  # that is never closed by itself
            advance(tx, complaint, CLOSED, reason=NOBODY_TO_ASK)
    elif complaint.stage == FOLLOW_UP and follow_up_work.open_one(tx, complaint.ticket_id) is None:
        _ask_whether_settled(tx, complaint, tx.session.get_one(Ticket, complaint.ticket_id))


def heard(tx: Tx, complaint: Complaint, satisfied: bool, *, reason: str, agent: Agent | None = None) -> Complaint:
    """We know whether the complainant is content, from themselves or from whoever asked them."""
    return advance(tx, complaint, CLOSED if satisfied else REOPENED, agent=agent, reason=reason)


def close_unconfirmed(tx: Tx, complaint: Complaint) -> Complaint:
    """Three tries and nobody reached: closed, with a letter that tells how to open it again."""
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    write_letter(tx, complaint, ticket, "not_reached")
    return advance(tx, complaint, CLOSED, reason="not_reached")


def complaint_of(tx: Tx, ticket: Ticket) -> Complaint:
    """The complaint record of a ticket; raises `NotFound` when it has none."""
    complaint = tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    if complaint is None:
        raise NotFound("Ticket %(number)s is no complaint.", number=ticket.number)
    return complaint


def _register(
    tx: Tx, ticket: Ticket, *, received_at: datetime, policies: Sequence[str] = (), anonymous: bool = False, **facts: str
) -> Complaint:
    complaint = Complaint(
        ticket_id=ticket.id,
        received_at=received_at,
        acknowledge_due_at=received_at,  # the clocks, which need the case, say at once when really
        decide_due_at=received_at,
        anonymous=anonymous,
        access_key="".join(secrets.choice(SPOKEN) for _ in range(SIGNS)) if anonymous else secrets.token_urlsafe(24),
        **facts,
    )
    tx.session.add(complaint)
    tx.session.flush()
    start_clocks(tx, complaint, policies)
    data = {
        "channel": ticket.channel,
        "policy": complaint.policy,
        "acknowledge_due_at": complaint.acknowledge_due_at.isoformat(),
        "decide_due_at": complaint.decide_due_at.isoformat(),
    }
    tell(tx, complaint, EVENTS[RECEIVED], customer=ticket.customer_id, data=data)
    look_soon(tx, complaint)
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
    acknowledged(tx, complaint, ticket, how=how, mailed=write_letter(tx, complaint, ticket, "acknowledgement"), at=tx.now)


def acknowledged(tx: Tx, complaint: Complaint, ticket: Ticket, *, how: str, mailed: bool, at: datetime) -> None:
    """The customer has been told that we have it, at this moment and in this way: page, mail, post or voice."""
    complaint.stage, complaint.acknowledged_at = ACKNOWLEDGED, at
    data = {"old": RECEIVED, "new": ACKNOWLEDGED, "how": how, "mailed": mailed}
    tell(tx, complaint, EVENTS[ACKNOWLEDGED], customer=ticket.customer_id, data=data)


def _assess(tx: Tx, complaint: Complaint, ticket: Ticket, category: str, severity: int | None, reason: str) -> None:
    fields = {}
    if (category or complaint.category) not in CATEGORIES:
        fields["category"] = N_("Choose what it is about.")
    if severity is not None and severity not in SEVERITIES:
        fields["severity"] = N_("Severity is a number from 1 to 4.")
    if fields:
        raise Invalid("Something is missing before this step.", fields)
    check_lowering(complaint, severity, reason)
    complaint.category = ticket.category = category or complaint.category
    was, complaint.severity = complaint.severity, severity or complaint.severity
    if complaint.severity == CRITICAL != was:
        critical(tx, complaint)


def _ask_customer(tx: Tx, complaint: Complaint, ticket: Ticket, agent: Agent | None, question: str) -> None:
    """Ask them by mail, if we know an address (else the agent has asked by voice); their clocks run on meanwhile."""
    if not question.strip():
        raise Invalid("Write what we need to know.", {"reason": N_("Write what we need to know.")})
    tell_customer(tx, complaint, ticket, agent, question)
    calendar = calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id))
    reply_by = deadline(tx.now, ANSWER_DAYS, "business_days", calendar)
    set_timer(tx, INFO_TIMER, str(complaint.id), reply_by, {"complaint_id": complaint.id})


def _refer(tx: Tx, complaint: Complaint, ticket: Ticket, agent: Agent | None, told: str) -> None:
    """It is not ours to decide: the customer is told why and who can."""
    missing = N_("Write to the customer why, and who can help.")
    if not told.strip():
        raise Invalid(missing, {"reason": missing})
    representatives.check_judged(tx, complaint)
    tell_customer(tx, complaint, ticket, agent, told)
    complaint.outcome = "referred"
    ticket.wrap_up_code, ticket.resolution = "no_action", told.strip()
    _end(tx, complaint, ticket, "referred")


def plan_follow_up(tx: Tx, complaint: Complaint, ticket: Ticket) -> None:
    """Have somebody else ask in some days whether it is settled."""
    asked_at = ask_again_at(tx.session, tx.session.get_one(Queue, ticket.queue_id), tx.now)
    clear_timer(tx, "complaint.follow_up", str(complaint.id))
    set_timer(tx, "complaint.follow_up", str(complaint.id), asked_at, {"complaint_id": complaint.id})


def _ask_whether_settled(tx: Tx, complaint: Complaint, ticket: Ticket) -> None:
    if any(each.done_at is None for each in file.redress_of(tx, complaint)):
        raise Conflict("What was promised has not been given yet.")
    if complaint.anonymous:
        plan_follow_up(tx, complaint, ticket)  # nobody can be asked; whoever has the link may still say that it is not settled
        return
    clear_timer(tx, "complaint.follow_up", str(complaint.id))
    write_letter(tx, complaint, ticket, "follow_up")
    follow_up_work.open_follow_up(tx, ticket, "complaint", exclude=complaint.handler_id)


def _asking_ends(tx: Tx, complaint: Complaint, stage: str, agent: Agent | None, reason: str) -> None:
    """Nobody need ask the customer any more: the answer is known, whoever brought it."""
    tx.session.flush()
    follow_up = follow_up_work.open_one(tx, complaint.ticket_id)
    if follow_up is not None:
        outcome = "satisfied" if stage == CLOSED else "dissatisfied"
        follow_up_work.settle(tx, follow_up, outcome, note=reason, handler_id=agent.id if agent else None)


def _end(tx: Tx, complaint: Complaint, ticket: Ticket, reason: str) -> None:
    resume(tx, complaint, why="ended")
    complaint.closed_at = tx.now
    solving.finish_work(tx, ticket)
    solving.close(tx, ticket, reason=reason)
    _archive_later(tx, complaint)


def _archive_later(tx: Tx, complaint: Complaint) -> None:
    set_timer(tx, ARCHIVE_TIMER, str(complaint.id), tx.now + REOPEN_WITHIN, {"complaint_id": complaint.id})


def _reopen(tx: Tx, complaint: Complaint, ticket: Ticket, reason: str) -> None:
    if complaint.closed_at is not None and complaint.closed_at + REOPEN_WITHIN < tx.now:
        raise Conflict("This complaint was closed more than thirty days ago; please make a new one.")
    clear_timer(tx, ARCHIVE_TIMER, str(complaint.id))
    complaint.closed_at = None
    complaint.reopened += 1
    ticket.level = min(ticket.level + 1, 3)
    at_least(tx, complaint, HIGH, "reopened")
    tickets.reopen(tx, ticket, reason=f"complaint: {reason}"[:200])
    former = complaint.handler_id
    complaint.handler_id = None
    tickets.assign(tx, ticket, None)
    level.reopened(tx, complaint, ticket, former, reason)  # first: it has the ticket wait, and the new handler need not
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
    _end(tx, complaint, ticket, "withdrawn")


def _last_heard(tx: Tx, ticket: Ticket) -> datetime | None:
    query = select(Message.created_at).where(Message.ticket_id == ticket.id, Message.direction == IN, Message.held.is_(False))
    return tx.session.scalar(query.order_by(Message.id.desc()).limit(1))
