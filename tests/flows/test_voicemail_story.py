"""A caller leaves a message: from the line, or when we are closed; the ticket is there before the sound is."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk.models import Attachment, Calendar, Call, CallRecording, Message, Setting, Ticket, WorkItem
from desk.queries.calls.voice_policy import SETTING, VoicePolicy
from tests.flows.phone_world import CALLER, CHINESE, ENGLISH, telephones
from tests.flows.test_callback_story import LEAVE_MESSAGE, open_day_and_night, said, step_out


def hear_the_tone(phones, sid):
    for _ in range(90):
        if any(event.kind == "record" for event in phones.carrier.transcript(sid)):
            return
        phones.carrier.advance(1)
    raise AssertionError("The caller has not heard the tone.")


def speak(phones, sid, words="My heater does not heat. Please call me back tomorrow morning."):
    """Hear the greeting to its end, and speak after the tone."""
    hear_the_tone(phones, sid)
    assert phones.carrier.speak(sid, words) == 1
    phones.carrier.advance(6)


def fetched(phones):
    return phones.world.until(lambda: phones.world.one(select(CallRecording).where(CallRecording.fetched_at.is_not(None))))


@pytest.mark.parametrize("ends_by", ["hash", "hang up", "silence"])
def test_who_leaves_the_line_for_a_message_leaves_a_ticket_with_its_sound(tmp_path, ends_by):
    with open_day_and_night(tmp_path) as phones:
        sid = phones.queue()
        step_out(phones, sid, LEAVE_MESSAGE)
        speak(phones, sid)
        if ends_by == "hash":
            assert phones.carrier.press(sid, "#")
        elif ends_by == "hang up":
            phones.carrier.hang_up_phone(sid)
        phones.carrier.advance(20)
        phones.settle()
        assert phones.carrier.call_state(sid) == "completed"
        call = phones.call(sid)
        assert (call.state, call.flow_out, call.abandoned_at) == ("voicemail", "voicemail", None)
        ticket, message = phones.world.ticket(), phones.world.one(select(Message))
        assert (message.ticket_id, message.kind) == (ticket.id, "voicemail")
        states = phones.world.all(select(WorkItem.state).order_by(WorkItem.id))
        assert states == ["done", "waiting"]
        recording = fetched(phones)
        assert phones.world.one(select(Attachment.message_id).where(Attachment.id == recording.attachment_id)) == message.id
        if ends_by == "hash":
            assert f"Its number is {' '.join(str(ticket.number))}" in said(phones, sid)

        maya = phones.world.agent(available=True)
        console = phones.console(maya)
        page = console.get(f"/desk/tickets/{ticket.number}")
        audio = f"/desk/recordings/{recording.id}/audio"
        assert audio in page.text
        assert console.get(audio).headers["Content-Type"] == "audio/wav"


@pytest.mark.parametrize("seed", range(3))
def test_webhooks_that_come_twice_and_out_of_order_make_one_message(tmp_path, seed):
    with open_day_and_night(tmp_path, duplicate=0.6, reorder=0.6, seed=seed) as phones:
        sid = phones.queue()
        step_out(phones, sid, LEAVE_MESSAGE)
        speak(phones, sid)
        phones.hang_up(sid)
        phones.carrier.advance(10)
        phones.settle()
        fetched(phones)
        assert len(phones.world.all(select(Message))) == len(phones.world.all(select(Ticket))) == 1
        assert phones.world.all(select(WorkItem.state).order_by(WorkItem.id)) == ["done", "waiting"]
        assert phones.world.all(select(Call.state)) == ["voicemail"]


def test_a_click_and_a_breath_is_no_message(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        sid = phones.queue()
        step_out(phones, sid, LEAVE_MESSAGE)
        hear_the_tone(phones, sid)
        phones.carrier.advance(1)
        phones.hang_up(sid)
        phones.carrier.advance(10)
        phones.settle()
        assert phones.world.all(select(Message)) == []
        assert phones.world.all(select(WorkItem.state)) == ["done"]
        assert phones.call(sid).state == "voicemail"


def test_when_we_are_closed_a_message_opens_a_ticket_that_is_due_from_the_next_opening_on(tmp_path):
    with telephones(tmp_path) as phones:
        now = phones.world.desk.clock.now()
        with phones.world.tx() as tx:
            for row in tx.session.scalars(select(Calendar)):
                row.week = [[["03:00", "03:01"]]] * 7
                row.holidays = [now.astimezone().date().isoformat()]
            tx.emit("calendar.changed")
        sid = phones.ring_in()
        assert phones.carrier.press(sid, "1")
        phones.settle()
        speak(phones, sid)
        assert phones.carrier.press(sid, "#")
        phones.carrier.advance(20)
        phones.settle()
        ticket, item = phones.world.ticket(), phones.world.one(select(WorkItem))
        assert (ticket.channel, item.state, item.kind) == ("voice", "waiting", "ticket")
        assert (item.due_at - now).days > 30  # eight open hours, a minute each day
        assert phones.call(sid).from_number == CALLER
        assert fetched(phones).call_id == phones.call(sid).id


@pytest.mark.parametrize("english", [True, False])
def test_what_an_english_message_says_is_written_down_where_the_house_wishes_so(tmp_path, english):
    with telephones(tmp_path, reorder=0.5, seed=2) as phones:
        with phones.world.tx() as tx:
            tx.session.add(Setting(key=SETTING, value=VoicePolicy(transcribe_voicemail=True).to_dict()))
            tx.emit("setting.voice_policy_set")
        sid = phones.queue(language=ENGLISH if english else CHINESE)
        step_out(phones, sid, LEAVE_MESSAGE)
        speak(phones, sid)
        phones.hang_up(sid)
        phones.carrier.advance(20)
        phones.settle()
        message = phones.world.one(select(Message))
        assert message.meta.get("transcript", "").startswith("My heater does not heat.") is english
