"""How grave a complaint is: anybody who has it in hand may raise that, only who handles complaints lowers it, and says why.

It is the highest of what has happened, how many it touches and whether it happens again. It moves no clock.
"""

from __future__ import annotations

from desk.access import Right, viewer_of
from desk.actions.complaints.alarms import critical
from desk.actions.complaints.record import tell
from desk.errors import Conflict, Invalid
from desk.models import Agent, Complaint
from desk.models.complaint import NEXT, OPEN_STAGES
from desk.sentences import N_
from desk.store import Tx

SEVERITIES = (1, 2, 3, 4)  # 1 critical (safety, data leak, crime) to 4 low
CRITICAL, HIGH = 1, 2


def set_severity(tx: Tx, complaint: Complaint, agent: Agent, severity: int | None, reason: str) -> None:
    """Raise or lower it; the same again changes nothing.

    Raises `NotAllowed` for who may not lower it, `Invalid` with `fields` without a number or a reason, `Conflict` when it is
    decided.
    """
    viewer = viewer_of(agent)
    viewer.require(Right.REGISTER_COMPLAINT)
    if complaint.stage not in OPEN_STAGES:
        raise Conflict("Only a complaint that has not been decided can change its severity.", allowed=NEXT[complaint.stage])
    fields = {} if severity in SEVERITIES else {"severity": N_("Severity is a number from 1 to 4.")}
    if not reason.strip():
        fields["reason"] = N_("Say why.")
    if fields or severity is None:
        raise Invalid("Something is missing before this can be changed.", fields)
    if severity > complaint.severity:
        viewer.require(Right.HANDLE_COMPLAINT)
        _check_needs(complaint, severity)
    _set(tx, complaint, severity, reason.strip()[:500], agent)


def at_least(tx: Tx, complaint: Complaint, severity: int, reason: str, *, quietly: bool = False) -> None:
    """What has come up makes it as grave as that, by rule; one that is graver stays so.

    `quietly` where another case of the same event has called everybody already.
    """
    if complaint.severity > severity:
        _set(tx, complaint, severity, reason, None, quietly=quietly)


def check_lowering(complaint: Complaint, severity: int | None, reason: str) -> None:
    """Raises `Invalid` when assessing would take back without a word what somebody has raised."""
    if severity is not None and complaint.severity <= HIGH and severity > complaint.severity and not reason.strip():
        raise Invalid("Say why this is less grave than it was taken for.", {"reason": N_("Say why.")})
    if severity is not None:
        _check_needs(complaint, severity)


def _check_needs(complaint: Complaint, severity: int) -> None:
    if complaint.needs and severity > HIGH:
        raise Conflict("The customer has special needs: the case stays at severity 2 or graver.", allowed=NEXT[complaint.stage])


def _set(tx: Tx, complaint: Complaint, severity: int, reason: str, agent: Agent | None, *, quietly: bool = False) -> None:
    old, complaint.severity = complaint.severity, severity
    if old == severity:
        return
    data = {"old": old, "new": severity, "reason": reason}
    tell(tx, complaint, "complaint.severity_raised" if severity < old else "complaint.severity_lowered", agent=agent, data=data)
    if severity == CRITICAL and not quietly:
        critical(tx, complaint)
