"""What happened to a ticket besides the work on it, as lines of its timeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import format_datetime, gettext, lazy_gettext, ngettext

from desk.events import Event

LINES = {
    "ticket.linked": (lazy_gettext("%(who)s linked it with another ticket"), "link"),
    "ticket.unlinked": (lazy_gettext("%(who)s removed a link with another ticket"), "link"),
    "ticket.unsplit": (lazy_gettext("%(who)s took the splitting back"), "swap"),
    "ticket.marked_spam": (lazy_gettext("%(who)s marked it as junk"), "x"),
    "ticket.not_spam": (lazy_gettext("%(who)s said that it is no junk"), "refresh"),
    "ticket.customer_silent": (lazy_gettext("The customer keeps silent: somebody decides how to go on"), "clock"),
    "ticket.answers_set": (lazy_gettext("%(who)s filled in the details"), "note"),
}
WOKEN = {
    "time": lazy_gettext("Back from being snoozed: its time has come"),
    "customer_wrote": lazy_gettext("Back from being snoozed: the customer wrote"),
    "answered_inside": lazy_gettext("Back from being snoozed: a colleague answered"),
    "moved": lazy_gettext("Back from being snoozed: it was moved"),
    "merged": lazy_gettext("Back from being snoozed: another ticket was merged into it"),
    "undone": lazy_gettext("Back from being snoozed: that was taken back"),
}
KINDS = (*LINES, "ticket.snoozed", "ticket.woken", "ticket.merged", "ticket.unmerged", "ticket.split")


def line_of(event: Event, who: str) -> tuple[str, str]:
    """One sentence, and the icon beside it."""
    data: Mapping[str, Any] = event.data
    match event.kind:
        case "ticket.snoozed":
            until = format_datetime(datetime.fromisoformat(data["until"]), "short") if "until" in data else "–"
            return gettext("%(who)s snoozed it until %(time)s", who=who, time=until), "moon"
        case "ticket.woken":
            return str(WOKEN.get(data.get("reason", ""), gettext("%(who)s woke it", who=who))), "refresh"
        case "ticket.merged" if "into" in data:
            return gettext("%(who)s merged it into #%(number)s", who=who, number=data["into"]), "transfer"
        case "ticket.merged":
            return gettext("%(who)s merged #%(number)s into this ticket", who=who, number=data.get("from", "–")), "transfer"
        case "ticket.unmerged" if "of" in data:
            return gettext("%(who)s took #%(number)s out again", who=who, number=data["of"]), "transfer"
        case "ticket.unmerged":
            return gettext("%(who)s took it out of #%(number)s again", who=who, number=data.get("from", "–")), "transfer"
        case "ticket.split" if "into" in data:
            count = int(data.get("messages", 1))
            sentence = ngettext(
                "%(who)s split %(num)s message off as #%(number)s",
                "%(who)s split %(num)s messages off as #%(number)s",
                count,
                who=who,
                number=data["into"],
            )
            return sentence, "swap"
        case "ticket.split":
            return gettext("%(who)s split it off from #%(number)s", who=who, number=data.get("from", "–")), "swap"
    sentence, icon = LINES[event.kind]
    return str(sentence) % {"who": who}, icon
