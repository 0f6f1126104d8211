"""Promises to ring back in words: how they stand, how attempts ended, what the timeline says of them."""

from __future__ import annotations

from datetime import datetime

from flask_babel import format_datetime, gettext, lazy_gettext

from desk.events import Event

STATES = {
    "waiting": lazy_gettext("waits in the line"),
    "planned": lazy_gettext("planned"),
    "dialling": lazy_gettext("being called"),
    "reached": lazy_gettext("reached"),
    "not_reached": lazy_gettext("not reached"),
    "called_in": lazy_gettext("rang us first"),
    "withdrawn": lazy_gettext("not wanted any more"),
}
MARKS = {"waiting": "waiting", "planned": "", "dialling": "live", "reached": "live", "not_reached": "late"}
SOURCES = {
    "queue": lazy_gettext("from the line"),
    "hours": lazy_gettext("on the phone, when it could not be put through"),
    "web": lazy_gettext("on our site"),
}
OUTCOMES = {
    "answered": lazy_gettext("answered"),
    "no_answer": lazy_gettext("no answer"),
    "busy": lazy_gettext("engaged"),
    "machine": lazy_gettext("answering machine"),
    "failed": lazy_gettext("could not be rung"),
    "wrong_number": lazy_gettext("wrong number"),
    "not_there": lazy_gettext("somebody else answered"),
}


def line_of(event: Event) -> tuple[str, str]:
    """What the timeline says of an event of a promise, and the icon beside it."""
    data = event.data
    match event.kind:
        case "callback.promised":
            return gettext("A call back is promised by %(time)s", time=_moment(data.get("by"))), "phone"
        case "callback.planned":
            return gettext("The call back is planned for %(time)s", time=_moment(data.get("at"))), "clock"
        case "callback.missed":
            outcome = OUTCOMES.get(data.get("outcome", ""), data.get("outcome", ""))
            return gettext("Called back, attempt %(count)s: %(outcome)s", count=data.get("attempts"), outcome=outcome), "phone"
        case "callback.called_in":
            return gettext("The customer rang us before we called back; they have their place"), "phone"
        case "callback.late":
            return gettext("The promised call back is late"), "alert"
        case "callback.reached":
            return gettext("Called back and reached"), "check"
        case "callback.not_reached":
            return gettext("Called back for the last time without reaching the customer"), "x"
        case "callback.impossible":
            return gettext("There is no hour at which the promised call back could be made"), "alert"
        case "callback.withdrawn":
            return gettext("The call back is not wanted any more"), "x"
    return gettext("The call back waits in the line"), "clock"


def _moment(text: str | None) -> str:
    return format_datetime(datetime.fromisoformat(text), "short") if text else ""
