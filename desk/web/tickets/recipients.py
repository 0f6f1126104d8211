"""Whom an answer goes to, as chips of the composer. Who may not read whole addresses sends them back sealed."""

from __future__ import annotations

import re
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from desk.access import masked
from desk.errors import Conflict, Invalid
from desk.http.context import installation, viewer
from desk.models import Ticket
from desk.queries.mail.recipients import recipients
from desk.sealed import seal, unseal

SEALED = "sealed:"
_BETWEEN = re.compile(r"[,;，；\s]+")


def proposed(session: Session, ticket: Ticket) -> dict[str, Any]:
    """What the composer shows when nobody has chosen yet."""
    found = recipients(session, installation().settings, ticket)
    return {
        "to": [chip(ticket, each) for each in found.to],
        "cc": [chip(ticket, each) for each in found.cc],
        "sender": shown(found.sender),
        "wanted": ", ".join(shown(each) for each in found.wanted.split(", ")),
    }


def chip(ticket: Ticket, address: str) -> dict[str, str]:
    """An address as the viewer may see it, and what the form sends for it."""
    if not viewer().masked:
        return {"value": address, "shown": address}
    return {"value": SEALED + seal(installation().secret, _purpose(ticket), address), "shown": shown(address)}


def chosen(ticket: Ticket, field: str) -> list[str]:
    """The addresses that a form sends in this field: chips, and what was typed and did not become one."""
    return [_opened(ticket, each) for value in request.form.getlist(field) for each in _BETWEEN.split(value) if each]


def shown(address: str) -> str:
    """An address as the viewer may see it."""
    return masked(address, "email") if viewer().masked and address else address


def _opened(ticket: Ticket, value: str) -> str:
    if not value.startswith(SEALED):
        return value
    try:
        return unseal(installation().secret, _purpose(ticket), value.removeprefix(SEALED))
    except Conflict as old:
        raise Invalid("The recipients on this page are out of date. Load it again.") from old


def _purpose(ticket: Ticket) -> str:
    return f"recipient of {ticket.number}"
