"""A recording for somebody who wants to listen, and whether that has been noted already."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, untouched_by, visible_tickets
from desk.errors import NotFound
from desk.events import Event
from desk.models import Attachment, Call, CallRecording, CallSegment, Ticket
from desk.models.call import DECLINED

ONE_OPENING = timedelta(minutes=10)  # a player asks for the pieces of a recording again and again while somebody listens
LATEST = 200
VOICEMAIL = "voicemail"


def access_recording(session: Session, viewer: Viewer, recording_id: int) -> tuple[CallRecording, Attachment]:
    """The recording and its file if the viewer may listen to it; raises `NotFound` otherwise, whichever the reason.

    Supervisors may hear all, officers those of their complaints, agents the calls that they were part of; a message left for
    us is heard by whoever reads its ticket. What a caller did not want recorded is heard by nobody.
    """
    recording = session.get(CallRecording, recording_id)
    call = session.get(Call, recording.call_id) if recording else None
    if recording is None or call is None or not may_hear(session, viewer, recording, call):
        raise NotFound("There is no such recording.")
    file = session.get(Attachment, recording.attachment_id) if recording.attachment_id else None
    if file is None:
        raise NotFound("The sound of this recording is not here.")
    return recording, file


def has_opened(session: Session, viewer: Viewer, recording: CallRecording, now: datetime) -> bool:
    """Whether this listening has been noted: by the same person, not longer ago than they may still be at it.

    Only the latest listenings of all are looked at; on a desk where more go on at once one may be noted twice.
    """
    since = now - max(ONE_OPENING, timedelta(seconds=(recording.duration_s or 0) * 2))
    latest = select(Event.actor_kind, Event.actor_id, Event.at, Event.data).where(Event.kind == "recording.played")
    mine = (viewer.actor.kind, viewer.actor.id)
    return any(
        (kind, actor_id) == mine and at >= since and data.get("recording") == recording.id
        for kind, actor_id, at, data in session.execute(latest.order_by(Event.id.desc()).limit(LATEST))
    )


def may_hear(session: Session, viewer: Viewer, recording: CallRecording, call: Call) -> bool:
    """Whether the viewer may listen to it, wherever its sound is now."""
    if not session.scalar(select(Call.id).where(Call.id == call.id, untouched_by(viewer, Call.ticket_id))):
        return False
    if recording.kind == VOICEMAIL:
        return _reads_ticket(session, viewer, call.ticket_id)
    if call.recording == DECLINED:
        return False
    if viewer.can(Right.SUPERVISE):
        return True
    if not viewer.can(Right.PLAY_RECORDINGS):
        return False
    if viewer.can(Right.HANDLE_COMPLAINT) and _reads_ticket(session, viewer, call.ticket_id, complaint=True):
        return True
    return viewer.agent_id is not None and bool(
        session.scalar(
            select(exists().where(CallSegment.call_id == call.id, CallSegment.agent_id == viewer.agent_id)),
        )
    )


def _reads_ticket(session: Session, viewer: Viewer, ticket_id: int | None, *, complaint: bool = False) -> bool:
    if ticket_id is None:
        return False
    query = select(Ticket.id).where(Ticket.id == ticket_id, visible_tickets(viewer))
    return session.scalar(query.where(Ticket.type == "complaint") if complaint else query) is not None
