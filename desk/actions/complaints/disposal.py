"""Deleting cases whose time is over: one person makes a list, another confirms it, a job works it off a few cases at a time.

Of a deleted case its line in the register stays, with the figures and a hash of all that was deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import inspect, select

from desk.access import Right, viewer_of
from desk.actions.complaints import complaints
from desk.actions.privacy import blanking, erasing, redaction
from desk.db import to_json
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import (
    Agent,
    Allegation,
    Complaint,
    ComplaintDecision,
    ComplaintPause,
    Disposal,
    Erasure,
    Evidence,
    Interview,
    Message,
    Redress,
    Ticket,
)
from desk.models.complaint import ARCHIVED, DISPOSED
from desk.models.complaint_keeping import CONFIRMED, DONE, DROPPED, LISTED
from desk.models.erasure import CASES
from desk.models.erasure import DONE as ERASED
from desk.queries.complaints.keeping import open_hold, over
from desk.queries.complaints.policies import keep_until
from desk.sentences import N_
from desk.store import Tx

BATCH = 5
PARTS = (Allegation, ComplaintDecision, Redress, Interview, ComplaintPause)


def list_due(tx: Tx, agent: Agent) -> Disposal:
    """Put the cases whose time is over on a new list. Raises `Conflict` when there are none, or a list waits already."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if tx.session.scalar(select(Disposal.id).where(Disposal.state.in_((LISTED, CONFIRMED))).limit(1)) is not None:
        raise Conflict("There is a list already that is not done.")
    undated = select(Complaint).where(Complaint.stage == ARCHIVED, Complaint.dispose_after.is_(None)).limit(500)
    for complaint in tx.session.scalars(undated).all():  # archived before that day was kept
        complaint.dispose_after = keep_until(tx.session, complaint)
    tx.session.flush()
    cases = over(tx.session, tx.now)
    if not cases:
        raise Conflict("There is no case whose time is over.")
    made = Disposal(cases=cases, listed=len(cases), made_by_id=agent.id, made_by=agent.name, made_at=tx.now)
    tx.session.add(made)
    tx.session.flush()
    tx.emit("disposal.listed", agent=agent, data={"disposal": made.id, "cases": len(cases)})
    return made


def leave_out(tx: Tx, disposal: Disposal, agent: Agent, complaint_id: int, reason: str) -> None:
    """One case is kept after all, and why; it comes onto the next list again."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    _check_state(disposal, LISTED)
    if complaint_id not in disposal.cases:
        raise Conflict("This case is not on the list.")
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})
    disposal.cases = [each for each in disposal.cases if each != complaint_id]
    disposal.left_out = {**disposal.left_out, str(complaint_id): reason.strip()[:500]}
    tx.emit("disposal.left_out", agent=agent, data={"disposal": disposal.id, "complaint": complaint_id, "reason": reason.strip()})


def confirm(tx: Tx, disposal: Disposal, agent: Agent) -> None:
    """Another person agrees; from here on it cannot be taken back. Raises `NotAllowed` for who made the list."""
    _judge(tx, disposal, agent)
    disposal.state = CONFIRMED
    tx.emit("disposal.confirmed", agent=agent, data={"disposal": disposal.id, "cases": len(disposal.cases)})


def drop(tx: Tx, disposal: Disposal, agent: Agent) -> None:
    """The list is given up; nothing of it is deleted."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    _check_state(disposal, LISTED)
    disposal.state, disposal.judged_by, disposal.judged_at = DROPPED, agent.name, tx.now
    tx.emit("disposal.dropped", agent=agent, data={"disposal": disposal.id})


def work_off(tx: Tx, disposal: Disposal) -> list[str]:
    """Delete the next few cases of a confirmed list. Answers the SHA-256 of files that no row names any more.

    A case that is held by now, or was opened again, stays.
    """
    if disposal.state != CONFIRMED:
        return []
    files: list[str] = []
    erasure = erasing.begin(tx, CASES, disposal.made_by, disposal.judged_by)
    for complaint_id in disposal.cases[:BATCH]:
        complaint = tx.session.get_one(Complaint, complaint_id, with_for_update=True)
        if complaint.stage != ARCHIVED or open_hold(tx.session, complaint.id) is not None:
            disposal.left_out = {**disposal.left_out, str(complaint_id): "held"}
            continue
        files += _dispose(tx, complaint, disposal, erasure)
        disposal.disposed += 1
    erasure.state, erasure.done_at = ERASED, tx.now
    disposal.cases = disposal.cases[BATCH:]
    if not disposal.cases:
        disposal.state, disposal.done_at = DONE, tx.now
        tx.emit("disposal.done", data={"disposal": disposal.id, "disposed": disposal.disposed})
    return files


def _dispose(tx: Tx, complaint: Complaint, disposal: Disposal, erasure: Erasure) -> list[str]:
    """Delete one case. The words go; what the register counts by stays."""
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    parts = {part: _rows(tx, part, complaint) for part in PARTS}
    messages = tx.session.scalars(select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)).all()
    evidence = tx.session.scalars(select(Evidence).where(Evidence.complaint_id == complaint.id).order_by(Evidence.id)).all()
    everything = [complaint, *(row for rows in parts.values() for row in rows), *messages, *evidence]
    sha256 = hashlib.sha256(to_json([_words(row) for row in everything]).encode()).hexdigest()
    events = redaction.events_of_tickets(tx.session, [ticket.id])
    files = sorted(blanking.blank(tx, [ticket.id]))
    complaint.disposed_sha256 = sha256
    data = {"disposal": disposal.id, "sha256": sha256, "files": len(files)}
    complaints.enter(tx, complaint, DISPOSED, **data)  # type: ignore[arg-type]
    erasing.count(erasure, tickets=1, entries=redaction.redact(tx, erasure, events), files=len(files))
    return files


def _judge(tx: Tx, disposal: Disposal, agent: Agent) -> None:
    viewer = viewer_of(agent)
    if not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    _check_state(disposal, LISTED)
    if disposal.made_by_id == agent.id:
        raise NotAllowed("You made this list; somebody else has to confirm it.")
    disposal.judged_by, disposal.judged_at = agent.name, tx.now


def _check_state(disposal: Disposal, state: str) -> None:
    if disposal.state != state:
        raise Conflict("This list is not open any more.")


def _rows(tx: Tx, part: Any, complaint: Complaint) -> Sequence[Any]:
    return tx.session.scalars(select(part).where(part.complaint_id == complaint.id).order_by(part.id)).all()


def _words(row: Any) -> dict[str, Any]:
    """A row as it was, for the hash: anybody who has kept a copy can show that it is one."""
    values = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
    return {type(row).__tablename__: {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}}
