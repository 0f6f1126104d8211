"""A recording comes home whole, leaves the carrier, is heard by whoever may, and is erased in time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.voice.port import CarrierFailed
from desk.access import Viewer, viewer_of
from desk.actions.calls import recordings
from desk.app import install
from desk.errors import NotFound
from desk.events import Event
from desk.models import Agent, Attachment, Call, CallRecording, CallSegment, Setting, Ticket
from desk.models.call import DECLINED, DONE
from desk.queries.calls.recordings import access_recording, has_opened
from desk.queries.calls.voice_policy import SETTING, VoicePolicy
from desk.work.recordings import Recordings, wav_seconds
from tests.desk.house import House


def wav(seconds: float, *, cut: int = 0) -> bytes:
    """Silence of two channels as a carrier sends it, with a chunk that nobody needs."""
    sound = b"\x00" * round(seconds * 32_000)
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 8000, 32_000, 4, 16) + struct.pack("<4sI3sx", b"LIST", 3, b"xyz")
    body = head + struct.pack("<4sI", b"data", len(sound)) + sound
    return (b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body)[: -cut or None]


class Shelf:
    """The carrier's recordings: what each attempt to fetch gives, in order; the last again and again."""

    name = "shelf"

    def __init__(self) -> None:
        self.gives: list[bytes | CarrierFailed | OSError] = [wav(10)]
        self.deleted: list[str] = []
        self.asked = 0

    def fetch_recording(self, _sid: str) -> tuple[Iterator[bytes], str]:
        self.asked += 1
        given = self.gives.pop(0) if len(self.gives) > 1 else self.gives[0]
        if isinstance(given, Exception):
            raise given
        return iter([given[:100], given[100:]]), "audio/x-wav"

    def delete_recording(self, sid: str) -> None:
        self.deleted.append(sid)


