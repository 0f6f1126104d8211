"""Reading complaints: the officer's list by due time, one case for the console, and the complainant's own view of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, access_ticket, in_use, untouched_by, visible_tickets
from desk.days import day_in_words
from desk.db import asked_of_each
from desk.errors import NotFound
from desk.models import (
    Agent,
    Attachment,
    Calendar,
    Complaint,
    ComplaintDecision,
    Customer,
    Event,
    Evidence,
    FollowUp,
    Message,
    Queue,
    Representative,
    Ticket,
)
from desk.models.complaint import (
    ACKNOWLEDGED,
    ANSWERED_STAGES,
    APPROVAL,
    AWAITING_INFO,
    CLOSED,
    DECIDED,
    DRAFTED,
    FOLLOW_UP,
    INVESTIGATING,
    NEXT,
    OPEN_STAGES,
    OVER_STAGES,
    RECEIVED,
    REFERRED,
    REOPENED,
    RETYPED,
    WITHDRAWN,
    case_number,
)
from desk.models.complaint_policy import CUSTOMER
from desk.models.message import IN, OUT
from desk.models.ticket import PENDING_CUSTOMER
from desk.queries.complaints.policies import early_until, open_pause
from desk.queries.complaints.representatives import is_withheld, representatives_of

STATES = {"open": OPEN_STAGES, "answered": ANSWERED_STAGES, "over": OVER_STAGES}
VIEWED = "complaint.evidence_viewed"
SOON = 0.75  # of the promised time has passed
LINE = (RECEIVED, ACKNOWLEDGED, INVESTIGATING, DECIDED, FOLLOW_UP, CLOSED)  # the stages that a complainant is shown


@dataclass(frozen=True)
class ClockState:
    """One promise: `word` is on_time, soon or late while it runs, met or missed afterwards; `colour` is its mark on a page."""

    due_at: datetime
    word: str

    @property
    def colour(self) -> str:
        return {"on_time": "live", "met": "live", "soon": "waiting"}.get(self.word, "late")


@dataclass(frozen=True)
class ComplaintRow:
    """One line of the officer's list."""

    complaint: Complaint
    ticket: Ticket
    customer_name: str
    handler_name: str
    clock: ClockState

    @property
    def number(self) -> str:
        """What the complaint is called."""
        return case_number(self.ticket.number or 0, self.complaint.reopened)


@dataclass(frozen=True)
class ComplaintCase:
    """Everything about one complaint that its panel shows."""

    complaint: Complaint
    ticket: Ticket
    customer: Customer
    handler: Agent | None
    allowed: tuple[str, ...]
    acknowledge_clock: ClockState
    decide_clock: ClockState
    evidence: Sequence[tuple[Evidence, Attachment]]
    follow_ups: Sequence[FollowUp]
    history: Sequence[Event]
    may_settle: bool  # on the spot, by its policies
    speaking: Sequence[Representative] = ()

    @property
    def number(self) -> str:
        """What the complaint is called."""
        return case_number(self.ticket.number or 0, self.complaint.reopened)


@dataclass(frozen=True)
class Step:
    """A point of the line on the status page. `state` is done, now, next or late; `day` is when it was done or is promised."""

    stage: str
    state: str
    day: str = ""
    promised: bool = False


@dataclass(frozen=True)
class Said:
    """A message as the complainant may see it."""

    id: int
    ours: bool
    who: str
    at: datetime
    text: str
    letter: str  # the subject, if it is one of the letters that the desk writes by itself
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StatusView:
    """What the holder of the link sees: no names of handlers, no notes, nothing of other tickets."""

    complaint: Complaint
    number: str
    locale: str
    steps: list[Step]
    messages: list[Said]
    evidence: list[Attachment]
    decide_by: str
    waits_for_customer: bool
    can_add: bool
    can_answer: bool
    can_reopen: bool
    has_letter: bool
    has_pdf: bool
    paused: str  # what we wait for while the clock is paused
    paused_for_customer: bool
    withheld: bool  # the reader speaks for somebody else, and nobody has accepted that yet
    code: str  # with the number it opens the page; only without a name


def complaint_counts(session: Session, viewer: Viewer, *, now: datetime) -> dict[str, int]:
    """How many are open, answered and over, and how many of the open ones are late."""
    base = select(func.count()).select_from(Complaint)
    if not _reads_all(viewer):
        base = base.join(Ticket, Ticket.id == Complaint.ticket_id)
    base = base.where(_seen_by(viewer))
    counts = {name: session.scalar(base.where(Complaint.stage.in_(stages))) or 0 for name, stages in STATES.items()}
    undecided = asked_of_each(Complaint.decided_at.is_(None))
    late = base.where(Complaint.stage.in_(OPEN_STAGES), undecided, Complaint.decide_due_at < now)
    counts["late"] = session.scalar(late) or 0
    return counts


