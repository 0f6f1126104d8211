"""Recording a call: only when the customer has heard so and did not object, with pauses that end by themselves."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.voice.events import RecordingEvent
from desk.actions.calls import calls, recordings
from desk.actions.calls.states import check
from desk.errors import Conflict
from desk.models import Call, CallRecording
from desk.models.call import (
    CONFERENCE,
    NOT_RECORDED,
    PAUSED,
    RECORDING,
    TALKING,
    UNDECIDED,
    WITH_AGENT,
)
from desk.queries.calls.voice_policy import voice_policy
from desk.store import Tx

NOTICE = "recording"
IN_PROGRESS, PAUSED_STATE = "in_progress", "paused"
OVER_STATES = ("completed", "absent", "failed")


def needs_notice(session: Session, call: Call) -> bool:
    """Whether the customer is to hear now that the call is recorded: those whom we called have come through no menu."""
    ready = call.direction == "out" and call.state in (TALKING, CONFERENCE) and bool(call.conference_sid)
    return ready and call.announced_at is None and call.recording == UNDECIDED and voice_policy(session).recording


def announced(tx: Tx, call: Call) -> None:
    """The customer hears the notice at this moment."""
    if call.announced_at is None:
        call.announced_at, call.announcement = tx.now, NOTICE
        calls.emit(tx, "call.announced", call, data={"announcement": NOTICE})


def may_begin(session: Session, call: Call) -> bool:
    """Whether the call is to be recorded and is not yet."""
    if call.state not in WITH_AGENT or call.recording != UNDECIDED or call.lost_until is not None:
        return False
    return call.announced_at is not None and voice_policy(session).recording


def claim(tx: Tx, call: Call) -> bool:
    """Whether the recording is to be started now, which is asked by several and answered with yes once."""
    if not may_begin(tx.session, call):
        return False
    mine = update(Call).where(Call.id == call.id, Call.recording == UNDECIDED).values(recording=RECORDING)
    won = tx.session.execute(mine.execution_options(synchronize_session=False)).rowcount == 1  # type: ignore[attr-defined]
    tx.session.refresh(call)
    return won


def started(tx: Tx, call: Call, sid: str) -> CallRecording:
    """The carrier records under this name. Told twice, it has begun once."""
    recording = tx.session.scalar(select(CallRecording).where(CallRecording.sid == sid))
    if recording is None:
        recording = CallRecording(call_id=call.id, sid=sid, started_at=tx.now)
        tx.session.add(recording)
        calls.emit(tx, "call.recording_began", call)
    return recording


def not_started(tx: Tx, call: Call, reason: str) -> None:
    """The carrier does not record: the call goes on without, and everybody sees it."""
    call.recording = NOT_RECORDED
    calls.emit(tx, "call.recording_failed", call, data={"reason": reason[:200]})


def check_change(session: Session, call: Call, do: str) -> CallRecording:
    """The recording that can be paused, resumed or stopped now; raises `Conflict` with the reason why not."""
    check(call, "record")
    recording = running(session, call)
    if recording is None or call.recording not in (RECORDING, PAUSED):
        raise Conflict("This call is not recorded.")
    if do == "pause" and call.recording == PAUSED:
        raise Conflict("The recording is paused already.")
    if do == "resume" and call.recording != PAUSED:
        raise Conflict("The recording is not paused.")
    return recording


def changed(tx: Tx, call: Call, do: str, *, by_itself: bool = False) -> None:
    """The carrier has paused the recording, gone on with it, or stopped it. A pause ends by itself."""
    recording = running(tx.session, call)
    if recording is None:
        return
    now = tx.now.isoformat()
    if do == "pause":
        call.recording, recording.state = PAUSED, PAUSED_STATE
        call.recording_pause_until = tx.now + timedelta(seconds=voice_policy(tx.session).pause_s)
        recording.pauses = [*recording.pauses, [now, ""]]
    else:
        call.recording_pause_until = None
        if recording.pauses and not recording.pauses[-1][1]:
            recording.pauses = [*recording.pauses[:-1], [recording.pauses[-1][0], now]]
        call.recording = NOT_RECORDED if do == "stop" else RECORDING
        recording.state = IN_PROGRESS
    words = {"pause": "call.recording_paused", "resume": "call.recording_resumed", "stop": "call.recording_stopped"}
    calls.emit(tx, words[do], call, data={"by_itself": by_itself})


def reported(tx: Tx, event: RecordingEvent) -> None:
    """What the carrier says of a recording of a call. Its end is its end, whatever comes later."""
    recording = tx.session.scalar(select(CallRecording).where(CallRecording.sid == event.recording_sid))
    if recording is None:
        call = tx.session.scalar(select(Call).where(Call.sid == event.call_sid))
        if call is None:
            return
        recording = started(tx, call, event.recording_sid)  # word of it has overtaken the answer to our request
    if recording.state in OVER_STATES or event.status not in OVER_STATES:
        return
    if recording.pauses and not recording.pauses[-1][1]:
        recording.pauses = [*recording.pauses[:-1], [recording.pauses[-1][0], tx.now.isoformat()]]
    tx.session.flush()
    if event.status == "completed":
        recordings.completed(tx, recording, event.duration_s or 0)
    elif event.status == "absent":
        recordings.absent(tx, recording)
    else:
        recording.state = "failed"


def running(session: Session, call: Call) -> CallRecording | None:
    """The recording of this call that goes on or pauses."""
    query = select(CallRecording).where(CallRecording.call_id == call.id, CallRecording.kind == "call")
    query = query.where(CallRecording.state.not_in(OVER_STATES))
    return session.scalar(query.order_by(CallRecording.id.desc()).limit(1))
