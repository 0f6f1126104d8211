"""How the house handles its phone calls: what is recorded, who is told of what, how long things may take."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy.orm import Session

from desk.models import Setting

SETTING = "voice.policy"


@dataclass(frozen=True)
class VoicePolicy:
    """The rules as they ship; `*_s` are seconds, `*_kept_days` days, times of day are those of the queue's calendar.

    `announce_listening`: the agent sees that a supervisor listens. `pause_s`: how long a recording pauses before it goes on by
    itself. `callback_from_s`: from which estimated wait on a callback is offered. `callback_hours`: when customers may be rung
    back. `pass_on_caller_id`: an outside number that a call goes on to sees the caller's number instead of ours.
    `emergency_number` is said to callers when we are closed; empty says nothing of one. `recordings_leave_carrier`: what we have
    fetched is deleted at the carrier. `transcribe_voicemail`: the carrier writes down what English messages say.
    """

    recording: bool = True
    announce_listening: bool = True
    pause_s: int = 120
    wrap_up_prompt_s: int = 60
    callback: bool = True
    callback_from_s: int = 120
    callback_hours: tuple[str, str] = ("08:00", "21:00")
    voicemail: bool = True
    voicemail_max_s: int = 180
    transcribe_voicemail: bool = False
    pass_on_caller_id: bool = False
    emergency_number: str = ""
    queue_limit: int = 200
    identify_callers: bool = True
    recordings_kept_days: int = 180
    recordings_leave_carrier: bool = True

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> VoicePolicy:
        """The rules as `to_dict` wrote them; what was not known then is as it ships."""
        known = {field.name: kept[field.name] for field in fields(cls) if field.name in kept}
        if "callback_hours" in known:
            known["callback_hours"] = tuple(known["callback_hours"])
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "callback_hours": list(self.callback_hours)}


def voice_policy(session: Session) -> VoicePolicy:
    """The rules that hold now."""
    row = session.get(Setting, SETTING)
    return VoicePolicy() if row is None else VoicePolicy.from_dict(row.value)
