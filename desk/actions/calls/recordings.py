"""What becomes of a recording that has ended: it is fetched, leaves the carrier, and is erased when its time is over."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.files import KeptFile
from desk.models import Attachment, Call, CallRecording
from desk.models.call import DECLINED
from desk.queries.calls.voice_policy import voice_policy
from desk.store import Tx

CALL, VOICEMAIL = "call", "voicemail"
COMPLETED, ABSENT, FAILED, ERASED = "completed", "absent", "failed", "erased"
# The carrier needs a moment to make the file, and may be away for a day; after that a person has to look.
RETRY_S = (5, 15, 30, 60, 300, 900, 3600, 3600, 3 * 3600, 6 * 3600, 12 * 3600)


def completed(tx: Tx, recording: CallRecording, duration_s: int | None) -> None:
    """The carrier has the whole of it: fetch it now. The second time, and after the end of its life, nothing happens."""
    if recording.state in (COMPLETED, ABSENT, FAILED, ERASED):
        return
    recording.state, recording.duration_s, recording.next_at = COMPLETED, duration_s, tx.now
    _emit(tx, "recording.completed", recording, seconds=duration_s)


def absent(tx: Tx, recording: CallRecording) -> None:
    """There was nothing to record: the call ended at once, or the line was silent."""
    if recording.state in (COMPLETED, ABSENT, FAILED, ERASED):
        return
    recording.state = ABSENT
    _emit(tx, "recording.absent", recording)


def unwanted(tx: Tx, recording: CallRecording) -> bool:
    """Whether it must not be kept: the caller declined after it had begun, a message turned out to be none, its time is over."""
    if recording.state == ERASED:
        return True
    if recording.kind == VOICEMAIL:
        return recording.state == ABSENT
    return tx.session.get_one(Call, recording.call_id).recording == DECLINED


def fetched(tx: Tx, recording: CallRecording, file: KeptFile, doubt: str = "") -> None:
    """We have it. With a `doubt` (it is shorter than it should be) the carrier's stays where it is, for a person to compare."""
    attachment = Attachment(
        sha256=file.sha256,
        name=file.name,
        content_type=file.content_type,
        claimed_type=file.claimed_type,
        size=file.size,
        created_at=tx.now,
    )
    tx.session.add(attachment)
    tx.session.flush()
    recording.attachment_id, recording.fetched_at, recording.attempts, recording.error = attachment.id, tx.now, 0, doubt
    leaves = not doubt and voice_policy(tx.session).recordings_leave_carrier
    recording.next_at = tx.now if leaves else None
    _emit(tx, "recording.fetched", recording, bytes=file.size, sha256=file.sha256)


def left_carrier(tx: Tx, recording: CallRecording) -> None:
    """It is deleted at the carrier: either we have it, or nobody may."""
    recording.deleted_at, recording.next_at, recording.attempts, recording.error = tx.now, None, 0, ""
    if recording.attachment_id is None:
        recording.state = ERASED
    _emit(tx, "recording.left_carrier", recording)


def put_off(tx: Tx, recording: CallRecording, error: str, *, again: bool) -> None:
    """It did not work: try later, or give up when there is no point or all attempts were in vain."""
    recording.error = error[:500]
    if again and recording.attempts < len(RETRY_S):
        recording.next_at = tx.now + timedelta(seconds=RETRY_S[recording.attempts])
        recording.attempts += 1
        return
    recording.next_at = None
    if recording.attachment_id is None:
        recording.state = FAILED
    _emit(tx, "recording.failed", recording, error=recording.error)


def erase(tx: Tx, recording: CallRecording) -> str:
    """Its time is over: the row stays, the sound goes. Answers the SHA-256 of a file that no row names any more, else "".

    What the carrier still has of it is deleted there next.
    """
    attachment = tx.session.get(Attachment, recording.attachment_id) if recording.attachment_id else None
    there = recording.deleted_at is None and recording.state in (COMPLETED, FAILED)
    recording.attachment_id, recording.state, recording.next_at = None, ERASED, tx.now if there else None
    _emit(tx, "recording.erased", recording)
    if attachment is None:
        return ""
    tx.session.flush()
    tx.session.delete(attachment)
    tx.session.flush()
    others = select(Attachment.id).where(Attachment.sha256 == attachment.sha256).limit(1)
    return "" if tx.session.scalar(others) else attachment.sha256


def played(tx: Tx, recording: CallRecording) -> None:
    """Somebody opened it to listen."""
    _emit(tx, "recording.played", recording)


def _emit(tx: Tx, kind: str, recording: CallRecording, **data: object) -> None:
    call = tx.session.get_one(Call, recording.call_id)
    tx.emit(
        kind,
        call=call,
        ticket=call.ticket_id,
        customer=call.customer_id,
        data={"recording": recording.id, **data},
    )
