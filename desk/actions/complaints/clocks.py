"""More time for a complaint before the promise is broken, and time that its clocks leave out; each with a letter."""

from __future__ import annotations

from datetime import datetime

from desk.access import Right, viewer_of
from desk.actions.complaints.letters import write_letter
from desk.actions.complaints.policy import reckon
from desk.actions.complaints.record import tell
from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Agent, Complaint, ComplaintClock, ComplaintPause, Ticket
from desk.models.complaint import OPEN_STAGES, RECEIVED, REOPENED
from desk.models.complaint_policy import CUSTOMER, PAUSE_REASONS, SUPERVISOR, Extension, Rules
from desk.queries.complaints.policies import open_pause, running_clocks
from desk.sentences import N_
from desk.store import Tx

LONGEST = 1000
LONGEST_PAUSE_DAYS = 366
PAUSE_TIMER = "complaint.pause"


def extend(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> None:
    """Promise a later day, and tell the customer why. The reason is in the letter, in their language.

    The strictest clock gets its next step of more time. Raises `NotAllowed` for who handles the case or may not approve,
    `Conflict` when it is too late or its policy knows no more.
    """
    viewer = viewer_of(agent)
    if not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    if agent.id == complaint.handler_id:
        raise NotAllowed("You handle this complaint; somebody else has to agree to more time.")
    if complaint.stage not in OPEN_STAGES or complaint.stage == REOPENED or complaint.decided_at is not None:
        raise Conflict("Only a complaint that has not been decided can get more time.")
    strictest = [clock for clock, _rules in _clocks(tx, complaint) if clock.decide_due_at == complaint.decide_due_at]
    steps = [next_step(clock, rules) for clock, rules in _clocks(tx, complaint) if clock in strictest]
    if not steps or None in steps:
        raise Conflict("This complaint has had more time already; its policy allows no more.")
    if any(step and step.approver == SUPERVISOR for step in steps):
        viewer.require(Right.SUPERVISE)
    if tx.now > complaint.decide_due_at:
        raise Conflict("The promised day is over; more time has to be agreed before that.")
    if not reason.strip():
        raise Invalid("Write to the customer why.", {"reason": N_("Write to the customer why.")})
    old = complaint.decide_due_at
    for clock in strictest:
        clock.extended += 1
    complaint.extended_from, complaint.extended_for = complaint.extended_from or old, reason.strip()[:LONGEST]
    reckon(tx, complaint)
    mailed = write_letter(tx, complaint, tx.session.get_one(Ticket, complaint.ticket_id), "extension")
    data = {"old": old.isoformat(), "new": complaint.decide_due_at.isoformat(), "reason": complaint.extended_for}
    data |= {"mailed": mailed, "policy": complaint.policy}
    tell(tx, complaint, "complaint.extended", agent=agent, data=data)


def tell_delay(tx: Tx, complaint: Complaint, agent: Agent, reason: str, until: datetime | None) -> None:
    """Write to the customer why there is no decision yet, when there will be one, and where they may go without it.

    What some policies ask for when their time is over (DISP 1.6.2R). No clock moves by it: what is late stays late. Raises
    `NotAllowed` without `Right.HANDLE_COMPLAINT`, `Conflict` when it is decided or no address is known, `Invalid` with `fields`.
    """
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if complaint.stage not in OPEN_STAGES or complaint.stage == REOPENED or complaint.decided_at is not None:
        raise Conflict("Only of a complaint that has not been decided does the customer hear that it takes longer.")
    fields = {} if reason.strip() else {"reason": N_("Write to the customer why.")}
    if until is None or until <= tx.now or (until - tx.now).days > LONGEST_PAUSE_DAYS:
        fields["until"] = N_("Choose a day that is still to come, within a year.")
    if fields or until is None:
        raise Invalid("Something is missing before this letter can leave.", fields)
    ticket, reason = tx.session.get_one(Ticket, complaint.ticket_id), reason.strip()[:LONGEST]
    if not write_letter(tx, complaint, ticket, "holding", reason=reason, until=until):
        raise Conflict("We know no address of this customer; tell them in another way, and note it on the ticket.")
    tell(tx, complaint, "complaint.delay_told", agent=agent, data={"reason": reason, "until": until.isoformat()})


def next_step(clock: ComplaintClock, rules: Rules) -> Extension | None:
    """The next step of more time that the clock's policy knows."""
    return rules.extensions[clock.extended] if clock.extended < len(rules.extensions) else None


def pause(tx: Tx, complaint: Complaint, agent: Agent | None, reason: str, needed: str, until: datetime | None) -> ComplaintPause:
    """Leave out the time until then from the clocks whose policy allows it for this reason; the customer is told.

    A program, whose right is known already, has no `agent`. Raises `NotAllowed` without `Right.HANDLE_COMPLAINT`, `Invalid` with
    `fields`, `Conflict` too late or when none allows it.
    """
    if agent is not None:
        viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if complaint.stage not in OPEN_STAGES or complaint.stage in (RECEIVED, REOPENED) or complaint.decided_at is not None:
        raise Conflict("Only a complaint that is being looked into can pause.")
    if open_pause(tx.session, complaint.id) is not None:
        raise Conflict("The clock is paused already.")
    fields = {} if reason in PAUSE_REASONS else {"reason": N_("Choose why.")}
    if not needed.strip():
        fields["needed"] = N_("Say what we wait for, as the customer reads it.")
    if until is None or until <= tx.now or (until - tx.now).days > LONGEST_PAUSE_DAYS:
        fields["until"] = N_("Choose a day that is still to come, within a year.")
    if fields or until is None:
        raise Invalid("Something is missing before the clock can pause.", fields)
    if tx.now > complaint.decide_due_at:
        raise Conflict("The promised day is over; what is late stays late.")
    if not any(reason in rules.pause_reasons for _clock, rules in _clocks(tx, complaint)):
        raise Conflict("No policy of this complaint lets its clock pause for this.")
    old = complaint.decide_due_at
    begun = ComplaintPause(
        complaint_id=complaint.id,
        reason=reason,
        needed=needed.strip()[:LONGEST],
        began_at=tx.now,
        began_by=agent.name if agent else tx.actor.name,
        until=until,
    )
    tx.session.add(begun)
    tx.session.flush()
    reckon(tx, complaint)
    set_timer(tx, PAUSE_TIMER, str(begun.id), until, {"complaint_id": complaint.id})
    mailed = write_letter(tx, complaint, tx.session.get_one(Ticket, complaint.ticket_id), "paused", reason=begun.needed)
    data = {"pause": begun.id, "why": reason, "reason": begun.needed, "until": until.isoformat(), "mailed": mailed}
    data |= {"old": old.isoformat(), "new": complaint.decide_due_at.isoformat()}
    tell(tx, complaint, "complaint.paused", agent=agent, data=data)
    return begun


def resume(tx: Tx, complaint: Complaint, *, why: str, agent: Agent | None = None) -> bool:
    """The clocks run on, reckoned with the time that has really passed. False when nothing was paused."""
    lasting = open_pause(tx.session, complaint.id)
    if lasting is None:
        return False
    if agent is not None:
        viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    old = complaint.decide_due_at
    lasting.ended_at, lasting.ended_by = min(tx.now, lasting.until), agent.name if agent else tx.actor.name
    clear_timer(tx, PAUSE_TIMER, str(lasting.id))
    tx.session.flush()
    if complaint.decided_at is None:
        reckon(tx, complaint)
    data = {"pause": lasting.id, "reason": why[:500], "old": old.isoformat(), "new": complaint.decide_due_at.isoformat()}
    tell(tx, complaint, "complaint.resumed", agent=agent, data=data)
    return True


def answered(tx: Tx, complaint: Complaint) -> None:
    """The customer gave something: a clock that waited for it runs on."""
    lasting = open_pause(tx.session, complaint.id)
    if lasting is not None and lasting.reason == CUSTOMER:
        resume(tx, complaint, why="the customer answered")


def pause_over(tx: Tx, complaint: Complaint) -> None:
    """The day until which it was paused has come (timer `complaint.pause`)."""
    lasting = open_pause(tx.session, complaint.id)
    if lasting is not None and lasting.until <= tx.now:
        resume(tx, complaint, why="its day has come")


def new_facts(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> None:
    """The customer brings new facts: clocks whose policy says so begin anew. Raises `Conflict` when none does."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if complaint.stage not in OPEN_STAGES or complaint.stage == REOPENED or complaint.decided_at is not None:
        raise Conflict("Only a complaint that has not been decided can begin anew.")
    if not reason.strip():
        raise Invalid("Say what is new.", {"reason": N_("Say what is new.")})
    begun = [clock for clock, rules in _clocks(tx, complaint) if rules.restart_on_new_facts]
    if not begun:
        raise Conflict("No policy of this complaint begins anew for new facts.")
    if tx.now > complaint.decide_due_at:
        raise Conflict("The promised day is over; what is late stays late.")
    old = complaint.decide_due_at
    for clock in begun:
        clock.started_at = tx.now
    reckon(tx, complaint)
    data = {"reason": reason.strip()[:500], "old": old.isoformat(), "new": complaint.decide_due_at.isoformat()}
    tell(tx, complaint, "complaint.restarted", agent=agent, data=data)


def _clocks(tx: Tx, complaint: Complaint) -> list[tuple[ComplaintClock, Rules]]:
    return [(clock, Rules.of(policy.rules)) for clock, policy in running_clocks(tx.session, complaint.id)]
