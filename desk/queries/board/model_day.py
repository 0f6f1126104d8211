"""A busy day made up for this desk: its own queues, people and rules, with as much work as they can just about carry.

For trying rules out before there is a day worth playing again. Made anew, it is the same every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import Conflict
from desk.models import Agent, Queue
from desk.queries.board.board import takes_work
from desk.queries.board.recorded_day import WITHIN_S, RecordedDay, rule_of
from desk.queries.people.skills import skills_at
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.matching import team_skills
from routing.order import HANDLING_S
from routing.recorded import Arrival, Day, Rules, Shift, Worker
from routing.values import ChannelRule, Skill

MOST_PEOPLE = 60
OPENS, CLOSES = 9, 18
LOAD = 0.72
"""The share of everybody's time that the work takes: with skills that not everybody has, more than that piles up."""
PROFILE = (0.7, 1.1, 1.35, 1.0, 0.75, 0.95, 1.25, 1.1, 0.8)
"""How busy each hour from nine to eighteen is, against the mean."""
CHANNELS = {"voice": 0.55, "chat": 0.25, "email": 0.2}
TIERS = {"vip": 0.05, "gold": 0.1, "silver": 0.2, "standard": 0.65}
LANGUAGES = {"lang:zh": 0.6, "lang:en": 0.4}
PATIENCE_S = 300.0
USUAL_WAIT_S = 25.0


def model_day(session: Session, zone: str, now: datetime) -> RecordedDay:
    """The made-up day, on today's date. Raises `Conflict` when nobody takes work or nobody can do what a queue asks for."""
    on = now.astimezone(ZoneInfo(zone)).date()
    since = datetime.combine(on, time(OPENS), ZoneInfo(zone)).timestamp()
    until = since + (CLOSES - OPENS) * 3600
    people = [agent for agent in session.scalars(select(Agent).where(Agent.active).order_by(Agent.id)) if takes_work(agent)]
    skills, of_team = skills_at(session, now), team_skills(session)
    workers = [
        Worker(each.id, {**skills.get(each.id, {}), **of_team.get(each.team_id, {})}, each.capacity)
        for each in people[:MOST_PEOPLE]
    ]
    queues = list(session.scalars(select(Queue).order_by(Queue.id)))
    kinds = [kind for queue in queues for kind in _kinds(queue, workers)]
    if not kinds:
        raise Conflict("Nobody can do what any queue asks for: give people skills first.")
    channels = dict(rules_of(session))
    arrivals = tuple(_arrivals(Random("a busy day"), kinds, len(workers), channels, since))
    return RecordedDay(
        date=on,
        day=Day(since, until, arrivals, tuple(workers), tuple(Shift(each.id, since, until) for each in workers)),
        rules=Rules({queue.key: rule_of(session, queue) for queue in queues}, channels, within_s=WITHIN_S),
        names={each.id: each.name for each in people},
        was={},
    )


def made_up_history(
    session: Session, queue: Queue, channel: str, zone: str, now: datetime, weeks: int = 6
) -> dict[date, list[int]]:
    """What would have come to the queue in past weeks if each working day had been such a day: counts by half hour of the day.

    Every day is drawn anew, so that a forecast from it has something to be wrong about.
    """
    made = model_day(session, zone, now)
    mean = [0.0] * 48
    for one in made.day.arrivals:
        if one.queue == queue.key and one.channel == channel:
            local = datetime.fromtimestamp(one.at, ZoneInfo(zone))
            mean[local.hour * 2 + local.minute // 30] += 1
    # Smoothed over its neighbours: one drawn day is too rugged to be a mean.
    mean = [sum(mean[max(0, place - 1) : place + 2]) / 3 for place in range(48)]
    dice, history = Random("past weeks"), {}
    for before in range(1, weeks * 7 + 1):
        day = made.date - timedelta(days=before)
        level = dice.gauss(1, 0.06) if day.weekday() < 5 else 0.0
        history[day] = [_poisson(dice, level * each) for each in mean]
    return history


def _poisson(dice: Random, mean: float) -> int:
    """By counting exponential gaps."""
    count, at = 0, dice.expovariate(1)
    while at < mean:
        count, at = count + 1, at + dice.expovariate(1)
    return count


def _kinds(queue: Queue, workers: list[Worker]) -> Iterator[tuple[str, frozenset[Skill], float]]:
    """What the queue asks for in each language, with its share, where somebody can do it."""
    for language, weight in LANGUAGES.items():
        asked = {**dict(map(tuple, queue.requires)), language: 1}
        if any(all(worker.skills.get(name, 0) >= level for name, level in asked.items()) for worker in workers):
            yield queue.key, frozenset(asked.items()), weight


def _arrivals(
    dice: Random,
    kinds: list[tuple[str, frozenset[Skill], float]],
    people: int,
    channels: Mapping[str, ChannelRule],
    since: float,
) -> Iterator[Arrival]:
    """Arrivals at random, as many as fill `LOAD` of the people's time; an arrival takes as much of it as its channel weighs."""
    cost_s = sum(share * HANDLING_S[channel] * channels[channel].weight / 100 for channel, share in CHANNELS.items())
    mean_gap_s = cost_s / (LOAD * people)
    number = 0
    for hour, busy in enumerate(PROFILE):
        at, ends = since + hour * 3600, since + (hour + 1) * 3600
        while (at := at + dice.expovariate(busy / mean_gap_s)) < ends:
            number += 1
            channel, tier = _drawn(dice, CHANNELS), _drawn(dice, TIERS)
            queue, requires, _weight = dice.choices(kinds, [weight for *_, weight in kinds])[0]
            gave_up = channel == "voice" and dice.random() < USUAL_WAIT_S / PATIENCE_S
            yield Arrival(
                id=number,
                at=at,
                channel=channel,
                queue=queue,
                requires=requires,
                waited_s=USUAL_WAIT_S,
                gave_up=gave_up,
                handle_s=None if gave_up else dice.expovariate(1 / HANDLING_S[channel]),
                tier=tier,
            )


def _drawn(dice: Random, shares: Mapping[str, float]) -> str:
    return dice.choices(list(shares), list(shares.values()))[0]
