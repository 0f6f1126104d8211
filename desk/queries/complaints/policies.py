"""The policies of complaints, and the clocks and pauses of one case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import Calendar, Complaint, ComplaintClock, ComplaintPause, ComplaintPolicy, Queue, Setting
from desk.models.complaint_policy import AGREED, PROPOSED, Rules
from desk.queries.complaints.dates import years_missing

CHOSEN = "complaint_policies"  # the setting that names the policies of every new complaint
FALLBACK = "DEFAULT"
MOST_VERSIONS = 500


@dataclass(frozen=True)
class PolicyLine:
    """One policy as the list of them shows it: what holds today, what was proposed, and of which years no holidays are known."""

    code: str
    now: ComplaintPolicy | None
    waiting: ComplaintPolicy | None
    versions: Sequence[ComplaintPolicy]
    chosen: bool
    missing: Sequence[int]


@dataclass(frozen=True)
class ClockLine:
    """One clock of a case. `leads` when its date is the one that counts, `paused` while its policy leaves out the time."""

    clock: ComplaintClock
    policy: ComplaintPolicy
    rules: Rules
    leads: bool
    paused: bool


def in_force(session: Session, code: str, day: date) -> ComplaintPolicy | None:
    """The version of a policy that holds for what is received on this day; None when there is none."""
    query = select(ComplaintPolicy).where(
        ComplaintPolicy.code == code, ComplaintPolicy.state == AGREED, ComplaintPolicy.valid_from <= day
    )
    return session.scalar(query.order_by(ComplaintPolicy.valid_from.desc(), ComplaintPolicy.version.desc()).limit(1))


def chosen_codes(session: Session) -> list[str]:
    """Under which policies every new complaint comes by itself."""
    row = session.get(Setting, CHOSEN)
    return list(row.value) if row is not None else [FALLBACK]


def codes(session: Session) -> list[str]:
    """Every policy that has a version in force at some time, in order."""
    query = select(ComplaintPolicy.code).where(ComplaintPolicy.state == AGREED).distinct()
    return list(session.scalars(query.order_by(ComplaintPolicy.code)))


def one_version(session: Session, policy_id: int) -> ComplaintPolicy:
    """One version; raises `NotFound`."""
    found = session.get(ComplaintPolicy, policy_id)
    if found is None:
        raise NotFound("There is no such policy.")
    return found


def all_policies(session: Session, today: date) -> list[PolicyLine]:
    """Every policy with its versions, the latest first."""
    rows: dict[str, list[ComplaintPolicy]] = {}
    query = select(ComplaintPolicy).order_by(ComplaintPolicy.code, ComplaintPolicy.version.desc()).limit(MOST_VERSIONS)
    for row in session.scalars(query):
        rows.setdefault(row.code, []).append(row)
    chosen, calendars = chosen_codes(session), {row.key: row for row in session.scalars(select(Calendar))}
    found = []
    for code, versions in rows.items():
        held = [each for each in versions if each.state == AGREED and each.valid_from <= today]
        now = max(held, key=lambda each: (each.valid_from, each.version), default=None)
        calendar = calendars.get(now.calendar) if now is not None else None
        missing = years_missing(calendar, today) if calendar is not None else []
        waiting = next((each for each in versions if each.state == PROPOSED), None)
        found.append(PolicyLine(code, now, waiting, versions, code in chosen, missing))
    return found


def calendar_row(session: Session, policy: ComplaintPolicy, queue: Queue) -> Calendar:
    """The calendar by which a policy counts days; that of the queue where it names none, or one that is gone."""
    row = session.scalar(select(Calendar).where(Calendar.key == policy.calendar)) if policy.calendar else None
    return row if row is not None else session.get_one(Calendar, queue.calendar_id)


def running_clocks(session: Session, complaint_id: int) -> list[tuple[ComplaintClock, ComplaintPolicy]]:
    """The clocks of a case, the first first."""
    query = (
        select(ComplaintClock, ComplaintPolicy)
        .join(ComplaintPolicy, ComplaintPolicy.id == ComplaintClock.policy_id)
        .where(ComplaintClock.complaint_id == complaint_id, ComplaintClock.ended_at.is_(None))
    )
    return [(clock, policy) for clock, policy in session.execute(query.order_by(ComplaintClock.id))]


def pauses_of(session: Session, complaint_id: int) -> Sequence[ComplaintPause]:
    """All pauses of a case, the first first."""
    query = select(ComplaintPause).where(ComplaintPause.complaint_id == complaint_id)
    return session.scalars(query.order_by(ComplaintPause.id)).all()


def open_pause(session: Session, complaint_id: int) -> ComplaintPause | None:
    """The pause that lasts now."""
    return next((each for each in pauses_of(session, complaint_id) if each.ended_at is None), None)


def clock_lines(session: Session, complaint: Complaint) -> list[ClockLine]:
    """The clocks of a case as its page shows them."""
    pause = open_pause(session, complaint.id)
    lines = []
    for clock, policy in running_clocks(session, complaint.id):
        rules = Rules.of(policy.rules)
        leads = clock.decide_due_at is not None and clock.decide_due_at == complaint.decide_due_at
        lines.append(ClockLine(clock, policy, rules, leads, pause is not None and pause.reason in rules.pause_reasons))
    return lines


def early_until(session: Session, complaint: Complaint) -> datetime | None:
    """Until when the matter may be settled on the spot: every policy of the case has to allow it; None when one does not."""
    ends = [clock.early_until for clock, policy in running_clocks(session, complaint.id) if policy.code != FALLBACK]
    return min((each for each in ends if each), default=None) if ends and all(ends) else None


def keep_until(session: Session, complaint: Complaint) -> datetime:
    """Until when a case that ended is kept: as long after its end as the policy asks that asks the longest."""
    years = max((Rules.of(policy.rules).years for _clock, policy in running_clocks(session, complaint.id)), default=Rules().years)
    ended = complaint.closed_at or complaint.received_at
    return ended.replace(year=ended.year + years, day=28 if (ended.month, ended.day) == (2, 29) else ended.day)
