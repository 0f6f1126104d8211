"""Leaving a message on the phone: the tone, the recording, and the carrier's two ways of telling that there is one."""

from __future__ import annotations

from flask import Blueprint, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from channels.voice import twiml
from channels.voice.events import read_recording
from desk.actions import intake
from desk.actions.calls import voicemails, waiting
from desk.actions.calls.locks import lock_call
from desk.models import Calendar, Call, Queue, Ticket
from desk.models.call import OVER, QUEUED, VOICEMAIL
from desk.queries.calendars import to_calendar
from desk.queries.calls.voice_policy import voice_policy
from desk.queries.calls.voice_texts import Prompts, joined, spoken
from desk.store import Tx
from desk.voice_texts import LANGUAGES
from desk.voice_words import digits_in_words, hours_in_words
from desk.web.voice.carrier_door import absolute, call_event, effect_once, from_carrier, once
from desk.web.voice.waiting import back_in

pages = Blueprint("voice_mailbox", __name__, url_prefix="/hooks/twilio/voice")

DONE_WITHOUT = "absent"
WAITED = "waited"  # the queue has led them here, they did not ask for it


@pages.post("/voicemail")
@from_carrier
def record() -> Response:
    """The greeting with our hours, the tone, and then the caller speaks."""
    event, visit, waited = call_event(), request.args.get("n", ""), request.args.get("why") == WAITED

    def begin(tx: Tx) -> str:
        call = _call(tx, event.call_sid)
        if call is None or (call.state in OVER and call.state != VOICEMAIL):
            return twiml.goodbye(())
        if call.state == QUEUED and not waiting.still_waits(tx, call):
            return back_in(tx, call, "somebody_free")
        voicemails.begin(tx, call)
        policy = voice_policy(tx.session)
        return twiml.record_voicemail(
            joined(_say(tx, call, "nobody_free"), _greeting(tx, call)) if waited else _greeting(tx, call),
            absolute("/hooks/twilio/voice/recorded"),
            status_url=absolute("/hooks/twilio/voice/recorded-status"),
            max_s=policy.voicemail_max_s,
            transcribed_url=absolute("/hooks/twilio/voice/transcribed")
            if policy.transcribe_voicemail and call.locale == "en"
            else "",
        )

    return once(f"{event.call_sid}:voicemail:{visit}", event.call_sid, begin)


@pages.post("/recorded")
@from_carrier
def recorded() -> Response:
    """The caller has finished, or hung up; without a recording they said nothing."""
    event, sid = call_event(), request.form.get("RecordingSid", "")
    seconds = read_recording(request.form).duration_s if sid else None

    def keep(tx: Tx) -> str:
        call = _call(tx, event.call_sid)
        if call is None:
            return twiml.goodbye(())
        if sid:
            voicemails.left(tx, call, sid, seconds)
            ticket = tx.session.get(Ticket, call.ticket_id) if call.ticket_id else None
            if ticket is not None and (seconds is None or seconds >= voicemails.SHORTEST_S):
                number = {lang: digits_in_words(str(ticket.number), lang) for lang in LANGUAGES}
                return twiml.goodbye(_say(tx, call, "voicemail_thanks", number=number))
        else:
            voicemails.nothing_said(tx, call)
        return twiml.goodbye(_say(tx, call, "voicemail_empty"))

    return once(f"{event.call_sid}:recorded:{sid}", event.call_sid, keep)


@pages.post("/recorded-status")
@from_carrier
def recorded_status() -> Response:
    """The recording can be fetched, or there is none after all."""
    event = read_recording(request.form)

    def keep(tx: Tx) -> None:
        call = _call(tx, event.call_sid)
        if call is not None and event.status in ("completed", DONE_WITHOUT):
            voicemails.left(tx, call, event.recording_sid, event.duration_s, absent=event.status == DONE_WITHOUT)

    effect_once(event.event_key(), event.call_sid, keep)
    return Response(status=204)


@pages.post("/transcribed")
@from_carrier
def transcribed() -> Response:
    """What the carrier understood of a message, where it writes messages down."""
    event, text = read_recording(request.form), request.form.get("TranscriptionText", "")

    def keep(tx: Tx) -> None:
        call = _call(tx, event.call_sid)
        if call is not None:
            voicemails.transcribed(tx, call, event.recording_sid, text)

    if request.form.get("TranscriptionStatus") == "completed":
        effect_once(f"{event.recording_sid}:transcribed", event.call_sid, keep)
    return Response(status=204)


def _greeting(tx: Tx, call: Call) -> Prompts:
    ticket = tx.session.get(Ticket, call.ticket_id) if call.ticket_id else None
    if ticket is not None:
        queue = tx.session.get_one(Queue, ticket.queue_id)
    else:
        queue = intake.find_queue(tx, str(call.menu.get("chosen", {}).get("queue", "general")))
    calendar = to_calendar(tx.session.get_one(Calendar, queue.calendar_id))
    return _say(tx, call, "voicemail", hours={lang: hours_in_words(calendar, lang) for lang in LANGUAGES})


def _say(tx: Tx, call: Call, text: str, **values: object) -> Prompts:
    return spoken(tx.session, tx.settings.base_url, text, call.locale, **values)  # type: ignore[arg-type]


def _call(tx: Tx, sid: str) -> Call | None:
    call_id = tx.session.scalar(select(Call.id).where(Call.sid == sid))
    return None if call_id is None else lock_call(tx, call_id)
