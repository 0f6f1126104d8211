"""What is known exactly of some lines: printed cells, and formulas of other people against which the simulator is held."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, permutations
from math import exp

# Erlang C: calls an hour, handling time, agents; P(wait), mean wait, share within 20 s, mean queue.
ERLANG_C = (
    (60, 300, 6, 0.5875164505, 176.2549351, 0.4503742568, 2.937582),
    (60, 300, 7, 0.3241499492, 48.62249238, 0.7163126131, 0.810375),
    (60, 300, 8, 0.1672665067, 16.72665067, 0.8630537670, 0.278778),
    (100, 180, 6, 0.5875164505, 105.7529611, 0.4742671809, 2.937582),
    (100, 180, 7, 0.3241499492, 29.17349543, 0.7404410115, 0.810375),
    (100, 180, 8, 0.1672665067, 10.03599040, 0.8801483108, 0.278778),
    (200, 180, 14, 0.1741319336, 7.835937012, 0.8883500192, 0.435330),
    (240, 360, 30, 0.1728620555, 10.37172333, 0.8761389248, 0.691448),
    (360, 240, 26, 0.5966824300, 71.60189160, 0.4949192274, 7.160189),
    (360, 240, 28, 0.3331385280, 19.98831168, 0.7612958139, 1.998831),
    (2880, 60, 50, 0.6944556112, 20.83366834, 0.6434546008, 16.666935),
    (1200, 300, 105, 0.5157074268, 30.94244561, 0.6304794816, 10.314149),
    (1200, 300, 110, 0.2370075003, 7.110225009, 0.8783162920, 2.370075),
)

# Erlang A: calls an hour, handling time, patience, agents; P(wait), mean wait, P(abandon), served and waited within 20 s.
ERLANG_A = (
    (2880, 60, 120, 50, 0.4677740686, 3.709469899, 0.03091224916, 0.9430189547, 0.9728643917),
    (60, 300, 300, 6, 0.3840393452, 29.59785022, 0.09865950073, 0.6705259255, 0.6934724451),
    (60, 300, 120, 5, 0.4664317980, 25.50517218, 0.2125431015, 0.5982749594, 0.6646165849),
    (100, 180, 180, 5, 0.5595067149, 31.58412656, 0.1754673698, 0.5318645479, 0.5856967171),
    (100, 180, 60, 7, 0.1954414307, 4.570547031, 0.07617578385, 0.8687668490, 0.9136085564),
    (360, 240, 240, 24, 0.5271502795, 19.47636061, 0.08115150253, 0.6245232523, 0.6603585077),
    (360, 240, 240, 26, 0.3680933345, 11.33543949, 0.04723099788, 0.7663303595, 0.7900182462),
    (360, 240, 120, 22, 0.5857442207, 17.14615252, 0.1428846044, 0.5928294028, 0.6683039231),
    (1200, 300, 300, 100, 0.5132987983, 11.95829904, 0.03986099681, 0.7264950690, 0.7514193940),
    (1200, 300, 300, 90, 0.8536538253, 32.37012981, 0.1079004327, 0.3360483220, 0.3853006448),
    (6000, 60, 120, 100, 0.5967031380, 3.963618303, 0.03303015253, 0.9557390140, 0.9884773842),
    (60, 60, 60, 1, 0.6321205588, 22.07276647, 0.3678794412, 0.4705492574, 0.6334538079),
)

# Strict tiers: arrival rates from the first tier on, rate of service, agents; mean waits, in one unit of time.
COBHAM = (
    ((20, 30, 40), 10, 10, (0.00835914405, 0.0167182881, 0.133746305)),
    ((5, 20, 65), 10, 10, (0.00703927920, 0.00938570560, 0.0891642032)),
    ((0.3, 0.3, 0.3), 1, 1, (1.28571429, 3.21428571, 22.5)),
    ((2, 1.5, 1), 1, 5, (0.254164407, 0.847214690, 5.08328814)),
    ((30, 30, 30), 10, 10, (0.00955330749, 0.0238832687, 0.167182881)),
)

# First come first served, longest idle: what each agent can do and how fast, rates by type; mean waits and P(wait).
ALIS = (
    ((("A", 1), ("AB", 1)), {"A": 0.6, "B": 0.6}, (0.477272727, 2.06818182), (0.381818182, 0.745454545)),
    (
        (("A", 1), ("A", 1), ("AB", 1), ("AB", 1)),
        {"A": 1.6, "B": 1.4},
        (0.441457375, 1.58224266),
        (0.441457375, 0.786345950),
    ),
    (
        (("A", 1), ("A", 1.2), ("AB", 0.8), ("B", 1), ("B", 1.1)),
        {"A": 1.3, "B": 1.6},
        (0.172034059, 0.298362513),
        (0.268858270, 0.371951432),
    ),
    ((("AB", 1), ("BC", 1), ("CA", 1)), {"A": 0.8, "B": 0.8, "C": 0.8}, (1.24867725,) * 3, (0.685714286,) * 3),
    ((("ABC", 1),) * 3, {"A": 0.8, "B": 0.8, "C": 0.8}, (1.07865169,) * 3, (0.647191011,) * 3),
)


def wait_probability(agents: int, load: float) -> float:
    """Erlang C from the probabilities of the states, not by way of Erlang B."""
    weights = [1.0]
    for busy in range(1, agents + 1):
        weights.append(weights[-1] * load / busy)
    last = weights.pop() * agents / (agents - load)
    return last / (sum(weights) + last)


def cobham(rates: Sequence[float], mu: float, agents: int) -> list[float]:
    """Mean waits under strict tiers without interruption: Cobham 1954."""
    first = wait_probability(agents, sum(rates) / mu) / (agents * mu)
    shares = [sum(rates[:tier]) / (agents * mu) for tier in range(len(rates) + 1)]
    return [first / ((1 - before) * (1 - upto)) for before, upto in pairwise(shares)]


def fcfs_alis(agents: Sequence[tuple[str, float]], rates: Mapping[str, float]) -> tuple[list[float], list[float]]:
    """Mean wait and P(wait) of each type: the product form of Adan and Weiss 2014, summed over all orders of the agents."""
    everyone = range(len(agents))
    total, queued, at_once = 0.0, dict.fromkeys(rates, 0.0), dict.fromkeys(rates, 0.0)
    for order in permutations(everyone):
        for busy in range(len(agents) + 1):
            weight, waiting = 1.0, dict.fromkeys(rates, 0.0)
            for upto in range(1, busy + 1):
                among = order[:upto]
                speed = sum(agents[one][1] for one in among)
                only = [kind for kind in rates if not any(kind in agents[one][0] for one in everyone if one not in among)]
                bound = sum(rates[kind] for kind in only)
                weight /= speed - bound
                for kind in only:
                    waiting[kind] += rates[kind] / (speed - bound)
            for first in range(busy, len(agents)):
                idle = order[first:]
                weight /= sum(rate for kind, rate in rates.items() if any(kind in agents[one][0] for one in idle))
            total += weight
            for kind in rates:
                queued[kind] += weight * waiting[kind]
                if any(kind in agents[one][0] for one in order[busy:]):
                    at_once[kind] += weight
    return (
        [queued[kind] / total / rate for kind, rate in rates.items()],
        [1 - at_once[kind] / total for kind in rates],
    )


def erlang_a_by_quadrature(rate: float, handle_s: float, patience_s: float, agents: int, within_s: float) -> dict[str, float]:
    """Erlang A from the M/M/n+G integrals by Simpson's rule and the states below full, where the module sums a series."""
    theta, drain = 1 / patience_s, agents / handle_s

    def density(x: float) -> float:
        return exp(rate * (1 - exp(-theta * x)) / theta - drain * x)

    far = within_s + patience_s
    while density(far) > 1e-18:
        far *= 1.3
    waits = simpson(density, 0.0, within_s) + simpson(density, within_s, far)
    late = simpson(density, within_s, far)
    late_served = simpson(lambda x: density(x) * exp(-theta * x), within_s, far)
    lost = simpson(lambda x: density(x) * (1 - exp(-theta * x)), 0.0, within_s)
    lost += simpson(lambda x: density(x) * (1 - exp(-theta * x)), within_s, far)
    below, term = 0.0, 1.0
    for busy in range(agents - 1, -1, -1):  # the odds of so many busy, against agents - 1
        below += term
        term *= busy * 1.0 / (rate * handle_s)
    total = below + rate * waits
    return {
        "p_wait": rate * waits / total,
        "mean_wait_s": rate * lost / theta / total,
        "p_abandon": rate * lost / total,
        "sl_served": 1 - rate * lost / total - rate * late_served / total,
        "sl_waited": 1 - rate * exp(-theta * within_s) * late / total,
    }


def simpson(function: Callable[[float], float], start: float, end: float, pieces: int = 20_000) -> float:
    """Simpson's rule."""
    step = (end - start) / pieces
    inner = sum((4 if place % 2 else 2) * function(start + place * step) for place in range(1, pieces))
    return step / 3 * (function(start) + inner + function(end))
