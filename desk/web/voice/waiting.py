"""What a caller in the line hears, and the way out of it and back: a conference takes no keys but the star that leaves it."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from flask import Blueprint, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from channels.voice import twiml
from channels.voice.port import CarrierFailed
from desk.actions.calls import waiting
from desk.actions.calls.line import Line
from desk.actions.calls.locks import lock_call
from desk.events import SYSTEM
from desk.http.context import installation, reading, writing
from desk.models import Call
from desk.models.call import OVER, QUEUED
from desk.queries.calls.callers import CallersPlace, WaysOut, callers_place, ways_out
from desk.queries.calls.closures import current_closure
from desk.queries.calls.dismissal import closure_words
from desk.queries.calls.menus import music_of
from desk.queries.calls.voice_policy import voice_policy
from desk.queries.calls.voice_texts import Prompts, joined, spoken
from desk.store import Tx
from desk.web.voice.carrier_door import absolute, call_event, effect_once, from_carrier, once, xml

log = logging.getLogger(__name__)

pages = Blueprint("voice_waiting", __name__, url_prefix="/hooks/twilio/voice")

MUSIC = "/static/music/waiting.wav"
WAIT_AGAIN_S = 30
CHOICE_S = 5
CALL_BACK, LEAVE_MESSAGE = "1", "2"


def into_queue(session: Session, call: Call, lead_in: Prompts = ()) -> str:
    """The document that puts a caller into the room where they wait; by the star key they come to `/leave`."""
    policy = voice_policy(session)
    return twiml.join_queue(
        call.conference,
        absolute(f"/hooks/twilio/voice/wait?call={call.id}"),
        status_url=absolute("/hooks/twilio/voice/conference"),
        lead_in=lead_in,
        action_url=absolute(f"/hooks/twilio/voice/leave?n={waiting.visits(call)}"),
        leave_on_star=policy.callback or policy.voicemail,
        label="customer",
    )


@pages.post("/wait")
@from_carrier
def wait() -> Response:
    """Their place and an honest estimate, music, and now and then what else they can do; again and again."""
    call_id, turn = request.args.get("call", type=int), request.args.get("n", 0, type=int)
    desk = installation()
    now = desk.clock.now()
    with reading() as session:
        call = session.get(Call, call_id) if call_id else None
        if call is None or call.state != QUEUED:
            return xml(twiml.wait((), WAIT_AGAIN_S))
        place = callers_place(session, call, now)
        ways = ways_out(session, call, place, now)
        said = _while_waiting(session, call, place, ways, turn)
        music = music_of(session, call, desk.settings.base_url) or absolute(MUSIC)
    if place.told is not None and place.told.to_dict() != call.told:
        with writing(SYSTEM) as tx:
            waiting.note_told(tx, call.id, place)
    if ways.led and _is_first(f"{call.sid}:led:{waiting.visits(call)}:{turn}", call.sid):
        _send(call, "voicemail", why="waited")
    again = absolute(f"/hooks/twilio/voice/wait?call={call.id}&n={turn + 1}")
    return xml(twiml.wait(said, WAIT_AGAIN_S, again_url=again, music_url=music))


@pages.post("/leave")
@from_carrier
def leave() -> Response:
    """The caller is out of the room: by the star key, unless the call is over."""
    event, visit = call_event(), request.args.get("n", "")
    rung: list[int] = []

    def choose(tx: Tx) -> str:
        call = _call(tx, event.call_sid)
        if call is None or call.state in OVER:
            return twiml.goodbye(())
        rung[:] = [call.id] if waiting.step_out(tx, call) else []
        if not waiting.still_waits(tx, call):
            return back_in(tx, call, "" if call.state != QUEUED else "somebody_free")
        ways = ways_out(tx.session, call, callers_place(tx.session, call, tx.now), tx.now)
        if not ways:
            return back_in(tx, call, "place_as_before")
        action = absolute(f"/hooks/twilio/voice/choice?n={waiting.visits(call)}")
        return twiml.gather(_choices(tx.session, call, ways), action, timeout_s=CHOICE_S, finish_on_key="")

    document = once(f"{event.call_sid}:leave:{visit}", event.call_sid, choose)
    for call_id in rung:
        Line(installation()).ring_anew(call_id)
    return document


@pages.post("/choice")
@from_carrier
def choice() -> Response:
    """What the caller who pressed star wants instead; anything but an offered key is to wait on."""
    event, visit = call_event(), request.args.get("n", "")

    def go_on(tx: Tx) -> str:
        call = _call(tx, event.call_sid)
        if call is None or call.state in OVER:
            return twiml.goodbye(())
        if not waiting.still_waits(tx, call):
            return back_in(tx, call, "somebody_free")
        ways = ways_out(tx.session, call, callers_place(tx.session, call, tx.now), tx.now)
        way = {CALL_BACK: "callback" if ways.callback else "", LEAVE_MESSAGE: "voicemail" if ways.voicemail else ""}
        chosen = way.get(event.digits or "", "")
        if not chosen:
            return back_in(tx, call, "place_as_before")
        call.aside = chosen
        where = urlencode({"why": "line", "n": waiting.visits(call)})
        return twiml.say_then((), absolute(f"/hooks/twilio/voice/{chosen}?{where}"))

    return once(f"{event.call_sid}:choice:{visit}", event.call_sid, go_on)


@pages.post("/back")
@from_carrier
def back() -> Response:
    """Somebody has taken the call while its caller was choosing: they are fetched into the room."""
    event, visit = call_event(), request.args.get("n", "")

    def return_(tx: Tx) -> str:
        call = _call(tx, event.call_sid)
        return twiml.goodbye(()) if call is None or call.state in OVER else back_in(tx, call, "somebody_free")

    return once(f"{event.call_sid}:back:{visit}", event.call_sid, return_)


def back_in(tx: Tx, call: Call, text: str) -> str:
    """The document that leads a caller back into the room, with a word before it."""
    waiting.step_in(tx, call)
    said = spoken(tx.session, tx.settings.base_url, text, call.locale) if text else ()
    return into_queue(tx.session, call, said)


def fetch_back(call: Call) -> None:
    """An agent takes this call: its caller, should they be choosing something else just now, hears so and comes back."""
    if call.aside and call.direction == "in":
        _send(call, "back")


def _send(call: Call, where: str, **more: str) -> None:
    """The caller goes on at that document. If the carrier cannot be told so now, they stay where they are."""
    try:
        url = absolute(f"/hooks/twilio/voice/{where}?" + urlencode({**more, "n": waiting.visits(call)}))
        installation().carrier.redirect(call_sid=call.sid, url=url)
    except CarrierFailed as failed:
        log.warning("the caller of %s could not be sent to %s: %s", call.sid, where, failed)


def _is_first(key: str, sid: str) -> bool:
    """Whether this request is not one that came before: who has been sent to the tone is not sent there from the tone."""
    fresh: list[str] = []
    effect_once(key, sid, lambda _tx: fresh.append(key))
    return bool(fresh)


def _while_waiting(session: Session, call: Call, place: CallersPlace, ways: WaysOut, turn: int) -> Prompts:
    desk, locale = installation(), call.locale
    now, base = desk.clock.now(), desk.settings.base_url
    parts = []
    closure = current_closure(session, now)
    if closure is not None and turn % 2 == 0:
        parts.append(closure_words(session, desk.settings, now, closure, locale))
    elif turn % 2 and place.ahead:
        parts.append(spoken(session, base, "comfort", locale))
    text = "next" if not place.ahead else "waiting" if place.minutes else "ahead"
    if closure is not None:
        text = "closure_in_line"  # nothing that was true before the lines were closed
    parts.append(spoken(session, base, text, locale, ahead=place.ahead, minutes=place.minutes or 0))
    if ways.pressed:
        parts.append(spoken(session, base, "long_wait", locale))
    elif ways and turn % 2 == 0:
        parts.append(spoken(session, base, "press_star" if ways.callback else "press_star_message", locale))
    return joined(*parts)


def _choices(session: Session, call: Call, ways: WaysOut) -> Prompts:
    base = installation().settings.base_url
    texts = [*(["leave_callback"] if ways.callback else []), *(["leave_message"] if ways.voicemail else []), "leave_stay"]
    return joined(*(spoken(session, base, text, call.locale) for text in texts))


def _call(tx: Tx, sid: str) -> Call | None:
    call_id = tx.session.scalar(select(Call.id).where(Call.sid == sid))
    return None if call_id is None else lock_call(tx, call_id)
