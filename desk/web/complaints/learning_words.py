"""What the pages about learning from complaints call things."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

from desk.web import words
from desk.web.complaints import words as complaint_words

KINDS = {
    "correction": lazy_gettext("Correction: put right what went wrong"),
    "corrective": lazy_gettext("Corrective: end the cause"),
    "preventive": lazy_gettext("Preventive: before it happens"),
}
KINDS_SHORT = {
    "correction": lazy_gettext("Correction"),
    "corrective": lazy_gettext("Corrective"),
    "preventive": lazy_gettext("Preventive"),
}
RESULTS = {
    "effective": lazy_gettext("Effective"),
    "not_effective": lazy_gettext("Not effective"),
    "inconclusive": lazy_gettext("Cannot be said yet"),
}
CLOCKS = {
    "on_time": lazy_gettext("on time"),
    "soon": lazy_gettext("due soon"),
    "late": lazy_gettext("late"),
    **{name: RESULTS[name] for name in ("effective", "not_effective")},
}
STATES = {"open": lazy_gettext("To be done"), "done": lazy_gettext("To be checked"), "closed": lazy_gettext("Closed actions")}
ALERT_OUTCOMES = {"dismissed": lazy_gettext("Dismissed"), "handled": lazy_gettext("Settled by an action")}
RISKS = {"high": lazy_gettext("high"), "middle": lazy_gettext("middle"), "low": lazy_gettext("small")}
LIKELIHOODS = {
    1: lazy_gettext("once"),
    2: lazy_gettext("now and then"),
    3: lazy_gettext("often"),
    4: lazy_gettext("all the time"),
}
IMPACTS = {4: lazy_gettext("critical"), 3: lazy_gettext("high"), 2: lazy_gettext("normal"), 1: lazy_gettext("slight")}


def about(dimension: str, code: str) -> Any:
    """The cause or category of a cluster."""
    return complaint_words.CAUSES.get(code, code) if dimension == "cause" else words.CATEGORIES.get(code, code)


def everything() -> dict[str, Any]:
    return {
        "kinds": KINDS,
        "kinds_short": KINDS_SHORT,
        "results": RESULTS,
        "clocks": CLOCKS,
        "states": STATES,
        "alert_outcomes": ALERT_OUTCOMES,
        "risks": RISKS,
        "likelihoods": LIKELIHOODS,
        "impacts": IMPACTS,
        "about": about,
        "causes": complaint_words.CAUSES,
        "case": words.everything(),
    }
