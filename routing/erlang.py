"""The Erlang formulas: how a line of calls behaves with a given number of agents, exactly, in the steady state.

B: calls that find no line free are lost. C: everybody waits. A: those who wait give up after an exponential time, on average
`patience_s`. Calls come as a Poisson stream, handling times are exponential, all agents are alike, the first come is the first
served. Written for hundreds of agents and long queues: every sum has positive terms only, and what would leave the range of
floats is carried as a logarithm.

Sources: Erlang 1917; Palm 1957; Zeltyn and Mandelbaum 2005 (Queueing Systems 51:361-402) for the M/M/n+G integrals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, expm1, inf, isfinite, log, log1p

HUGE = 1e280
TERMS = 5_000_000
"""More terms than this of a series would mean a patience of years."""


@dataclass(frozen=True)
class Steady:
    """A line in the steady state. Shares are from 0 to 1, times in seconds.

    `mean_wait_s` is over all calls, answered or not. `p_abandon` is the share that gives up, `occupancy` the share of the agents'
    time that is spent on calls, `queue` the mean number of calls that wait.
    """

    agents: int
    p_wait: float
    mean_wait_s: float
    p_abandon: float
    occupancy: float
    queue: float
    sl_served: Callable[[float], float]
    """The share of all calls that is answered within so many seconds (those who gave up count against)."""
    sl_waited: Callable[[float], float]
    """The share whose wait, however it ended, was not longer than so many seconds (those who gave up early count for)."""

    def wait_quantile_s(self, share: float) -> float:
        """The wait that this share of all calls does not exceed."""
        if not 0 <= share < 1:
            raise ValueError(f"a quantile is asked for by a share from 0 to below 1, not {share}")
        if self.sl_waited(0.0) >= share:
            return 0.0
        high = max(self.mean_wait_s, 1e-9)
        while self.sl_waited(high) < share:
            high *= 2
        low = 0.0
        while high - low > 1e-12 * high:
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (middle, high) if self.sl_waited(middle) < share else (low, middle)
        return high


def erlang_b(agents: int, load: float) -> float:
    """The share of calls lost when there are as many lines as agents; `load` in erlangs, that is calls per handling time."""
    _check(agents, load)
    lost = 1.0
    for k in range(1, agents + 1):
        lost = load * lost / (k + load * lost)
    return lost


def erlang_c(rate: float, handle_s: float, agents: int) -> Steady:
    """The line when nobody gives up; `rate` in calls per second. Raises ValueError if the agents cannot keep up with the load."""
    load = rate * handle_s
    _check(agents, load)
    if load >= agents:
        raise ValueError(f"{agents} agents cannot keep up with {load:g} erlangs")
    lost = erlang_b(agents, load)
    p_wait = agents * lost / (agents - load * (1 - lost))
    spare = agents / handle_s - rate

    def served(within_s: float) -> float:
        return 1 - p_wait * exp(-spare * within_s)

    mean = p_wait / spare
    return Steady(agents, p_wait, mean, 0.0, load / agents, rate * mean, served, served)


def erlang_a(rate: float, handle_s: float, patience_s: float, agents: int) -> Steady:
    """The line when those who wait give up; also with more load than the agents can bear. `rate` in calls per second.

    With theta = 1/patience, mu = 1/handle, f(x) = exp(rate (1 - e^(-theta x))/theta - agents mu x) and eps = 1/B(agents - 1):
    P(wait) = rate J/(eps + rate J) with J = integral of f from 0, and so on; the integrals are `_series` in closed form.
    """
    load = rate * handle_s
    _check(agents, load)
    if not (patience_s > 0 and isfinite(patience_s)):
        raise ValueError(f"patience must be positive, not {patience_s}")
    theta, drain = 1 / patience_s, agents / handle_s
    if agents == 0:
        return Steady(0, 1.0, patience_s, 1.0, 0.0, rate * patience_s, lambda _: 0.0, lambda within_s: -expm1(-theta * within_s))
    lost = erlang_b(agents - 1, load)
    if lost == 0.0:  # too small for a float, and so is P(wait)
        return Steady(agents, 0.0, 0.0, 0.0, load / agents, 0.0, lambda _: 1.0, lambda _: 1.0)
    all_waits, places = _series(drain, rate, theta)
    log_odds = log(rate) + all_waits + log(lost)  # of waiting against not
    log_total = log_odds + log1p(exp(-log_odds)) if log_odds > 0 else log1p(exp(log_odds))
    p_wait = exp(log_odds - log_total)

    def longer(within_s: float, hazard: float) -> float:
        """The share that waits longer (hazard 0) or is answered later (hazard theta)."""
        fading = exp(-theta * within_s)
        log_f = -rate * expm1(-theta * within_s) / theta - drain * within_s
        tail, _ = _series(drain + hazard, rate * fading, theta)
        return exp(log(rate) + log_f + tail + log(lost) - log_total - theta * within_s)

    queue = p_wait * places
    mean = queue / rate
    p_abandon = min(1.0, theta * mean)

    def sl_served(within_s: float) -> float:
        return max(0.0, 1 - p_abandon - longer(within_s, theta))

    def sl_waited(within_s: float) -> float:
        return max(0.0, 1 - longer(within_s, 0.0))

    return Steady(agents, p_wait, mean, p_abandon, min(1.0, load * (1 - p_abandon) / agents), queue, sl_served, sl_waited)


def _series(drain: float, rate: float, theta: float) -> tuple[float, float]:
    """The logarithm of S = sum over k >= 0 of rate^k / prod_{i=0..k} (drain + i theta), and the mean of k by these weights.

    S is the integral J of f; its terms are also the odds of k calls waiting while all agents are busy, so the mean is the queue
    that is found then.
    """
    term, total, weighted, scale = 1.0, 1.0, 0.0, 0.0
    for k in range(1, TERMS):
        term *= rate / (drain + k * theta)
        total += term
        weighted += k * term
        if total > HUGE or weighted > HUGE:
            term, total, weighted, scale = term / HUGE, total / HUGE, weighted / HUGE, scale + log(HUGE)
        if term * max(1.0, k) < 1e-18 * total and rate < drain + k * theta:
            break
    else:
        raise ValueError("the series does not come to an end: is the patience right?")
    return scale + log(total) - log(drain), weighted / total


def _check(agents: int, load: float) -> None:
    if agents < 0:
        raise ValueError(f"there cannot be {agents} agents")
    if not 0 < load < inf:
        raise ValueError(f"the load must be positive, not {load}")
