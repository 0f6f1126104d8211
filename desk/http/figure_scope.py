"""Which time, policy, queue and product the measures are asked for, as pages and programs say it in an address."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import request

from desk.http.context import installation
from desk.http.incoming import moment, whole
from desk.queries.complaints.figures import Scope

USUAL_DAYS = 28
LONGEST_DAYS = 3660


def chosen() -> Scope:
    """The time and the rest as the address says them; the last four weeks when it says no time that can be."""
    zone = ZoneInfo(installation().settings.timezone)
    today = installation().clock.now().astimezone(zone).date()
    first, last = _day("from", today - timedelta(days=USUAL_DAYS - 1)), _day("until", today)
    if not timedelta(0) <= last - first <= timedelta(days=LONGEST_DAYS):
        first, last = today - timedelta(days=USUAL_DAYS - 1), today
    return Scope(
        since=datetime.combine(first, time.min, zone).astimezone(ZoneInfo("UTC")),
        until=datetime.combine(last + timedelta(days=1), time.min, zone).astimezone(ZoneInfo("UTC")),
        policy=_word("policy", 40),
        queue_id=whole(request.args.get("queue", "")),
        product=_word("product", 80),
    )


def after() -> tuple[datetime, int] | None:
    """Behind which row a page begins: its moment and id; None from the first on."""
    at, _, row_id = request.args.get("after", "").rpartition("_")
    found, number = moment(at.replace(" ", "+")), whole(row_id)
    return (found, number) if found is not None and number is not None else None


def _word(name: str, longest: int) -> str:
    return request.args.get(name, "").replace("\0", "")[:longest]


def _day(name: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return otherwise
    return found if 2000 <= found.year <= 2200 else otherwise
