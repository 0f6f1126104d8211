"""One cause that many complain of: it is looked into once and told to all; each keeps their own dates, decision and rights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select

from desk.access import Right, viewer_of
from desk.actions.complaints import complaints, file
from desk.actions.complaints.letters import write_letter
from desk.actions.complaints.record import tell
from desk.actions.complaints.severity import CRITICAL, at_least
from desk.actions.timers import set_timer
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Agent, Complaint, MassEvent, Ticket
from desk.models.complaint import ASSESSED, INVESTIGATING, OPEN_STAGES, WHILE_LOOKING
from desk.queries.complaints.mass_events import cases_of, one_event
from desk.sentences import N_
from desk.store import Tx

NOTICE_TIMER = "mass_event.notice"
STEPS = ("respond", "talk", "correct", "make_good")
MOST_CASES = 1000
AT_ONCE = 50  # cases that are written to, or into, in one transaction
MANY_CUSTOMERS = 100  # with more than so many, what has happened is of severity 1
LONGEST, LONGEST_TITLE = 4000, 200


def open_event(tx: Tx, agent: Agent, title: str, cases: Iterable[Complaint] = ()) -> MassEvent:
    """Begin one. Raises `NotAllowed` for who does not handle complaints, `Invalid` without a title."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if not title.strip() or len(title) > LONGEST_TITLE:
        raise Invalid("Say in a few words what has happened.", {"title": N_("Say in a few words what has happened.")})
    event = MassEvent(title=title.strip(), opened_by=agent.name, opened_at=tx.now, whys=[], steps={}, notices_sent=0)
    tx.session.add(event)
    tx.session.flush()
    tx.emit("mass_event.opened", agent=agent, data={"event": event.id, "title": event.title})
    for complaint in cases:
        join(tx, event, complaint, agent)
    return event


def join(tx: Tx, event: MassEvent, complaint: Complaint, agent: Agent) -> None:
    """One more complaint is of that cause. The same again changes nothing. Its clocks are its own and stay as they are.

    Raises `Conflict` for one that is decided or belongs to another event, and when the event is over or full.
    """
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    _check_running(event)
    if complaint.mass_event_id == event.id:
        return
    if complaint.mass_event_id is not None:
        raise Conflict("This complaint belongs to another event already.")
    if complaint.stage not in OPEN_STAGES:
        raise Conflict("Only a complaint that has not been decided can join an event.")
    query = select(func.count()).select_from(Complaint).where(Complaint.mass_event_id == event.id)
    if (tx.session.scalar(query) or 0) >= MOST_CASES:
        raise Conflict("An event has at most a thousand complaints.")
    complaint.mass_event_id = event.id
    tell(tx, complaint, "complaint.joined_event", agent=agent, data={"event": event.id, "reason": event.title})
    _raise_if_many(tx, event, complaint)


def _raise_if_many(tx: Tx, event: MassEvent, newest: Complaint) -> None:
    """More customers than so many make all of its open cases critical. Everybody is called once, by the case that made it so."""
    whose = select(func.count(Ticket.customer_id.distinct())).join(Complaint, Complaint.ticket_id == Ticket.id)
    if (tx.session.scalar(whose.where(Complaint.mass_event_id == event.id)) or 0) <= MANY_CUSTOMERS:
        return
    graver = select(Complaint).where(Complaint.mass_event_id == event.id, Complaint.severity > CRITICAL)
    waiting = tx.session.scalars(graver.where(Complaint.stage.in_(OPEN_STAGES)).order_by(Complaint.id)).all()
    called = waiting == [newest]
    for complaint in waiting:
        at_least(tx, complaint, CRITICAL, "many customers", quietly=called or complaint is not newest)


