"""The sound of a recorded call: only for whoever may hear it, in pieces as a player asks for them, and each listening noted."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.calls import recordings
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.http.sending import send
from desk.queries.calls.recordings import access_recording, has_opened

pages = Blueprint("recordings", __name__)
SOUNDS = ("audio/wav", "audio/mpeg")


@pages.get("/desk/recordings/<int:recording_id>/audio")
@needs(Right.PLAY_RECORDINGS)
def audio(recording_id: int) -> Response:
    """The file, or the part of it that `Range` asks for. A question about it alone (HEAD) is not yet listening."""
    with reading() as session:
        recording, file = access_recording(session, viewer(), recording_id)
        noted = has_opened(session, viewer(), recording, installation().clock.now())
    sound = send(file, as_attachment=False, kinds=SOUNDS)
    if request.method == "GET" and not noted:
        with writing() as tx:
            recordings.played(tx, recording)
    return sound
