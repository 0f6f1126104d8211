"""“What if”: a past day, or a made-up busy one, played again under other rules, beside the same day as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from desk.access import Right
from desk.apart import apart
from desk.days import day_of
from desk.errors import Invalid
from desk.http.context import installation, is_fragment, reckoning
from desk.http.guard import needs
from desk.queries.board.model_day import model_day
from desk.queries.board.recorded_day import RecordedDay, latest_day, recorded_day
from desk.queries.work.queues import all_queues
from desk.sentences import N_
from desk.web.words import everything
from routing.choice import MODES
from routing.order import TIERS
from routing.replay import Outcome, replay
from routing.simulation import Order
from routing.tally import Figures
from routing.values import Choice
from routing.what_if import MOST_ADDED, Changes, changed_day, changed_rules

pages = Blueprint("what_if", __name__)

MADE_UP = "model"
CHANNELS = ("voice", "chat")
ORDERS = ("due", "fcfs", "strict")
SKILL_ROWS = 3
DAYS = 21  # so many past days are offered
LONGEST_TARGET_S = 24 * 3600


@dataclass(frozen=True)
class Pair:
    """One line of the comparison: what came, as it was and as it would be."""

    kind: str
    name: str
    before: Figures
    after: Figures


@pages.get("/board/what-if")
@needs(Right.SUPERVISE)
def show() -> str:
    asked = request.args
    desk = installation()
    now, zone = desk.clock.now(), desk.settings.timezone
    with reckoning() as session:
        latest = latest_day(session, zone, now)
        queues = all_queues(session)
        chosen = asked.get("day", MADE_UP)
        recorded = model_day(session, zone, now) if chosen == MADE_UP else recorded_day(session, _day(chosen), zone, now)
    result: dict[str, Any] = {}
    if "play" in asked:
        try:
            result = _compare(recorded, _changes(asked, recorded))
        except Invalid as wrong:
            result = {"errors": {name: gettext(sentence) for name, sentence in wrong.fields.items()}}
    return render_template(
        "board/_what_if_result.html" if is_fragment() and result else "board/what_if.html",
        asked=asked,
        chosen=chosen,
        days=[latest - timedelta(days=before) for before in range(DAYS)],
        recorded=recorded,
        people=[(worker.id, recorded.names.get(worker.id, "?")) for worker in recorded.day.workers],
        skills=sorted({name for worker in recorded.day.workers for name in worker.skills if not name.startswith("team:")}),
        queue_names={row.queue.key: row.queue for row in queues},
        modes=tuple(MODES),
        orders=ORDERS,
        tiers=TIERS,
        channels=CHANNELS,
        skill_rows=range(SKILL_ROWS),
        has_targets=any(name.startswith("target-") and text for name, text in asked.items()),
        terms=everything(),
        **result,
    )


def _compare(recorded: RecordedDay, changes: Changes) -> dict[str, Any]:
    before, after = apart(
        both, (recorded.day, recorded.rules), (changed_day(recorded.day, changes), changed_rules(recorded.rules, changes))
    )
    return {
        "pairs": list(_pairs(before, after)),
        "before": before,
        "after": after,
        "times": [datetime.fromtimestamp(half.at, UTC) for half in before.half_hours],
        "nothing_changed": changes.are_none,
    }


def both(first: tuple[Any, Any], second: tuple[Any, Any]) -> tuple[Outcome, Outcome]:
    """Both plays, with the same luck: what differs is what was changed."""
    return replay(*first), replay(*second)


def _pairs(before: Outcome, after: Outcome) -> Iterator[Pair]:
    yield Pair("all", "", before.overall, after.overall)
    for kind, was, would in (
        ("channel", before.channels, after.channels),
        ("tier", before.tiers, after.tiers),
        ("queue", before.queues, after.queues),
    ):
        names = [name for name in TIERS if name in was] if kind == "tier" else list(was)
        for name in names:
            if name in would:
                yield Pair(kind, name, was[name], would[name])


def _day(text: str) -> date:
    day = day_of(text)
    if day is None:
        raise Invalid("Choose a day.", {"day": N_("Choose a day.")})
    return day


def _changes(asked: MultiDict[str, str], recorded: RecordedDay) -> Changes:
    """What the form asks for. Raises `Invalid` with the fields that cannot be."""
    wrong: dict[str, str] = {}
    people = {worker.id for worker in recorded.day.workers}
    order, choice = asked.get("order", ""), asked.get("choice", "")
    if order and order not in ORDERS:
        wrong["order"] = N_("Choose from the list.")
    if choice and choice not in MODES:
        wrong["choice"] = N_("Choose from the list.")
    changes = Changes(
        order=cast(Order, order) if order else None,
        choice=cast(Choice, choice) if choice else None,
        targets=_targets(asked, wrong),
        no_overflow=bool(asked.get("no_overflow")),
        more=_more(asked, people, wrong),
        without=frozenset(each for each in asked.getlist("without", type=int) if each in people),
        skills=_skills(asked, people, wrong),
    )
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    return changes


def _targets(asked: MultiDict[str, str], wrong: dict[str, str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for channel in CHANNELS:
        for tier in TIERS:
            field = f"target-{channel}-{tier}"
            text = asked.get(field, "").strip()
            if not text:
                continue
            if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LONGEST_TARGET_S or len(text) > 6:
                wrong[field] = N_("A whole number of seconds, from 1 to one day.")
            else:
                found.setdefault(channel, {})[tier] = float(text)
    return found


def _more(asked: MultiDict[str, str], people: set[int], wrong: dict[str, str]) -> dict[int, int]:
    like, count = asked.get("like", min(people, default=0), type=int), asked.get("more", "").strip()
    if not count or count == "0":
        return {}
    if not count.isascii() or not count.isdigit() or len(count) > 3 or int(count) > MOST_ADDED:
        wrong["more"] = N_("A whole number, up to two hundred.")
    elif like not in people:
        wrong["like"] = N_("Choose whom they are like.")
    else:
        return {like: int(count)}
    return {}


def _skills(asked: MultiDict[str, str], people: set[int], wrong: dict[str, str]) -> dict[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = {}
    rows = zip(asked.getlist("who"), asked.getlist("skill"), asked.getlist("level"), strict=False)
    for number, (who, skill, level) in enumerate(rows):
        if not who or not skill.strip():
            continue
        if not who.isdigit() or int(who) not in people or not level.isdigit() or not 0 <= int(level[:3]) <= 10:
            wrong[f"skill-{number}"] = N_("A skill level is a number from 0 to 10; 0 takes it away.")
        else:
            found[int(who), skill.strip().lower()] = int(level)
    return found