def complaint_case(session: Session, viewer: Viewer, number: int, *, now: datetime) -> ComplaintCase | None:
    """The complaint on this ticket, or None when the ticket is none; raises `NotFound` when the viewer may not read it."""
    ticket = access_ticket(session, viewer, number)
    complaint = session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    if complaint is None:
        return None
    evidence = session.execute(
        select(Evidence, Attachment)
        .join(Attachment, Attachment.id == Evidence.attachment_id)
        .where(Evidence.complaint_id == complaint.id)
        .order_by(Evidence.id)
    ).all()
    happened = select(Event).where(Event.ticket_id == ticket.id, Event.kind.startswith("complaint."), Event.kind != VIEWED)
    return ComplaintCase(
        complaint=complaint,
        ticket=ticket,
        customer=session.get_one(Customer, ticket.customer_id),
        handler=session.get(Agent, complaint.handler_id) if complaint.handler_id else None,
        allowed=NEXT[complaint.stage] if viewer.can(Right.HANDLE_COMPLAINT) else (),
        acknowledge_clock=acknowledge_clock(complaint, now),
        decide_clock=decide_clock(complaint, now),
        evidence=[(item, attachment) for item, attachment in evidence],
        follow_ups=session.scalars(select(FollowUp).where(FollowUp.ticket_id == ticket.id).order_by(FollowUp.id)).all(),
        history=session.scalars(happened.order_by(Event.id)).all(),
        may_settle=_may_settle(session, complaint, now),
        speaking=representatives_of(session, complaint.id),
    )


def _may_settle(session: Session, complaint: Complaint, now: datetime) -> bool:
    if complaint.stage not in (RECEIVED, ACKNOWLEDGED) or complaint.severity == 1:
        return False
    until = early_until(session, complaint)
    return until is not None and now <= until


def next_clock(complaint: Complaint, now: datetime) -> ClockState:
    """The promise that counts next: to acknowledge, then to decide."""
    return acknowledge_clock(complaint, now) if complaint.stage == RECEIVED else decide_clock(complaint, now)


def acknowledge_clock(complaint: Complaint, now: datetime) -> ClockState:
    """The promise to say that we have it."""
    return _clock(complaint.received_at, complaint.acknowledge_due_at, complaint.acknowledged_at, now)


def decide_clock(complaint: Complaint, now: datetime) -> ClockState:
    """The promise to decide. It stops with the decision, or with the end of a complaint that needs none."""
    return _clock(complaint.received_at, complaint.decide_due_at, complaint.decided_at or complaint.closed_at, now)


def complaint_by_key(session: Session, key: str) -> Complaint:
    """The complaint whose status page has this address; raises `NotFound`."""
    complaint = session.scalar(select(Complaint).where(Complaint.access_key == key)) if 16 <= len(key) <= 64 else None
    if complaint is None:
        raise NotFound("There is no complaint under this address.")
    return complaint


def status_view(session: Session, complaint: Complaint, locale: str, *, now: datetime) -> StatusView:
    """The complaint as its complainant follows it; dates are written in `locale`."""
    ticket = session.get_one(Ticket, complaint.ticket_id)
    zone = zone_of(session, ticket, complaint)
    evidence = select(Attachment).join(Evidence, Evidence.attachment_id == Attachment.id)
    pause = open_pause(session, complaint.id)
    withheld = is_withheld(session, complaint.id)
    letter = None if withheld else session.scalar(_letters(complaint).order_by(ComplaintDecision.id.desc()).limit(1))
    said = _messages(session, ticket)
    return StatusView(
        complaint=complaint,
        number=case_number(ticket.number or 0, complaint.reopened),
        locale=ticket.locale,
        steps=_steps(session, complaint, zone, locale, now),
        messages=[each for each in said if not each.ours] if withheld else said,
        evidence=list(session.scalars(evidence.where(Evidence.complaint_id == complaint.id).order_by(Evidence.id))),
        decide_by=day_in_words(complaint.decide_due_at, zone, locale),
        waits_for_customer=complaint.stage == AWAITING_INFO
        or (ticket.status == PENDING_CUSTOMER and complaint.stage in OPEN_STAGES),
        can_add=complaint.stage not in OVER_STAGES,
        can_answer=complaint.stage == FOLLOW_UP and not withheld,
        can_reopen=complaint.stage == CLOSED and not withheld,
        has_letter=letter is not None,
        has_pdf=letter is not None and bool(letter.pdf_sha256),
        paused=pause.needed if pause and complaint.stage in OPEN_STAGES and not withheld else "",
        paused_for_customer=pause is not None and pause.reason == CUSTOMER,
        withheld=withheld,
        code=code_of(complaint),
    )


def code_of(complaint: Complaint) -> str:
    """What opens the page of a complaint without a name, beside its number: in parts that can be read out; empty for others."""
    key = complaint.access_key
    return "-".join(key[at : at + 4] for at in range(0, len(key), 4)) if complaint.anonymous else ""


def is_in_evidence(session: Session, attachment_id: int) -> bool:
    """Whether a file belongs to a case, so that who looks at it is recorded."""
    return session.scalar(select(Evidence.id).where(Evidence.attachment_id == attachment_id).limit(1)) is not None


