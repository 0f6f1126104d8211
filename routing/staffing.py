"""How many people a load needs: the smallest number that meets every goal set. Rates are per hour, times in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, isfinite

from routing.erlang import Steady, erlang_a, erlang_c
from routing.order import HOUR_S

MOST_AGENTS = 100_000
MOST_OCCUPANCY = 0.85
"""People who are busy for more than this share of their time for long do not keep it up."""


@dataclass(frozen=True)
class Load:
    """Calls an hour, the mean time one takes, wrap-up included, and the mean patience; None: nobody gives up."""

    rate_per_h: float
    aht_s: float
    patience_s: float | None = None

    def __post_init__(self) -> None:
        for name, figure in (("rate_per_h", self.rate_per_h), ("aht_s", self.aht_s), ("patience_s", self.patience_s)):
            if figure is not None and not (isfinite(figure) and (figure > 0 or (name == "rate_per_h" and figure == 0))):
                raise ValueError(f"{name} must be positive, not {figure}")

    @property
    def erlangs(self) -> float:
        """How many people are busy on average when nobody gives up."""
        return self.rate_per_h / HOUR_S * self.aht_s


@dataclass(frozen=True)
class Goal:
    """What is to be met; None is no limit.

    `share` of all calls are answered within `within_s`. `shrinkage` is the part of the paid time in which people are not there.
    """

    share: float = 0.8
    within_s: float = 20.0
    max_abandon: float | None = None
    max_occupancy: float | None = MOST_OCCUPANCY
    shrinkage: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ValueError(f"the share to answer must be from 0 to below 1, not {self.share}")
        if not 0 <= self.shrinkage < 1:
            raise ValueError(f"shrinkage must be from 0 to below 1, not {self.shrinkage}")
        if self.within_s < 0:
            raise ValueError(f"a threshold cannot be negative, as {self.within_s}")
        for limit in (self.max_abandon, self.max_occupancy):
            if limit is not None and not 0 < limit <= 1:
                raise ValueError(f"a limit must be a share above 0, not {limit}")


@dataclass(frozen=True)
class Staffing:
    """The answer, and how the line would do with it.

    `bound_by` is the goal that asked for the last agent: service_level, abandonment, occupancy, or load if fewer could not even
    keep up. `sl_served` counts those who gave up against the goal, `sl_waited` counts who gave up early for it.
    """

    agents: int
    scheduled: int
    bound_by: str
    p_wait: float
    mean_wait_s: float
    sl_served: float
    sl_waited: float
    p_abandon: float
    occupancy: float


def required_agents(load: Load, goal: Goal = Goal()) -> Staffing:
    """The smallest number of agents that meets the goal: by Erlang A when patience is known, else by Erlang C."""
    if load.rate_per_h == 0:
        return _staffed(load, goal, 0, 1, "load")
    agents = _smallest(lambda count: failing(load, count, goal) is None)
    return _staffed(load, goal, agents, 1, failing(load, agents - 1, goal) or "load")


def line_with(load: Load, agents: int) -> Steady | None:
    """How the line does with so many agents; None if the queue would grow without end, or nobody is there."""
    rate = load.rate_per_h / HOUR_S
    if agents < 1:
        return None
    if load.patience_s is not None:
        return erlang_a(rate, load.aht_s, load.patience_s, agents)
    return erlang_c(rate, load.aht_s, agents) if load.erlangs < agents else None


def failing(load: Load, agents: int, goal: Goal) -> str | None:
    """The first goal that so many agents do not meet; None if they meet all."""
    line = line_with(load, agents)
    if line is None:
        return "load"
    if line.sl_served(goal.within_s) < goal.share:
        return "service_level"
    if goal.max_abandon is not None and line.p_abandon > goal.max_abandon:
        return "abandonment"
    if goal.max_occupancy is not None and line.occupancy > goal.max_occupancy:
        return "occupancy"
    return None


def scheduled(agents: int, shrinkage: float) -> int:
    """How many to put on the roster so that so many are there."""
    return ceil(round(agents / (1 - shrinkage), 9))


def chat_agents(load: Load, concurrency: int, goal: Goal = Goal()) -> Staffing:
    """For chats, of which one agent holds `concurrency` at once: the load is one of places, each agent having so many.

    `load.aht_s` is how long a chat takes while its agent is that busy: measured so, the slow-down of several at once is in it.
    The agents' `occupancy` is that of their places.
    """
    if concurrency < 1:
        raise ValueError(f"an agent holds at least one chat, not {concurrency}")
    places = required_agents(load, goal)
    return _staffed(load, goal, ceil(places.agents / concurrency), concurrency, places.bound_by)


def mail_agents(backlog: float, load: Load, hours: float, max_occupancy: float = MOST_OCCUPANCY) -> int:
    """For mail, which can be put off: enough to be through with the backlog and what comes within so many hours. No Erlang."""
    if backlog < 0 or hours <= 0:
        raise ValueError(f"a backlog of {backlog} and {hours} hours make no sense")
    work_s = (backlog + load.rate_per_h * hours) * load.aht_s
    return ceil(round(work_s / (hours * HOUR_S * max_occupancy), 9))


def _staffed(load: Load, goal: Goal, agents: int, places_each: int, bound_by: str) -> Staffing:
    line = line_with(load, agents * places_each)
    if line is None:
        return Staffing(agents, scheduled(agents, goal.shrinkage), bound_by, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0)
    return Staffing(
        agents=agents,
        scheduled=scheduled(agents, goal.shrinkage),
        bound_by=bound_by,
        p_wait=line.p_wait,
        mean_wait_s=line.mean_wait_s,
        sl_served=line.sl_served(goal.within_s),
        sl_waited=line.sl_waited(goal.within_s),
        p_abandon=line.p_abandon,
        occupancy=line.occupancy,
    )


def _smallest(is_enough: Callable[[int], bool]) -> int:
    """The smallest number from 1 that is enough, more being enough as well: double, then halve the gap."""
    high = 1
    while not is_enough(high):
        if high >= MOST_AGENTS:
            raise ValueError(f"even {high} agents would not be enough")
        high *= 2
    low = high // 2  # not enough, or 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
