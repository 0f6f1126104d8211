"""The sound of a recorded call: only for whoever may hear it, in pieces as a player asks for them, and each listening noted."""

from __future__ import annotations

from flask import Blueprint, request, send_file
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions import recordings
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.http.sending import SEALED
from desk.queries.recordings import access_recording, has_opened

pages = Blueprint("recordings", __name__)
SOUNDS = ("audio/wav", "audio/mpeg")


@pages.get("/desk/recordings/<int:recording_id>/audio")
@needs(Right.PLAY_RECORDINGS)
def audio(recording_id: int) -> Response:
    """The file, or the part of it that `Range` asks for. A question about it alone (HEAD) is not yet listening."""
    with reading() as session:
        recording, file = access_recording(session, viewer(), recording_id)
        noted = has_opened(session, viewer(), recording, installation().clock.now())
    path = installation().files.path(file.sha256)
    if request.method == "GET" and not noted:
        with writing() as tx:
            recordings.played(tx, recording)
    kind = file.content_type if file.content_type in SOUNDS else "application/octet-stream"
    response = send_file(path, mimetype=kind, download_name=file.name, conditional=True, etag=file.sha256)
    response.headers["Content-Security-Policy"] = SEALED
    # Asked for again each time: the right to hear it may be gone, and the next person at this browser has not signed in.
    response.headers["Cache-Control"] = "private, no-cache"
    return response
