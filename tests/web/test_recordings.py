"""The sound of a recorded call over HTTP: whole and in parts, to whom it is given, and that each listening is noted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from desk.events import Event
from desk.models import Attachment, CallRecording
from tests.web.siege import Siege, besieged


@pytest.fixture(scope="module")
def siege(tmp_path_factory) -> Iterator[Siege]:
    with besieged(tmp_path_factory.mktemp("sound")) as siege:
        yield siege


def sound(siege: Siege) -> bytes:
    query = select(Attachment.sha256).join(CallRecording, CallRecording.attachment_id == Attachment.id)
    return siege.world.desk.files.get(siege.world.one(query.where(CallRecording.id == siege.ids["recording_id"])))


def listenings(siege: Siege) -> int:
    return siege.world.one(select(func.count()).select_from(Event).where(Event.kind == "recording.played"))


def test_the_sound_comes_whole_or_in_parts_and_is_noted_once(siege):
    path, whole = siege.path("/desk/recordings/<int:recording_id>/audio"), sound(siege)
    listener, before = siege.world.browser("supervisor@desk.example"), listenings(siege)
    assert listener.request("HEAD", path).status_code == 200
    assert listenings(siege) == before
    answer = listener.get(path)
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, whole, "audio/wav")
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert "no-cache" in answer.headers["Cache-Control"]
    for asked, given in (("bytes=4-7", whole[4:8]), ("bytes=4-", whole[4:]), ("bytes=-3", whole[-3:])):
        part = listener.get(path, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, given)
        assert part.headers["Content-Range"].endswith(f"/{len(whole)}")
    assert listener.get(path, headers={"Range": "bytes=999999-"}).status_code == 416
    assert listener.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert listenings(siege) == before + 1
    event = siege.world.one(select(Event).where(Event.kind == "recording.played").order_by(Event.id.desc()))
    assert (event.actor_kind, event.call_id, event.data) == (
        "agent",
        siege.ids["call_id"],
        {"recording": siege.ids["recording_id"]},
    )


def test_asking_for_the_end_first_is_listening_too(siege):
    before = listenings(siege)
    path = siege.path("/desk/recordings/<int:recording_id>/audio")
    assert siege.world.browser("agent@desk.example").get(path, headers={"Range": "bytes=4-"}).status_code == 206
    assert listenings(siege) == before + 1


@pytest.mark.parametrize(
    ("who", "status"),
    [("stranger", 404), ("senior", 404), ("complaintofficer", 404), ("auditor", 403), ("admin", 403), ("knowledgeeditor", 403)],
)
def test_who_has_no_part_in_the_call_does_not_hear_it(siege, who, status):
    before = listenings(siege)
    path = siege.path("/desk/recordings/<int:recording_id>/audio")
    assert siege.world.browser(f"{who}@desk.example").get(path).status_code == status
    assert listenings(siege) == before


def test_a_recording_without_sound_is_not_there(siege):
    with siege.world.tx() as tx:
        row = CallRecording(call_id=siege.ids["call_id"], sid="RE" + "8" * 32, started_at=tx.now)
        tx.session.add(row)
    listener = siege.world.browser("supervisor@desk.example")
    assert listener.get(f"/desk/recordings/{row.id}/audio").status_code == 404
