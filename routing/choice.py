"""Which of several free agents: lexicographic scores, smallest first, the agent's id as the last word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from routing.values import Agent, Load, Skill

Score = tuple[float, ...]

EXPERT_LEVEL, SKILLED_LEVEL = 8, 5


def longest_idle(agent: Agent, load: Load, requires: Iterable[Skill]) -> Score:  # noqa: ARG001 - one shape for all modes
    """Plain fairness: who has been idle longest."""
    return (agent.idle_since,)


def least_flexible(agent: Agent, load: Load, requires: Iterable[Skill]) -> Score:  # noqa: ARG001
    """Specialists first, so that generalists stay free for what only they can take."""
    return (agent.flexibility, agent.idle_since)


def least_loaded(agent: Agent, load: Load, requires: Iterable[Skill]) -> Score:  # noqa: ARG001
    """For several conversations at once: who has the smallest share of his capacity in use."""
    return (load_share(agent, load), agent.idle_since)


def proficiency(agent: Agent, load: Load, requires: Iterable[Skill]) -> Score:
    """Experts first, then the least loaded, the least flexible, the longest idle."""
    return (-proficiency_step(agent, requires), load_share(agent, load), agent.flexibility, agent.idle_since)


MODES: Mapping[str, Callable[[Agent, Load, Iterable[Skill]], Score]] = {
    "longest_idle": longest_idle,
    "least_flexible": least_flexible,
    "least_loaded": least_loaded,
    "proficiency": proficiency,
}
"""The ways to choose; the agent with the smallest score is chosen.

Flexibility is the number of skills an agent has learnt (teams count for nothing) and not a count of the kinds of work seen so
far: that would differ between two routers and after a restart.
"""

DEFAULT_CHOICE: Mapping[str, str] = {
    "voice": "least_flexible",
    "chat": "least_loaded",
    "email": "least_loaded",
    "complaint": "least_loaded",
    "followup": "least_loaded",
    "ticket": "least_loaded",
}
"""How to choose where a queue does not say: a call takes the whole agent, so load says nothing about who should have it."""


def figures(agent: Agent, load: Load, requires: Iterable[Skill]) -> dict[str, float]:
    """Every figure that a mode looks at, by name, fit to be stored with a decision."""
    return {
        "proficiency": proficiency_step(agent, requires),
        "load": load_share(agent, load),
        "flexibility": agent.flexibility,
        "idle_since": agent.idle_since,
    }


def proficiency_step(agent: Agent, requires: Iterable[Skill]) -> int:
    """2 expert, 1 skilled, 0 otherwise, by the weakest required skill; steps, because ten levels would send all work to one."""
    level = min((agent.skills.get(name, 0) for name, _ in requires), default=0)
    return 2 if level >= EXPERT_LEVEL else 1 if level >= SKILLED_LEVEL else 0


def load_share(agent: Agent, load: Load) -> float:
    """Used share of the agent's capacity, 0..1."""
    return load.used(agent.capacity) / agent.capacity if agent.capacity > 0 else 1.0