def leave(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> None:
    """It is of another cause after all. Raises `Invalid` without a reason."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if complaint.mass_event_id is None:
        raise Conflict("This complaint belongs to no event.")
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})
    left, complaint.mass_event_id = complaint.mass_event_id, None
    tell(tx, complaint, "complaint.left_event", agent=agent, data={"event": left, "reason": reason.strip()[:500]})


def find_out(
    tx: Tx, event: MassEvent, agent: Agent, *, finding: str, reason: str, looked_into: str, cause: str, whys: Sequence[str]
) -> None:
    """What one investigation has found for all of them; `enter_in_cases` writes it there. Raises `Invalid` with `fields`."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    _check_running(event)
    steps = file.steps_of(whys)
    fields = file.missing_in_finding(finding, reason) | file.missing_in_cause(cause, steps)
    if not looked_into.strip():
        fields["looked_into"] = N_("Say what was done to look into it.")
    if fields:
        raise Invalid("Something is missing in what was found out.", fields)
    event.finding, event.reason, event.looked_into = finding, reason.strip()[:LONGEST], looked_into.strip()[:LONGEST]
    event.cause, event.whys, event.found_at = cause, steps, tx.now
    tx.emit("mass_event.found_out", agent=agent, data={"event": event.id, "finding": finding, "cause": cause})


def enter_in_cases(tx: Tx, event: MassEvent, agent: Agent) -> int:
    """Write what was found into the next cases that are assessed and have no finding of their own yet; answers into how many.

    What somebody found out in a case for itself stays. Cases that the agent is kept out of are left alone.
    """
    viewer = viewer_of(agent)
    viewer.require(Right.HANDLE_COMPLAINT)
    _check_running(event)
    if event.found_at is None:
        raise Conflict("Nothing has been found out yet.")
    entered = 0
    waiting = cases_of(viewer, event.id).where(Complaint.stage.in_(WHILE_LOOKING), Complaint.cause == "").order_by(Complaint.id)
    for complaint in tx.session.scalars(waiting.limit(AT_ONCE)).all():
        _enter(tx, event, complaint, agent)
        entered += 1
    if entered:
        tx.emit("mass_event.entered", agent=agent, data={"event": event.id, "cases": entered})
    return entered


def _enter(tx: Tx, event: MassEvent, complaint: Complaint, agent: Agent) -> None:
    if complaint.stage == ASSESSED:
        complaints.advance(tx, complaint, INVESTIGATING, agent=agent)
    for point in file.allegations_of(tx, complaint)[:1]:  # what the complainant said; further points are their own
        if not point.finding:
            file.record_finding(tx, complaint, point.id, event.finding, event.reason)
    file.set_cause(tx, complaint, event.cause, event.whys)


def write_notice(tx: Tx, event: MassEvent, agent: Agent, text: str) -> None:
    """What all of them are to be told, for another to agree to. Writing again replaces what waits."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    _check_running(event)
    if not text.strip() or len(text) > LONGEST:
        raise Invalid("Write what they are told.", {"text": N_("Write what they are told.")})
    event.notice, event.notice_by_id, event.notice_by = text.strip(), agent.id, agent.name
    tx.emit("mass_event.notice_written", agent=agent, data={"event": event.id})


def approve_notice(tx: Tx, event: MassEvent, agent: Agent) -> None:
    """A supervisor who did not write it agrees: it goes to every complainant who still waits for a decision, a few at a time."""
    viewer_of(agent).require(Right.SUPERVISE)
    _check_running(event)
    if not event.notice:
        raise Conflict("No text waits for your word.")
    if event.notice_by_id == agent.id:
        raise NotAllowed("You wrote this; somebody else has to agree before it leaves.")
    text, event.notice, event.noticed_at = event.notice, "", tx.now
    event.notices_sent += 1
    set_timer(tx, NOTICE_TIMER, f"{event.id}:{event.notices_sent}", tx.now, {"event_id": event.id, "after": 0, "text": text})
    tx.emit("mass_event.notice_approved", agent=agent, data={"event": event.id, "written_by": event.notice_by, "text": text})


def send_notices(tx: Tx, event: MassEvent, text: str, after: int) -> None:
    """Write to the next cases (timer `mass_event.notice`), and go on after them until there are no more."""
    query = select(Complaint).where(Complaint.mass_event_id == event.id, Complaint.id > after, Complaint.stage.in_(OPEN_STAGES))
    found = tx.session.scalars(query.order_by(Complaint.id).limit(AT_ONCE)).all()
    for complaint in found:
        mailed = write_letter(tx, complaint, tx.session.get_one(Ticket, complaint.ticket_id), "notice", reason=text)
        tell(tx, complaint, "complaint.noticed_of_event", data={"event": event.id, "mailed": mailed})
    if len(found) == AT_ONCE:
        data = {"event_id": event.id, "after": found[-1].id, "text": text}
        set_timer(tx, NOTICE_TIMER, f"{event.id}:{event.notices_sent}:{found[-1].id}", tx.now, data)


def take_step(tx: Tx, event: MassEvent, agent: Agent, step: str) -> None:
    """One of the steps of such an event has been done, now. Again changes nothing."""
    viewer = viewer_of(agent)
    if not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    _check_running(event)
    if step not in STEPS:
        raise Invalid("There is no such step.")
    if step not in event.steps:
        event.steps = {**event.steps, step: {"at": tx.now.isoformat(), "by": agent.name}}
        tx.emit("mass_event.step_taken", agent=agent, data={"event": event.id, "step": step})


def close(tx: Tx, event: MassEvent, agent: Agent) -> None:
    """It is over. Raises `Conflict` while a step is not taken or a complaint of it has not been decided."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    _check_running(event)
    undecided = select(Complaint.id).where(Complaint.mass_event_id == event.id, Complaint.stage.in_(OPEN_STAGES))
    if set(event.steps) != set(STEPS) or tx.session.scalar(undecided.limit(1)) is not None:
        raise Conflict("It ends when all four steps are taken and every complaint of it has been decided.")
    event.closed_at = tx.now
    tx.emit("mass_event.closed", agent=agent, data={"event": event.id})


def event_of(tx: Tx, event_id: int) -> MassEvent:
    """The event, locked against a second one who changes it; raises `NotFound`."""
    return one_event(tx.session, event_id, for_update=True)


def _check_running(event: MassEvent) -> None:
    if event.closed_at is not None:
        raise Conflict("This event is over.")
