"""What can be wrong with the answers about a queue, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.actions.people.agents import SKILL_NAME
from desk.models import Calendar, Team, VoiceAudio
from desk.queries.people.skills import known_skills
from desk.sentences import N_
from routing.choice import MODES
from routing.order import TARGETS_S, TIERS
from routing.overflow import MOST_STEPS, OFFER_CALLBACK, TEAM_PREFIX, TO_VOICEMAIL, check_step

OFFER_TIMEOUT_S = (5, 300)
WRAP_UP_S = (0, 1800)
LONGEST_TARGET_S = 30 * 24 * 3600
LONGEST_STEP_S = 7 * 24 * 3600
LONGEST_HOLD_S = 24 * 3600


def wrong_answers(session: Session, new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, str]:
    """Field to sentence; the first step of overflow is "overflow-0", and so on.

    What the queue had `old` is not held against it: a skill that meanwhile nobody has may stay.
    """
    wrong = {}
    if not new["name"] or len(new["name"]) > 60 or len(new["name_zh"]) > 60:
        wrong["name"] = N_("A queue needs a name of at most 60 characters.")
    if session.get(Team, new["team_id"] or 0) is None:
        wrong["team_id"] = N_("Choose the team that looks after it.")
    if session.get(Calendar, new["calendar_id"] or 0) is None:
        wrong["calendar_id"] = N_("Choose the calendar of its opening hours.")
    wrong |= _wrong_skills(new["requires"])
    if "requires" not in wrong and any(new[field] != old.get(field, []) for field in ("overflow", "requires")):
        wrong |= wrong_steps(session, new["requires"], new["overflow"])
    if not all(_are_targets(channel, tiers) for channel, tiers in new["targets"].items()):
        wrong["targets"] = N_("A target is a time from 1 s to 30 days, such as 90 s, 15 min or 4 h.")
    if new["choice"] not in MODES:
        wrong["choice"] = N_("Choose how one of several free agents is found.")
    if not OFFER_TIMEOUT_S[0] <= new["offer_timeout_s"] <= OFFER_TIMEOUT_S[1]:
        wrong["offer_timeout_s"] = N_("An offer rings for 5 to 300 seconds.")
    if not WRAP_UP_S[0] <= new["wrap_up_s"] <= WRAP_UP_S[1]:
        wrong["wrap_up_s"] = N_("A wrap-up takes 0 to 1800 seconds.")
    if not all(channel in TARGETS_S and 0 <= seconds <= LONGEST_HOLD_S for channel, seconds in new["sticky_s"].items()):
        wrong["sticky_s"] = N_("Work is kept for the agent who knows it for at most 24 h, such as 15 s, 2 min or 4 h.")
    if new.get("music") and session.get(VoiceAudio, new["music"]) is None:
        wrong["music"] = N_("The music is not there any more.")
    return wrong


def _wrong_skills(requires: list[list[Any]]) -> dict[str, str]:
    skills = [skill for skill, _level in requires]
    if any(skill.startswith(TEAM_PREFIX) for skill in skills):
        return {"requires": N_("Names that begin with “team:” are kept for teams. Choose another name.")}
    if len(set(skills)) < len(skills) or not all(SKILL_NAME.fullmatch(skill) for skill in skills):
        return {"requires": N_("Name each skill once, by small letters, digits, “:”, “-” and “_”.")}
    if not all(isinstance(level, int) and 1 <= level <= 10 for _skill, level in requires):
        return {"requires": N_("A skill level is a number from 1 to 10.")}
    return {}


def wrong_steps(session: Session, requires: list[list[Any]], overflow: list[dict[str, Any]]) -> dict[str, str]:
    """Each step by what is still asked for when it is taken."""
    wrong: dict[str, str] = {}
    asked = dict(map(tuple, requires))
    others = set(known_skills(session))
    teams = set(session.scalars(select(Team.key)))
    came_in: set[str] = set()
    earliest = 0
    for place, step in enumerate(overflow):
        problem = _wrong_step(step, asked, others, teams, came_in, earliest)
        if problem:
            wrong[f"overflow-{place}"] = problem
            continue
        earliest = step["after_s"]
        if step["do"] == "drop_skill":
            asked.pop(step["skill"], None)
        elif step["do"] == "lower_level":
            asked[step["skill"]] = step["level"]
        else:
            came_in.add(step.get("team", step["do"]))
    if len(overflow) > MOST_STEPS:
        wrong["overflow"] = N_("A queue has at most 10 steps.")
    return wrong


def _wrong_step(
    step: dict[str, Any], asked: dict[str, int], others: set[str], teams: set[str], came_in: set[str], earliest: float
) -> str:
    problems = check_step(step)
    if "bad_after" in problems or not 1 <= step["after_s"] <= LONGEST_STEP_S:
        return N_("Say after how long: from 1 s to 7 days, such as 30 s, 2 min or 1 h.")
    if step["after_s"] < earliest:
        return N_("Steps go in order: this one comes before the one above it.")
    if "unknown_do" in problems or "not_a_step" in problems:
        return N_("Choose what happens then.")
    if "no_team" in problems or (step["do"] == "also_team" and step["team"] not in teams):
        return N_("Choose a team that there is.")
    if step["do"] == "also_team" and step["team"] in came_in:
        return N_("This team may take it since a step above.")
    if step["do"] == "raise_band" and "raise_band" in came_in:
        return N_("It has been put first by a step above.")
    if step["do"] in (OFFER_CALLBACK, TO_VOICEMAIL) and step["do"] in came_in:
        return N_("A step above does so already.")
    if step["do"] == OFFER_CALLBACK and TO_VOICEMAIL in came_in:
        return N_("By then callers have been led to leave a message.")
    if step["do"] in ("drop_skill", "lower_level"):
        return _wrong_relaxing(step, problems, asked, others)
    return ""


def _wrong_relaxing(step: dict[str, Any], problems: list[str], asked: dict[str, int], others: set[str]) -> str:
    """What is wrong with asking for less. What work itself asks for, its language for one, may be relaxed as well."""
    skill = step.get("skill", "")
    if "no_skill" in problems or (skill not in asked and skill not in others):
        return N_("Choose a skill that there is.")
    if step["do"] == "lower_level":
        if "bad_level" in problems:
            return N_("A skill level is a number from 1 to 10.")
        if skill in asked and step["level"] >= asked[skill]:
            return N_("The level must be lower than what is asked for until then.")
    return ""


def _are_targets(channel: str, tiers: dict[str, int]) -> bool:
    return channel in TARGETS_S and all(tier in TIERS and 1 <= seconds <= LONGEST_TARGET_S for tier, seconds in tiers.items())
