"""The questions after a call: a document for each, the same however often the carrier asks for it."""

from __future__ import annotations

import logging

from flask import Blueprint, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from channels.voice import twiml
from channels.voice.port import CarrierFailed
from desk.actions.calls import calls, phone_survey
from desk.actions.calls.locks import lock_call
from desk.actions.calls.phone_survey import EXPECTED, SOLVED, Asked
from desk.actions.calls.recording import running
from desk.http.context import change, installation, reading
from desk.models import Call
from desk.models.survey import SCALES
from desk.queries.calls.voice_texts import Prompts, joined, spoken
from desk.queries.surveys.rules import survey_rules
from desk.store import Tx
from desk.voice_texts import LANGUAGES
from desk.web.voice.carrier_door import absolute, call_event, from_carrier, once

log = logging.getLogger(__name__)

pages = Blueprint("voice_survey", __name__, url_prefix="/hooks/twilio/voice")
ANSWER_S = 6


def ask(call: Call, leg_sid: str) -> bool:
    """The agent hangs up, and the caller goes on to the questions; False when they are not asked, and nothing was done.

    What we know says first that the call is over, so that whatever the carrier tells of the room comes after it.
    """

    def begin(tx: Tx) -> bool:
        row = lock_call(tx, call.id)
        if phone_survey.begin(tx, row) is None:
            return False
        calls.caller_left(tx, row, by="agent")
        return True

    if not change(begin):
        return False
    carrier = installation().carrier
    try:
        _stop_recording(call)
        carrier.redirect(call_sid=call.sid, url=absolute("/hooks/twilio/voice/survey"))
        if leg_sid.startswith("CA"):
            carrier.hang_up(leg_sid)
    except CarrierFailed as failed:
        log.warning("the caller of %s could not be asked how it was: %s", call.sid, failed)
        change(lambda tx: phone_survey.give_up(tx, lock_call(tx, call.id)))
        return False
    return True


@pages.post("/survey")
@from_carrier
def begin() -> Response:
    """The first question."""
    event = call_event()
    return once(f"{event.call_sid}:survey", event.call_sid, lambda tx: _document(tx, event.call_sid, None, ""))


@pages.post("/survey/answer")
@from_carrier
def answer() -> Response:
    """Keys, or none. Each question has an address of its own, so that an answer counts once."""
    event, at = call_event(), request.args.get("at", 0, type=int)
    key = f"{event.call_sid}:survey:{at}"
    return once(key, event.call_sid, lambda tx: _document(tx, event.call_sid, at, event.digits or ""))


def _document(tx: Tx, sid: str, at: int | None, keys: str) -> str:
    call_id = tx.session.scalar(select(Call.id).where(Call.sid == sid))
    if call_id is None:
        return twiml.goodbye(())
    call = lock_call(tx, call_id)
    asked = phone_survey.first(tx, call) if at is None else phone_survey.press(tx, call, at, keys)
    said = [spoken(tx.session, tx.settings.base_url, text, call.locale) for text in asked.before]
    if not asked.step:
        return twiml.goodbye(joined(*said))
    return twiml.gather(
        joined(*said, _question(tx, call, asked)),
        absolute(f"/hooks/twilio/voice/survey/answer?at={asked.at}"),
        timeout_s=ANSWER_S,
        num_digits=1 if asked.one_key else None,
        finish_on_key="" if asked.one_key else "#",
    )


def _question(tx: Tx, call: Call, asked: Asked) -> Prompts:
    base = tx.settings.base_url
    if asked.step == SOLVED:
        return spoken(tx.session, base, "survey_solved", call.locale)
    words = survey_rules(tx.session).questions[EXPECTED if asked.step == EXPECTED else asked.kind]
    languages = (call.locale,) if call.locale in LANGUAGES else LANGUAGES
    least, most = SCALES[asked.kind]
    keys = "survey_key" if asked.one_key else "survey_keys"
    said = tuple((lang, words[lang]) for lang in languages)
    return joined(said, spoken(tx.session, base, keys, call.locale, least=least, most=most))


def _stop_recording(call: Call) -> None:
    """What they answer belongs to no recording of the conversation."""
    with reading() as session:
        recording = running(session, call)
    if recording is not None:
        installation().carrier.stop_recording(call_sid=call.sid, recording_sid=recording.sid)
