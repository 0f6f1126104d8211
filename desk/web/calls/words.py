"""The words of calls: what became of them, what a stretch of time was, how a part ended, what happened."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from desk.events import Event
from desk.web.event_words import event_word

CALL_OUTCOMES = {
    "live": lazy_gettext("on now"),
    "answered": lazy_gettext("answered"),
    "abandoned": lazy_gettext("caller gave up"),
    "voicemail": lazy_gettext("message left"),
    "callback": lazy_gettext("callback asked for"),
    "overflow": lazy_gettext("sent elsewhere"),
    "not_reached": lazy_gettext("nobody reached"),
    "out": lazy_gettext("we called"),
}
SPANS = {
    "menu": lazy_gettext("Menu"),
    "wait": lazy_gettext("Waiting"),
    "ring": lazy_gettext("Ringing"),
    "talk": lazy_gettext("Talking"),
    "hold": lazy_gettext("On hold"),
    "consult": lazy_gettext("Consulting"),
    "watch": lazy_gettext("Supervisor on the line"),
    "wrap_up": lazy_gettext("Wrap-up"),
}
ENDED_BY = {
    "caller": lazy_gettext("the customer hung up"),
    "agent": lazy_gettext("the agent ended the call"),
    "transfer_queue": lazy_gettext("passed on to a queue"),
    "transfer_agent": lazy_gettext("passed on to a colleague"),
    "transfer_number": lazy_gettext("passed on to a number outside"),
    "transfer_warm": lazy_gettext("handed over in person"),
    "takeover": lazy_gettext("a supervisor took over"),
    "dropped": lazy_gettext("the line broke"),
    "lost": lazy_gettext("the agent’s line broke"),
}


def call_event(event: Event, names: dict[int, str]) -> str:
    """What happened in a call, by whom and with whom."""
    did = event.actor_name if event.actor_kind == "agent" else names.get(event.data.get("supervisor", 0), "")
    whom = names.get(event.agent_id or 0, "")
    people = " · ".join(dict.fromkeys(name for name in (did, whom) if name))
    word = event_word(event.kind)
    return gettext("%(what)s: %(who)s", what=word, who=people) if people else word
