"""The frozen values that routing works on; every time is float seconds since the epoch (UTC), given by the caller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

Skill = tuple[str, int]
"""A skill's name and the minimum level (1..10) that the work needs."""

RankKey = tuple[int, float, int]
"""(band, due time, item id): the smallest is served first."""

Choice = Literal["least_flexible", "longest_idle", "proficiency", "least_loaded"]

TEAM_PREFIX = "team:"
"""Being in a team is a skill whose name begins so; nobody may give a skill such a name."""

ESCALATED, LIVE, DEFERRED = 0, 1, 2
"""Bands, sorted before the due time: escalated by a person; live conversations; work that can wait until it is promoted."""


@dataclass(frozen=True)
class ChannelRule:
    """What one item of a channel costs an agent.

    `weight` is in hundredths of a whole agent, `maximum` the count an agent may hold at once. An `interruptible` item is parked
    when live work comes, so it never keeps live work away. An `exclusive` item shares its agent with no other live item.
    """

    weight: int
    maximum: int
    interruptible: bool = False
    exclusive: bool = False


CHANNEL_RULES: Mapping[str, ChannelRule] = MappingProxyType(
    {
        "voice": ChannelRule(100, 1, exclusive=True),
        "chat": ChannelRule(33, 3),
        "email": ChannelRule(20, 5, interruptible=True),
        "complaint": ChannelRule(50, 2, interruptible=True),
        "followup": ChannelRule(20, 5, interruptible=True),
        "ticket": ChannelRule(20, 5, interruptible=True),
    }
)

CHAT_IDLE, CHAT_COMPOSING = "chat_idle", "chat_composing"
"""What a chat is held as whose customer has fallen silent, and one in which its agent, who is slow at it, writes an answer."""

SPECIAL: Mapping[str, str] = MappingProxyType({CHAT_IDLE: "chat", CHAT_COMPOSING: "chat"})
"""The channel of what is held as something else than its channel."""

HALVES = frozenset({CHAT_IDLE})
"""Held as half a piece of work, so that two make room for one."""

CLOSING = frozenset({CHAT_COMPOSING})
"""Held so that no more of the same channel is offered meanwhile."""


@dataclass(frozen=True)
class Step:
    """What is asked of whoever takes an item from `at` on: `requires`, or one of `also`; and the `band` it has joined.

    Cumulative: a step tells everything that is in force, not its difference to the one before. `done` is the step as it is stored
    (see `routing.overflow`), empty for what was asked at entry.
    """

    at: float
    requires: frozenset[Skill]
    also: frozenset[frozenset[Skill]]
    band: int
    done: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """A piece of waiting work.

    `enqueued_at` is never rewritten; `due_at` is fixed at entry (see `routing.order`), so the order cannot change with the clock.
    `promote_at` moves a deferred item (band 2) among the live ones. `excluded` maps agent id to the moment the exclusion ends.
    The item is kept for `sticky_agent` until `sticky_until`, as long as that agent is available and able by skill.
    `requires`, `also` (other requirements, one of which is enough) and `band` are those at entry; `steps`, ascending, relax them.
    """

    id: int
    channel: str
    requires: frozenset[Skill]
    band: int
    due_at: float
    enqueued_at: float
    tier: str = "standard"
    promote_at: float | None = None
    excluded: Mapping[int, float] = field(default_factory=dict)
    sticky_agent: int | None = None
    sticky_until: float | None = None
    choice: Choice = "least_flexible"
    version: int = 0
    also: frozenset[frozenset[Skill]] = frozenset()
    steps: tuple[Step, ...] = ()

    @property
    def rank_key(self) -> RankKey:
        """The rank key at entry."""
        return (self.band, self.due_at, self.id)

    def key_at(self, now: float) -> RankKey:
        """The rank key in force at `now`: promotion or a step may have raised the band; the due time never changes."""
        band = self.asked_at(now).band if self.steps else self.band
        if band == DEFERRED and self.is_promoted(now):
            band = LIVE
        return (band, self.due_at, self.id)

    def is_promoted(self, now: float) -> bool:
        """Whether deferred work has come so near its due time that it counts as live."""
        return self.band == DEFERRED and self.promote_at is not None and now >= self.promote_at

    def asked_at(self, now: float) -> Step:
        """What is asked at `now`: the last step whose moment has come, or what was asked at entry."""
        for step in reversed(self.steps):
            if now >= step.at:
                return replace(step, also=step.also | self.also) if self.also else step
        return self._at_entry

    @cached_property
    def _at_entry(self) -> Step:
        return Step(self.enqueued_at, self.requires, self.also, self.band)

    def next_step(self, now: float) -> Step | None:
        """The first step that is still to come at `now`."""
        return next((step for step in self.steps if step.at > now), None)

    def is_excluded(self, agent_id: int, now: float) -> bool:
        return now < self.excluded.get(agent_id, now)


