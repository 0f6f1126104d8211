"""What we promise to whoever complains: under which policies a case runs, and the dates that follow. The strictest counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.actions.calendars import calendar_of
from desk.actions.complaints.alarms import watch
from desk.actions.complaints.policy_seeds import SEEDS
from desk.actions.complaints.record import tell
from desk.errors import Conflict, Invalid
from desk.models import Calendar, Complaint, ComplaintClock, ComplaintPolicy, Queue, Ticket
from desk.models.complaint import OPEN_STAGES, REOPENED
from desk.models.complaint_policy import AGREED, Rules
from desk.queries.complaints.dates import dues, kept_calendar, read_calendar
from desk.queries.complaints.policies import FALLBACK, calendar_row, chosen_codes, in_force, pauses_of, running_clocks
from desk.sentences import N_
from desk.store import Tx
from routing.clocks import deadline
from routing.hours import Pause

FOLLOW_UP_AFTER_DAYS = 3  # business days from the decision to asking whether the customer is content
MOST_POLICIES = 6


@dataclass(frozen=True)
class Promise:
    """The dates given to a complaint, the policy that gives the decision's, and the zone in which they are days."""

    acknowledge_by: datetime
    decide_by: datetime
    zone: str
    policy: str


def promise(session: Session, queue: Queue, received_at: datetime, codes: Sequence[str] = ()) -> Promise:
    """What is promised to a complaint that this queue receives at this moment, under these policies or those of every case."""
    policies = policies_for(session, queue, received_at, codes or chosen_codes(session))
    return _strictest(session, queue, received_at, [_clock(session, queue, policy, received_at) for policy in policies])


def ask_again_at(session: Session, queue: Queue, decided_at: datetime) -> datetime:
    """When somebody asks the customer whether the decision has settled the matter."""
    return deadline(decided_at, FOLLOW_UP_AFTER_DAYS, "business_days", calendar_of(session, queue))


def policies_for(session: Session, queue: Queue, received_at: datetime, codes: Iterable[str]) -> list[ComplaintPolicy]:
    """The versions in force on the day of receipt. Raises `Invalid` for a policy that had none then."""
    day = received_at.astimezone(ZoneInfo(session.get_one(Calendar, queue.calendar_id).zone)).date()
    found = [in_force(session, code, day) for code in dict.fromkeys(codes)]
    if not found or None in found or len(found) > MOST_POLICIES:
        raise Invalid("Choose policies that hold on the day of receipt.", {"policy": N_("Choose policies that hold then.")})
    return [each for each in found if each is not None]


def start_clocks(tx: Tx, complaint: Complaint, codes: Sequence[str] = ()) -> None:
    """Let a new case run under these policies, or under those of every case, from its receipt on."""
    queue = tx.session.get_one(Queue, tx.session.get_one(Ticket, complaint.ticket_id).queue_id)
    for policy in policies_for(tx.session, queue, complaint.received_at, codes or chosen_codes(tx.session)):
        clock = _clock(tx.session, queue, policy, complaint.received_at)
        clock.complaint_id = complaint.id
        tx.session.add(clock)
    tx.session.flush()
    govern(tx, complaint)


def govern(tx: Tx, complaint: Complaint) -> None:
    """Take the strictest dates of the case's clocks for the case; every list and alarm goes by these."""
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    queue = tx.session.get_one(Queue, ticket.queue_id)
    tx.session.flush()
    clocks = [clock for clock, _policy in running_clocks(tx.session, complaint.id)]
    found = _strictest(tx.session, queue, complaint.received_at, clocks)
    complaint.acknowledge_due_at, complaint.decide_due_at = found.acknowledge_by, found.decide_by
    complaint.policy, complaint.zone = found.policy, found.zone
    ticket.resolve_due_at = complaint.decide_due_at
    watch(tx, complaint)


def reckon(tx: Tx, complaint: Complaint) -> None:
    """Reckon every clock anew after a pause, more time or new facts, then the case's dates."""
    pauses = pauses_of(tx.session, complaint.id)
    for clock, policy in running_clocks(tx.session, complaint.id):
        rules = Rules.of(policy.rules)
        spans = [(each.began_at, each.ended_at or each.until) for each in pauses if each.reason in rules.pause_reasons]
        _set(clock, rules, spans)
    govern(tx, complaint)


