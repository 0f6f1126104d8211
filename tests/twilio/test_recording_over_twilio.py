"""A recorded call with a made-up Twilio account: its sound comes home, leaves Twilio, and is played to a supervisor."""

from __future__ import annotations

from sqlalchemy import select

from desk.events import Event
from desk.models import CallRecording
from tests.flows.call_steps import Steps
from tests.flows.phone_world import telephones


def test_a_recorded_call_comes_home_and_is_played(over_twilio, tmp_path):
    with telephones(tmp_path) as phones:
        world, steps = phones.world, Steps(phones)
        maya = world.agent(available=True)
        boss = world.agent("Boss", roles=("supervisor",))
        caller, _leg = steps.talk(maya)
        world.until(lambda: phones.call().recording == "on")
        phones.carrier.advance(30)
        phones.hang_up(caller)
        world.until(lambda: (phones.carrier.advance(5), steps.recording().deleted_at)[1])
        row = steps.recording()
        assert (row.state, row.error, row.kind) == ("completed", "", "call")
        sound = phones.console(boss).get(f"/desk/recordings/{row.id}/audio")
        assert (sound.status_code, sound.headers["Content-Type"], sound.content[:4]) == (200, "audio/wav", b"RIFF")
        assert len(sound.content) > 30 * 8000
        kinds = world.all(select(Event.kind).where(Event.kind.startswith("recording.")).order_by(Event.id))
        assert kinds == ["recording.completed", "recording.fetched", "recording.left_carrier", "recording.played"]
        asked = over_twilio[0].seen
        assert asked.index("CreateCallRecording") < asked.index("FetchRecordingMedia") < asked.index("DeleteRecording")
        assert len(world.all(select(CallRecording))) == 1
