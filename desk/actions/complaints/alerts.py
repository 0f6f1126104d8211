"""Alerts: found when more like complaints come than their own history explains, then judged by somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from desk.access import Right, viewer_of
from desk.actions.timers import set_timer
from desk.errors import Conflict, Invalid
from desk.models import Agent, Complaint, ComplaintAlert, CorrectiveAction, Timer
from desk.models.complaint_alert import DISMISSED
from desk.models.corrective_action import CLOSED
from desk.queries.complaints.trends import Cluster, clusters
from desk.sentences import N_
from desk.store import Tx

LOOK_TIMER = "complaint_alert.look"
LOOK_EVERY = timedelta(hours=1)
MOST_KEPT = 200  # ids of complaints with each alert
EVERY_HOUR = "hourly"


def find_alerts(tx: Tx) -> list[ComplaintAlert]:
    """Look at the last seven days again. Returns the alerts that are new; one that is open is brought up to date."""
    tx.session.flush()
    new = []
    for cluster in clusters(tx.session, tx.now):
        if not cluster.stands_out:
            continue
        before = _latest(tx, cluster)
        if before is None or (before.closed_at is not None and _begins_anew(tx, cluster, before)):
            new.append(_raise(tx, cluster))
        elif before.closed_at is None and before.seen < cluster.seen:
            before.seen, before.complaint_ids = cluster.seen, cluster.complaint_ids[-MOST_KEPT:]
            tx.emit("complaint_alert.grew", data=_data(before))
    return new


def acknowledge(tx: Tx, alert: ComplaintAlert, agent: Agent) -> None:
    """Somebody has seen it and sees to it. Again changes nothing."""
    _check(alert, agent)
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by_id = tx.now, agent.id
        tx.emit("complaint_alert.acknowledged", agent=agent, data=_data(alert))


def dismiss(tx: Tx, alert: ComplaintAlert, agent: Agent, reason: str) -> None:
    """It is nothing systemic, and this is why. What it was made of does not raise another one."""
    _check(alert, agent)
    if not reason.strip():
        raise Invalid("Say why this is nothing systemic.", {"reason": N_("Say why this is nothing systemic.")})
    running = select(CorrectiveAction.id).where(CorrectiveAction.alert_id == alert.id, CorrectiveAction.state != CLOSED)
    if tx.session.scalar(running.limit(1)) is not None:
        raise Conflict("An action against it is under way; it ends with that.")
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by_id = tx.now, agent.id
    alert.closed_at, alert.closed_by_id, alert.outcome, alert.reason = tx.now, agent.id, DISMISSED, reason.strip()[:500]
    tx.emit("complaint_alert.dismissed", agent=agent, data={**_data(alert), "reason": alert.reason})


def look_soon(tx: Tx, complaint: Complaint) -> None:
    """Have somebody look whether this complaint is one too many."""
    set_timer(tx, LOOK_TIMER, str(complaint.id), tx.now)


def look(tx: Tx, data: dict[str, Any]) -> None:
    """The timer: each hour, and soon after a complaint came in or its cause was found."""
    find_alerts(tx)
    if data.get("again"):
        set_timer(tx, LOOK_TIMER, EVERY_HOUR, tx.now + LOOK_EVERY, {"again": True})


def keep_looking(tx: Tx) -> None:
    """At the start of the worker: see to it that somebody looks, from now on and for good."""
    waiting = select(Timer.id).where(Timer.kind == LOOK_TIMER, Timer.key == EVERY_HOUR, Timer.done_at.is_(None))
    if tx.session.scalar(waiting) is None:
        set_timer(tx, LOOK_TIMER, EVERY_HOUR, tx.now + LOOK_EVERY, {"again": True})


def _raise(tx: Tx, cluster: Cluster) -> ComplaintAlert:
    alert = ComplaintAlert(
        dimension=cluster.dimension,
        about=cluster.about,
        product=cluster.product,
        found_at=tx.now,
        seen=cluster.seen,
        expected=cluster.expected,
        most=cluster.most,
        complaint_ids=cluster.complaint_ids[-MOST_KEPT:],
    )
    tx.session.add(alert)
    tx.session.flush()
    tx.emit("complaint_alert.raised", data=_data(alert))
    return alert


def _begins_anew(tx: Tx, cluster: Cluster, before: ComplaintAlert) -> bool:
    """Whether what came since the last one was closed stands out by itself: what has been judged is not judged again."""
    column = Complaint.cause_found_at if cluster.dimension == "cause" else Complaint.received_at
    later = select(func.count()).select_from(Complaint).where(Complaint.id.in_(cluster.complaint_ids), column > before.closed_at)
    count = tx.session.scalar(later) or 0
    return Cluster(cluster.dimension, cluster.about, cluster.product, count, cluster.expected, cluster.most, []).stands_out


def _latest(tx: Tx, cluster: Cluster) -> ComplaintAlert | None:
    query = select(ComplaintAlert).where(
        ComplaintAlert.dimension == cluster.dimension,
        ComplaintAlert.about == cluster.about,
        ComplaintAlert.product == cluster.product,
    )
    return tx.session.scalar(query.order_by(ComplaintAlert.id.desc()).limit(1))


def _check(alert: ComplaintAlert, agent: Agent) -> None:
    viewer = viewer_of(agent)
    if not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    if alert.closed_at is not None:
        raise Conflict("This alert has been closed already.")


def _data(alert: ComplaintAlert) -> dict[str, Any]:
    return {"alert": alert.id, "about": alert.about, "product": alert.product, "seen": alert.seen, "expected": alert.expected}