def classify(tx: Tx, complaint: Complaint, code: str, reason: str, *, reference: str = "") -> None:
    """The case falls under this policy too, from its receipt on. Raises `Conflict` when it does already or is decided."""
    _check_open(complaint, reason)
    if any(policy.code == code for _clock, policy in running_clocks(tx.session, complaint.id)):
        raise Conflict("The complaint is handled under this policy already.")
    queue = tx.session.get_one(Queue, tx.session.get_one(Ticket, complaint.ticket_id).queue_id)
    (policy,) = policies_for(tx.session, queue, complaint.received_at, [code])
    if len(running_clocks(tx.session, complaint.id)) >= MOST_POLICIES:
        raise Conflict("A complaint has at most six policies.")
    clock = _clock(tx.session, queue, policy, complaint.received_at)
    clock.complaint_id, clock.reference = complaint.id, reference.strip()[:100]
    tx.session.add(clock)
    _reclassified(tx, complaint, reason, added=f"{code} {policy.version}", reference=clock.reference)


def declassify(tx: Tx, complaint: Complaint, code: str, reason: str) -> None:
    """The case does not fall under this policy after all. Raises `Conflict` for the last one, or when it is decided."""
    _check_open(complaint, reason)
    clocks = running_clocks(tx.session, complaint.id)
    clock = next((clock for clock, policy in clocks if policy.code == code), None)
    if clock is None or len(clocks) == 1:
        raise Conflict("A complaint always has a policy. Add another one first.")
    clock.ended_at = tx.now
    _reclassified(tx, complaint, reason, removed=code)


def ensure_policies(tx: Tx) -> None:
    """Add the policies that come with the desk and are not there: those of a new desk, and new ones of an old desk."""
    there = set(tx.session.scalars(select(ComplaintPolicy.code)))
    new = [seed for seed in SEEDS if seed.code not in there]
    versions: dict[str, int] = {}
    for seed in new:
        versions[seed.code] = versions.get(seed.code, 0) + 1
        tx.session.add(
            ComplaintPolicy(
                code=seed.code,
                version=versions[seed.code],
                name=seed.name,
                name_zh=seed.name_zh,
                calendar=seed.calendar,
                rules=seed.rules.to_json(),
                source=seed.source,
                valid_from=seed.valid_from,
                state=AGREED,
                proposed_at=tx.now,
                judged_at=tx.now,
            )
        )
    if new:
        tx.emit("policy.seeded", data={"codes": sorted(versions)})
        tx.session.flush()


def _clock(session: Session, queue: Queue, policy: ComplaintPolicy, received_at: datetime) -> ComplaintClock:
    clock = ComplaintClock(
        policy_id=policy.id,
        started_at=received_at,
        calendar=kept_calendar(calendar_row(session, policy, queue), received_at),
        extended=0,
    )
    _set(clock, Rules.of(policy.rules), ())
    return clock


def _set(clock: ComplaintClock, rules: Rules, pauses: Iterable[Pause]) -> None:
    found = dues(rules, clock.started_at, read_calendar(clock.calendar), extended=clock.extended, pauses=pauses)
    clock.acknowledge_due_at, clock.early_until, clock.decide_due_at = found.acknowledge, found.early, found.decide


def _strictest(session: Session, queue: Queue, received_at: datetime, clocks: Sequence[ComplaintClock]) -> Promise:
    """The earliest of each date; where no policy names one, our own promise does."""
    told = [(each.acknowledge_due_at, each) for each in clocks if each.acknowledge_due_at]
    deciding = [(each.decide_due_at, each) for each in clocks if each.decide_due_at]
    if not told or not deciding:
        own = _clock(session, queue, policies_for(session, queue, received_at, [FALLBACK])[0], received_at)
        if own.acknowledge_due_at is None or own.decide_due_at is None:
            raise Conflict("Our own promise must name both dates.")
        told, deciding = told or [(own.acknowledge_due_at, own)], deciding or [(own.decide_due_at, own)]
    acknowledge_by = min(at for at, _clock in told)
    decide_by, leads = min(deciding, key=lambda each: each[0])
    return Promise(acknowledge_by, decide_by, leads.calendar["zone"], session.get_one(ComplaintPolicy, leads.policy_id).code)


def _check_open(complaint: Complaint, reason: str) -> None:
    if complaint.stage not in OPEN_STAGES or complaint.stage == REOPENED or complaint.decided_at is not None:
        raise Conflict("Only a complaint that has not been decided can change its policies.")
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})


def _reclassified(tx: Tx, complaint: Complaint, reason: str, **what: str) -> None:
    old = complaint.decide_due_at
    reckon(tx, complaint)
    data = {"old": old.isoformat(), "new": complaint.decide_due_at.isoformat(), "reason": reason.strip()[:500], **what}
    tell(tx, complaint, "complaint.reclassified", data=data)
