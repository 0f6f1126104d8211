"""Bytes of the file store on their way to a browser or a program."""

from __future__ import annotations

from collections.abc import Collection

from flask import send_file
from werkzeug.wrappers import Response

from desk.http.context import installation
from desk.models import Attachment

SEALED = "default-src 'none'; sandbox"
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def send(file: Attachment, *, as_attachment: bool, kinds: Collection[str] = PICTURES) -> Response:
    """The file, or the part of it that is asked for; the reader has been found to be allowed to read it.

    Raises `NotFound` when its bytes are gone.
    """
    # What a file claims to be is not believed: anything but these kinds goes out as bytes to be saved.
    kind = file.content_type if file.content_type in kinds else "application/octet-stream"
    path = installation().files.path(file.sha256)
    response = send_file(path, mimetype=kind, as_attachment=as_attachment, download_name=file.name or "file", etag=file.sha256)
    response.headers["Content-Security-Policy"] = SEALED
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Asked for again each time: the right to see it may be gone, and the next person at this browser has not signed in.
    response.headers["Cache-Control"] = "private, no-cache"
    return response
