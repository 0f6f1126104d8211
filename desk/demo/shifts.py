"""When the colleagues of the past were there: shifts that cover all that they did, with a break where they had time for one.

Only the record of it: in the past that is played anybody can be given something at any moment.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from desk.demo.stage import actor_of
from desk.models import Agent
from desk.models.agent import AVAILABLE, AWAY, OFFLINE
from desk.store import Tx

EARLY, LATE = (9.0, 17.5), (12.5, 21.0)  # from which hour to which
AT_WEEKENDS = 3  # one in so many has a shift then
A_LITTLE = timedelta(minutes=4)  # before the first thing that somebody did, and after the last
NOON = (11.5, 15.0)  # hours in which a break begins
BREAK = timedelta(minutes=30)


def note_shifts(tx: Tx, agents: list[Agent], begins: datetime, chance: Random) -> None:
    """Add to what is told of these weeks who came and went when, up to this transaction's moment, in the order of time."""
    zone = ZoneInfo(tx.settings.timezone)
    busy = _days_at_work(tx, zone)
    day = begins.astimezone(zone).date()
    while day <= tx.now.astimezone(zone).date():
        for place, agent in enumerate(agents):
            done = busy.get((agent.id, day), [])
            shift = _shift(day, place, done, zone, chance)
            if shift is not None:
                _tell(tx, agent, shift, _lunch(done, shift, day, zone, chance))
        day += timedelta(days=1)
    tx.pending.sort(key=lambda event: event["at"])


def _days_at_work(tx: Tx, zone: ZoneInfo) -> dict[tuple[int, date], list[datetime]]:
    """At which moments of which day each agent did something, or was given it."""
    found: dict[tuple[int, date], list[datetime]] = defaultdict(list)
    for event in tx.pending:
        if event["kind"] == "agent.presence_set":
            continue
        agent_id = event["actor_id"] if event["actor_kind"] == "agent" else event["agent_id"]
        if agent_id is not None:
            found[agent_id, event["at"].astimezone(zone).date()].append(event["at"])
    return found


def _shift(day: date, place: int, done: list[datetime], zone: ZoneInfo, chance: Random) -> tuple[datetime, datetime] | None:
    """The early and the late shift by turns, longer for whoever did something before or after; None on a day off."""
    begins, ends = (_at(day, hour, zone) + timedelta(minutes=chance.uniform(-6, 6)) for hour in (EARLY, LATE)[place % 2])
    has_shift = day.weekday() < 5 or (place + day.toordinal()) % AT_WEEKENDS == 0
    if not done:
        return (begins, ends) if has_shift else None
    midnight = _at(day, 0, zone)
    first, last = max(min(done) - A_LITTLE, midnight), min(max(done) + A_LITTLE, midnight + timedelta(days=1))
    return (min(begins, first), max(ends, last)) if has_shift else (first, last)


def _lunch(done: list[datetime], shift: tuple[datetime, datetime], day: date, zone: ZoneInfo, chance: Random) -> datetime | None:
    """When a break begins in which nothing was asked of them; None where the day had no room for one."""
    wanted = _at(day, chance.uniform(*NOON), zone)
    latest = _at(day, NOON[1], zone)
    while wanted <= latest:
        if wanted - A_LITTLE < shift[0] or wanted + BREAK + A_LITTLE > shift[1]:
            return None
        disturbed = [at for at in done if wanted - A_LITTLE <= at <= wanted + BREAK + A_LITTLE]
        if not disturbed:
            return wanted
        wanted = max(disturbed) + 2 * A_LITTLE
    return None


def _tell(tx: Tx, agent: Agent, shift: tuple[datetime, datetime], lunch: datetime | None) -> None:
    told = [(shift[0], AVAILABLE, ""), (shift[1], OFFLINE, "")]
    if lunch is not None:
        told += [(lunch, AWAY, "lunch"), (lunch + BREAK, AVAILABLE, "")]
    for at, presence, reason in told:
        if at < tx.now:
            then = Tx(tx.session, at.astimezone(UTC), actor_of(agent), tx.settings)
            then.pending = tx.pending
            then.emit("agent.presence_set", agent=agent, data={"presence": presence, "reason": reason})


def _at(day: date, hour: float, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone) + timedelta(hours=hour)
