"""Stories with Twilio's REST API, as its official definition has it, between the desk and the telephones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from channels.voice.port import Carrier
from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.twilio_carrier import TwilioCarrier
from tests.flows.phone_world import NUMBER, Between
from tests.twilio.fake_twilio import ACCOUNT, APP, KEY, SECRET, TOKEN, FakeTwilio


def twilio_carrier(fake: FakeTwilio, base_url: str = "https://desk.example", **more: str) -> TwilioCarrier:
    """The carrier as the desk makes it for this made-up account."""
    ours = {"auth_token": TOKEN, "api_key": KEY, "api_secret": SECRET, "twiml_app_sid": APP, "number": NUMBER}
    given = {**ours, **more}
    return TwilioCarrier(ACCOUNT, base_url=base_url, http_client=fake.client(), **given)


@pytest.fixture
def over_twilio(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeTwilio]]:
    """Telephones that the desk reaches by Twilio's API alone; at the end no request may have had a fault."""
    fakes: list[FakeTwilio] = []

    @contextmanager
    def front(carrier: SimulatedCarrier, base_url: str) -> Iterator[Carrier]:
        fake = FakeTwilio(carrier)
        fakes.append(fake)
        carrier.start()
        try:
            with fake.running():
                yield twilio_carrier(fake, base_url)
        finally:
            carrier.stop()

    monkeypatch.setattr(Between, "front", staticmethod(front))
    yield fakes
    assert [fault for fake in fakes for fault in fake.faults] == []
