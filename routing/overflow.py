"""Overflow: how a queue asks for less, or calls in more people, the longer an item waits.

A queue stores its steps as a list, ascending by `after_s`, which counts open seconds since the item was queued and is never
restarted, not by a refusal nor by another router:

    {"after_s": 30, "do": "drop_skill", "skill": "vip-desk"}
    {"after_s": 60, "do": "lower_level", "skill": "billing", "level": 3}
    {"after_s": 90, "do": "also_team", "team": "sales"}     people of that team may take it too, whatever their skills
    {"after_s": 120, "do": "raise_band"}                    deferred work becomes live, live work escalated
    {"after_s": 180, "do": "offer_callback"}                a caller is offered a call back, with their place kept
    {"after_s": 600, "do": "to_voicemail"}                  a caller is led to leave a message

The last two ask nothing less of people: they are for whoever speaks with those who wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import isfinite

from routing.values import ESCALATED, TEAM_PREFIX, Skill, Step

MOST_STEPS = 10
OFFER_CALLBACK, TO_VOICEMAIL = "offer_callback", "to_voicemail"


def steps_of(
    overflow: Sequence[Mapping[str, object]], requires: frozenset[Skill], band: int, at: Callable[[float], float]
) -> tuple[Step, ...]:
    """What is in force after each stored step, in their order, for an item that asks for `requires` and enters in `band`.

    `at(after_s)` gives the moment, in epoch seconds, at which so many seconds of waiting are over. What a stored step would do to
    a skill that is not asked for, and what this module does not know, changes nothing. Work that asks for no skill relaxes into
    the same; the step stands all the same, so that stored steps and these correspond by place.
    """
    steps: list[Step] = []
    asked = Step(float("-inf"), requires, frozenset(), band)
    for stored in sorted(overflow, key=_after_s):
        asked = replace(_relaxed(asked, stored), at=max(asked.at, at(_after_s(stored))), done=stored)
        steps.append(asked)
    return tuple(steps)


def check_overflow(overflow: object) -> list[str]:
    """What is wrong with the steps as they are to be stored, as codes, each once; empty when nothing is.

    not_a_list, too_many, not_ascending, and the codes of `check_step`.
    """
    if not isinstance(overflow, list | tuple):
        return ["not_a_list"]
    problems = [problem for stored in overflow for problem in check_step(stored)]
    if len(overflow) > MOST_STEPS:
        problems.append("too_many")
    if not problems and any(later["after_s"] < sooner["after_s"] for sooner, later in pairwise(overflow)):
        problems.append("not_ascending")
    return list(dict.fromkeys(problems))


def check_step(stored: object) -> list[str]:
    """What is wrong with one step: not_a_step, bad_after, unknown_do, no_skill, bad_level, no_team."""
    if not isinstance(stored, Mapping):
        return ["not_a_step"]
    do, problems = stored.get("do"), []
    if not _is_number(stored.get("after_s")) or stored["after_s"] < 0:
        problems.append("bad_after")
    if not isinstance(do, str) or do not in _DO:
        problems.append("unknown_do")
    if do in ("drop_skill", "lower_level") and not _is_skill_name(stored.get("skill")):
        problems.append("no_skill")
    if do == "lower_level" and not (type(stored.get("level")) is int and 1 <= stored["level"] <= 10):
        problems.append("bad_level")
    if do == "also_team" and not _is_word(stored.get("team")):
        problems.append("no_team")
    return problems


def team_skill(team: str) -> str:
    """The name of the skill that every member of the team has, at level 10."""
    return TEAM_PREFIX + team


def _relaxed(asked: Step, stored: Mapping[str, object]) -> Step:
    change = _DO.get(str(stored.get("do")))
    return asked if change is None else change(asked, stored)


def _drop_skill(asked: Step, stored: Mapping[str, object]) -> Step:
    return replace(asked, requires=frozenset(skill for skill in asked.requires if skill[0] != stored["skill"]))


def _lower_level(asked: Step, stored: Mapping[str, object]) -> Step:
    skill, lower = stored["skill"], stored["level"]
    requires = frozenset((name, min(level, lower) if name == skill else level) for name, level in asked.requires)
    return replace(asked, requires=requires)


def _also_team(asked: Step, stored: Mapping[str, object]) -> Step:
    return replace(asked, also=asked.also | {frozenset({(team_skill(str(stored["team"])), 1)})})


def _raise_band(asked: Step, stored: Mapping[str, object]) -> Step:  # noqa: ARG001 - one shape for all
    return replace(asked, band=max(ESCALATED, asked.band - 1))


def _as_before(asked: Step, _stored: Mapping[str, object]) -> Step:
    return asked


_DO: Mapping[str, Callable[[Step, Mapping[str, object]], Step]] = {
    "drop_skill": _drop_skill,
    "lower_level": _lower_level,
    "also_team": _also_team,
    "raise_band": _raise_band,
    OFFER_CALLBACK: _as_before,
    TO_VOICEMAIL: _as_before,
}


def _after_s(stored: Mapping[str, object]) -> float:
    return float(stored["after_s"])  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_skill_name(value: object) -> bool:
    return _is_word(value) and not str(value).startswith(TEAM_PREFIX)
