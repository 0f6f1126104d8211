"""Who is able: each rule that can keep an agent and an item apart, as a predicate that names itself and shows its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from routing.values import Agent, ChannelRule, Item, Load, Skill

Failure = tuple[str, dict[str, object]]
"""The name of the rule that failed and its figures."""


def failure(
    item: Item, agent: Agent, load: Load, now: float, rules: Mapping[str, ChannelRule], held_for: int | None = None
) -> Failure | None:
    """The first rule that keeps `agent`, carrying `load`, from taking `item` at `now`; None when he is able.

    `held_for` is the agent the item is kept for at present, if any.
    """
    return (
        person_failure(agent, item.requires)
        or pair_failure(item, agent, now, held_for)
        or capacity_failure(item.channel, agent.capacity, load, rules)
    )


def person_failure(agent: Agent, requires: Iterable[Skill]) -> Failure | None:
    """Rules about the agent alone: available, and every skill at its minimum level."""
    if not agent.available:
        return "not_available", {}
    too_low: Failure | None = None
    for name, level in sorted(requires):
        has = agent.skills.get(name)
        if has is None:
            return "skill_missing", {"skill": name, "needs": level}
        if has < level and too_low is None:
            too_low = "level_too_low", {"skill": name, "needs": level, "has": has}
    return too_low


def is_qualified(agent: Agent, requires: Iterable[Skill]) -> bool:
    """Whether no rule about the agent alone fails; the same answer as `person_failure`, quicker."""
    if not agent.available:
        return False
    for name, level in requires:  # noqa: SIM110 - a plain loop, because this runs for every agent when a class is new
        if agent.skills.get(name, -1) < level:
            return False
    return True


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
    """Rules about room: the channel's maximum, exclusive work, and capacity.

    Live work is weighed against live work alone, because interruptible work gives way; interruptible work against everything.
    """
    rule = rules[channel]
    count = load.counts.get(channel, 0)
    if count >= rule.maximum:
        return "channel_maximum", {"count": count, "maximum": rule.maximum}
    if load.exclusive or (rule.exclusive and load.live > 0):
        return "voice_exclusive", {"live": load.live}
    used = load.total if rule.interruptible else load.live
    if used + rule.weight > capacity:
        return "capacity", {"used": used, "weight": rule.weight, "capacity": capacity}
    return None
