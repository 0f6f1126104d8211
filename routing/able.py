"""Who is able: each rule that can keep an agent and an item apart, as a predicate that names itself and shows its figures.

The rules, in the order in which they are looked at: not_available, skill_missing, level_too_low, excluded, sticky_hold,
channel_maximum, voice_exclusive, capacity, composing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from routing.values import Agent, ChannelRule, Item, Load, Skill

COOL_OFF_S, LONE_COOL_OFF_S = 60.0, 10.0
"""How long an agent who refused an item or let it ring is not offered it again; shorter when nobody else could take it."""

Failure = tuple[str, dict[str, object]]
"""The name of the rule that failed and its figures."""


def failure(
    item: Item, agent: Agent, load: Load, now: float, rules: Mapping[str, ChannelRule], held_for: int | None = None
) -> Failure | None:
    """The first rule that keeps `agent`, carrying `load`, from taking `item` at `now`; None when he is able.

    `held_for` is the agent the item is kept for at present, if any (see `holder`).
    """
    asked = item.asked_at(now)
    return (
        person_failure(agent, asked.requires, asked.also)
        or pair_failure(item, agent, now, held_for)
        or capacity_failure(item.channel, agent.capacity, load, rules)
    )


def person_failure(agent: Agent, requires: Iterable[Skill], also: Iterable[frozenset[Skill]] = ()) -> Failure | None:
    """Rules about the agent alone: available, and every skill at its minimum level, or those of one alternative in `also`.

    Who meets none of them is told what `requires` lacks, a missing skill before one that is too low, by name.
    """
    if not agent.available:
        return "not_available", {}
    too_low: Failure | None = None
    for name, level in sorted(requires):
        has = agent.skills.get(name)
        if has is not None and has >= level:
            continue
        if any(has_skills(agent.skills, other) for other in also):
            return None
        if has is None:
            return "skill_missing", {"skill": name, "needs": level}
        too_low = too_low or ("level_too_low", {"skill": name, "needs": level, "has": has})
    return too_low


def is_qualified(agent: Agent, requires: Iterable[Skill], also: Iterable[frozenset[Skill]] = ()) -> bool:
    """Whether no rule about the agent alone fails; the same answer as `person_failure`, quicker."""
    return agent.available and (has_skills(agent.skills, requires) or any(has_skills(agent.skills, other) for other in also))


def has_skills(skills: Mapping[str, int], requires: Iterable[Skill]) -> bool:
    """Whether each required skill is there at its minimum level."""
    for name, level in requires:  # noqa: SIM110 - a plain loop, because this runs for many agents when a class is new
        if skills.get(name, -1) < level:
            return False
    return True


def holder(item: Item, agent: Agent | None, now: float) -> int | None:
    """Who the item is held for at `now`: its own agent while the hold lasts, if he is available, able by skill and not excluded.

    `agent` is the item's own agent, or None if he is unknown.
    """
    if agent is None or item.sticky_agent != agent.id or item.sticky_until is None or now >= item.sticky_until:
        return None
    asked = item.asked_at(now)
    if not is_qualified(agent, asked.requires, asked.also) or item.is_excluded(agent.id, now):
        return None
    return agent.id


def cool_off_s(item: Item, agent_id: int, agents: Iterable[Agent], now: float) -> float:
    """How long to exclude the agent who gave the item back: short if of `agents` no other is available, able and not excluded.

    An exclusion without end would lose the item whose only expert missed a ring.
    """
    asked = item.asked_at(now)
    for agent in agents:
        if agent.id != agent_id and is_qualified(agent, asked.requires, asked.also) and not item.is_excluded(agent.id, now):
            return COOL_OFF_S
    return LONE_COOL_OFF_S


def pair_failure(item: Item, agent: Agent, now: float, held_for: int | None) -> Failure | None:
    """Rules about this agent and this item together: exclusion and another agent's hold.

    Who still holds the item is excluded too: it came back from him, and the news of his own release is yet to come.
    """
    if item.id in agent.held:
        return "excluded", {"still_held": True}
    if item.is_excluded(agent.id, now):
        return "excluded", {"until": item.excluded[agent.id]}
    if held_for is not None and held_for != agent.id:
        return "sticky_hold", {"held_for": held_for, "until": item.sticky_until}
    return None


def capacity_failure(channel: str, capacity: int, load: Load, rules: Mapping[str, ChannelRule]) -> Failure | None:
    """Rules about room: the channel's maximum, exclusive work, capacity, and an answer that is being written slowly.

    Live work is weighed against live work alone, because interruptible work gives way; interruptible work against everything.
    What is half makes room only by two: no new item may carry the agent beyond the maximum, nor beyond the capacity.
    """
    rule = rules[channel]
    count = load.counts.get(channel, 0)
    if count + 1 > rule.maximum:
        halves = {"halves": load.halves} if load.halves else {}
        return "channel_maximum", {"count": count, "maximum": rule.maximum, **halves}
    if load.exclusive or (rule.exclusive and load.live > 0):
        return "voice_exclusive", {"live": load.live}
    used = load.total if rule.interruptible else load.live
    if used + rule.weight > capacity:
        return "capacity", {"used": used, "weight": rule.weight, "capacity": capacity}
    if channel in load.closed:
        return "composing", {}
    return None
