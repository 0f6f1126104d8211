"""Clocks that run down: whoever is to act is told at 50, 75 and 90 % of the time and when the promise is broken, each once.

At half the time it is the handler, from 75 % on their supervisors too, and of a broken promise all who handle complaints. Nobody
who is kept out of the case is told. An alarm changes no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from desk.access import Right, viewer_of
from desk.actions.complaints.record import tell
from desk.actions.timers import set_timer
from desk.actions.work.hand_ups import SKILL
from desk.models import Agent, AgentSkill, Complaint, ComplaintNotice, Ticket
from desk.models.complaint import OPEN_STAGES, RECEIVED
from desk.models.complaint_notice import ACKNOWLEDGE, BREACH, CRITICAL, DECIDE
from desk.queries.tickets.mentions import readers
from desk.store import Tx

ALARM_TIMER, LEVEL_TIMER = "complaint.alarm", "complaint.level"
TO_LEVEL_3 = timedelta(hours=1)
SHARES = (50, 75, 90, BREACH)
TO_SUPERVISORS = 75  # from this share on
MOST_TOLD = 50
GRAIN = timedelta(seconds=1)


@dataclass(frozen=True)
class Alarm:
    """So much of the time to the promised moment has passed."""

    clock: str
    share: int
    due_at: datetime
    at: datetime


def watch(tx: Tx, complaint: Complaint) -> None:
    """Its dates are new, or have moved: it alarms for these from now on. A later date brings no alarm for what has passed."""
    for clock, due_at in running(complaint):
        before = complaint.alarms.get(clock)
        if before is not None and datetime.fromisoformat(before[0]) < due_at:
            passed = max((each.share for each in alarms(complaint) if each.clock == clock and each.at <= tx.now), default=0)
            complaint.alarms = {**complaint.alarms, clock: [due_at.isoformat(), passed]}
        elif before is None:
            complaint.alarms = {**complaint.alarms, clock: [due_at.isoformat(), 0]}
    _set_next(tx, complaint)


def ring(tx: Tx, complaint: Complaint) -> None:
    """A share of the time has passed (timer `complaint.alarm`). Of several that passed unnoticed the last is told."""
    tx.session.refresh(complaint, ["stage", "decided_at", "closed_at", "alarms", "handler_id"], with_for_update=True)
    for clock, _due_at in running(complaint):
        passed = [each for each in alarms(complaint) if each.clock == clock and each.at <= tx.now]
        if passed and not _has_rung(complaint, passed[-1]):
            _ring(tx, complaint, passed[-1])
    _set_next(tx, complaint)


def critical(tx: Tx, complaint: Complaint) -> None:
    """The case has become one of severity 1: all who handle complaints are told at once, and level 3 has it within an hour."""
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    _notify(tx, complaint, ticket, officers(tx), Alarm(CRITICAL, 0, complaint.decide_due_at, tx.now))
    set_timer(tx, LEVEL_TIMER, str(complaint.id), tx.now + TO_LEVEL_3, {"complaint_id": complaint.id})


def see(tx: Tx, complaint: Complaint, agent: Agent) -> None:
    """They have seen what they were told of this case."""
    unseen = select(ComplaintNotice).where(ComplaintNotice.agent_id == agent.id, ComplaintNotice.seen_at.is_(None))
    found = tx.session.scalars(unseen.where(ComplaintNotice.complaint_id == complaint.id)).all()
    for notice in found:
        notice.seen_at = tx.now
    if found:
        tx.emit("complaint.notice_seen", ticket=complaint.ticket_id, agent=agent)


def running(complaint: Complaint) -> list[tuple[str, datetime]]:
    """The clocks that run, each with its promised moment. After the first decision none does, nor after the end."""
    if complaint.stage not in OPEN_STAGES or complaint.decided_at is not None or complaint.closed_at is not None:
        return []
    clocks = [(DECIDE, complaint.decide_due_at)]
    return [(ACKNOWLEDGE, complaint.acknowledge_due_at), *clocks] if complaint.stage == RECEIVED else clocks


def alarms(complaint: Complaint) -> list[Alarm]:
    """All alarms of the clocks that run, the first first; shares are those of the time from receipt, as on every list."""
    found = []
    for clock, due_at in running(complaint):
        whole = due_at - complaint.received_at
        for share in SHARES:
            # What is promised until the last second of a day is broken after it.
            at = due_at + GRAIN if share == BREACH else complaint.received_at + whole * share / 100
            found.append(Alarm(clock, share, due_at, at))
    return sorted(found, key=lambda each: each.at)


def officers(tx: Tx) -> list[Agent]:
    """All who handle complaints, the longest here first."""
    return _officers(active(tx))


def supervisors(people: Sequence[Agent], team_id: int | None) -> list[Agent]:
    """Those of them who look after the team; of a team without any, all who look after one."""
    able = [each for each in people if viewer_of(each).can(Right.SUPERVISE)]
    return [each for each in able if each.team_id == team_id] or able


def active(tx: Tx) -> Sequence[Agent]:
    """All who work here now, the longest here first."""
    return tx.session.scalars(select(Agent).where(Agent.active).order_by(Agent.id)).all()


def _set_next(tx: Tx, complaint: Complaint) -> None:
    nexts = [each.at for each in alarms(complaint) if not _has_rung(complaint, each)]
    if nexts:
        set_timer(tx, ALARM_TIMER, str(complaint.id), max(min(nexts), tx.now), {"complaint_id": complaint.id})


def _has_rung(complaint: Complaint, alarm: Alarm) -> bool:
    due_at, share = complaint.alarms.get(alarm.clock, ("", 0))
    return due_at == alarm.due_at.isoformat() and alarm.share <= share


def _ring(tx: Tx, complaint: Complaint, alarm: Alarm) -> None:
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    complaint.alarms = {**complaint.alarms, alarm.clock: [alarm.due_at.isoformat(), alarm.share]}
    told = _notify(tx, complaint, ticket, _to_be_told(tx, complaint, ticket, alarm), alarm)
    data = {"clock": alarm.clock, "share": alarm.share, "due_at": alarm.due_at.isoformat(), "told": [each.id for each in told]}
    tell(tx, complaint, "complaint.clock_breached" if alarm.share == BREACH else "complaint.clock_warned", data=data)


def _to_be_told(tx: Tx, complaint: Complaint, ticket: Ticket, alarm: Alarm) -> list[Agent]:
    """Who has the case; then who looks after them; in the end everybody who handles complaints."""
    handler = tx.session.get(Agent, complaint.handler_id) if complaint.handler_id is not None else None
    everybody = active(tx)
    people = [handler] if handler is not None and handler.active else _officers(everybody)
    if alarm.share >= TO_SUPERVISORS:
        people += supervisors(everybody, handler.team_id if handler is not None else ticket.team_id)
    if alarm.share == BREACH:
        people += [*_officers(everybody), *_managers_of_level_2(tx, everybody)]
    return list({each.id: each for each in people}.values())[:MOST_TOLD]


def _officers(people: Sequence[Agent]) -> list[Agent]:
    return [each for each in people if viewer_of(each).can(Right.HANDLE_COMPLAINT)]


def _managers_of_level_2(tx: Tx, people: Sequence[Agent]) -> list[Agent]:
    """The supervisors of those teams that answer the questions of level 2."""
    now = AgentSkill.since <= tx.now, or_(AgentSkill.until.is_(None), AgentSkill.until > tx.now)
    able = select(Agent.team_id).join(AgentSkill, AgentSkill.agent_id == Agent.id).where(AgentSkill.skill == SKILL, *now)
    teams = set(tx.session.scalars(able.where(AgentSkill.level == 2, Agent.team_id.is_not(None))))
    return [each for each in people if each.team_id in teams and viewer_of(each).can(Right.SUPERVISE)]


def _notify(tx: Tx, complaint: Complaint, ticket: Ticket, people: Sequence[Agent], alarm: Alarm) -> list[Agent]:
    """Tell those of them who may read the case, each once; answers who these are."""
    again = select(ComplaintNotice.agent_id).where(
        *(ComplaintNotice.complaint_id == complaint.id, ComplaintNotice.clock == alarm.clock),
        *(ComplaintNotice.share == alarm.share, ComplaintNotice.due_at == alarm.due_at),
    )
    told, may = set(tx.session.scalars(again)), readers(tx.session, people, ticket)
    for person in may:
        if person.id not in told:
            notice = ComplaintNotice(complaint_id=complaint.id, agent_id=person.id, clock=alarm.clock, share=alarm.share)
            notice.due_at, notice.at = alarm.due_at, tx.now
            tx.session.add(notice)
            tx.emit("complaint.noticed", ticket=ticket, agent=person, data={"clock": alarm.clock, "share": alarm.share})
    return may
