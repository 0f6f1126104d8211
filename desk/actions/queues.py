"""Changing a queue: its names, what it asks of people, its targets and how it offers work."""

from __future__ import annotations

import re
from typing import Any

from desk.errors import Invalid
from desk.models import Queue
from desk.sentences import N_
from desk.store import Tx
from routing.choice import MODES
from routing.order import TARGETS_S, TIERS

OFFER_TIMEOUT_S = (5, 300)
WRAP_UP_S = (0, 1800)
LONGEST_TARGET_S = 30 * 24 * 3600
_SKILL = re.compile(r"[a-z0-9][a-z0-9:_-]{0,39}")


def set_queue(
    tx: Tx,
    queue: Queue,
    *,
    name: str,
    name_zh: str,
    requires: list[list[Any]],
    targets: dict[str, dict[str, int]],
    choice: str,
    offer_timeout_s: int,
    wrap_up_s: int,
) -> bool:
    """Change the queue; what comes in after this goes by it, what waits keeps its place and what it asks for.

    `requires` is [[skill, minimum level], …], `targets` {channel: {tier: seconds}} (what is left out keeps the usual target).
    False when nothing was different. Raises `Invalid` with the fields that are wrong.
    """
    new = {
        "name": name.strip(),
        "name_zh": name_zh.strip(),
        "requires": sorted(requires),
        "targets": targets,
        "choice": choice,
        "offer_timeout_s": offer_timeout_s,
        "wrap_up_s": wrap_up_s,
    }
    wrong = _wrong(new)
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    old = {field: getattr(queue, field) for field in new}
    changed = [field for field in new if new[field] != old[field]]
    if not changed:
        return False
    for field in changed:
        setattr(queue, field, new[field])
    tx.emit(
        "queue.changed",
        queue=queue,
        data={"old": {field: old[field] for field in changed}, "new": {field: new[field] for field in changed}},
    )
    return True


def _wrong(new: dict[str, Any]) -> dict[str, str]:
    wrong = {}
    if not new["name"] or len(new["name"]) > 60 or len(new["name_zh"]) > 60:
        wrong["name"] = N_("A queue needs a name of at most 60 characters.")
    skills = [skill for skill, _level in new["requires"]]
    if len(set(skills)) < len(skills) or not all(_SKILL.fullmatch(skill) for skill in skills):
        wrong["requires"] = N_("Name each skill once, by small letters, digits, “:”, “-” and “_”.")
    elif not all(isinstance(level, int) and 1 <= level <= 10 for _skill, level in new["requires"]):
        wrong["requires"] = N_("A skill level is a number from 1 to 10.")
    if not all(_are_targets(channel, tiers) for channel, tiers in new["targets"].items()):
        wrong["targets"] = N_("A target is a whole number of seconds, from 1 to 30 days.")
    if new["choice"] not in MODES:
        wrong["choice"] = N_("Choose how one of several free agents is found.")
    if not OFFER_TIMEOUT_S[0] <= new["offer_timeout_s"] <= OFFER_TIMEOUT_S[1]:
        wrong["offer_timeout_s"] = N_("An offer rings for 5 to 300 seconds.")
    if not WRAP_UP_S[0] <= new["wrap_up_s"] <= WRAP_UP_S[1]:
        wrong["wrap_up_s"] = N_("A wrap-up takes 0 to 1800 seconds.")
    return wrong


def _are_targets(channel: str, tiers: dict[str, int]) -> bool:
    return channel in TARGETS_S and all(tier in TIERS and 1 <= seconds <= LONGEST_TARGET_S for tier, seconds in tiers.items())
