"""What stands for Twilio and has softphones of its own: a pass of the desk is good at its door, and nobody else's is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.voice.simulated.carrier import SimulatedCarrier
from desk.app import install
from desk.config import Settings
from desk.errors import Invalid
from tests.flows.phone_world import NUMBER
from tests.twilio.fake_rows import ACCOUNT
from tests.twilio.fake_twilio import KEY, SECRET, TOKEN, FakeTwilio, address_of

DOOR = "/carrier/socket.io"


@pytest.fixture
def telephones() -> Iterator[SimulatedCarrier]:
    carrier = SimulatedCarrier(base_url="https://desk.example", auth_token=TOKEN, number=NUMBER, speed=0, now=lambda: 0.0)
    carrier.start()
    yield carrier
    carrier.stop()


def desk_at(folder, fake: FakeTwilio, **more: str):
    ours = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_API_KEY": KEY, "TWILIO_API_SECRET": SECRET}
    ours |= {"TWILIO_API_URL": address_of(fake.port), "DESK_DATA_DIR": str(folder)}
    return install(Settings.from_env({**ours, **more}))


def test_a_softphone_is_told_the_door_and_is_known_there(tmp_path, telephones):
    fake = FakeTwilio(telephones, TOKEN)
    with fake.running():
        desk = desk_at(tmp_path, fake, TWILIO_SOFTPHONE_PATH=DOOR)
        pass_ = desk.carrier.client_token("agent-7")
        assert (pass_.kind, pass_.door) == ("simulated", DOOR)
        assert telephones.identity_of(pass_.token) == "agent-7"
        assert desk.carrier.call_state("CA" + "0" * 32) is None  # everything else goes as to Twilio
        desk.store.engine.dispose()
        desk.knowledge.close()


def test_without_it_softphones_are_twilios(tmp_path, telephones):
    fake = FakeTwilio(telephones, TOKEN)
    with fake.running():
        desk = desk_at(tmp_path, fake)
        pass_ = desk.carrier.client_token("agent-7")
        assert (pass_.kind, pass_.door) == ("twilio", "")
        assert telephones.identity_of(pass_.token) is None
        desk.store.engine.dispose()
        desk.knowledge.close()


def test_a_door_that_is_no_path_is_told_at_start():
    with pytest.raises(Invalid, match="TWILIO_SOFTPHONE_PATH"):
        Settings.from_env({"TWILIO_SOFTPHONE_PATH": "carrier"})
