"""Setting when customers are asked and in which words. What has been sent keeps the version of its questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from typing import Any

from desk.actions.editing import check_same, differences
from desk.errors import Invalid
from desk.models import Setting
from desk.models.survey import KINDS
from desk.queries.survey_rules import CHANNELS, NOTHING, QUESTIONS, SETTING, SurveyRules, survey_rules
from desk.sentences import N_
from desk.store import Tx

EVERY_DAYS, A_YEAR = (1, 365), (1, 52)
LONGEST = 200


def set_rules(tx: Tx, rules: SurveyRules, *, seen: str | None = None) -> bool:
    """Set all rules at once. False when nothing was different.

    Raises `Invalid` with the fields that are wrong ("nps.zh"), `Conflict` when somebody else was quicker than who saw `seen`.
    """
    row = tx.session.get(Setting, SETTING, with_for_update=True)
    old = survey_rules(tx.session)
    check_same(values_of(old), seen)
    wrong = _wrong(rules)
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    data = differences(values_of(old), values_of(rules))
    if not data:
        return False
    new = replace(rules, version=old.version + 1).to_dict()
    if row is None:
        tx.session.add(Setting(key=SETTING, value=new))
    else:
        row.value = new
    tx.emit("setting.surveys_set", data=data)
    return True


def values_of(rules: SurveyRules) -> dict[str, Any]:
    """What people set, flat: one value for each field of the form."""
    flat: dict[str, Any] = {f"ask.{channel}": rules.kind_for(channel) for channel in CHANNELS}
    flat |= {"every_days": rules.every_days, "a_year": rules.a_year, "hours_from": rules.hours[0], "hours_until": rules.hours[1]}
    flat["after_calls"] = rules.after_calls
    return flat | {f"{kind}.{lang}": words for kind in QUESTIONS for lang, words in rules.questions[kind].items()}


def rules_from(flat: Mapping[str, Any]) -> SurveyRules:
    """The other way round."""
    return SurveyRules(
        kinds={channel: flat[f"ask.{channel}"] for channel in CHANNELS},
        every_days=flat["every_days"],
        a_year=flat["a_year"],
        hours=(flat["hours_from"], flat["hours_until"]),
        after_calls=flat["after_calls"],
        questions={kind: {lang: flat[f"{kind}.{lang}"].strip() for lang in words} for kind, words in QUESTIONS.items()},
    )


def _wrong(rules: SurveyRules) -> dict[str, str]:
    known = (*KINDS, NOTHING)
    wrong = {f"ask.{channel}": N_("Choose what is asked.") for channel in CHANNELS if rules.kinds[channel] not in known}
    if not EVERY_DAYS[0] <= rules.every_days <= EVERY_DAYS[1]:
        wrong["every_days"] = N_("From 1 to 365 days.")
    if not A_YEAR[0] <= rules.a_year <= A_YEAR[1]:
        wrong["a_year"] = N_("From 1 to 52 times a year.")
    if not _are_hours(rules.hours):
        wrong["hours_from"] = N_("The hours begin before they end.")
    for kind, words in rules.questions.items():
        for lang, text in words.items():
            if not 0 < len(text) <= LONGEST:
                wrong[f"{kind}.{lang}"] = N_("Write a question of at most 200 characters.")
    return wrong


def _are_hours(hours: tuple[str, str]) -> bool:
    try:
        return time.fromisoformat(hours[0]) < time.fromisoformat(hours[1])
    except ValueError:
        return False
