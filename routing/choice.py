"""Which of several free agents: lexicographic scores, smallest first, the agent's id as the last word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from routing.values import Agent, Load, Skill

Score = tuple[float, ...]

EXPERT_LEVEL, SKILLED_LEVEL = 8, 5

MODES: Mapping[str, tuple[tuple[str, int], ...]] = {
    "longest_idle": (("idle_since", 1),),
    "least_flexible": (("flexibility", 1), ("idle_since", 1)),
    "least_loaded": (("load", 1), ("idle_since", 1)),
    "proficiency": (("proficiency", -1), ("load", 1), ("flexibility", 1), ("idle_since", 1)),
}
"""For each choice the figures to compare in order, -1 where more is better."""


def score(choice: str, agent: Agent, load: Load, requires: Iterable[Skill]) -> Score:
    """The agent's place in the given mode; the smallest is chosen. `choice` must be a key of `MODES`."""
    return tuple(sign * figure(name, agent, load, requires) for name, sign in MODES[choice])


def figures(agent: Agent, load: Load, requires: Iterable[Skill]) -> dict[str, float]:
    """Every figure that a mode may look at, by name, fit to be stored with a decision."""
    return {name: figure(name, agent, load, requires) for name in ("proficiency", "load", "flexibility", "idle_since")}


def figure(name: str, agent: Agent, load: Load, requires: Iterable[Skill]) -> float:
    """One figure: a proficiency step 0..2, a load share 0..1, a number of skills, or a moment."""
    if name == "idle_since":
        return agent.idle_since
    if name == "flexibility":
        return flexibility(agent)
    if name == "load":
        return load_share(agent, load)
    return proficiency_step(agent, requires)


def proficiency_step(agent: Agent, requires: Iterable[Skill]) -> int:
    """2 expert, 1 skilled, 0 otherwise, by the weakest required skill; steps, because ten levels would send all work to one."""
    level = min((agent.skills.get(name, 0) for name, _ in requires), default=0)
    return 2 if level >= EXPERT_LEVEL else 1 if level >= SKILLED_LEVEL else 0


def load_share(agent: Agent, load: Load) -> float:
    """Used share of the agent's capacity, 0..1."""
    return load.used(agent.capacity) / agent.capacity if agent.capacity > 0 else 1.0


def flexibility(agent: Agent) -> int:
    """How many skills the agent has, standing for how much other work he could serve.

    Not a count of the kinds of work seen so far: that would differ between two routers and after a restart.
    """
    return len(agent.skills)
