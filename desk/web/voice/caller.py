"""What the carrier asks of us on a caller's way to a person: a document for each step, the same however often it asks."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, request, send_file
from werkzeug.wrappers import Response

from channels.voice import twiml
from desk.actions.calls import arrival, legs
from desk.actions.calls.arrival import ASK, GOODBYE, LEAVE_MESSAGE, OUTSIDE, RING_BACK, Answer
from desk.errors import NotFound
from desk.http.context import installation, reading
from desk.http.guard import signed
from desk.models import Attachment, Call
from desk.queries.calls.voice_audio import audio_of
from desk.store import Tx
from desk.web.voice.carrier_door import absolute, call_event, from_carrier, once
from desk.web.voice.outside import ring_outside
from desk.web.voice.waiting import into_queue

pages = Blueprint("voice_caller", __name__, url_prefix="/hooks/twilio/voice")

SPEECH = {"zh": "cmn-Hans-CN", "en": "en-US"}
NOTICE_S, MENU_S = 2, 5  # how long we wait for a key after the last word


@pages.post("/incoming")
@from_carrier
def incoming() -> Response:
    """Somebody calls our number."""
    event = call_event()

    def begin(tx: Tx) -> str:
        call = arrival.arrive(tx, event)
        document = _document(tx, call, arrival.begin(tx, call))
        legs.ended_before(tx, call)
        return document

    return once(event.event_key("incoming"), event.call_sid, begin)


@pages.post("/menu")
@from_carrier
def menu() -> Response:
    """The caller pressed a key, spoke, or did nothing. Each question has an address of its own, so that an answer counts once."""
    event, at = call_event(), request.args.get("at", "")

    leads_to: list[str] = []

    def go_on(tx: Tx) -> str:
        call = arrival.arrive(tx, event)
        answer = arrival.press(tx, call, event.digits, event.speech, event.confidence)
        leads_to[:] = [answer.then]
        return _document(tx, call, answer)

    document = once(f"{event.call_sid}:menu:{at}", event.call_sid, go_on)
    if leads_to in ([], [OUTSIDE]):  # nothing: it came before
        ring_outside(event.call_sid)
    return document


@pages.get("/audio/<token>")
@signed
def audio(token: str) -> Response:
    """Audio that an administrator has uploaded, as long as it is said. Only our documents to the carrier say its address."""
    with reading() as session:
        found = audio_of(session, token)
        attachment = None if found is None else session.get_one(Attachment, found.attachment_id)
    if attachment is None:
        raise NotFound("This file is not there.")
    path = installation().files.path(attachment.sha256)
    return send_file(path, mimetype=attachment.content_type, conditional=True)


def _document(tx: Tx, call: Call, answer: Answer) -> str:
    if answer.then == ASK:
        at = urlencode({"at": answer.at})
        return twiml.gather(
            answer.say,
            absolute(f"/hooks/twilio/voice/menu?{at}"),
            timeout_s=NOTICE_S if call.menu["stage"] == "notice" else MENU_S,
            finish_on_key="",
            speech=SPEECH.get(answer.speech, ""),
            hints=answer.hints,
        )
    if answer.then == GOODBYE:
        return twiml.goodbye(answer.say)
    if answer.then in (LEAVE_MESSAGE, RING_BACK):
        where = urlencode({"call": call.id, "why": answer.why})
        return twiml.say_then(answer.say, absolute(f"/hooks/twilio/voice/{answer.then}?{where}"))
    if answer.then == OUTSIDE:
        return twiml.join_queue(
            call.conference,
            absolute(f"/hooks/twilio/voice/hold?{urlencode({'call': call.id, 'locale': call.locale})}"),
            status_url=absolute("/hooks/twilio/voice/conference"),
            lead_in=answer.say,
            label="customer",
        )
    return into_queue(tx.session, call, answer.say)
