"""The measures of chats for a time, a queue and an agent; each leads to the rows it is made of."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Right
from desk.days import day_of
from desk.errors import Invalid
from desk.http.context import installation, reckoning, viewer
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import Agent, Queue
from desk.queries.board.board import access_agent, visible_agents
from desk.queries.chats.report import FIGURES, MOST_CHATS, Scope, chat_report

pages = Blueprint("chat_report", __name__, url_prefix="/board/chats")

USUAL_DAYS, MOST_DAYS = 7, 92
PAGE = 100


@pages.get("")
@needs(Right.SUPERVISE)
def overview() -> str:
    """All measures, with those of as many days before."""
    scope, now = _scope(), installation().clock.now()
    with reckoning() as session:
        _check_agent(session, scope)
        report = chat_report(session, viewer(), scope, now)
        before = chat_report(session, viewer(), scope.before(), now)
        choices = _choices(session)
    return _page("board/chat_report.html", scope, report=report, before=before, **choices)


@pages.get(f"/<any({','.join(FIGURES)}):key>")
@needs(Right.SUPERVISE)
def rows(key: str) -> str:
    """What one measure is made of, a page at a time; the sum of all stands at its foot."""
    scope, now = _scope(), installation().clock.now()
    with reckoning() as session:
        _check_agent(session, scope)
        report = chat_report(session, viewer(), scope, now)
    figure = report.figures[key]
    pages_in_all = max(1, -(-len(figure.rows) // PAGE))
    number = min(max(whole(request.args.get("page", "")) or 1, 1), pages_in_all)
    shown = figure.rows[(number - 1) * PAGE : number * PAGE]
    return _page(
        "board/chat_report_rows.html",
        scope,
        key=key,
        report=report,
        figure=figure,
        shown=shown,
        number=number,
        pages=pages_in_all,
    )


def _scope() -> Scope:
    """The time, queue and agent that the address names; the last week when it names no time."""
    zone = ZoneInfo(installation().settings.timezone)
    today = installation().clock.now().astimezone(zone).date()
    last = _day("until", today)
    first = _day("from", last - timedelta(days=USUAL_DAYS - 1))
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Invalid("From the first day to the last, at most 92 days.")
    return Scope(
        since=datetime.combine(first, time.min, zone).astimezone(ZoneInfo("UTC")),
        until=datetime.combine(last + timedelta(days=1), time.min, zone).astimezone(ZoneInfo("UTC")),
        queue_id=whole(request.args.get("queue", "")),
        agent_id=whole(request.args.get("agent", "")),
    )


def _day(name: str, otherwise: date) -> date:
    text = request.args.get(name, "")
    found = day_of(text) if text else otherwise
    if found is None or not 2000 <= found.year <= 2200:
        raise Invalid("Choose a day.")
    return found


def _check_agent(session: Session, scope: Scope) -> None:
    if scope.agent_id is not None:
        access_agent(session, viewer(), scope.agent_id)


def _choices(session: Session) -> dict[str, Any]:
    return {
        "queues": list(session.scalars(select(Queue).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id))),
        "people": session.execute(select(Agent.id, Agent.name).where(visible_agents(viewer())).order_by(Agent.name)).all(),
    }


def _page(template: str, scope: Scope, **values: Any) -> str:
    zone = ZoneInfo(installation().settings.timezone)
    first, last = scope.since.astimezone(zone).date(), (scope.until - timedelta(seconds=1)).astimezone(zone).date()
    asked = {"from": first.isoformat(), "until": last.isoformat(), "queue": scope.queue_id, "agent": scope.agent_id}
    asked = {name: value for name, value in asked.items() if value is not None}
    return render_template(template, asked=asked, most=MOST_CHATS, **values)
