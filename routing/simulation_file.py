"""Reading a simulation file: every problem is found and named by its key, and nothing is guessed.

{"seed", "horizon_s", "warmup_s", "tiers": {name: {"target_s"}}, "policy": {"order", "choice"},
 "types": [{"name", "rate_per_h", "aht_s", "patience_s", "requires": {skill: level}, "tier"}],
 "agents": [{"count", "skills": {skill: level}, "aht_factor"}]}

May be left out: seed (1), warmup_s (0), patience_s (null: waits for ever), requires and skills (none), aht_factor (1), policy
(due, longest_idle). May be added: "sl_s": [seconds, ...], the thresholds of the service levels (20 and every tier's target);
"runs" (1); a type's "overflow", the steps of `routing.overflow`; and a group's "team", whom such a step may call in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, get_args

from routing.choice import MODES
from routing.overflow import TEAM_PREFIX, check_overflow, steps_of
from routing.simulation import Group, Order, Plan, WorkType, people_of
from routing.values import LIVE, Skill

MOST_AGENTS = 10_000
MOST_CALLS = 50_000_000
LONGEST_S = 1e9
MOST_RATE = 1e9
DEFAULT_WITHIN_S = 20.0


class FileProblems(ValueError):
    """What is wrong with a simulation file: one sentence each, beginning with the key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_simulation(text: str) -> Plan:
    """The plan that the text of a file describes. Raises FileProblems."""
    try:
        data = json.loads(text, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise FileProblems([f"line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}."]) from error
    except RecursionError as error:
        raise FileProblems(["the file: it is nested too deeply."]) from error
    except ValueError as error:
        raise FileProblems([str(error)]) from error
    reader = _Reader()
    plan = reader.plan(data)
    if plan is None or reader.problems:
        raise FileProblems(reader.problems)
    return plan


class _Reader:
    """Reads one file, collecting problems. Each method takes the key it reads under and gives None when it noted a problem."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def plan(self, data: object) -> Plan | None:
        known = {"seed", "horizon_s", "warmup_s", "tiers", "types", "agents", "policy", "sl_s", "runs"}
        top = self.record("the file", data, known, needed={"horizon_s", "tiers", "types", "agents"})
        if top is None:
            return None
        horizon_s = self.number("horizon_s", top.get("horizon_s", 1.0), above=0.0, most=LONGEST_S)
        warmup_s = self.number("warmup_s", top.get("warmup_s", 0.0), most=LONGEST_S)
        if horizon_s is not None and warmup_s is not None and "horizon_s" in top and warmup_s >= horizon_s:
            self.note("warmup_s", f"must be shorter than horizon_s, and {warmup_s:g} is not shorter than {horizon_s:g}")
        tiers = self.tiers(top.get("tiers", {}))
        types = self.several(top, "types", lambda key, one: self.work_type(key, one, tiers))
        agents = self.several(top, "agents", self.group)
        policy = self.record("policy", top.get("policy", {}), {"order", "choice"}) or {}
        order = self.one_of("policy.order", policy.get("order", "due"), get_args(Order))
        choice = self.one_of("policy.choice", policy.get("choice", "longest_idle"), tuple(MODES))
        seed = self.whole("seed", top.get("seed", 1), least=-(2**63), most=2**63)
        runs = self.whole("runs", top.get("runs", 1), least=1, most=1000)
        within_s = self.thresholds(top, tiers)
        if self.problems:
            return None
        plan = Plan(horizon_s, warmup_s, tiers, tuple(types), tuple(agents), order, choice, seed, within_s, runs)
        self.whole_plan(plan)
        return plan

    def tiers(self, data: object) -> dict[str, float] | None:
        named = self.record("tiers", data)
        if named is None:
            return None
        found = dict.fromkeys(named, 0.0)
        for name, tier in named.items():
            key = f"tiers.{name}"
            fields = self.record(key, tier, {"target_s"}, needed={"target_s"})
            if fields and "target_s" in fields:
                found[name] = self.number(f"{key}.target_s", fields["target_s"], most=LONGEST_S) or 0.0
        return found

    def work_type(self, key: str, data: object, tiers: Mapping[str, float] | None) -> WorkType | None:
        known = {"name", "rate_per_h", "aht_s", "patience_s", "requires", "tier", "overflow"}
        one = self.record(key, data, known, needed={"name", "rate_per_h", "aht_s", "tier"})
        if one is None:
            return None
        patience = one.get("patience_s")
        overflow = one.get("overflow", [])
        self.problems += [f"{key}.overflow: {OVERFLOW_SAID[code]}." for code in check_overflow(overflow)]
        if "tier" in one and tiers is not None and not (isinstance(one["tier"], str) and one["tier"] in tiers):
            self.note(f"{key}.tier", f"must be one of the tiers of the file, not {_shown(one['tier'])}")
        name = self.word(f"{key}.name", one.get("name", "-"))
        rate = self.number(f"{key}.rate_per_h", one.get("rate_per_h", 0.0), most=MOST_RATE)
        aht_s = self.number(f"{key}.aht_s", one.get("aht_s", 1.0), above=0.0, most=LONGEST_S)
        patience_s = None if patience is None else self.number(f"{key}.patience_s", patience, above=0.0, most=LONGEST_S)
        requires = frozenset(self.skills(f"{key}.requires", one.get("requires", {})).items())
        return None if self.problems else WorkType(name, rate, aht_s, patience_s, requires, one["tier"], tuple(overflow))

    def group(self, key: str, data: object) -> Group | None:
        one = self.record(key, data, {"count", "skills", "aht_factor", "team"}, needed={"count"})
        if one is None:
            return None
        count = self.whole(f"{key}.count", one.get("count", 1), least=0, most=MOST_AGENTS)
        skills = self.skills(f"{key}.skills", one.get("skills", {}))
        factor = self.number(f"{key}.aht_factor", one.get("aht_factor", 1.0), above=0.0, most=1000.0)
        team = None if one.get("team") is None else self.word(f"{key}.team", one["team"])
        return None if self.problems else Group(count, skills, factor, team)

    def thresholds(self, top: Mapping[str, Any], tiers: Mapping[str, float] | None) -> tuple[float, ...]:
        if "sl_s" not in top:
            return tuple(sorted({DEFAULT_WITHIN_S, *(tiers or {}).values()}))
        found = self.several(top, "sl_s", lambda key, one: self.number(key, one, most=LONGEST_S))
        return tuple(sorted({threshold for threshold in found if threshold is not None}))

    def whole_plan(self, plan: Plan) -> None:
        """What only shows when everything is put together."""
        names = [one.name for one in plan.types]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.note("types", f"two of them have the name {_shown(name)}")
        if not 0 < sum(group.count for group in plan.agents) <= MOST_AGENTS:
            self.note("agents", f"there must be from 1 to {MOST_AGENTS} of them in all")
        calls = sum(one.rate_per_h for one in plan.types) * plan.horizon_s / 3600 * plan.runs
        if calls > MOST_CALLS:
            self.note("horizon_s", f"about {calls:.2g} calls would come until then; at most {MOST_CALLS:.0e} can be simulated")
        if self.problems:
            return
        people = people_of(plan)
        for place, one in enumerate(plan.types):
            asked = [one.requires]
            for step in steps_of(one.overflow, one.requires, LIVE, float):
                asked += [step.requires, *step.also]
            if one.patience_s is None and not any(_has(person.skills, skills) for person in people for skills in asked):
                self.note(f"types[{place}].requires", "no agent has these skills at these levels, and its callers never give up")

    def skills(self, key: str, data: object) -> dict[str, int]:
        found = {}
        for name, level in (self.record(key, data) or {}).items():
            if name.startswith(TEAM_PREFIX):
                self.note(f"{key}.{name}", f"a skill's name cannot begin with {TEAM_PREFIX}")
            found[name] = self.whole(f"{key}.{name}", level, least=1, most=10)
        return found

    def several(self, top: Mapping[str, Any], key: str, read: Callable[[str, object], Any]) -> list[Any]:
        if key not in top:
            return []
        data = top[key]
        if not isinstance(data, list):
            self.note(key, f"must be a list, not {_shown(data)}")
            return []
        if not data:
            self.note(key, "must not be empty")
        return [read(f"{key}[{place}]", one) for place, one in enumerate(data)]

    def record(
        self, key: str, data: object, known: set[str] | None = None, needed: set[str] = frozenset()
    ) -> dict[str, Any] | None:
        if not isinstance(data, dict):
            self.note(key, f"must be an object, not {_shown(data)}")
            return None
        inside = "" if key == "the file" else f"{key}."
        for name in sorted(needed - set(data)):
            self.note(f"{inside}{name}", "is missing")
        if known is not None:
            for name in data:
                if name not in known:
                    self.note(f"{inside}{name}", f"is not known here; known are {', '.join(sorted(known))}")
        if "" in data:
            self.note(key, "has a name that is empty")
        return data

    def number(self, key: str, data: object, *, above: float | None = None, most: float) -> float | None:
        is_number = isinstance(data, int | float) and not isinstance(data, bool)
        if is_number and abs(data) <= most and isfinite(data) and (data > above if above is not None else data >= 0):
            return float(data)
        bounds = f"from 0 to {most:g}" if above is None else f"above {above:g} and at most {most:g}"
        self.note(key, f"must be a number {bounds}, not {_shown(data)}")
        return None

    def whole(self, key: str, data: object, *, least: int, most: int) -> int:
        if isinstance(data, int) and not isinstance(data, bool) and least <= data <= most:
            return data
        self.note(key, f"must be a whole number from {least} to {most}, not {_shown(data)}")
        return least

    def word(self, key: str, data: object) -> str:
        if isinstance(data, str) and data.strip():
            return data
        self.note(key, f"must be a word, not {_shown(data)}")
        return ""

    def one_of(self, key: str, data: object, allowed: tuple[str, ...]) -> Any:
        if not (isinstance(data, str) and data in allowed):
            self.note(key, f"must be one of {', '.join(allowed)}, not {_shown(data)}")
        return data

    def note(self, key: str, sentence: str) -> None:
        self.problems.append(f"{key}: {sentence}.")


OVERFLOW_SAID = {
    "not_a_list": "must be a list of steps",
    "too_many": "has too many steps",
    "not_ascending": "must have its steps in the order of after_s",
    "not_a_step": "has something in it that is not a step",
    "bad_after": "has a step whose after_s is not a number of seconds",
    "unknown_do": "has a step whose do is not known",
    "no_skill": "has a step that names no skill",
    "bad_level": "has a step whose level is not from 1 to 10",
    "no_team": "has a step that names no team",
}


def _has(skills: Mapping[str, int], requires: Iterable[Skill]) -> bool:
    return all(skills.get(name, 0) >= level for name, level in requires)


def _shown(data: object) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)}: stands twice in one object.")
    return found


def _no_constant(word: str) -> float:
    raise ValueError(f"{word}: is not a number that JSON knows.")
