"""Asking on the phone to be called back: which number, read out digit by digit, and then the promise."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from phonenumbers import PhoneNumberFormat, format_number
from phonenumbers import parse as parse_number
from sqlalchemy import select
from werkzeug.wrappers import Response

from channels.voice import twiml
from desk.actions import intake
from desk.actions.calls import callbacks, queueing, waiting
from desk.actions.calls.locks import lock_call
from desk.errors import Conflict, Invalid
from desk.http.context import installation
from desk.models import Call, Callback, Customer
from desk.models.call import IVR, OVER, QUEUED
from desk.models.callback import HOURS
from desk.queries.calls.callers import callers_place
from desk.queries.calls.voice_texts import Prompts, joined, spoken
from desk.store import Tx
from desk.voice_texts import LANGUAGES
from desk.voice_words import digits_in_words, moment_in_words
from desk.web.voice.carrier_door import absolute, call_event, from_carrier, once
from desk.web.voice.waiting import back_in

pages = Blueprint("voice_callback", __name__, url_prefix="/hooks/twilio/voice")

CONFIRM, OTHER = "1", "2"
MOST_QUESTIONS = 6
ANSWER_S, TYPING_S = 6, 8


@pages.post("/callback")
@from_carrier
def begin() -> Response:
    """Their own number is read out, or they are asked for one."""
    event, visit = call_event(), request.args.get("n", "")

    def ask(tx: Tx) -> str:
        call = _call(tx, event.call_sid)
        if call is None or call.state in OVER:
            return twiml.goodbye(())
        call.aside = waiting.CALLBACK
        own = _readable(call, call.from_number)
        return _read_back(tx, call, own) if own else _ask_number(tx, call)

    return once(f"{event.call_sid}:callback:{visit}", event.call_sid, ask)


@pages.post("/callback/answer")
@from_carrier
def answer() -> Response:
    """The number is right, or not; or one has been typed."""
    event, at = call_event(), request.args.get("at", type=int)

    def go_on(tx: Tx) -> str:
        call = _call(tx, event.call_sid)
        if call is None or call.state in OVER:
            return twiml.goodbye(())
        asked, digits = dict(call.menu.get("ring_back", {})), (event.digits or "").strip()
        if asked.get("number"):
            if digits == CONFIRM:
                return _promise(tx, call, asked["number"])
            return _ask_number(tx, call) if digits == OTHER else _without(tx, call)
        typed = _readable(call, digits)
        if typed:
            return _read_back(tx, call, typed)
        return _ask_number(tx, call, ("callback_bad_number",)) if digits else _without(tx, call)

    return once(f"{event.call_sid}:callback-answer:{at}", event.call_sid, go_on)


def _read_back(tx: Tx, call: Call, number: str) -> str:
    return _question(tx, call, _say(tx, call, "callback_number", number=_digits(number)), number=number, digits=1)


def _ask_number(tx: Tx, call: Call, before: tuple[str, ...] = ()) -> str:
    texts = [_say(tx, call, text) for text in (*before, "callback_type")]
    return _question(tx, call, joined(*texts), number="", digits=None)


def _question(tx: Tx, call: Call, say: Prompts, *, number: str, digits: int | None) -> str:
    """Each question has an address of its own, so that an answer counts once."""
    at = int(call.menu.get("ring_back", {}).get("at", 0)) + 1
    if at > MOST_QUESTIONS:
        return _without(tx, call)
    call.menu = {**call.menu, "ring_back": {"at": at, "number": number}}
    url = absolute(f"/hooks/twilio/voice/callback/answer?at={at}")
    return twiml.gather(say, url, timeout_s=ANSWER_S if digits else TYPING_S, num_digits=digits)


def _promise(tx: Tx, call: Call, number: str) -> str:
    try:
        if call.state == QUEUED:
            minutes = callers_place(tx.session, call, tx.now).minutes
            callback = callbacks.promise(tx, call, number, minutes)
            text, more = ("callback_promised", {"minutes": minutes}) if minutes else ("callback_promised_later", {})
            return twiml.goodbye(_say(tx, call, text, number=_digits(number), **more))
        callback = _promise_for_later(tx, call, number)
    except Conflict:
        return _without(tx, call, "somebody_free" if call.state == QUEUED else "callback_impossible")
    zone = callbacks.hours_of(tx.session, tx.session.get_one(callbacks.Queue, callback.queue_id), number).calendar.zone
    opens = {lang: moment_in_words(callback.waiting_since, tx.now, zone, lang) for lang in LANGUAGES}
    return twiml.goodbye(_say(tx, call, "callback_planned", number=_digits(number), opens=opens))


def _promise_for_later(tx: Tx, call: Call, number: str) -> Callback:
    """We are closed, or the line is full."""
    customer = tx.session.get_one(Customer, call.customer_id)
    queue = intake.find_queue(tx, str(call.menu.get("chosen", {}).get("queue", "general")))
    return callbacks.promise_later(tx, number=number, customer=customer, queue=queue, source=HOURS, locale=call.locale, call=call)


def _without(tx: Tx, call: Call, text: str = "") -> str:
    """No promise: whoever waits goes back to their place, anybody else hears of the other ways."""
    if call.state != IVR:
        return back_in(tx, call, text or "place_as_before")
    queueing.send_elsewhere(tx, call, tx.now)
    return twiml.goodbye(joined(*(_say(tx, call, each) for each in (text, "other_ways") if each)))


def _say(tx: Tx, call: Call, text: str, **values: Any) -> Prompts:
    return spoken(tx.session, tx.settings.base_url, text, call.locale, **values)


def _readable(call: Call, typed: str) -> str:
    """The number in E.164, or nothing when we would not ring it."""
    ours = installation().settings.twilio_number or call.to_number
    try:
        return callbacks.readable(typed, near=(call.from_number, ours), shown=call.from_number) if typed else ""
    except Invalid:
        return ""


def _digits(number: str) -> dict[str, str]:
    """Digit by digit, as it is dialled at home: 1 3 8 0 0 …, without the country, with the zero where one is dialled."""
    dialled = "".join(filter(str.isdigit, format_number(parse_number(number), PhoneNumberFormat.NATIONAL)))
    return {lang: digits_in_words(dialled, lang) for lang in LANGUAGES}


def _call(tx: Tx, sid: str) -> Call | None:
    call_id = tx.session.scalar(select(Call.id).where(Call.sid == sid))
    return None if call_id is None else lock_call(tx, call_id)
