"""Setting when customers are asked and in which words. What has been sent keeps the version of its questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

from desk.actions.editing import check_same, differences
from desk.actions.timers import clear_timer, set_timer
from desk.addresses import is_address
from desk.errors import Invalid
from desk.models import Setting
from desk.models.survey import KINDS
from desk.queries.surveys.rules import CHANNELS, DAY_M, NOTHING, QUESTIONS, SETTING, SurveyRules, survey_rules
from desk.sentences import N_
from desk.store import Tx

EVERY_DAYS, A_YEAR, SHARE, DELAY = (1, 365), (1, 52), (1, 100), (0, 7 * DAY_M)
MOST_LEFT_OUT = 200
RELATION_TIMER = "survey.relation"
RELATION_EVERY = timedelta(hours=1)  # how often some of the customers are asked about us as a whole
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
    if rules.relation and not old.relation:
        set_timer(tx, RELATION_TIMER, "", tx.now + RELATION_EVERY)
    elif old.relation and not rules.relation:
        clear_timer(tx, RELATION_TIMER, "")
    tx.emit("setting.surveys_set", data=data)
    return True


def values_of(rules: SurveyRules) -> dict[str, Any]:
    """What people set, flat: one value for each field of the form."""
    flat: dict[str, Any] = {f"ask.{channel}": rules.kind_for(channel) for channel in CHANNELS}
    flat |= {"every_days": rules.every_days, "a_year": rules.a_year, "hours_from": rules.hours[0], "hours_until": rules.hours[1]}
    flat |= {f"delay.{channel}": rules.delays[channel] for channel in CHANNELS}
    flat |= {"after_calls": rules.after_calls, "share": rules.share, "relation": rules.relation}
    flat["left_out"] = "\n".join(rules.left_out)
    return flat | {f"{kind}.{lang}": words for kind in QUESTIONS for lang, words in rules.questions[kind].items()}


def rules_from(flat: Mapping[str, Any]) -> SurveyRules:
    """The other way round."""
    return SurveyRules(
        kinds={channel: flat[f"ask.{channel}"] for channel in CHANNELS},
        every_days=flat["every_days"],
        a_year=flat["a_year"],
        hours=(flat["hours_from"], flat["hours_until"]),
        after_calls=flat["after_calls"],
        delays={channel: flat[f"delay.{channel}"] for channel in CHANNELS},
        share=flat["share"],
        left_out=tuple(dict.fromkeys(flat["left_out"].lower().replace(",", " ").split())),
        relation=flat["relation"],
        questions={kind: {lang: flat[f"{kind}.{lang}"].strip() for lang in words} for kind, words in QUESTIONS.items()},
    )


def _wrong(rules: SurveyRules) -> dict[str, str]:
    known = (*KINDS, NOTHING)
    wrong = {f"ask.{channel}": N_("Choose what is asked.") for channel in CHANNELS if rules.kinds[channel] not in known}
    if not EVERY_DAYS[0] <= rules.every_days <= EVERY_DAYS[1]:
        wrong["every_days"] = N_("From 1 to 365 days.")
    if not A_YEAR[0] <= rules.a_year <= A_YEAR[1]:
        wrong["a_year"] = N_("From 1 to 52 times a year.")
    for channel in CHANNELS:
        if not DELAY[0] <= rules.delays[channel] <= DELAY[1]:
            wrong[f"delay.{channel}"] = N_("From 0 to 10,080 minutes.")
    if not SHARE[0] <= rules.share <= SHARE[1]:
        wrong["share"] = N_("From 1 to 100 in a hundred.")
    if len(rules.left_out) > MOST_LEFT_OUT or any(not is_left_out(each) for each in rules.left_out):
        wrong["left_out"] = N_("Write an address or a domain in each line, at most 200.")
    if not _are_hours(rules.hours):
        wrong["hours_from"] = N_("The hours begin before they end.")
    for kind, words in rules.questions.items():
        for lang, text in words.items():
            if not 0 < len(text) <= LONGEST:
                wrong[f"{kind}.{lang}"] = N_("Write a question of at most 200 characters.")
    return wrong


def is_left_out(text: str) -> bool:
    """Whether this is an address or a domain."""
    return is_address(text if "@" in text else f"nobody@{text}")


def _are_hours(hours: tuple[str, str]) -> bool:
    try:
        return time.fromisoformat(hours[0]) < time.fromisoformat(hours[1])
    except ValueError:
        return False