def latest_letter(session: Session, complaint: Complaint) -> ComplaintDecision:
    """The last decision that was sent, with its letter; raises `NotFound` when none was, or none for the reader."""
    withheld = is_withheld(session, complaint.id)
    decision = None if withheld else session.scalar(_letters(complaint).order_by(ComplaintDecision.id.desc()).limit(1))
    if decision is None:
        raise NotFound("There is no such letter.")
    return decision


def _letters(complaint: Complaint) -> Select[tuple[ComplaintDecision]]:
    return select(ComplaintDecision).where(ComplaintDecision.complaint_id == complaint.id, ComplaintDecision.letter != "")


def zone_of(session: Session, ticket: Ticket, complaint: Complaint | None = None) -> str:
    """The time zone in which this ticket's promises are days: that of the strictest policy, else of the queue."""
    if complaint is not None and complaint.zone:
        return complaint.zone
    calendar_id = session.get_one(Queue, ticket.queue_id).calendar_id
    return session.get_one(Calendar, calendar_id).zone


def _seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """`visible_tickets`, said of complaints alone for who reads every one but those that they are kept out of."""
    all_of_them = and_(untouched_by(viewer, Complaint.ticket_id), in_use(Complaint.ticket_id))
    return all_of_them if _reads_all(viewer) else visible_tickets(viewer)


def _reads_all(viewer: Viewer) -> bool:
    return viewer.can(Right.READ_COMPLAINTS) or viewer.can(Right.READ_ALL_TICKETS)


def _clock(received_at: datetime, due_at: datetime, done_at: datetime | None, now: datetime) -> ClockState:
    if done_at is not None:
        return ClockState(due_at, "met" if done_at <= due_at else "missed")
    if now > due_at:
        return ClockState(due_at, "late")
    passed = (now - received_at) / max(due_at - received_at, due_at.resolution)
    return ClockState(due_at, "soon" if passed >= SOON else "on_time")


def _steps(session: Session, complaint: Complaint, zone: str, locale: str, now: datetime) -> list[Step]:
    """The line of stages: what has been done with its day, what is promised with its day, the rest without one."""
    if complaint.stage in (WITHDRAWN, REFERRED, RETYPED):
        days = {RECEIVED: complaint.received_at, complaint.stage: complaint.closed_at or now}
        return [Step(stage, "done", day_in_words(day, zone, locale)) for stage, day in days.items()]
    done = _done_at(session, complaint)
    due = {ACKNOWLEDGED: complaint.acknowledge_due_at, DECIDED: complaint.decide_due_at}
    steps: list[Step] = []
    for stage in LINE:
        if stage in done:
            steps.append(Step(stage, "done", day_in_words(done[stage], zone, locale)))
            continue
        promised = due.get(stage)
        first_open = all(step.state == "done" for step in steps)
        state = "late" if promised and promised < now else "now" if first_open else "next"
        steps.append(Step(stage, state, day_in_words(promised, zone, locale) if promised else "", promised=promised is not None))
    return steps


def _done_at(session: Session, complaint: Complaint) -> dict[str, datetime]:
    """Which stages of the line lie behind; one that is under way (looking into it, asking back) is not done."""
    reached: dict[str, datetime | None] = {RECEIVED: complaint.received_at, ACKNOWLEDGED: complaint.acknowledged_at}
    # Looked at again: the earlier decision stands in the messages, the line shows what is going on now.
    if complaint.stage not in (REOPENED, INVESTIGATING, AWAITING_INFO, DRAFTED, APPROVAL):
        query = select(Event.at).where(Event.ticket_id == complaint.ticket_id, Event.kind == "complaint.decided")
        decided_at = session.scalar(query.order_by(Event.id.desc()).limit(1))
        reached |= {INVESTIGATING: decided_at, DECIDED: decided_at, FOLLOW_UP: complaint.closed_at, CLOSED: complaint.closed_at}
    return {stage: at for stage, at in reached.items() if at is not None}


def _messages(session: Session, ticket: Ticket) -> list[Said]:
    """What was said between the complainant and us, oldest first; notes, held messages and other people's mail are not there."""
    query = select(Message).where(
        Message.ticket_id == ticket.id,
        Message.direction.in_((IN, OUT)),
        Message.kind == "message",
        Message.held.is_(False),
        Message.customer_id == ticket.customer_id,
    )
    messages = session.scalars(query.order_by(Message.id)).all()
    files: dict[int, list[str]] = {}
    attached = select(Attachment.message_id, Attachment.name).where(Attachment.message_id.in_([each.id for each in messages]))
    for message_id, name in session.execute(attached.order_by(Attachment.id)):
        files.setdefault(message_id, []).append(name)
    return [
        Said(
            id=message.id,
            ours=message.direction == OUT,
            who="" if message.direction == OUT else message.author_name,
            at=message.created_at,
            text=message.reply_text or message.text,
            letter=message.subject if message.meta.get("letter") else "",
            files=files.get(message.id, []),
        )
        for message in messages
    ]
