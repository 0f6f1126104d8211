"""What a carrier tells us by webhook, as frozen values.

Webhooks come late, twice and out of order: hence the keys and the ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STATUSES = ("queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")
FINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})

_RANK = {"queued": 0, "initiated": 1, "ringing": 2, "in-progress": 3} | dict.fromkeys(FINAL, 4)


class BadWebhook(ValueError):
    """The form lacks the field without which it says nothing; the text names the field."""


@dataclass(frozen=True)
class CallEvent:
    """One leg and its state. `digits` is None when the carrier did not ask for any, "" when the caller stayed silent.

    `sequence` orders the status callbacks of one leg (None on requests for instructions). `token` is the same on every attempt to
    deliver one request (header `I-Twilio-Idempotency-Token`) and "" when the carrier sent none. `speech` is what the carrier
    understood (`confidence` 0 to 1), `answered_by` what machine detection found (`human`, `machine_start`, `fax`, `unknown`).
    """

    call_sid: str
    from_: str
    to: str
    status: str
    direction: str
    digits: str | None = None
    sequence: int | None = None
    duration_s: int | None = None
    parent_call_sid: str = ""
    caller_name: str = ""
    dial_status: str = ""
    conference_sid: str = ""
    account_sid: str = ""
    token: str = ""
    speech: str = ""
    confidence: float | None = None
    answered_by: str = ""

    def event_key(self, step: str = "status") -> str:
        """The same for every delivery of one webhook. `step` tells requests for instructions apart (the path, the menu name)."""
        if self.token:
            return f"{self.call_sid}:{step}:{self.token}"
        sequence = "-" if self.sequence is None else str(self.sequence)
        return f"{self.call_sid}:{step}:{self.status}:{sequence}:{self.digits if self.digits is not None else '-'}"

    @property
    def final(self) -> bool:
        return self.status in FINAL


@dataclass(frozen=True)
class ConferenceEvent:
    """Something that happened in a room.

    `event` is `conference-start`, `conference-end` or `participant-` with `join`, `leave`, `mute`, `unmute`, `hold`, `unhold`,
    `modify`. `call_status` comes with a leave: a leg that never joined (`participant_add_failed`) says why.
    `call_sid` and `label` are empty for events about the room itself; `sequence` grows within the room.
    """

    conference_sid: str
    friendly_name: str
    event: str
    call_sid: str = ""
    label: str = ""
    sequence: int | None = None
    muted: bool = False
    hold: bool = False
    coaching: bool = False
    reason: str = ""
    call_status: str = ""
    account_sid: str = ""

    def event_key(self) -> str:
        """The same for every delivery of one event."""
        sequence = "-" if self.sequence is None else str(self.sequence)
        return f"{self.conference_sid}:{self.call_sid or '-'}:{self.event}:{sequence}"


@dataclass(frozen=True)
class RecordingEvent:
    """A recording has begun, is complete (it can be fetched) or turned out to hold nothing (`absent`).

    The same form comes as the action of a voicemail (`status` is "" then); `digits` is the key that ended it, `hangup` for none.
    """

    call_sid: str
    recording_sid: str
    status: str
    duration_s: int | None = None
    channels: int | None = None
    source: str = ""
    digits: str = ""
    url: str = ""
    account_sid: str = ""

    def event_key(self) -> str:
        """The same for every delivery of one report."""
        return f"{self.recording_sid}:{self.status or 'action'}"


def read_call(params: Mapping[str, str], token: str = "") -> CallEvent:
    """A voice request or a call status callback. `token` is the `I-Twilio-Idempotency-Token` header. Raises `BadWebhook`."""
    return CallEvent(
        call_sid=_required(params, "CallSid"),
        from_=params.get("From", ""),
        to=params.get("To", ""),
        status=params.get("CallStatus", ""),
        direction=params.get("Direction", ""),
        digits=params.get("Digits"),
        sequence=_number(params, "SequenceNumber"),
        duration_s=_number(params, "CallDuration"),
        parent_call_sid=params.get("ParentCallSid", ""),
        caller_name=params.get("CallerName", ""),
        dial_status=params.get("DialCallStatus", ""),
        conference_sid=params.get("ConferenceSid", ""),
        account_sid=params.get("AccountSid", ""),
        token=token,
        speech=params.get("SpeechResult", ""),
        confidence=_share(params, "Confidence"),
        answered_by=params.get("AnsweredBy", ""),
    )


def read_conference(params: Mapping[str, str]) -> ConferenceEvent:
    """A conference status callback. Raises `BadWebhook`."""
    return ConferenceEvent(
        conference_sid=_required(params, "ConferenceSid"),
        friendly_name=params.get("FriendlyName", ""),
        event=_required(params, "StatusCallbackEvent"),
        call_sid=params.get("CallSid", ""),
        label=params.get("ParticipantLabel", ""),
        sequence=_number(params, "SequenceNumber"),
        muted=params.get("Muted", "") == "true",
        hold=params.get("Hold", "") == "true",
        coaching=params.get("Coaching", "") == "true",
        reason=params.get("ReasonParticipantLeft", "") or params.get("ReasonConferenceEnded", ""),
        call_status=params.get("ParticipantCallStatus", ""),
        account_sid=params.get("AccountSid", ""),
    )


def read_recording(params: Mapping[str, str]) -> RecordingEvent:
    """A recording status callback, or the action request of a voicemail. Raises `BadWebhook`."""
    return RecordingEvent(
        call_sid=_required(params, "CallSid"),
        recording_sid=_required(params, "RecordingSid"),
        status=params.get("RecordingStatus", ""),
        duration_s=_number(params, "RecordingDuration"),
        channels=_number(params, "RecordingChannels"),
        source=params.get("RecordingSource", ""),
        digits=params.get("Digits", ""),
        url=params.get("RecordingUrl", ""),
        account_sid=params.get("AccountSid", ""),
    )


def later(old: str | None, new: str) -> str:
    """Which of two statuses of one leg to keep: a state never moves backwards, and the first end is the end.

    >>> later("in-progress", "ringing"), later("ringing", "completed"), later("busy", "completed")
    ('in-progress', 'completed', 'busy')
    """
    if old is None:
        return new
    return new if _RANK.get(new, -1) > _RANK.get(old, -1) else old


def _required(params: Mapping[str, str], name: str) -> str:
    value = params.get(name, "")
    if not value:
        raise BadWebhook(f"The webhook has no {name}.")
    return value


def _number(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def _share(params: Mapping[str, str], name: str) -> float | None:
    try:
        value = float(params.get(name, ""))
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
