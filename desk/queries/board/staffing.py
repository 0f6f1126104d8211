"""How much work a queue will get on a day, half hour by half hour, and how many people that needs, from the desk's own history.

Counting is done by the database, in quarters of an hour, because a few time zones are not whole half hours from UTC; what is read
is bounded by the weeks looked back, however much work there was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, case, extract, func, select
from sqlalchemy.orm import Session

from desk.models import Agent, Chat, ChatAttention, Queue, WorkItem
from desk.models.agent import AVAILABLE, OFFLINE
from desk.models.work_item import ABANDONED, DONE
from desk.queries.calendars import calendar_of
from desk.queries.people.skills import skills_at
from desk.queries.work.channel_rules import rules_of
from routing.estimate import abandonment_rate
from routing.forecast import RECENT_DAYS, WEEKS, Forecast, forecast
from routing.hours import Calendar
from routing.order import HANDLING_S, LIVE_CHANNELS
from routing.staffing import MOST_OCCUPANCY, Goal, Load, chat_agents, mail_agents, required_agents, scheduled

QUARTER_S = 900
HALF_HOURS = 48
MEASURED_WEEKS = 4
USUAL_GOAL = Goal()
ENOUGH_HANDLED, ENOUGH_ABANDONED = 20, 10


@dataclass(frozen=True)
class Measured:
    """What the last weeks show: mean handling time, mean patience (None: nearly nobody gave up), and from how many.

    `in_hand_s` is for chats, of which somebody has several at once: the mean time for which one was on the agent's screen,
    wrap-up included; None until enough is measured.
    """

    aht_s: float
    patience_s: float | None
    handled: int
    abandoned: int
    in_hand_s: float | None = None


@dataclass(frozen=True)
class HalfHour:
    """What came (None before it is over), what is expected, and who is needed; None where there is no forecast.

    `by_c` and `by_a` are the agents needed by Erlang C and A; `needed` is the one that holds for this queue, `needed_high` the
    same for as much work as `p90`, and `scheduled` is `needed` with shrinkage. `on_duty` is how many are signed in, for now only.
    """

    at: datetime
    is_open: bool
    came: int | None
    p10: int | None
    mean: float | None
    p90: int | None
    by_c: int | None
    by_a: int | None
    needed: int | None
    needed_high: int | None
    scheduled: int | None
    on_duty: int | None


@dataclass(frozen=True)
class StaffingDay:
    """A queue's day in one channel. `weeks` of like days were found; `level` and `intraday` are as in `routing.forecast`.

    `signed_in` counts the people with the queue's skills who are not offline, `available` those of them who take work now.
    """

    queue: str
    channel: str
    day: date
    zone: str
    goal: Goal
    measured: Measured
    weeks: int
    level: float
    intraday: float
    signed_in: int
    available: int
    half_hours: tuple[HalfHour, ...]

    @property
    def current(self) -> HalfHour | None:
        """The half hour that runs now, if it is on this day."""
        return next((one for one in self.half_hours if one.on_duty is not None), None)


def staffing_day(
    session: Session,
    queue: Queue,
    day: date,
    now: datetime,
    *,
    channel: str = "voice",
    goal: Goal = USUAL_GOAL,
    weeks: int = WEEKS,
    history: dict[date, list[int]] | None = None,
) -> StaffingDay:
    """The staffing of one day; history is read up to `now` and no further back than `weeks` and what the level needs.

    Another `history` (counts by half hour of whole days) may be given instead of the queue's own.
    """
    calendar = calendar_of(session, queue)
    today = calendar.local_day(now)
    if history is None:
        history = counts_by_day(session, queue, channel, calendar, min(day, today), now, weeks)
    came = history.pop(day, None)
    over = _over(calendar, day, now)
    history = {past: counts for past, counts in history.items() if past < today}
    told = forecast(history, day, holidays=_special(calendar), so_far=(came or [])[:over] if day == today else (), weeks=weeks)
    measured = measure(session, queue, channel, now)
    places = rules_of(session)[channel].maximum
    signed_in, available = _people(session, queue, now)
    return StaffingDay(
        queue=queue.key,
        channel=channel,
        day=day,
        zone=calendar.zone,
        goal=goal,
        measured=measured,
        weeks=told.weeks if told else 0,
        level=told.level if told else 1.0,
        intraday=told.intraday if told else 1.0,
        signed_in=signed_in,
        available=available,
        half_hours=tuple(
            _half_hour(
                place,
                calendar=calendar,
                day=day,
                came=came[place] if came is not None and place < over else None,
                told=told,
                needs=lambda rate: _needs(rate, channel, measured, goal, places),
                goal=goal,
                on_duty=signed_in if day == today and place == over else None,
            )
            for place in range(HALF_HOURS)
        ),
    )


def counts_by_day(
    session: Session, queue: Queue, channel: str, calendar: Calendar, day: date, now: datetime, weeks: int
) -> dict[date, list[int]]:
    """How much came in each half hour of the local days before `now`, from the first whole day known; and of `day` itself.

    A half hour is one on the clock of the queue's zone: on the day on which clocks go back one counts double.
    """
    first = day - timedelta(days=weeks * 7 + RECENT_DAYS)
    quarter = extract("epoch", WorkItem.enqueued_at) // QUARTER_S
    query = (
        select(quarter, func.count())
        .where(
            WorkItem.queue_id == queue.id,
            WorkItem.channel == channel,
            WorkItem.enqueued_at >= calendar.moment(first, time()),
            WorkItem.enqueued_at < min(now, calendar.moment(day + timedelta(days=8), time())),
        )
        .group_by(quarter)
    )
    found: dict[date, list[int]] = {}
    for number, count in session.execute(query):
        local = datetime.fromtimestamp(int(number) * QUARTER_S, UTC).astimezone(calendar.tz)
        found.setdefault(local.date(), [0] * HALF_HOURS)[local.hour * 2 + local.minute // 30] += count
    if not found:
        return {}
    known_from, last = min(found), calendar.local_day(now)
    if first < known_from != day:  # the desk's first day is not a whole one
        found.pop(known_from)
        known_from += timedelta(days=1)
    for past in _days(known_from, last):
        found.setdefault(past, [0] * HALF_HOURS)
    return found


def measure(session: Session, queue: Queue, channel: str, now: datetime) -> Measured:
    """Handling time and patience over the last weeks; the usual handling time where too little was handled."""
    handled = and_(WorkItem.state == DONE, WorkItem.answered_at.is_not(None))
    gave_up = and_(WorkItem.state == ABANDONED, WorkItem.answered_at.is_(None))
    wait_ended = func.coalesce(WorkItem.answered_at, WorkItem.ended_at)
    count, handle_s, abandoned, waited_s = session.execute(
        select(
            func.count().filter(handled),
            func.sum(case((handled, _seconds(WorkItem.answered_at, WorkItem.ended_at)), else_=0)),
            func.count().filter(gave_up),
            func.sum(_seconds(WorkItem.enqueued_at, wait_ended)),
        ).where(
            WorkItem.queue_id == queue.id,
            WorkItem.channel == channel,
            WorkItem.enqueued_at >= now - timedelta(weeks=MEASURED_WEEKS),
            WorkItem.ended_at.is_not(None),
        )
    ).one()
    theta = abandonment_rate(abandoned, float(waited_s or 0))
    return Measured(
        aht_s=float(handle_s) / count if count >= ENOUGH_HANDLED and handle_s else HANDLING_S[channel],
        patience_s=1 / theta if theta > 0 and abandoned >= ENOUGH_ABANDONED else None,
        handled=count,
        abandoned=abandoned,
        in_hand_s=_in_hand_s(session, queue, now) if channel == "chat" else None,
    )


def _in_hand_s(session: Session, queue: Queue, now: datetime) -> float | None:
    """The mean of the chats that were on a screen: all spells of each, and its wrap-up."""
    since = now - timedelta(weeks=MEASURED_WEEKS)
    of_chat = func.sum(_seconds(ChatAttention.began_at, ChatAttention.ended_at)).label("seconds")
    looked = (
        select(ChatAttention.chat_id, of_chat).where(ChatAttention.ended_at >= since).group_by(ChatAttention.chat_id).subquery()
    )
    wrap_up = func.coalesce(_seconds(WorkItem.wrap_up_at, WorkItem.ended_at), 0)
    count, seconds = session.execute(
        select(func.count(), func.sum(looked.c.seconds + wrap_up))
        .select_from(looked)
        .join(Chat, Chat.id == looked.c.chat_id)
        .join(WorkItem, WorkItem.id == Chat.item_id)
        .where(WorkItem.queue_id == queue.id, WorkItem.state == DONE)
    ).one()
    return float(seconds) / count if count >= ENOUGH_HANDLED else None


def _half_hour(
    place: int,
    *,
    calendar: Calendar,
    day: date,
    came: int | None,
    told: Forecast | None,
    needs: Any,
    goal: Goal,
    on_duty: int | None,
) -> HalfHour:
    at = calendar.moment(day, time(place // 2, place % 2 * 30))
    is_open = calendar.is_open(at)
    interval = told.intervals[place] if told else None
    by_c, by_a, needed = (None, None, None) if interval is None else needs(interval.mean if is_open else 0.0)
    return HalfHour(
        at=at,
        is_open=is_open,
        came=came,
        p10=interval.p10 if interval else None,
        mean=interval.mean if interval else None,
        p90=interval.p90 if interval else None,
        by_c=by_c,
        by_a=by_a,
        needed=needed,
        needed_high=needs(interval.p90 if is_open else 0)[2] if interval else None,
        scheduled=None if needed is None else scheduled(needed, goal.shrinkage),
        on_duty=on_duty,
    )


@lru_cache(maxsize=2000)
def _needs(per_half_hour: float, channel: str, measured: Measured, goal: Goal, places: int) -> tuple[int | None, int | None, int]:
    """Agents by Erlang C, by Erlang A and in the end; deferred work needs no Erlang, it only has to be done."""
    if per_half_hour <= 0:
        return 0, 0, 0
    plain = Load(per_half_hour * 2, measured.aht_s)
    if channel not in LIVE_CHANNELS:
        return None, None, mail_agents(0, plain, 0.5, goal.max_occupancy or MOST_OCCUPANCY)
    patient = Load(per_half_hour * 2, measured.aht_s, measured.patience_s)
    by_c, by_a = (
        (required_agents(load, goal) if places == 1 else chat_agents(load, places, goal)).agents for load in (plain, patient)
    )
    return by_c, by_a if measured.patience_s is not None else None, by_a


def _people(session: Session, queue: Queue, now: datetime) -> tuple[int, int]:
    """Who is signed in, and who is available, among those with the skills that the queue asks for."""
    there = dict(map(tuple, session.execute(select(Agent.id, Agent.presence).where(Agent.active, Agent.presence != OFFLINE))))
    skills: Mapping[int, Mapping[str, int]] = skills_at(session, now, list(there)) if queue.requires else {}
    able = [
        agent_id for agent_id in there if all(skills.get(agent_id, {}).get(name, 0) >= level for name, level in queue.requires)
    ]
    return len(able), sum(there[agent_id] == AVAILABLE for agent_id in able)


def _over(calendar: Calendar, day: date, now: datetime) -> int:
    """How many half hours of the day are over."""
    today = calendar.local_day(now)
    if day != today:
        return HALF_HOURS if day < today else 0
    local = now.astimezone(calendar.tz)
    return local.hour * 2 + local.minute // 30


def _special(calendar: Calendar) -> frozenset[date]:
    """Days that are like no other day of their week."""
    return calendar.holidays | frozenset(calendar.workdays)


def _seconds(start: Any, end: Any) -> Any:
    return extract("epoch", end) - extract("epoch", start)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=after) for after in range((last - first).days + 1))