@dataclass(frozen=True)
class Agent:
    """A person who takes work. `held` maps item id to channel for everything offered, active or in wrap-up.

    What weighs half or keeps more away is held as such (see `SPECIAL`).
    """

    id: int
    available: bool
    skills: Mapping[str, int]
    capacity: int = 100
    held: Mapping[int, str] = field(default_factory=dict)
    idle_since: float = 0.0
    version: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """How many items of each channel the agent holds."""
        return Counter(map(channel_of, self.held.values()))

    @cached_property
    def flexibility(self) -> int:
        """How many skills the agent has learnt; being in a team is none."""
        return sum(not name.startswith(TEAM_PREFIX) for name in self.skills)

    @property
    def used(self) -> int:
        """Capacity in use under the default channel rules; parked work uses none."""
        return load_of(self.held, CHANNEL_RULES).used(self.capacity)


@dataclass(frozen=True)
class Load:
    """What an agent carries: `live` and `total` weights, whether an exclusive item is among them, and counts by channel.

    `halves` is how many of the items count half, in `counts` too; weights are rounded up. Of `closed` channels nothing is taken.
    """

    live: int
    total: int
    exclusive: bool
    counts: Mapping[str, float]
    halves: int = 0
    closed: frozenset[str] = frozenset()

    def used(self, capacity: int) -> int:
        """Capacity in use. Interruptible work that live work has pushed out is parked and uses none."""
        return max(self.live, min(self.total, capacity))


def load_of(held: Mapping[int, str], rules: Mapping[str, ChannelRule]) -> Load:
    """The load of everything in `held` (item id to channel). Raises KeyError for a channel without a rule."""
    twice: dict[str, int] = {}  # in halves, which are whole numbers
    live = total = halves = 0
    exclusive, closed = False, frozenset[str]()
    for held_as in held.values():
        channel = channel_of(held_as)
        rule, parts = rules[channel], 1 if held_as in HALVES else 2
        halves += 2 - parts
        if held_as in CLOSING:
            closed |= {channel}
        twice[channel] = twice.get(channel, 0) + parts
        total += parts * rule.weight
        if not rule.interruptible:
            live += parts * rule.weight
        exclusive = exclusive or rule.exclusive
    counts = {channel: parts / 2 if parts % 2 else parts // 2 for channel, parts in twice.items()}
    return Load((live + 1) // 2, (total + 1) // 2, exclusive, counts, halves, closed)


def channel_of(held_as: str) -> str:
    """The channel of something held, whatever it is held as."""
    return SPECIAL.get(held_as, held_as)


@dataclass(frozen=True)
class Candidate:
    """One agent seen from one item: the first rule that keeps them apart, or None when the agent could take it now.

    `rule_failed` is one of not_available, skill_missing, level_too_low, excluded, sticky_hold, channel_maximum,
    voice_exclusive, capacity, composing. `detail` says it in figures.
    """

    agent_id: int
    rule_failed: str | None
    detail: Mapping[str, object]


class Decision:
    """Offer this item to this agent.

    `reason` is fit for JSON, bounded in size, and says why this item and why this agent (see `routing.reasons`). It is worked out
    when it is first asked for. Until then the matcher should not be told anything new: what had changed since would be missing.
    """

    __slots__ = ("_reason", "_tell", "agent_id", "item_id")

    def __init__(self, item_id: int, agent_id: int, tell: Callable[[], dict[str, object]]) -> None:
        self.item_id = item_id
        self.agent_id = agent_id
        self._tell = tell
        self._reason: dict[str, object] | None = None

    @property
    def reason(self) -> Mapping[str, object]:
        if self._reason is None:
            self._reason = self._tell()
        return self._reason

    def __repr__(self) -> str:
        return f"Decision(item_id={self.item_id}, agent_id={self.agent_id})"


@dataclass(frozen=True)
class Explanation:
    """Why an item is where it is.

    `position` counts from 1 among the `class_size` waiting items of the same channel and requirement, and is 0 once the item is
    decided for `decided_agent`. `key` is the rank key in force, `asked` what is asked at present. `held_for` is the agent it is
    kept for until `held_until`. `next_change_at` is when time alone changes something for it: promotion, the next step, the end
    of a cool-off, the end of a hold; `next_step` is what it will then ask, if anything less.
    """

    item_id: int
    position: int
    class_size: int
    candidates: tuple[Candidate, ...]
    next_change_at: float | None
    key: RankKey
    asked: Step
    next_step: Step | None = None
    held_for: int | None = None
    held_until: float | None = None
    decided_agent: int | None = None

    @property
    def failed(self) -> Mapping[str | None, int]:
        """How many agents each rule keeps from the item, those who are able under the key None."""
        return Counter(candidate.rule_failed for candidate in self.candidates)
