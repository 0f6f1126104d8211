"""The number outside to which a menu leads: ringing it, and what the carrier says of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import urlencode

from flask import Blueprint, request
from werkzeug.wrappers import Response

from channels.voice.port import CarrierFailed
from desk.actions.calls import outside as call_outside
from desk.actions.calls.locks import lock_call
from desk.events import SYSTEM
from desk.http.context import installation, reading, writing
from desk.models import Call
from desk.store import Tx
from desk.web.voice.carrier_door import absolute, call_event, effect_once, from_carrier

log = logging.getLogger(__name__)

pages = Blueprint("voice_outside", __name__, url_prefix="/hooks/twilio/voice")

RING_S = 25


@pages.post("/outside")
@from_carrier
def outside() -> Response:
    """The number outside answered, or did not."""
    event, call_id = call_event(), request.args.get("call", type=int)
    with reading() as session:
        known = session.get(Call, call_id) if call_id else None
    if known is None:
        return Response(status=204)
    back = []

    def note(tx: Tx) -> None:
        call = lock_call(tx, known.id)
        if call_outside.outside_status(tx, call, event.status, event.final):
            back.append(call.sid)

    effect_once(event.event_key("outside"), event.call_sid, note)
    with reading() as session:
        unwanted = call_outside.is_unwanted(session.get_one(Call, known.id))
    if unwanted and not event.final:
        _try_to("end the leg to the number outside", lambda: installation().carrier.hang_up(event.call_sid))
    for sid in back:
        _take_back(sid)
    return Response(status=204)


def ring_outside(sid: str) -> None:
    """Ring the number that this caller was promised, unless that has been done already."""
    with reading() as session:
        ring = call_outside.to_ring(session, sid)
    if ring is None:
        return
    status_url = absolute("/hooks/twilio/voice/outside?" + urlencode({"call": ring.call_id}))
    try:
        leg = installation().carrier.add_participant(
            conference=ring.conference,
            to=ring.to,
            from_=ring.from_,
            label="outside",
            status_url=status_url,
            ring_timeout_s=RING_S,
            end_conference_on_exit=True,
        )
    except CarrierFailed as failed:
        log.warning("the number outside could not be rung for %s: %s", sid, failed)
        _take_back(sid)
        return
    with writing(SYSTEM) as tx:
        call_outside.rung(tx, ring, leg)


def _take_back(sid: str) -> None:
    url = absolute("/hooks/twilio/voice/menu?" + urlencode({"at": "outside"}))
    _try_to("take the caller back from the number outside", lambda: installation().carrier.redirect(call_sid=sid, url=url))


def _try_to(what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except CarrierFailed as failed:
        log.warning("could not %s: %s", what, failed)
