"""The music that is sent with a form, for who waits on the telephone."""

from __future__ import annotations

from desk.actions.calls.voice_texts import check_music
from desk.files import KeptFile
from desk.http.context import installation, keep_uploads


def sent_music() -> KeptFile | None:
    """The file of the field `music.file`, kept; None when there is none. Raises `Invalid` for what is no music."""
    for file in keep_uploads("music.file")[:1]:
        check_music(file, installation().files.path(file.sha256).read_bytes())
        return file
    return None
