"""A ticket's priority on the screen: what a form asks for, and in words why the priority is what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext

from desk.errors import Invalid
from desk.http.incoming import whole
from desk.models import Ticket
from desk.sentences import N_
from desk.web.words import IMPACTS, URGENCIES
from routing.clocks import TICKET_TARGETS
from routing.urgency import priority_of


def priority_asked(form: Mapping[str, str]) -> dict[str, Any]:
    """Impact, urgency, or the priority itself, for which a person says why. Raises `Invalid`."""
    asked: dict[str, Any] = {name: form[name] for name in ("impact", "urgency") if form.get(name)}
    if form.get("priority"):
        priority = whole(form["priority"])
        if f"P{priority}" not in TICKET_TARGETS:
            raise Invalid("A priority is a number from 1 to 4.")
        reason = form.get("reason", "").strip()
        if not reason:
            wrong = N_("Say why it is another one than impact and urgency make.")
            raise Invalid(wrong, {"reason": wrong})
        asked |= {"priority": priority, "reason": reason}
    return asked


def why_priority(ticket: Ticket, tier: str) -> str:
    """Where the priority comes from, in a few words; `tier` is the customer's."""
    usual = priority_of(ticket.impact, ticket.urgency)
    said = {"impact": IMPACTS[ticket.impact], "urgency": URGENCIES[ticket.urgency]}
    if ticket.priority_reason:
        return gettext("Set by hand: %(reason)s", reason=ticket.priority_reason)
    if ticket.priority_reason is None and ticket.priority == usual:
        return gettext("%(impact)s, %(urgency)s", **said)
    if ticket.priority_reason is None and tier == "vip" and ticket.priority == usual - 1:
        return gettext("%(impact)s, %(urgency)s, one step up for a VIP", **said)
    return gettext("Set by hand")
