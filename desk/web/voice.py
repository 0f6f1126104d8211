"""The carrier's webhooks about calls. Each has one effect, however often and in whatever order it comes (see `carrier_door`)."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from flask import Blueprint, request
from werkzeug.wrappers import Response

from channels.voice import twiml
from channels.voice.events import FINAL, read_conference
from channels.voice.port import CarrierFailed
from desk.actions import calls
from desk.http.context import installation, reading
from desk.models import Call
from desk.models.call import OVER, QUEUED
from desk.queries.callers import waiting_line
from desk.queries.voice_texts import spoken
from desk.store import Tx
from desk.web.carrier_door import absolute, call_event, effect_once, from_carrier, xml

log = logging.getLogger(__name__)

pages = Blueprint("voice", __name__, url_prefix="/hooks/twilio/voice")
WAIT_AGAIN_S = 15


@pages.post("/wait")
@from_carrier
def wait() -> Response:
    """What a waiting caller hears: their place and an honest estimate, again and again."""
    call_id = request.args.get("call", type=int)
    with reading() as session:
        call = session.get(Call, call_id) if call_id else None
        if call is None:
            return xml(twiml.wait((), WAIT_AGAIN_S))
        if call.state != QUEUED:
            return xml(twiml.wait((), WAIT_AGAIN_S))
        ahead, minutes = waiting_line(session, call, installation().clock.now())
        text = "next" if not ahead else "waiting" if minutes else "ahead"
        base = installation().settings.base_url
        said = spoken(session, base, text, call.locale, ahead=ahead, minutes=minutes or 0)
    return xml(twiml.wait(said, WAIT_AGAIN_S))


@pages.post("/hold")
@from_carrier
def hold() -> Response:
    """What a customer on hold hears; with `why=back` one whose agent's line has broken."""
    text = "back_in_line" if request.args.get("why") == "back" else "hold"
    with reading() as session:
        said = spoken(session, installation().settings.base_url, text, request.args.get("locale", ""))
    return xml(twiml.hold_music(said))


@pages.post("/conference")
@from_carrier
def conference() -> Response:
    """Something happened in a call's room."""
    event = read_conference(request.form)
    effect_once(event.event_key(), event.call_sid, lambda tx: calls.conference_event(tx, event))
    _end_agent_legs("", event.friendly_name)
    if event.event in ("participant-join", "participant-leave"):
        _keep_company("", event.friendly_name)
    return Response(status=204)


@pages.post("/status")
@from_carrier
def status() -> Response:
    """A leg changed its state. `call` and `agent` in the address say whose it is, should we not know it yet."""
    event = call_event()
    call_id, agent_id = request.args.get("call", type=int), request.args.get("agent", type=int)
    caller_gone = event.final and _caller_gone(event.call_sid, call_id)

    def note(tx: Tx) -> None:
        if caller_gone:
            calls.caller_left(tx, tx.session.get_one(Call, call_id))
        calls.leg_status(tx, event, call_id, agent_id)

    effect_once(event.event_key(), event.call_sid, note)
    _end_agent_legs(event.call_sid, "")
    if event.final:
        _keep_company(event.call_sid, "")
    return Response(status=204)


def _caller_gone(leg_sid: str, call_id: int | None) -> bool:
    """Whether an agent's line ended because the caller's did; the carrier's word for that comes on another way, maybe later."""
    with reading() as session:
        call = session.get(Call, call_id) if call_id else None
    if call is None or call.sid == leg_sid or call.state in OVER:
        return False
    try:
        return installation().carrier.call_state(call.sid) in FINAL
    except CarrierFailed as failed:
        log.warning("the carrier did not say whether the caller of %s is there: %s", call.sid, failed)
        return False


def _end_agent_legs(call_sid: str, conference: str) -> None:
    """Once the caller has left nobody's phone goes on ringing."""
    with reading() as session:
        legs = calls.legs_to_end(session, call_sid, conference)
    for leg in legs:
        try:
            installation().carrier.hang_up(leg)
        except CarrierFailed as failed:
            log.warning("the leg %s of a call that is over could not be ended: %s", leg, failed)


def _keep_company(leg_sid: str, conference: str) -> None:
    """A caller whose agent's line has broken hears why and music instead of silence, until somebody is back."""
    with reading() as session:
        call = calls.call_of(session, leg_sid, conference)
        alone = None if call is None else calls.left_alone(session, call)
    if call is None or alone is None:
        return
    hold_url = absolute("/hooks/twilio/voice/hold?" + urlencode({"why": "back", "locale": call.locale}))
    try:
        installation().carrier.hold(conference_sid=call.conference_sid, call_sid=call.sid, on=alone, hold_url=hold_url)
    except CarrierFailed as failed:
        log.warning("the caller of %s could not be told what goes on: %s", call.sid, failed)
