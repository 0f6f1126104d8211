"""Stories with Twilio's REST API, as its official definition has it, between the desk and the telephones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from channels.voice.port import Carrier
from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.webhooks import Form, Reply
from channels.voice.twilio_carrier import TwilioCarrier
from tests.flows.phone_world import NUMBER, Between
from tests.twilio.fake_rows import ACCOUNT, APP
from tests.twilio.fake_twilio import KEY, SECRET, TOKEN, FakeTwilio
from tests.twilio.twiml_rules import faults_of
from tests.twilio.webhooks import HOOKS, IN_ROOMS, posted_names
from tests.world import post_form


def twilio_carrier(fake: FakeTwilio, base_url: str = "https://desk.example", **more: str) -> TwilioCarrier:
    """The carrier as the desk makes it for this made-up account."""
    ours = {"auth_token": TOKEN, "api_key": KEY, "api_secret": SECRET, "twiml_app_sid": APP, "number": NUMBER}
    given = {**ours, **more}
    return TwilioCarrier(ACCOUNT, base_url=base_url, http_client=fake.client(), **given)


@pytest.fixture
def over_twilio(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeTwilio]]:
    """Telephones that the desk reaches by Twilio's API alone; at the end no request and no document may have had a fault."""
    fakes: list[FakeTwilio] = []
    wrong: list[tuple[str, str]] = []

    def post(url: str, form: Form, headers: Form) -> Reply:
        path = urlsplit(url).path.removeprefix(HOOKS)
        wrong.extend((path, f"Twilio posts no {name}") for name in form.keys() - posted_names(path))
        reply = post_form(url, form, headers)
        if reply.body and reply.ok:
            wrong.extend((path, fault) for fault in faults_of(reply.body, in_a_room=path in IN_ROOMS))
        return reply

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
    monkeypatch.setattr(Between, "post", staticmethod(post))
    yield fakes
    assert [fault for fake in fakes for fault in fake.faults] == []
    assert wrong == []
