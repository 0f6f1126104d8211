"""What is written into a complaint's file while it is looked into: points, findings, the cause, and what is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import select

from desk.actions.complaints.alerts import look_soon
from desk.actions.complaints.record import tell
from desk.actions.complaints.severity import HIGH, at_least
from desk.errors import Conflict, Invalid, NotFound
from desk.models import Agent, Allegation, Complaint, Redress
from desk.models.complaint import AWAITING_INFO, DECIDED, INVESTIGATING, REDRESS, WHILE_LOOKING
from desk.models.complaint_case import NOT_PROVEN, OPEN_QUESTION, PROVEN
from desk.sentences import N_
from desk.store import Tx

FINDINGS = (PROVEN, NOT_PROVEN, OPEN_QUESTION)
CAUSES = (
    *("people_skill", "people_behaviour", "people_staffing", "process_missing", "process_not_followed", "process_unclear"),
    *("technology_fault", "technology_design", "product", "supplier", "policy", "information", "external", "unknown"),
)
REDRESS_KINDS = ("apology", "explanation", "correction", "refund", "replacement", "compensation", "voucher", "process_change")
OF_MONEY = ("refund", "compensation", "voucher")
FEWEST_WHYS, MOST_WHYS = 2, 5
MOST_POINTS, MOST_REDRESS = 20, 20
LONGEST = 4000
MOST_CENTS = 10**11


def add_allegation(tx: Tx, complaint: Complaint, text: str, standard: str = "") -> Allegation:
    """One more point that the customer complains of. Raises `Invalid` without words, `Conflict` too late or for too many."""
    _check_time(complaint)
    if not text.strip():
        raise Invalid("Say what this point is.", {"text": N_("Say what this point is.")})
    if len(allegations_of(tx, complaint)) >= MOST_POINTS:
        raise Conflict("A complaint has at most twenty points; put the rest into one of them.")
    point = Allegation(complaint_id=complaint.id, text=text.strip()[:LONGEST], standard=standard.strip()[:LONGEST])
    tx.session.add(point)
    tx.session.flush()
    tell(tx, complaint, "complaint.allegation_added", data={"allegation": point.id})
    return point


def record_finding(tx: Tx, complaint: Complaint, allegation_id: int, finding: str, reason: str) -> Allegation:
    """What was found about one point, and why we think so; it can be changed until the decision is drafted.

    Raises `Invalid` with `fields`, `NotFound` for a point of another complaint, `Conflict` when nobody is looking into it now.
    """
    if complaint.stage not in (INVESTIGATING, AWAITING_INFO):
        raise Conflict("Findings are recorded while the complaint is looked into.")
    point = tx.session.get(Allegation, allegation_id)
    if point is None or point.complaint_id != complaint.id:
        raise NotFound("There is no such point.")
    fields = missing_in_finding(finding, reason)
    if fields:
        raise Invalid("Something is missing in this finding.", fields)
    old = point.finding
    point.finding, point.reason = finding, reason.strip()[:LONGEST]
    point.found_by, point.found_at = tx.actor.name, tx.now
    tell(tx, complaint, "complaint.finding_recorded", data={"allegation": point.id, "old": old, "new": finding})
    return point


def set_cause(tx: Tx, complaint: Complaint, cause: str, whys: Sequence[str]) -> None:
    """Why it happened, and why that: at least two steps, which end in one cause. Raises `Invalid` with `fields`."""
    _check_time(complaint)
    steps = steps_of(whys)
    fields = missing_in_cause(cause, steps)
    if fields:
        raise Invalid("Something is missing before the cause is clear.", fields)
    old = complaint.cause
    complaint.cause, complaint.whys, complaint.cause_found_at = cause, steps, tx.now
    tell(tx, complaint, "complaint.cause_set", data={"old": old, "new": cause, "steps": len(steps)})
    look_soon(tx, complaint)


def set_needs(tx: Tx, complaint: Complaint, needs: str) -> None:
    """What this customer needs from us (a slower call, large print, another language), never why."""
    if complaint.needs != needs.strip()[:500]:
        complaint.needs = needs.strip()[:500]
        tell(tx, complaint, "complaint.needs_set", data={"any": bool(complaint.needs)})
        if complaint.needs:
            at_least(tx, complaint, HIGH, "special needs")


def add_redress(
    tx: Tx, complaint: Complaint, agent: Agent | None, kind: str, amount: str, due_at: datetime | None, note: str = ""
) -> Redress:
    """Something that is to be given. `amount` is as a person writes it ("1500", "1500.50"), empty for what is no money.

    Raises `Invalid` with `fields`, `Conflict` when the decision has been drafted: what is given is decided with it.
    """
    _check_time(complaint)
    cents, fields = _cents(amount), {}
    if kind not in REDRESS_KINDS:
        fields["kind"] = N_("Choose what is given.")
    if cents is None or (kind in OF_MONEY and not cents):
        fields["amount"] = N_("Write the amount, such as 1500 or 1500.50.")
    if due_at is None or due_at <= tx.now:
        fields["due"] = N_("Choose a day that is still to come.")
    if fields or cents is None or due_at is None:
        raise Invalid("Something is missing before this can be given.", fields)
    if len(redress_of(tx, complaint)) >= MOST_REDRESS:
        raise Conflict("There are twenty lines of redress already.")
    given = Redress(
        complaint_id=complaint.id, kind=kind, cents=cents if kind in OF_MONEY else 0, note=note.strip()[:LONGEST], due_at=due_at
    )
    given.added_by_id = agent.id if agent else None
    tx.session.add(given)
    tx.session.flush()
    tell(tx, complaint, "complaint.redress_added", data={"redress": given.id, "kind": kind, "cents": given.cents})
    return given


def drop_redress(tx: Tx, complaint: Complaint, redress_id: int) -> None:
    """It is not to be given after all; possible until the decision is drafted."""
    _check_time(complaint)
    given = _redress(tx, complaint, redress_id)
    if given.done_at is not None:
        raise Conflict("This has been given already.")
    tx.session.delete(given)
    tell(tx, complaint, "complaint.redress_dropped", data={"redress": redress_id, "kind": given.kind, "cents": given.cents})


def redress_done(tx: Tx, complaint: Complaint, redress_id: int, proof: str) -> Redress:
    """It was given, and this shows it. Raises `Invalid` without proof, `Conflict` before the decision or a second time."""
    given = _redress(tx, complaint, redress_id)
    if complaint.stage not in (DECIDED, REDRESS) or given.done_at is not None:
        raise Conflict("This is given once, after the decision.")
    if not proof.strip():
        raise Invalid("Say what shows that it was given.", {"proof": N_("Say what shows that it was given.")})
    given.done_at, given.proof = tx.now, proof.strip()[:LONGEST]
    tell(tx, complaint, "complaint.redress_done", data={"redress": given.id, "kind": given.kind, "late": tx.now > given.due_at})
    return given


def steps_of(whys: Sequence[str]) -> list[str]:
    """What somebody wrote as the steps from the complaint to its cause, without the empty ones."""
    return [step.strip()[:LONGEST] for step in whys if step.strip()][:MOST_WHYS]


def missing_in_finding(finding: str, reason: str) -> dict[str, str]:
    """What has to be mended in it, by field."""
    fields = {} if finding in FINDINGS else {"finding": N_("Choose what was found.")}
    return fields if reason.strip() else {**fields, "reason": N_("Say what this rests on.")}


def missing_in_cause(cause: str, steps: Sequence[str]) -> dict[str, str]:
    """The same of a cause and the steps that led to it."""
    fields = {} if cause in CAUSES else {"cause": N_("Choose the cause.")}
    return fields if len(steps) >= FEWEST_WHYS else {**fields, "why1": N_("Ask why at least twice.")}


def allegations_of(tx: Tx, complaint: Complaint) -> Sequence[Allegation]:
    """The points, in the order in which they were noted."""
    query = select(Allegation).where(Allegation.complaint_id == complaint.id)
    return tx.session.scalars(query.order_by(Allegation.id)).all()


def redress_of(tx: Tx, complaint: Complaint) -> Sequence[Redress]:
    """What is given, in the order in which it was noted."""
    return tx.session.scalars(select(Redress).where(Redress.complaint_id == complaint.id).order_by(Redress.id)).all()


def _redress(tx: Tx, complaint: Complaint, redress_id: int) -> Redress:
    given = tx.session.get(Redress, redress_id)
    if given is None or given.complaint_id != complaint.id:
        raise NotFound("There is no such line.")
    return given


def _check_time(complaint: Complaint) -> None:
    if complaint.stage not in WHILE_LOOKING:
        raise Conflict("The file is written while the complaint is looked into.")


def _cents(amount: str) -> int | None:
    """What somebody wrote as hundredths; None when it is no amount."""
    written = amount.strip().replace(",", "").replace("，", "") or "0"
    try:
        cents = Decimal(written) * 100
    except InvalidOperation:
        return None
    return int(cents) if cents.is_finite() and 0 <= cents <= MOST_CENTS and cents == int(cents) else None
