"""The telephone: the emergency closure, our numbers and their menus, the rules for calls, and numbers that are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.calls import menus as flows
from desk.actions.calls.closures import close_lines, open_lines
from desk.actions.calls.voice_texts import RANGES, set_policy
from desk.actions.editing import fingerprint
from desk.errors import Conflict, DeskError, Invalid
from desk.http.context import installation, reading, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import BlockedNumber
from desk.queries.calls.closures import current_closure, one_closure, past_closures
from desk.queries.calls.dismissal import closure_words
from desk.queries.calls.menus import all_flows, all_numbers, blocked_numbers, one_blocked, one_number
from desk.queries.calls.voice_policy import VoicePolicy, voice_policy
from desk.queries.work.queues import last_change
from desk.web.admin.page import field_errors, number, page
from desk.web.admin.voice_words import RULES

pages = Blueprint("admin_voice", __name__, url_prefix="/admin/voice")

USUAL_CLOSURE = timedelta(hours=4)
SWITCHES = (
    *("recording", "recordings_leave_carrier", "announce_listening", "callback"),
    *("voicemail", "transcribe_voicemail", "pass_on_caller_id", "identify_callers"),
)


@pages.get("")
@needs(Right.READ_SETTINGS)
def overview() -> str:
    return _overview()


@pages.post("/close")
@needs(Right.CLOSE_LINES)
def close() -> Response | tuple[str, int]:
    """The emergency closure, on in one step."""
    form = request.form
    try:
        with writing() as tx:
            close_lines(
                tx,
                reason_zh=form.get("reason_zh", ""),
                reason_en=form.get("reason_en", ""),
                expires_at=_moment("expires_at"),
                expected_at=_moment("expected_at"),
            )
    except (Invalid, Conflict) as wrong:
        return _overview(errors=field_errors(wrong, "reason_zh")), wrong.status
    flash(gettext("The lines are closed. New callers hear it from now on."), "good")
    return redirect(url_for("admin_voice.overview"), 303)


@pages.post("/closures/<int:closure_id>/end")
@needs(Right.CLOSE_LINES)
def end_closure(closure_id: int) -> Response:
    with writing() as tx:
        open_lines(tx, one_closure(tx.session, closure_id))
    flash(gettext("The lines are open again."), "good")
    return redirect(url_for("admin_voice.overview"), 303)


@pages.post("/numbers")
@needs(Right.ADMINISTER)
def add_number() -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            flows.set_number(tx, None, **_typed_number())
    except (Invalid, Conflict) as wrong:
        return _overview(number_errors=field_errors(wrong, "number")), wrong.status
    flash(gettext("Saved. The next call to this number goes by it."), "good")
    return redirect(url_for("admin_voice.overview"), 303)


@pages.get("/numbers/<int:number_id>")
@needs(Right.READ_SETTINGS)
def one(number_id: int) -> str:
    return _number_page(number_id)


@pages.post("/numbers/<int:number_id>")
@needs(Right.ADMINISTER)
def set_one(number_id: int) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            flows.set_number(tx, one_number(tx.session, number_id), seen=request.form.get("seen", ""), **_typed_number())
    except (Invalid, Conflict) as wrong:
        return _number_page(number_id, typed=_typed_number(), errors=field_errors(wrong, "number")), wrong.status
    flash(gettext("Saved. The next call to this number goes by it."), "good")
    return redirect(url_for("admin_voice.overview"), 303)


@pages.post("/numbers/<int:number_id>/remove")
@needs(Right.ADMINISTER)
def remove(number_id: int) -> Response:
    with writing() as tx:
        flows.remove_number(tx, one_number(tx.session, number_id))
    flash(gettext("The number is removed."), "good")
    return redirect(url_for("admin_voice.overview"), 303)


@pages.get("/rules")
@needs(Right.READ_SETTINGS)
def rules() -> str:
    with reading() as session:
        return _rules_page(voice_policy(session))


@pages.post("/rules")
@needs(Right.ADMINISTER)
def set_rules() -> Response | tuple[str, int]:
    typed, was = _typed_rules(), request.form.get("seen", "")
    try:
        with writing() as tx:
            set_policy(tx, typed, seen=was)
    except Invalid as wrong:
        return _rules_page(typed, errors=field_errors(wrong), seen_as=was), wrong.status
    except Conflict as wrong:
        return _rules_page(typed, conflict=True), wrong.status
    flash(gettext("Saved. It holds from the next step of every call on."), "good")
    return redirect(url_for("admin_voice.rules"), 303)


@pages.get("/blocked")
@needs(Right.ADMINISTER)
def blocked() -> str:
    return _blocked_page()


@pages.post("/blocked")
@needs(Right.ADMINISTER)
def block() -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            flows.block(tx, request.form.get("number", ""), request.form.get("reason", ""))
    except Invalid as wrong:
        return _blocked_page(wrong), wrong.status
    flash(gettext("Calls from this number are refused from now on."), "good")
    return redirect(url_for("admin_voice.blocked"), 303)


@pages.post("/blocked/<int:blocked_id>/remove")
@needs(Right.ADMINISTER)
def unblock(blocked_id: int) -> Response:
    with writing() as tx:
        row: BlockedNumber = one_blocked(tx.session, blocked_id)
        flows.unblock(tx, row)
    flash(gettext("Calls from this number are taken again."), "good")
    return redirect(url_for("admin_voice.blocked"), 303)


def _overview(*, errors: dict[str, str] | None = None, number_errors: dict[str, str] | None = None) -> str:
    desk = installation()
    now, zone = desk.clock.now(), ZoneInfo(desk.settings.timezone)
    with reading() as session:
        closure = current_closure(session, now)
        return page(
            "admin/voice.html",
            closure=closure,
            said=() if closure is None else closure_words(session, desk.settings, now, closure),
            past=past_closures(session, 5),
            now=now,
            flows=all_flows(session),
            usual_end=(now + USUAL_CLOSURE).astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
            typed=request.form if request.method == "POST" else {},
            errors=errors or {},
            number_errors=number_errors or {},
            numbers=all_numbers(session),
        )


def _number_page(number_id: int, *, typed: dict[str, Any] | None = None, errors: dict[str, str] | None = None) -> str:
    with reading() as session:
        row = one_number(session, number_id)
        values = flows.values_of(row)
        return page(
            "admin/voice_number.html",
            row=row,
            values=typed or values,
            seen=fingerprint(values),
            flows=all_flows(session),
            errors=errors or {},
        )


def _rules_page(rules: VoicePolicy, *, errors: dict[str, str] | None = None, conflict: bool = False, seen_as: str = "") -> str:
    with reading() as session:
        now, mine = voice_policy(session).to_dict(), rules.to_dict()
        changed = last_change(session, "voice.rules_set", lambda _event: True)
    apart = [(RULES[name], mine[name], now[name]) for name in now if now[name] != mine[name]] if conflict else []
    return page(
        "admin/voice_rules.html",
        rules=rules,
        switches=SWITCHES,
        ranges=RANGES,
        labels=RULES,
        seen=seen_as or fingerprint(now),
        errors=errors or {},
        conflict=conflict,
        others=apart,
        by=changed,
    )


def _blocked_page(wrong: DeskError | None = None) -> str:
    with reading() as session:
        return page(
            "admin/voice_blocked.html",
            blocked=blocked_numbers(session),
            typed=request.form if wrong is not None else {},
            errors={} if wrong is None else field_errors(wrong, "reason" if "why" in wrong.sentence else "number"),
        )


def _typed_number() -> dict[str, Any]:
    form = request.form
    return {
        "number": form.get("number", ""),
        "name": form.get("name", ""),
        "flow_id": whole(form.get("flow", "")) or 0,
        "locale": form.get("locale", ""),
    }


def _typed_rules() -> VoicePolicy:
    form = request.form
    with reading() as session:
        now = voice_policy(session)
    return replace(
        now,
        **{name: name in form for name in SWITCHES},
        **{name: number(form.get(name, "")) for name in RANGES},
        callback_hours=(form.get("callback_from", ""), form.get("callback_until", "")),
        emergency_number=form.get("emergency_number", ""),
    )


def _moment(field: str) -> datetime | None:
    """The local time that was typed, in the desk's zone; None for nothing, and for what is no time."""
    try:
        typed = datetime.fromisoformat(request.form.get(field, ""))
    except ValueError:
        return None
    return typed.replace(tzinfo=ZoneInfo(installation().settings.timezone)) if typed.tzinfo is None else None
