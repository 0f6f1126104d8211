"""The measures of complaint handling, for a time, a policy, a queue and a product; each leads to the rows it is made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Right
from desk.errors import NotFound
from desk.http.context import installation, is_fragment, reckoning, viewer
from desk.http.figure_scope import after, chosen
from desk.http.guard import needs
from desk.models import ComplaintPolicy, Queue
from desk.queries.complaints.figures import FIGURES, RATE, Scope, contacts_by_channel, figure, figure_rows, figures, products
from desk.web.complaints import learning_words

pages = Blueprint("figures", __name__, url_prefix="/desk/learning/figures")

PAGE = 100


@pages.get("")
@needs(Right.READ_COMPLAINTS)
def overview() -> str:
    """All measures, with those of as many days before."""
    scope, now = chosen(), installation().clock.now()
    with reckoning() as session:
        found = {
            "figures": figures(session, viewer(), scope, now),
            "before": figures(session, viewer(), scope.before(), now),
            **_choices(session, scope),
        }
    return _page("learning/_figures.html" if is_fragment() else "learning/figures.html", scope, **found)


@pages.get("/<key>")
@needs(Right.READ_COMPLAINTS)
def rows(key: str) -> str:
    """What one measure is made of; the sum stands at its foot."""
    if key not in FIGURES:
        raise NotFound("There is no such figure.")
    scope, now, begins = chosen(), installation().clock.now(), after()
    with reckoning() as session:
        found = {
            "figure": figure(session, viewer(), scope, now, key),
            "rows": figure_rows(session, viewer(), scope, now, key, after=begins, limit=PAGE + 1),
            **_choices(session, scope),
        }
        found["contacts"] = contacts_by_channel(session, scope) if found["figure"].kind == RATE else {}
    return _page("learning/figure_rows.html", scope, key=key, page=PAGE, is_first=begins is None, **found)


def _page(template: str, scope: Scope, **values: Any) -> str:
    zone = ZoneInfo(installation().settings.timezone)
    days = scope.since.astimezone(zone).date(), (scope.until - timedelta(seconds=1)).astimezone(zone).date()
    asked = {"from": days[0].isoformat(), "until": days[1].isoformat(), "policy": scope.policy, "product": scope.product}
    asked["queue"] = str(scope.queue_id or "")
    return render_template(
        template, words=learning_words.everything(), asked={name: value for name, value in asked.items() if value}, **values
    )


def _choices(session: Session, scope: Scope) -> dict[str, Any]:
    codes = select(ComplaintPolicy.code).distinct().order_by(ComplaintPolicy.code)
    return {
        "policies": list(session.scalars(codes)),
        "queues": list(session.scalars(select(Queue).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id))),
        "products": products(session, viewer(), scope.since - timedelta(days=365)),
    }
