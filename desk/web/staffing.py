"""How many people each half hour of a day needs, from the desk's own history, and how many are there now."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from werkzeug.datastructures import MultiDict

from desk.access import Right
from desk.errors import Invalid
from desk.http.context import installation, is_fragment, reckoning
from desk.http.guard import needs
from desk.queries.board.model_day import made_up_history
from desk.queries.board.staffing import HalfHour, staffing_day
from desk.queries.work.queues import all_queues
from desk.sentences import N_
from desk.web.words import everything
from routing.staffing import Goal, Load, Staffing, required_agents

pages = Blueprint("staffing", __name__)

MADE_UP = "model"
CHANNELS = ("voice", "chat", "email")
AHEAD = timedelta(days=28)
PERCENT = {"share": (1, 99), "shrinkage": (0, 90), "max_occupancy": (10, 100), "max_abandon": (1, 100)}
USUAL = {"share": "80", "within": "20", "shrinkage": "30", "max_occupancy": "85", "max_abandon": "5"}
USUAL |= {"rate": "120", "aht": "300", "patience": "180"}
MOST_PER_HOUR = 5_000
WORTH_SHOWING = 0.05  # so much work expected makes a half hour worth a line


@pages.get("/board/staffing")
@needs(Right.SUPERVISE)
def show() -> str:
    asked = {**USUAL, **{name: request.args[name].strip() for name in USUAL if name in request.args}}
    channel = request.args.get("channel", "voice")
    made_up = request.args.get("from") == MADE_UP
    desk = installation()
    now = desk.clock.now()
    goal = _goal(asked)
    with reckoning() as session:
        queues = [row.queue for row in all_queues(session)]
        wanted = request.args.get("queue", type=int)
        queue = next((one for one in queues if one.id == wanted), queues[0])
        on = _day(request.args, now.astimezone(ZoneInfo(desk.settings.timezone)).date())
        channel = channel if channel in CHANNELS else "voice"
        history = made_up_history(session, queue, channel, desk.settings.timezone, now) if made_up else None
        staffing = staffing_day(session, queue, on, now, channel=channel, goal=goal, history=history)
    return render_template(
        "board/_staffing.html" if is_fragment() else "board/staffing.html",
        asked=asked,
        channels=CHANNELS,
        made_up=made_up,
        queues=queues,
        queue=queue,
        staffing=staffing,
        shown=_worth_showing(staffing.half_hours),
        reckoned=_by_hand(asked, goal),
        terms=everything(),
    )


def _day(asked: MultiDict[str, str], today: date) -> date:
    try:
        on = date.fromisoformat(asked.get("day") or today.isoformat())
    except ValueError:
        on = None
    if on is None or abs(on - today) > AHEAD:
        raise Invalid("Choose a day.", {"day": N_("A day at most four weeks from today.")})
    return on


def _worth_showing(halves: tuple[HalfHour, ...]) -> tuple[HalfHour, ...]:
    """From the first half hour in which anything comes or is expected to the last; the nights of most desks are empty."""
    busy = [
        place
        for place, half in enumerate(halves)
        if half.came or half.p90 or (half.mean or 0) >= WORTH_SHOWING or half.on_duty is not None
    ]
    return halves[min(busy) : max(busy) + 1] if busy else ()


def _by_hand(asked: dict[str, str], goal: Goal) -> dict[str, Staffing]:
    """The same question for a load in figures, by Erlang C and A. Raises `Invalid` with the fields that cannot be."""
    limits = {"rate": MOST_PER_HOUR, "aht": 7_200, "patience": 7_200}
    wrong = {name: N_("A whole number, from one.") for name, most in limits.items() if not _is_between(asked[name], 1, most)}
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    rate, aht, patience = (float(asked[name]) for name in limits)
    return {"Erlang C": required_agents(Load(rate, aht), goal), "Erlang A": required_agents(Load(rate, aht, patience), goal)}


def _goal(asked: dict[str, str]) -> Goal:
    """The goal as asked for, in percent and seconds. Raises `Invalid` with the fields that cannot be."""
    wrong = {}
    for name, (least, most) in PERCENT.items():
        if not _is_between(asked[name], least, most):
            wrong[name] = N_("A whole number of percent.")
    if not _is_between(asked["within"], 0, 86_400):
        wrong["within"] = N_("A whole number of seconds.")
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    shares = {name: int(asked[name]) / 100 for name in PERCENT}
    return Goal(within_s=float(asked["within"]), **shares)


def _is_between(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and least <= int(text) <= most
