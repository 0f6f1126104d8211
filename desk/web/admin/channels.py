"""Channels: how much of a person each kind of work takes, tried out on examples before it is saved."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import get_locale, gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.editing import fingerprint
from desk.actions.work import channel_rules
from desk.errors import Conflict, Invalid
from desk.http.context import is_fragment, reading, writing
from desk.http.guard import needs
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.queues import last_change, names
from desk.web.admin.page import field_errors, number, page
from desk.web.admin.words import changes
from routing.able import capacity_failure
from routing.values import CHANNEL_RULES, ChannelRule, Load, load_of

pages = Blueprint("admin_channels", __name__)

WHOLE = 100
EXAMPLES = (("chat", "chat", "email"), ("voice", "email"), ("email", "email", "email"), ("complaint", "ticket", "chat"))
"""What somebody might hold; each is shown with its weight, and with what could still be offered."""


@pages.get("/admin/channels")
@needs(Right.READ_SETTINGS)
def channels() -> str:
    with reading() as session:
        return _page(dict(rules_of(session)))


@pages.post("/admin/channels")
@needs(Right.ADMINISTER)
def set_channels() -> Response | tuple[str, int]:
    typed, was = _typed(), request.form.get("seen", "")
    try:
        with writing() as tx:
            channel_rules.set_rules(tx, typed, seen=was)
    except Invalid as wrong:
        return _page(typed, errors=field_errors(wrong), seen_as=was), wrong.status
    except Conflict as wrong:
        return _page(typed, conflict=True), wrong.status
    flash(gettext("Saved. What everybody has in hand was weighed again."), "good")
    return redirect(url_for("admin_channels.channels"), 303)


@pages.post("/admin/channels/draft")
@needs(Right.ADMINISTER)
def draft() -> str:
    """The examples by what is being typed. Nothing is saved."""
    if not is_fragment():
        return _page(_typed(), seen_as=request.form.get("seen", ""))
    return page("admin/_channel_examples.html", examples=_examples(_typed()))


def _typed() -> dict[str, ChannelRule]:
    form = request.form
    return {
        channel: ChannelRule(
            weight=number(form.get(f"{channel}.weight", "")),
            maximum=number(form.get(f"{channel}.maximum", "")),
            interruptible=f"{channel}.interruptible" in form,
            exclusive=f"{channel}.exclusive" in form,
        )
        for channel in CHANNEL_RULES
    }


def _page(
    rules: Mapping[str, ChannelRule], *, errors: dict[str, str] | None = None, conflict: bool = False, seen_as: str = ""
) -> str:
    with reading() as session:
        now = channel_rules.values_of(rules_of(session))
        typed = channel_rules.values_of(rules)
        apart = [channel for channel in now if now[channel] != typed[channel]] if conflict else []
        told = {"old": {channel: typed[channel] for channel in apart}, "new": {channel: now[channel] for channel in apart}}
        return page(
            "admin/channels.html",
            rules=rules,
            usual=CHANNEL_RULES,
            typed=request.form if request.method == "POST" else {},
            seen=seen_as or fingerprint(now),
            errors=errors or {},
            conflict=conflict,
            others=changes(told, names(session, str(get_locale())[:2])),
            by=last_change(session, "setting.channels_set", lambda _event: True) if conflict else None,
            examples=_examples(rules),
        )


def _examples(rules: Mapping[str, ChannelRule]) -> list[tuple[tuple[str, ...], Load, int, list[str]]]:
    """What somebody holds, what it weighs, how much of 100 is in use, and the channels of which one more could be offered."""
    if not all(rule.weight > 0 and rule.maximum > 0 for rule in rules.values()):
        return []
    found = []
    for held in EXAMPLES:
        load = load_of(dict(enumerate(held)), rules)
        open_for = [channel for channel in rules if capacity_failure(channel, WHOLE, load, rules) is None]
        found.append((held, load, min(load.used(WHOLE), WHOLE), open_for))
    return found
