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
    deliver one request (header `I-Twilio-Idempotency-Token`) and "" when the carrier sent none.
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

    `event` is `conference-start`, `conference-end` or `participant-` with `join`, `leave`, `mute`, `unmute`, `hold`, `unhold`.
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
    reason: str = ""
    account_sid: str = ""

    def event_key(self) -> str:
        """The same for every delivery of one event."""
        sequence = "-" if self.sequence is None else str(self.sequence)
        return f"{self.conference_sid}:{self.call_sid or '-'}:{self.event}:{sequence}"


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
        reason=params.get("ReasonParticipantLeft", "") or params.get("ReasonConferenceEnded", ""),
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
