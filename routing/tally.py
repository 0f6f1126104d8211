"""Counting what happens on a simulated floor, batch by batch, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from routing.confidence import ratio, share

N, WAITED, WAIT_S, SERVED, SERVED_WAIT_S, ABANDONED, WORK_S, IN_TIME = range(8)
"""The columns of a batch; from IN_TIME on there is one for each threshold."""

Row = list[float]


@dataclass(frozen=True)
class Figures:
    """What came of some work; shares from 0 to 1, times in seconds, None where there is nothing to measure.

    `mean_wait_s` is over everybody, served or not; `p_wait` is the share that was not taken at once; `sl` maps a threshold to the
    share of everybody that was served within it; `occupancy` is the part of the agents' time that went into this work, so that
    the parts of all types add up to the whole. `half_width` has the 95 % half-widths under the same names.
    """

    n: int
    p_wait: float | None
    mean_wait_s: float | None
    mean_wait_served_s: float | None
    p_abandon: float | None
    sl: dict[str, float | None]
    occupancy: float | None
    half_width: dict[str, object]

    def as_json(self) -> dict[str, object]:
        """Flat numbers with nine significant digits: the last ones differ from one machine's logarithm to another's."""
        return {
            **{name: _short(getattr(self, name)) for name in (*NAMES, "sl")},
            "half_width": {name: _short(width) for name, width in self.half_width.items()},
        }


NAMES = ("n", "p_wait", "mean_wait_s", "mean_wait_served_s", "p_abandon", "occupancy")


class Tally:
    """Counts work that comes from `since` to before `until`, in equal batches of time, by kind."""

    def __init__(self, kinds: int, since: float, until: float, batches: int, within_s: Sequence[float]) -> None:
        self.since, self.until = since, until
        self.within_s = tuple(within_s)
        self.batch_s = (until - since) / batches
        self.rows: list[list[Row]] = [[[0.0] * (IN_TIME + len(within_s)) for _ in range(batches)] for _ in range(kinds)]

    def row(self, kind: int, at: float) -> Row | None:
        """Where to count what came at this moment; None before and after the time that counts."""
        if not self.since <= at < self.until:
            return None
        rows = self.rows[kind]
        return rows[min(int((at - self.since) / self.batch_s), len(rows) - 1)]

    def served(self, row: Row, wait_s: float, answer_s: float = 0.0) -> None:
        """It was offered after so long, 0 is at once, and answered that much later."""
        row[SERVED] += 1
        if wait_s > 0.0:
            row[WAITED] += 1
        wait_s += answer_s
        row[WAIT_S] += wait_s
        row[SERVED_WAIT_S] += wait_s
        for column, within_s in enumerate(self.within_s, IN_TIME):
            if wait_s <= within_s:
                row[column] += 1

    def gave_up(self, row: Row, wait_s: float) -> None:
        """It gave up after so long."""
        row[ABANDONED] += 1
        row[WAITED] += 1
        row[WAIT_S] += wait_s

    def worked(self, kind: int, since: float, until: float) -> None:
        """Spread a stretch of work over the batches that it falls in."""
        since, until = max(since, self.since), min(until, self.until)
        rows = self.rows[kind]
        while since < until:
            place = min(int((since - self.since) / self.batch_s), len(rows) - 1)
            ends = until if place == len(rows) - 1 else min(until, self.since + (place + 1) * self.batch_s)
            if ends <= since:  # rounding at the border of two batches
                rows[place][WORK_S] += until - since
                return
            rows[place][WORK_S] += ends - since
            since = ends


def added(kinds: Iterable[Sequence[Row]]) -> list[Row]:
    """The rows of several kinds as one."""
    return [[sum(column) for column in zip(*rows, strict=True)] for rows in zip(*kinds, strict=True)]


def figures(rows: Sequence[Row], within_s: Sequence[float], agent_s: float, *, independent: bool = False) -> Figures:
    """What the rows come to; `agent_s` is the agents' time in one batch. See `confidence.ratio` for `independent` ones."""

    def column(place: int) -> list[float]:
        return [row[place] for row in rows]

    n, each = column(N), [1.0] * len(rows)
    mean, mean_width = ratio(n, each, independent=independent)
    found = {
        "p_wait": share(column(WAITED), n, independent=independent),
        "mean_wait_s": ratio(column(WAIT_S), n, skewed=True, independent=independent),
        "mean_wait_served_s": ratio(column(SERVED_WAIT_S), column(SERVED), skewed=True, independent=independent),
        "p_abandon": share(column(ABANDONED), n, independent=independent),
        "occupancy": ratio(column(WORK_S), [agent_s] * len(rows), independent=independent),
    }
    levels = {label(within): share(column(place), n, independent=independent) for place, within in enumerate(within_s, IN_TIME)}
    return Figures(
        **{name: value for name, (value, _) in found.items()},
        n=int(sum(n)),
        sl={name: value for name, (value, _) in levels.items()},
        half_width={
            "n": None if mean is None or mean_width is None else mean_width * len(rows),
            **{name: width for name, (_, width) in found.items()},
            "sl": {name: width for name, (_, width) in levels.items()},
        },
    )


def label(threshold_s: float) -> str:
    """How a threshold is named in the result: 20 rather than 20.0."""
    return str(int(threshold_s)) if threshold_s == int(threshold_s) else repr(threshold_s)


def _short(figure: object) -> object:
    if isinstance(figure, dict):
        return {name: _short(value) for name, value in figure.items()}
    return float(f"{figure:.9g}") if isinstance(figure, float) else figure
