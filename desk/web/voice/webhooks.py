"""The carrier's webhooks about calls. Each has one effect, however often and in whatever order it comes (see `carrier_door`)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from channels.voice import twiml
from channels.voice.events import FINAL, ConferenceEvent, read_conference, read_recording
from channels.voice.port import CarrierFailed
from desk.actions.calls import calls, legs, outbound
from desk.actions.calls import line as call_line
from desk.actions.calls import recording as call_recording
from desk.actions.calls.legs import Party
from desk.actions.calls.line import Line
from desk.actions.calls.locks import lock_call
from desk.http.context import installation, reading
from desk.models import Call
from desk.models.call import AGENT, DIALING, OVER
from desk.queries.calls.menus import music_of
from desk.queries.calls.voice_texts import spoken
from desk.store import Tx
from desk.web.voice.carrier_door import call_event, effect_once, from_carrier, said_at, xml

log = logging.getLogger(__name__)

pages = Blueprint("voice", __name__, url_prefix="/hooks/twilio/voice")
ENDED = "conference-end"
LEAVING = (ENDED, "participant-leave")
KEYS, MOST_KEYS = frozenset("0123456789*#wW"), 32


@pages.post("/hold")
@from_carrier
def hold() -> Response:
    """What a customer on hold hears; with `why=back` one whose agent's line broke, with `why=passed` one who is passed on."""
    text = {"back": "back_in_line", "passed": "transferring"}.get(request.args.get("why", ""), "hold")
    base, call_id = installation().settings.base_url, request.args.get("call", type=int)
    with reading() as session:
        said = spoken(session, base, text, request.args.get("locale", ""))
        call = session.get(Call, call_id) if call_id else None
        music = music_of(session, call, base) if call is not None else ""
    return xml(twiml.hold_music(said, music or twiml.MUSIC_URL))


@pages.post("/conference")
@from_carrier
def conference() -> Response:
    """Something happened in a call's room."""
    event, at = read_conference(request.form), said_at()
    there = event.event in LEAVING and _is_still_there(event)

    def note(tx: Tx) -> None:
        legs.conference_event(tx, event, customer_there=there, at=at)

    effect_once(event.event_key(), event.call_sid, note)
    # An agent has just put somebody on hold, or is about to be recorded as having done so: that is for them to decide.
    _follow_up(lambda session: legs.call_of(session, "", event.friendly_name), music=not event.event.endswith("hold"))
    return Response(status=204)


@pages.post("/status")
@from_carrier
def status() -> Response:
    """A leg changed its state. The address says whose it is, should we not know it yet."""
    event, party, at = call_event(), _party(), said_at()
    caller_gone = event.final and party is not None and _caller_gone(event.call_sid, party.call_id)

    def note(tx: Tx) -> str:
        if caller_gone and party is not None:
            calls.caller_left(tx, lock_call(tx, party.call_id), at)
        legs.leg_status(tx, event, party, at)
        return "" if legs.leg_of(tx.session, event.call_sid) else event.status  # the call itself is still to come

    effect_once(event.event_key(), event.call_sid, note)
    _follow_up(lambda session: legs.call_of(session, event.call_sid, ""))
    return Response(status=204)


@pages.post("/recording")
@from_carrier
def recording() -> Response:
    """A recording of a call has begun, is complete, or holds nothing."""
    event = read_recording(request.form)
    effect_once(event.event_key(), event.call_sid, lambda tx: call_recording.reported(tx, event))
    return Response(status=204)


@pages.post("/amd")
@from_carrier
def amd() -> Response:
    """The carrier listened who has answered a call of ours. A machine that took a promised call back is hung up on."""
    event, call_id = call_event(), request.args.get("call", type=int) or 0

    def note(tx: Tx) -> None:
        if tx.session.get(Call, call_id) is not None:
            call = lock_call(tx, call_id)
            outbound.answered_by(tx, call, event.answered_by)
            outbound.leave_machine(tx, call)

    effect_once(f"{event.call_sid}:amd", event.call_sid, note)
    Line(installation()).settle(call_id)
    return Response(status=204)


@pages.post("/keys")
@from_carrier
def keys() -> Response:
    """The tones that an agent pressed, for the machine at the other end."""
    digits = "".join(each for each in request.args.get("digits", "") if each in KEYS)[:MOST_KEYS]
    return xml(twiml.play_digits(digits) if digits else twiml.wait((), 1))


@pages.post("/notice")
@from_carrier
def notice() -> Response:
    """What somebody hears whom we called: that the call is recorded."""
    with reading() as session:
        call = session.get(Call, request.args.get("call", type=int) or 0)
        said = spoken(session, installation().settings.base_url, "recorded", call.locale if call else "")
    return xml(twiml.announcement(said))


def _party() -> Party | None:
    """Whose leg the carrier reports on, by what we put into its address."""
    args = request.args
    call_id = args.get("call", type=int)
    if call_id is None:
        return None
    return Party(
        call_id,
        args.get("party", AGENT),
        args.get("label", ""),
        args.get("agent", type=int),
        mode=args.get("mode", ""),
    )


def _follow_up(find: Callable[[Session], Call | None], *, music: bool = True) -> None:
    """What the carrier has to do now that the rows have changed."""
    line = Line(installation())
    with reading() as session:
        call = find(session)
        if call is None:
            return
        to_ring = outbound.is_to_be_rung(session, call)
        due = None if to_ring else call_line.due(session, call, music=music)
    if due is not None:
        line.do(call, due)
        return
    line.ring_customer(call.id)
    line.settle(call.id, music=music)


def _caller_gone(leg_sid: str, call_id: int) -> bool:
    """Whether an agent's line ended because the caller's did; the carrier's word for that comes on another way, maybe later."""
    with reading() as session:
        call = session.get(Call, call_id)
    if call is None or call.sid == leg_sid or call.state in (*OVER, DIALING):
        return False
    try:
        return installation().carrier.call_state(call.sid) in FINAL
    except CarrierFailed as failed:
        log.warning("the carrier did not say whether the caller of %s is there: %s", call.sid, failed)
        return False


def _is_still_there(event: ConferenceEvent) -> bool:
    """Whether the room has lost its customer, or ended, and they are on the line all the same."""
    with reading() as session:
        call = legs.call_of(session, "", event.friendly_name)
    return call is not None and (event.event == ENDED or event.call_sid == call.sid) and _goes_on(call)


def _goes_on(call: Call) -> bool:
    """Whether the customer is still on the line though they have left the room, for a callback or to leave a message."""
    if call.state in OVER:
        return False
    try:
        return installation().carrier.call_state(call.sid) not in (*FINAL, None)
    except CarrierFailed as failed:
        log.warning("the carrier did not say whether the caller of %s is there: %s", call.sid, failed)
        return True
