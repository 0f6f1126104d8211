"""What a queue does by itself for callers who wait long: it offers to call them back, and leads them to a message."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.models import Call, Message, Queue, Setting, WorkItem
from desk.queries.calls.voice_policy import SETTING, VoicePolicy
from tests.flows.phone_world import telephones
from tests.flows.test_callback_story import open_day_and_night, said, step_out
from tests.flows.test_voicemail_story import hear_the_tone, speak

OFFERED, NOBODY = "we keep your place and call you back", "nobody is free to take your call"


def has_waited(phones, sid, seconds):
    """Let the caller have waited so long."""
    with phones.world.tx() as tx:
        call = tx.session.scalar(select(Call).where(Call.sid == sid))
        item = tx.session.get_one(WorkItem, call.item_id)
        item.enqueued_at = tx.now - timedelta(seconds=seconds)
        tx.emit("item.changed", item=item)


def hear_on(phones):
    """Hear what a waiting caller is told twice."""
    phones.carrier.advance(40)
    phones.settle()


def test_who_waits_long_is_offered_a_call_back_and_then_led_to_leave_a_message(tmp_path):
    with open_day_and_night(tmp_path, duplicate=0.5, seed=1) as phones:
        with phones.world.tx() as tx:
            for queue in tx.session.scalars(select(Queue)):
                queue.overflow = [{"after_s": 300, "do": "offer_callback"}, {"after_s": 900, "do": "to_voicemail"}]
            tx.emit("queue.changed")
        sid = phones.queue()
        has_waited(phones, sid, 240)
        hear_on(phones)
        assert OFFERED not in said(phones, sid)
        has_waited(phones, sid, 600)
        hear_on(phones)
        assert OFFERED in said(phones, sid)
        step_out(phones, sid, "3")
        assert "place is as before" in said(phones, sid)
        assert phones.call(sid).state == "queued"
        has_waited(phones, sid, 901)
        hear_the_tone(phones, sid)
        assert said(phones, sid).count(NOBODY) == 1
        speak(phones, sid)
        phones.hang_up(sid)
        call = phones.call(sid)
        assert (call.state, call.flow_out, call.abandoned_at) == ("voicemail", "voicemail", None)
        assert phones.world.one(select(Message.kind)) == "voicemail"
        assert phones.world.all(select(WorkItem.state).order_by(WorkItem.id)) == ["done", "waiting"]


def test_where_no_messages_are_taken_callers_wait_on(tmp_path):
    with telephones(tmp_path) as phones:
        with phones.world.tx() as tx:
            tx.session.add(Setting(key=SETTING, value=VoicePolicy(voicemail=False, callback=False).to_dict()))
            for queue in tx.session.scalars(select(Queue)):
                queue.overflow = [{"after_s": 30, "do": "offer_callback"}, {"after_s": 30, "do": "to_voicemail"}]
            tx.emit("queue.changed")
        sid = phones.queue()
        has_waited(phones, sid, 60)
        hear_on(phones)
        assert phones.call(sid).state == "queued"
        assert OFFERED not in said(phones, sid)
        assert phones.carrier.call_state(sid) == "in-progress"
