"""Whether the desk is up, and whether it is ready for work: for machines, without secrets."""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from desk.errors import DeskError
from desk.http.context import installation, reading
from desk.http.guard import public
from desk.migrate import is_current
from desk.models import Agent, OutboxMail, SpooledMail, WorkItem
from desk.models.mail import FAILED, QUEUED
from desk.models.work_item import WAITING
from desk.queries.carrier_state import carrier_state

pages = Blueprint("health", __name__)


@pages.get("/healthz")
@public
def alive() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@pages.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """The database has the right shape and every part of this process does its work; 503 with the names of what does not.

    A telephone carrier that does not answer is named too, and makes nothing unready: another process would not reach it either.
    """
    desk = installation()
    try:
        state = {"database": is_current(desk.store.engine)}
        with reading() as session:
            carrier = "answers" if carrier_state(session).is_there else "does not answer"
    except (DeskError, SQLAlchemyError):
        state, carrier = {"database": False}, "unknown"
    background = current_app.extensions.get("background")
    if background is not None:
        state |= background.health()
    good = all(state.values())
    return jsonify(status="ready" if good else "not ready", parts=state, carrier=carrier), 200 if good else 503


@pages.get("/metrics")
@public
def metrics() -> Response:
    """Figures in the Prometheus text format: how much waits, who is there, what has not left."""
    with reading() as session:
        waiting = session.execute(
            select(WorkItem.channel, func.count()).where(WorkItem.state == WAITING).group_by(WorkItem.channel)
        ).all()
        agents = session.execute(
            select(Agent.presence, func.count()).where(Agent.active.is_(True)).group_by(Agent.presence)
        ).all()
        spool = session.execute(select(SpooledMail.door, func.count()).group_by(SpooledMail.door)).all()
        outbox = session.execute(
            select(OutboxMail.state, func.count()).where(OutboxMail.state.in_((QUEUED, FAILED))).group_by(OutboxMail.state)
        ).all()
    lines = [
        *_gauge("desk_work_waiting", "Work items that wait for an agent.", "channel", waiting),
        *_gauge("desk_agents", "Agents by presence.", "presence", agents),
        *_gauge("desk_mail_unread", "Mail that was kept and waits to be read.", "door", spool),
        *_gauge("desk_mail_unsent", "Mail that has not left.", "state", outbox),
    ]
    background = current_app.extensions.get("background")
    if background is not None:
        beats = [(name, int(healthy)) for name, healthy in background.health().items()]
        lines += _gauge("desk_part_healthy", "1 while a background part does its work.", "part", beats)
    return Response("\n".join(lines) + "\n", mimetype="text/plain; version=0.0.4")


def _gauge(name: str, what: str, label: str, rows: list[tuple[str, int]]) -> list[str]:
    return [f"# HELP {name} {what}", f"# TYPE {name} gauge", *(f'{name}{{{label}="{key}"}} {count}' for key, count in rows)]
