"""Why: the reason of each decision, and what keeps a waiting item waiting.

The reason of a decision, fit for JSON and bounded in size:

    mode          the way the agent was chosen; "sticky" for the customer's own agent
    key           the rank key in force: band, due time, item id
    promoted      whether the band is another than at entry, by promotion or by a step
    relaxed       the steps in force, as the queue stores them, the last one last
    channel, requires, also, waited_s   what was asked for at that moment, and after how many seconds it was served
    waiting       items of the same kind that waited, this one included
    passed_over   items of the same kind that came first and stay, because the agent may not take them
    able, free    agents with the skills who are available; those of them who could have taken it
    scores        the figures of the chosen agent
    candidates    the first few who could have taken it, best first, with their figures
    kept_away     of those with the skills who are available, how many each rule kept away

The last five but `scores` look at everybody and are left out if the matcher has been told something new since it decided.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import takewhile
from operator import itemgetter

from routing.able import capacity_failure, failure, pair_failure
from routing.choice import MODES, figures
from routing.footing import Footing
from routing.index import Index, Seat
from routing.kinds import Line, Record
from routing.values import Agent, Candidate, Explanation, Item, Load, Skill, Step

MOST_CANDIDATES = 5


class Telling:
    """What the reasons of the decisions of one turn have in common: the moment, and who stood how before each of them."""

    __slots__ = ("_given", "_index", "_now", "_told")

    def __init__(self, index: Index) -> None:
        self._index = index
        self._now = index.now
        self._told = index.told
        self._given: list[tuple[int, Footing]] = []  # per decision: the agent, and how he stood before

    def of(self, record: Record, seat: Seat) -> Callable[[], dict[str, object]]:
        """How to tell why this item goes to this agent; called before it does, and worked out when it is asked for."""
        given = self._given
        given.append((seat.agent.id, seat.footing))
        return partial(self._tell, len(given) - 1, record, seat, record.line.waiting)

    def _tell(self, place: int, record: Record, seat: Seat, waiting: int) -> dict[str, object]:
        item, now = record.item, self._now
        channel, requires, also = record.kind
        stood = dict(reversed(self._given[place:]))
        reason = {
            "mode": "sticky" if seat.agent.id == item.sticky_agent else item.choice,
            "key": list(record.key),
            "promoted": record.key[0] != item.band,
            "relaxed": [dict(step.done) for step in item.steps if step.at <= now],
            "channel": channel,
            "requires": [list(skill) for skill in sorted(requires)],
            "also": sorted([list(skill) for skill in sorted(other)] for other in also),
            "waited_s": round(max(0.0, now - item.enqueued_at), 3),
            "waiting": waiting,
            "scores": figures(seat.agent, stood[seat.agent.id].load, requires),
        }
        if self._index.told == self._told:
            reason |= self._surroundings(record, stood)
        return reason

    def _surroundings(self, record: Record, stood: Mapping[int, Footing]) -> dict[str, object]:
        index, item = self._index, record.item
        line = index.kinds.lines.get(record.kind)
        held_for = index.holder(item, self._now)
        able, free, kept_away = 0, [], Counter()
        for agent_id in index.kinds.able(record.kind):
            able += 1
            other = index.seats[agent_id]
            load = stood.get(agent_id, other.footing).load
            failed = pair_failure(item, other.agent, self._now, held_for) or capacity_failure(
                item.channel, other.agent.capacity, load, index.rules
            )
            if failed is None:
                free.append((preference(item, other.agent, load, record.kind[1]), load))
            else:
                kept_away[failed[0]] += 1
        best = heapq.nsmallest(MOST_CANDIDATES, free, key=itemgetter(0))
        return {
            "passed_over": sum(1 for _ in _passed(line, record)),
            "able": able,
            "free": len(free),
            "candidates": [
                {"agent": place[-1], **figures(index.seats[place[-1]].agent, load, record.kind[1])} for place, load in best
            ],
            "kept_away": dict(sorted(kept_away.items())),
        }


def explain(index: Index, record: Record, now: float) -> Explanation:
    """Why the item waits at `now`, and what each agent lacks, able ones first in the order of choice."""
    item = record.item
    asked, held_for = item.asked_at(now), index.holder(item, now)
    ranked = sorted((_candidate(index, item, asked, seat, now, held_for) for seat in index.seats.values()), key=itemgetter(0))
    kin = index.kin(record)
    return Explanation(
        item_id=item.id,
        position=1 + sum(1 for other in kin if other.key < record.key) if record.line is not None else 0,
        class_size=len(kin),
        candidates=tuple(candidate for _, candidate in ranked),
        next_change_at=index.next_change(item, now),
        key=item.key_at(now),
        asked=asked,
        next_step=item.next_step(now),
        held_for=held_for,
        held_until=item.sticky_until if held_for is not None else None,
        decided_agent=record.taken_by,
    )


def preference(item: Item, agent: Agent, load: Load, requires: Iterable[Skill]) -> tuple:
    """What sorts those who are able, best first: the customer's own agent, then the score of the mode, then the agent's id."""
    return (agent.id != item.sticky_agent, MODES[item.choice](agent, load, requires), agent.id)


def _candidate(index: Index, item: Item, asked: Step, seat: Seat, now: float, held_for: int | None) -> tuple[tuple, Candidate]:
    agent, load = seat.agent, seat.footing.load
    failed = failure(item, agent, load, now, index.rules, held_for)
    if failed is not None:
        return (1, (), agent.id), Candidate(agent.id, failed[0], failed[1])
    return (0, preference(item, agent, load, asked.requires), agent.id), Candidate(
        agent.id, None, figures(agent, load, asked.requires)
    )


def _passed(line: Line | None, record: Record) -> Iterator[Record]:
    """Items of the line with a smaller key, which stay."""
    others = (other for *_, other in line.entries()) if line is not None else iter(())
    return takewhile(lambda other: other.key < record.key, others)
