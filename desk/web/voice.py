"""The carrier's webhooks. The signature is checked before anything else; the same webhook twice has one effect and one answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from channels.voice import twiml
from channels.voice.events import BadWebhook, CallEvent, read_call, read_conference
from channels.voice.signature import check, public_url
from desk.actions import calls
from desk.actions.spoken import prompts
from desk.errors import Invalid, NotAllowed
from desk.events import SYSTEM
from desk.models import Call, Webhook
from desk.models.call import OVER, QUEUED
from desk.store import Tx
from desk.http.context import installation, reading, writing
from desk.http.guard import signed

log = logging.getLogger(__name__)

pages = Blueprint("voice", __name__, url_prefix="/hooks/twilio/voice")
WAIT_AGAIN_S = 15


def from_carrier(view: Callable[..., Any]) -> Callable[..., Any]:
    """Only with the carrier's signature over exactly this request; else 403 and nothing happens."""

    @signed
    @wraps(view)
    def checked(**values: Any) -> Any:
        desk = installation()
        url = public_url(desk.settings.base_url, request.path, request.query_string.decode("ascii", "replace"))
        if not check(desk.voice_token, url, request.form, request.headers.get("X-Twilio-Signature")):
            raise NotAllowed("This request is not signed by our carrier.")
        try:
            return view(**values)
        except BadWebhook as error:
            raise Invalid("This request lacks what it should say.") from error

    return checked


@pages.post("/incoming")
@from_carrier
def incoming() -> Response:
    """Somebody calls our number."""
    event = _call_event()

    def begin(tx: Tx) -> str:
        call = calls.arrive(tx, event)
        if not calls.is_open(tx, call):
            return twiml.goodbye(prompts("closed", call.locale))
        taken = calls.press(tx, call, None)
        return twiml.gather_menu((*prompts("recording"), *_spoken(taken.say)), _url("menu"))

    return _once(event, "incoming", begin)


@pages.post("/menu")
@from_carrier
def menu() -> Response:
    """The caller pressed a key, or nothing."""
    event = _call_event()

    def go_on(tx: Tx) -> str:
        call = calls.arrive(tx, event)
        taken = calls.press(tx, call, event.digits)
        if not taken.done:
            return twiml.gather_menu(_spoken(taken.say), _url("menu"))
        if call.state in OVER:
            return twiml.goodbye(())
        return twiml.join_queue(
            call.conference,
            _absolute(f"/hooks/twilio/voice/wait?call={call.id}"),
            status_url=_absolute("/hooks/twilio/voice/conference"),
            lead_in=_spoken(taken.say),
        )

    # The step is part of the key: pressing 1 in two menus one after the other is two different things.
    with reading() as session:
        known = session.scalar(select(Call.menu).where(Call.sid == event.call_sid)) or {}
    return _once(event, f"menu:{known.get('menu', '')}:{known.get('tries', 0)}" if not event.token else "menu", go_on)


@pages.post("/wait")
@from_carrier
def wait() -> Response:
    """What a waiting caller hears: their place and an honest estimate, again and again."""
    call_id = request.args.get("call", type=int)
    with reading() as session:
        call = session.get(Call, call_id) if call_id else None
        if call is None:
            return _xml(twiml.wait((), WAIT_AGAIN_S))
        ahead, minutes = calls.waiting_line(session, call)
        if call.state != QUEUED:
            return _xml(twiml.wait((), WAIT_AGAIN_S))
        said = prompts("waiting", call.locale, ahead=ahead, minutes=minutes) if ahead else prompts("next", call.locale)
    return _xml(twiml.wait(said, WAIT_AGAIN_S))


@pages.post("/hold")
@from_carrier
def hold() -> Response:
    """What a customer on hold hears."""
    return _xml(twiml.hold_music(prompts("hold", request.args.get("locale", ""))))


@pages.post("/conference")
@from_carrier
def conference() -> Response:
    """Something happened in a call's room."""
    event = read_conference(request.form)
    _effect_once(event.event_key(), event.call_sid, lambda tx: calls.conference_event(tx, event))
    return Response(status=204)


@pages.post("/status")
@from_carrier
def status() -> Response:
    """A leg changed its state. `call` and `agent` in the address say whose it is, should we not know it yet."""
    event = _call_event()
    call_id, agent_id = request.args.get("call", type=int), request.args.get("agent", type=int)
    _effect_once(event.event_key(), event.call_sid, lambda tx: calls.leg_status(tx, event, call_id, agent_id))
    return Response(status=204)


def _call_event() -> CallEvent:
    return read_call(request.form, request.headers.get("I-Twilio-Idempotency-Token", ""))


def _once(event: CallEvent, step: str, act: Callable[[Tx], str]) -> Response:
    return _xml(_effect_once(event.event_key(step), event.call_sid, act))


def _effect_once(key: str, call_sid: str, act: Callable[[Tx], str | None]) -> str:
    """Act unless this webhook has had its effect already; its answer is kept and given again."""
    try:
        with writing(SYSTEM) as tx:
            before = tx.session.get(Webhook, key)
            if before is not None:
                return before.answer
            kept = Webhook(key=key, at=tx.now, call_sid=call_sid)
            tx.session.add(kept)
            tx.session.flush()  # a second delivery at this very moment stops here, or waits for us
            kept.answer = act(tx) or ""
            return kept.answer
    except IntegrityError:
        with reading() as session:
            before = session.get(Webhook, key)
        if before is None:
            raise
        return before.answer


def _xml(document: str) -> Response:
    return Response(document, mimetype="text/xml")


def _spoken(say: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((calls.LOCALES.get(lang, lang), text) for lang, text in say)


def _url(step: str) -> str:
    return _absolute(f"/hooks/twilio/voice/{step}")


def _absolute(path: str) -> str:
    return installation().settings.base_url + path
