"""A message on the phone, whichever way and how often the carrier tells of it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from channels.voice.events import CallEvent
from desk.actions.calls import arrival, legs, recordings, voicemails
from desk.files import KeptFile
from desk.models import Attachment, Call, CallRecording, Message, Ticket, WorkItem
from desk.models import Calendar as CalendarRow
from desk.queries.board.entries import entries_since
from tests.desk.house import MORNING

NUMBER, OURS, SID, SOUND = "+8613800138000", "+862155501234", "CA-caller", "RE-message"


def arrived(house, *, waits: bool):
    with house.tx() as tx:
        call = arrival.arrive(tx, CallEvent(SID, NUMBER, OURS, "ringing", "inbound"))
        call.locale = "en"
        if waits:
            arrival.put_in_queue(tx, call)
    return call


def begun(house, call):
    with house.tx() as tx:
        voicemails.begin(tx, tx.session.get_one(Call, call.id))


def left(house, call, seconds, *, absent=False):
    with house.tx() as tx:
        voicemails.left(tx, tx.session.get_one(Call, call.id), SOUND, seconds, absent=absent)


def hung_up(house):
    with house.tx() as tx:
        legs.leg_status(tx, CallEvent(SID, NUMBER, OURS, "completed", "inbound"))


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize(
    "told", [*itertools.permutations(("action", "status", "end")), ("action",), ("status",), ("end", "status")]
)
def test_however_it_is_told_there_is_one_message_one_recording_and_one_piece_of_work(house, waits, told):
    call = arrived(house, waits=waits)
    begun(house, call)
    house.tick(20)
    for word in (*told, *told):
        if word == "end":
            hung_up(house)
        else:
            left(house, call, 12)
    call = house.again(call)
    assert (call.state, call.flow_out, call.abandoned_at) == ("voicemail", "voicemail", None)
    recording, message = house.one(select(CallRecording)), house.one(select(Message))
    assert (recording.kind, recording.state, recording.duration_s) == ("voicemail", "completed", 12)
    assert recording.next_at is not None  # it is fetched
    assert (message.kind, message.channel, message.meta) == ("voicemail", "voice", {"recording": recording.id, "seconds": 12})
    assert len(house.all(select(Ticket))) == len(house.all(select(CallRecording))) == len(house.all(select(Message))) == 1
    work = house.all(select(WorkItem).order_by(WorkItem.id))
    assert [(item.kind, item.channel, item.state) for item in work][-1] == ("ticket", "ticket", "waiting")
    assert len(work) == 1 + waits
    assert house.faults() == []


def test_who_waited_and_leaves_a_message_has_not_given_up(house):
    call = arrived(house, waits=True)
    house.tick(50)
    begun(house, call)
    left(house, call, 30)
    hung_up(house)
    with house.store.read() as session:
        entries = entries_since(session, [1, 2, 3, 4, 5], MORNING, house.clock.now())
    assert [entry.contact.outcome for entry in entries if entry.channel == "voice"] == ["left_otherwise"]
    assert house.kinds("call.abandoned") == []


@pytest.mark.parametrize(("seconds", "absent"), [(2, False), (0, False), (None, True), (40, True)])
def test_an_empty_message_is_thrown_away_and_counted_once(house, seconds, absent):
    call = arrived(house, waits=False)
    begun(house, call)
    for _ in range(2):
        left(house, call, seconds, absent=absent)
    assert house.all(select(Message)) == house.all(select(Ticket)) == house.all(select(WorkItem)) == []
    assert house.kinds("voicemail.") == ["voicemail.began", "voicemail.discarded"]
    recording = house.one(select(CallRecording))
    assert recording.state == "absent"
    with house.tx() as tx:
        assert recordings.unwanted(tx, tx.session.get_one(CallRecording, recording.id))


def test_silence_is_counted_too(house):
    call = arrived(house, waits=False)
    begun(house, call)
    for _ in range(2):
        with house.tx() as tx:
            voicemails.nothing_said(tx, tx.session.get_one(Call, call.id))
    assert house.kinds("voicemail.") == ["voicemail.began", "voicemail.discarded"]


def test_the_answer_is_due_in_open_hours(house):
    with house.tx() as tx:
        for row in tx.session.scalars(select(CalendarRow)):
            row.week = [[["09:00", "18:00"]]] * 5 + [[], []]
        tx.emit("calendar.changed")
    house.tick(9 * 3600)  # 19:00 in Shanghai on a Friday
    call = arrived(house, waits=False)
    begun(house, call)
    left(house, call, 12)
    due = house.one(select(WorkItem.due_at))
    assert due == datetime(2026, 11, 23, 1, 0, tzinfo=UTC) + timedelta(hours=8)  # eight hours from Monday at nine on


def test_the_sound_joins_the_message_and_a_program_may_write_it_down(house):
    call = arrived(house, waits=False)
    begun(house, call)
    left(house, call, 12)
    with house.tx() as tx:
        recording = tx.session.scalars(select(CallRecording)).one()
        kept = KeptFile(sha256="0" * 64, name="voicemail.wav", content_type="audio/wav", claimed_type="audio/wav", size=9)
        recordings.fetched(tx, recording, kept)
        voicemails.fetched(tx, recording)
        for said in ("Please call me.", "Something else."):
            voicemails.transcribed(tx, tx.session.get_one(Call, call.id), SOUND, said)
    message = house.one(select(Message))
    assert house.one(select(Attachment.message_id)) == message.id
    assert message.meta["transcript"] == "Please call me."
