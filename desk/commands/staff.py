"""`staff`: how many agents a load needs, by Erlang C and A: for figures that are given, or for a queue's day from its history."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError, Namespace
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import select

from desk.app import install
from desk.config import Settings
from desk.models import Queue
from desk.queries.board.staffing import HalfHour, StaffingDay, staffing_day
from desk.queries.calendars import calendar_of
from routing.staffing import Goal, Load, chat_agents, required_agents
from routing.values import CHANNEL_RULES


def add(commands: Any) -> None:
    parser = commands.add_parser("staff", help="how many agents a load needs; JSON")
    load = parser.add_argument_group("a load in figures")
    load.add_argument("--rate-per-h", type=_number, help="calls an hour")
    load.add_argument("--aht", type=_number, help="mean handling time in seconds, wrap-up included")
    load.add_argument("--patience", type=_number, help="mean patience in seconds; without it nobody gives up")
    load.add_argument("--concurrency", type=int, default=1, help="conversations an agent holds at once (1)")
    past = parser.add_argument_group("or a queue's day, from what came in the weeks before")
    past.add_argument("--queue", help="the key of the queue")
    past.add_argument("--day", type=date.fromisoformat, help="YYYY-MM-DD (today)")
    past.add_argument("--channel", default="voice", choices=sorted(CHANNEL_RULES))
    goal = parser.add_argument_group("what is to be met")
    goal.add_argument("--target", type=_number, default=0.8, help="share to answer in time (0.8)")
    goal.add_argument("--within", type=_number, default=20.0, help="in time, in seconds (20)")
    goal.add_argument("--max-abandon", type=_number, default=0.05, help="share that may give up (0.05)")
    goal.add_argument("--max-occupancy", type=_number, default=0.85, help="share of their time on work (0.85)")
    goal.add_argument("--shrinkage", type=_number, default=0.3, help="share of paid time not at work (0.3)")
    parser.set_defaults(run=run)


def run(chosen: Namespace) -> int:
    in_figures = (chosen.rate_per_h, chosen.aht, chosen.patience)
    if (chosen.queue is None) == (chosen.rate_per_h is None or chosen.aht is None) or (
        chosen.queue is not None and any(figure is not None for figure in in_figures)
    ):
        print("staff: give either --queue, or --rate-per-h and --aht.", file=sys.stderr)
        return 2
    try:
        goal = Goal(chosen.target, chosen.within, chosen.max_abandon, chosen.max_occupancy, chosen.shrinkage)
        answer = _of_figures(chosen, goal) if chosen.queue is None else _of_queue(chosen, goal)
    except ValueError as error:
        print(f"staff: {error}.", file=sys.stderr)
        return 2
    print(json.dumps(answer))
    return 0


def _of_figures(chosen: Namespace, goal: Goal) -> dict[str, Any]:
    plain = Load(chosen.rate_per_h, chosen.aht)
    patient = None if chosen.patience is None else Load(chosen.rate_per_h, chosen.aht, chosen.patience)

    def needs(load: Load) -> dict[str, Any]:
        several = chosen.concurrency != 1
        return asdict(chat_agents(load, chosen.concurrency, goal) if several else required_agents(load, goal))

    return {
        "load": {**asdict(patient or plain), "erlangs": plain.erlangs, "concurrency": chosen.concurrency},
        "goal": asdict(goal),
        "erlang_c": needs(plain),
        "erlang_a": None if patient is None else needs(patient),
    }


def _of_queue(chosen: Namespace, goal: Goal) -> dict[str, Any]:
    desk = install(Settings.from_env())
    with desk.store.read() as session:
        queue = session.scalar(select(Queue).where(Queue.key == chosen.queue))
        if queue is None:
            raise ValueError(f"there is no queue {chosen.queue!r}")
        now = desk.clock.now()
        day = chosen.day or calendar_of(session, queue).local_day(now)
        return _told(staffing_day(session, queue, day, now, channel=chosen.channel, goal=goal))


def _told(found: StaffingDay) -> dict[str, Any]:
    return {
        **asdict(found),
        "day": found.day.isoformat(),
        "half_hours": [_half_hour(one) for one in found.half_hours],
    }


def _half_hour(one: HalfHour) -> dict[str, Any]:
    return {**asdict(one), "at": one.at.isoformat()}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number") from None