class Room:
    """A call that was recorded, and the part of the worker that brings recordings home."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.shelf = Shelf()
        self.desk = replace(install(house.settings, clock=house.clock, carrier=self.shelf), store=house.store)
        self.part = Recordings(self.desk)
        self.maya = house.agent("Maya")
        with house.tx() as tx:
            call = Call(
                sid="CA1",
                state=DONE,
                from_number="+8613800138000",
                to_number="+862155501234",
                conference="call-1",
                arrived_at=tx.now,
            )
            tx.session.add(call)
            tx.session.flush()
            tx.session.add(CallSegment(call_id=call.id, agent_id=self.maya.id, state="done"))
        self.call_id = call.id

    def record(self, *, seconds: int = 10, sid: str = "RE1", kind: str = recordings.CALL) -> int:
        with self.house.tx() as tx:
            recording = CallRecording(call_id=self.call_id, sid=sid, started_at=tx.now, kind=kind)
            tx.session.add(recording)
            tx.session.flush()
            recordings.completed(tx, recording, seconds)
            recordings.completed(tx, recording, seconds + 50)  # the carrier says it twice
        return recording.id

    def turn(self, times: int = 1) -> float | None:
        rest = None
        for _ in range(times):
            rest = self.part.turn()
        return rest

    def row(self, recording_id: int) -> CallRecording:
        with self.house.store.read() as session:
            return session.get_one(CallRecording, recording_id)

    def kinds(self) -> list[str]:
        with self.house.store.read() as session:
            return list(session.scalars(select(Event.kind).where(Event.kind.startswith("recording.")).order_by(Event.id)))

    def change(self, table: type, row_id: object, **values: object) -> None:
        with self.house.tx() as tx:
            row = tx.session.get_one(table, row_id)
            for name, value in values.items():
                setattr(row, name, value)

    def policy(self, **values: object) -> None:
        with self.house.tx() as tx:
            tx.session.merge(Setting(key=SETTING, value=replace(VoicePolicy(), **values).to_dict()))


@pytest.fixture
def room(sqlite_house: House) -> Room:
    return Room(sqlite_house)


def test_a_complete_recording_is_fetched_kept_and_deleted_at_the_carrier(house):
    room = Room(house)
    recording = room.record()
    assert room.turn(2) is None
    row = room.row(recording)
    assert (row.state, row.duration_s, row.error, row.next_at) == ("completed", 10, "", None)
    assert room.shelf.deleted == ["RE1"]
    with room.house.store.read() as session:
        kept = session.get_one(Attachment, row.attachment_id)
    assert room.desk.files.get(kept.sha256) == wav(10)
    assert (kept.content_type, kept.size, kept.name.endswith(".wav")) == ("audio/wav", len(wav(10)), True)
    assert room.kinds() == ["recording.completed", "recording.fetched", "recording.left_carrier"]
    room.turn()
    assert room.shelf.asked == 1


def test_what_is_not_there_yet_is_asked_for_again_later_and_later(room):
    not_yet = CarrierFailed("Twilio answered 404 for a recording.", retryable=True)
    room.shelf.gives = [not_yet, not_yet, OSError("no space left on device"), wav(10)]
    recording = room.record()
    assert room.turn() == 5
    assert room.turn() == 5  # not before its time
    assert room.shelf.asked == 1
    for wait in (5, 15, 30):
        room.house.tick(wait)
        room.turn()
    assert (room.row(recording).state, room.row(recording).attempts) == ("completed", 0)
    assert room.row(recording).attachment_id


def test_after_all_attempts_or_a_final_no_somebody_is_told(room):
    room.shelf.gives = [CarrierFailed("away", retryable=True)]
    recording = room.record()
    for wait in (*recordings.RETRY_S, 0):
        room.turn()
        room.house.tick(wait)
    assert (room.row(recording).state, room.row(recording).error, room.row(recording).next_at) == ("failed", "away", None)
    room.shelf.gives = [CarrierFailed("no", retryable=False)]
    other = room.record(sid="RE2")
    room.turn()
    assert room.row(other).state == "failed"
    assert room.kinds().count("recording.failed") == 2


@pytest.mark.parametrize("short", [wav(4), wav(10, cut=1000), b"", b"RIFF\x00\x00\x00\x00WAVE"])
def test_a_recording_that_is_too_short_is_asked_for_again_and_at_last_kept_with_its_doubt(room, short):
    room.shelf.gives = [short, wav(10)]
    recording = room.record()
    room.turn()
    assert room.row(recording).attachment_id is None
    assert room.row(recording).error
    room.house.tick(5)
    room.turn()
    assert (room.row(recording).error, bool(room.row(recording).attachment_id)) == ("", True)

    room.shelf.gives = [short]
    doubtful = room.record(sid="RE2")
    for wait in (*recordings.RETRY_S, 0):
        room.turn()
        room.house.tick(wait)
    row = room.row(doubtful)
    assert (row.state, bool(row.attachment_id), bool(row.error), row.deleted_at) == ("completed", True, True, None)
    assert "RE2" not in room.shelf.deleted


def test_the_house_may_leave_recordings_at_the_carrier(room):
    room.policy(recordings_leave_carrier=False)
    recording = room.record()
    room.turn(2)
    assert room.shelf.deleted == []
    assert room.row(recording).attachment_id


def test_what_the_caller_declined_is_never_fetched_and_deleted_at_the_carrier(room):
    room.change(Call, room.call_id, recording=DECLINED)
    recording = room.record()
    room.turn()
    assert room.shelf.asked == 0
    assert room.shelf.deleted == ["RE1"]
    assert (room.row(recording).state, room.row(recording).attachment_id) == ("erased", None)


def test_after_its_time_the_sound_is_erased_and_the_row_stays(house):
    room = Room(house)
    room.policy(recordings_kept_days=30)
    old, message = room.record(), room.record(sid="RE2", kind=recordings.VOICEMAIL)
    with room.house.tx() as tx:  # the message's sound is fetched without its ticket here
        row = tx.session.get_one(CallRecording, message)
        row.next_at = None
    room.turn(2)
    sha256 = room.desk.files.keep(wav(10), "again.wav").sha256
    room.house.tick(29 * 86400)
    room.turn()
    assert room.row(old).attachment_id
    room.house.tick(2 * 86400)
    room.turn()
    assert (room.row(old).state, room.row(old).attachment_id, room.row(old).duration_s) == ("erased", None, 10)
    assert "recording.erased" in room.kinds()
    with pytest.raises(NotFound):
        room.desk.files.path(sha256)


def test_bytes_that_another_row_names_too_are_not_erased_with_the_recording(room):
    recording = room.record()
    room.turn(2)
    with room.house.tx() as tx:
        kept = tx.session.get_one(Attachment, tx.session.get_one(CallRecording, recording).attachment_id)
        tx.session.add(
            Attachment(sha256=kept.sha256, name="mine.wav", content_type="audio/wav", size=kept.size, created_at=tx.now)
        )
    room.house.tick(400 * 86400)
    room.turn()
    assert room.row(recording).state == "erased"
    assert room.desk.files.get(kept.sha256) == wav(10)


def test_two_workers_do_not_fetch_the_same_recording_at_once(house):
    room = Room(house)
    recording = room.record()
    other = Recordings(room.desk)
    assert room.part._claim(recording)
    assert not other._claim(recording)
    room.house.tick(11 * 60)  # the first has died
    assert other._claim(recording)


# Who may listen


def person(room: Room, name: str, *roles: str) -> Viewer:
    agent = room.house.agent(name)
    room.change(Agent, agent.id, roles=list(roles))
    with room.house.store.read() as session:
        return viewer_of(session.get_one(Agent, agent.id))


def may_hear(room: Room, viewer: Viewer, recording: int) -> bool:
    try:
        with room.house.store.read() as session:
            access_recording(session, viewer, recording)
    except NotFound:
        return False
    return True


def test_a_recording_is_heard_by_supervisors_the_agent_and_the_officer_of_its_complaint(room):
    recording = room.record()
    room.turn(2)
    with room.house.store.read() as session:
        maya = viewer_of(session.get_one(Agent, room.maya.id))
    officer = person(room, "Olga", "complaint_officer")
    others = [
        person(room, name, role) for name, role in (("Tom", "agent"), ("Sen", "senior"), ("Aud", "auditor"), ("Adm", "admin"))
    ]
    assert may_hear(room, maya, recording)
    assert may_hear(room, person(room, "Super", "supervisor"), recording)
    assert not may_hear(room, officer, recording)
    assert [may_hear(room, other, recording) for other in others] == [False] * 4
    ticket_id = room.house.item().ticket_id
    room.change(Ticket, ticket_id, type="complaint")
    room.change(Call, room.call_id, ticket_id=ticket_id)
    assert may_hear(room, officer, recording)
    room.change(Call, room.call_id, recording=DECLINED)
    assert not may_hear(room, person(room, "Chief", "supervisor"), recording)
    assert not may_hear(room, maya, recording + 1)


def test_listening_is_noted_once_for_an_opening(room):
    recording = room.record()
    room.turn(2)
    viewer = person(room, "Super", "supervisor")
    other = person(room, "Chief", "supervisor")

    def opened(who: Viewer) -> bool:
        with room.house.store.read() as session:
            return has_opened(session, who, session.get_one(CallRecording, recording), room.house.clock.now())

    assert not opened(viewer)
    with room.house.tx(viewer.actor) as tx:
        recordings.played(tx, tx.session.get_one(CallRecording, recording))
    assert opened(viewer)
    assert not opened(other)
    room.house.tick(timedelta(minutes=11).total_seconds())
    assert not opened(viewer)


def test_the_length_of_a_wav_shows_in_its_head():
    assert wav_seconds(wav(2)[:4096], len(wav(2))) == 2
    assert wav_seconds(wav(2)[:4096], len(wav(2)) - 1) is None
    assert wav_seconds(b"RIFF1234WAVEdata\xff\xff\xff\xff", 100) is None
    assert wav_seconds(b"", 0) is None
