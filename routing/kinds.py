"""Kinds of work and kinds of agents, and which kind of agent can serve which kind of work.

Items of one channel and one requirement are interchangeable for matching, and so are agents of the same skills for being able:
who can serve what is therefore worked out once for each pair of kinds, and kept.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from routing.able import has_skills
from routing.choice import Score
from routing.values import Agent, Item, RankKey, Skill

Kind = tuple[str, frozenset[Skill], frozenset[frozenset[Skill]]]
"""(channel, requirement, other requirements, one of which is enough)."""

Entry = tuple[int, float, int, "Record"]
"""(band, due time, item id, the item's record): the rank key, and what it is the key of."""

Offer = tuple[Score, int, int]
"""(score, agent id, stamp of the agent when he was entered)."""

SLACK = 32
"""Stale entries a list or a heap may carry before it is compacted, beside three times as many as live ones."""

MOST_EMPTY = 1000
"""Kinds of work nobody waits in that are kept in case they come again."""


@dataclass(eq=False, slots=True)
class Record:
    """An item at its present place: waiting in `line` under `key`, or decided for agent `taken_by`.

    `picky` is whether some agent is excluded from it. A record that has left its line never comes back to one: an item that
    waits again gets another record.
    """

    item: Item
    key: RankKey
    kind: Kind
    picky: bool = False
    line: Line | None = None
    taken_by: int | None = None

    def __lt__(self, other: Record) -> bool:
        """Of two records with one key only one is alive, so their order does not matter."""
        return False


@dataclass(eq=False, slots=True)
class Line:
    """Items that wait for the same agents, in the order in which they are served, in `queue` from place `first` on.

    The list is sorted and not a heap, because work comes nearly in the order it is served: it goes in near the end, whoever takes
    the first moves one place on, and who looks past it reads on. What has left stays until the list is compacted.
    A line of a kind of work has the `profiles` that can serve it, and who of them is free, by the way to choose, in `offers`.
    A personal line is for its `holder` alone.
    """

    channel: str
    kind: Kind | None = None
    holder: int | None = None
    queue: list[Entry] = field(default_factory=list)
    first: int = 0
    waiting: int = 0
    limit: int = SLACK
    profiles: dict[Profile, None] = field(default_factory=dict)
    offers: dict[str, FreeHeap] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        record.line = self
        self.waiting += 1
        queue = self.queue
        insort(queue, (*record.key, record), self.first)
        if len(queue) > self.limit:
            queue[:] = self.entries()
            self.first, self.limit = 0, 4 * len(queue) + SLACK

    def entries(self) -> Iterator[Entry]:
        """What waits, the first to be served first."""
        return (entry for entry in islice(self.queue, self.first, None) if entry[3].line is not None)

    def skip(self) -> None:
        """Move on to the first that still waits; there must be one."""
        first, queue = self.first, self.queue
        while queue[first][3].line is None:
            first += 1
        self.first = first


@dataclass(eq=False, slots=True)
class Profile:
    """One set of skills: the available agents who have it, by id, and the lines of the kinds of work they can serve."""

    skills: Mapping[str, int]
    agents: set[int] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class FreeHeap:
    """Free agents of one line in the order of one way to choose; entries whose stamp is old are dropped at the top."""

    entries: list[Offer]
    limit: int


class Kinds:
    """Which profile can serve which line."""

    def __init__(self) -> None:
        self.lines: dict[Kind, Line] = {}
        self.profiles: dict[frozenset[Skill], Profile] = {}
        self._lines_asking: defaultdict[str | None, dict[Line, None]] = defaultdict(dict)
        self._profiles_with: defaultdict[str | None, dict[Profile, None]] = defaultdict(dict)
        self._most = MOST_EMPTY

    def line(self, kind: Kind) -> Line:
        """The line of this kind of work, made if it is new."""
        line = self.lines.get(kind)
        if line is None:
            if len(self.lines) >= self._most:
                self._forget_empty()
            line = self.lines[kind] = Line(kind[0], kind)
            for name in _anchors(kind):
                self._lines_asking[name][line] = None
                for profile in self._profiles_with[name]:
                    if profile not in line.profiles and serves(profile.skills, kind):
                        line.profiles[profile] = None
                        profile.lines.append(line)
        return line

    def enter(self, agent: Agent) -> Profile:
        """The profile of the agent's skills, made if it is new, with the agent in it."""
        key = frozenset(agent.skills.items())
        profile = self.profiles.get(key)
        if profile is None:
            profile = self.profiles[key] = Profile(dict(agent.skills))
            for name in (None, *profile.skills):
                self._profiles_with[name][profile] = None
                for line in self._lines_asking[name]:
                    if profile not in line.profiles and serves(profile.skills, line.kind):
                        line.profiles[profile] = None
                        profile.lines.append(line)
        profile.agents.add(agent.id)
        return profile

    def leave(self, profile: Profile, agent_id: int) -> None:
        """Take the agent out of the profile; the last one takes it along."""
        profile.agents.discard(agent_id)
        if profile.agents:
            return
        del self.profiles[frozenset(profile.skills.items())]
        for line in profile.lines:
            del line.profiles[profile]
        for name in (None, *profile.skills):
            del self._profiles_with[name][profile]

    def able(self, kind: Kind) -> Iterator[int]:
        """The available agents with the skills that this kind of work asks for."""
        line = self.lines.get(kind)
        profiles = line.profiles if line is not None else self.profiles.values()
        for profile in profiles:
            if line is not None or serves(profile.skills, kind):
                yield from profile.agents

    def _forget_empty(self) -> None:
        for line in [line for line in self.lines.values() if not line.waiting]:
            del self.lines[line.kind]
            for name in _anchors(line.kind):
                del self._lines_asking[name][line]
            for profile in line.profiles:
                profile.lines.remove(line)
        self._most = 2 * len(self.lines) + MOST_EMPTY


def serves(skills: Mapping[str, int], kind: Kind) -> bool:
    """Whether somebody with these skills can serve this kind of work."""
    _, requires, also = kind
    return has_skills(skills, requires) or any(has_skills(skills, other) for other in also)


def _anchors(kind: Kind) -> Iterable[str | None]:
    """For each requirement that would do, one skill that whoever meets it must have; None where nothing is asked."""
    _, requires, also = kind
    return {min((name for name, _ in asked), default=None) for asked in (requires, *also)}
