"""What the check of an account says: of one that is set up as the guide tells, and of every way to get it wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.twilio_carrier import TwilioCarrier
from tests.flows.phone_world import NUMBER
from tests.twilio.conftest import twilio_carrier
from tests.twilio.fake_rows import ACCOUNT, APP, app, number
from tests.twilio.fake_twilio import KEY, SECRET, TOKEN, FakeTwilio, client_to

HERE = "https://desk.example"


@pytest.fixture
def fake() -> Iterator[FakeTwilio]:
    """An account set up as docs/voice.md says."""
    fake = FakeTwilio(SimulatedCarrier(base_url=HERE, auth_token="token", number=NUMBER, speed=0, now=lambda: 0.0))
    fake.account.numbers = [number(HERE, NUMBER)]
    fake.account.apps = {APP: app(HERE)}
    with fake.running():
        yield fake
    assert fake.faults == []


def found(fake: FakeTwilio, **more: str) -> list[tuple[str, str]]:
    return [(finding.level, finding.what) for finding in twilio_carrier(fake, **more).check() if finding.level != "ok"]


def test_an_account_that_is_set_up_by_the_guide_has_nothing_to_find(fake):
    findings = twilio_carrier(fake).check()
    assert {finding.level for finding in findings} == {"ok"}
    assert len(findings) == 7
    assert set(fake.seen) == {"FetchAccount", "ListIncomingPhoneNumber", "FetchKey", "ListConference", "FetchApplication"}


SPOILT = {
    "another server": ({"voice_url": "https://demo.twilio.com/welcome/voice/"}, "error", "go to https://demo.twilio.com"),
    "no server": ({"voice_url": None}, "error", "go to nowhere"),
    "by GET": ({"voice_method": "GET"}, "error", "come by GET"),
    "nobody hears of the end": ({"status_callback": ""}, "error", "hangs up in the menu"),
    "the end by GET": ({"status_callback_method": "GET"}, "error", "hangs up in the menu"),
    "no way out": ({"voice_fallback_url": ""}, "warning", "hear an error when this desk does not answer"),
    "we are our own way out": ({"voice_fallback_url": f"{HERE}/hooks"}, "warning", "is this desk itself"),
    "no voice": ({"capabilities": {"voice": False, "sms": True, "mms": False, "fax": False}}, "error", "takes no calls"),
    "a trunk": ({"trunk_sid": "TK" + "5" * 32}, "error", "goes to a SIP trunk"),
}


@pytest.mark.parametrize("way", SPOILT)
def test_a_number_that_is_set_up_wrong_is_found(fake, way):
    spoilt, level, said = SPOILT[way]
    fake.account.numbers = [number(HERE, NUMBER, **spoilt)]
    ((seen, what),) = found(fake)
    assert seen == level
    assert said in what


def test_a_number_may_be_led_by_a_twiml_app_instead(fake):
    fake.account.numbers = [number(HERE, NUMBER, voice_url=None, voice_application_sid=APP)]
    assert found(fake) == []
    fake.account.apps = {APP: app(HERE, voice_url="https://elsewhere.example/")}
    assert [level for level, _ in found(fake)] == ["error", "warning"]


def test_a_number_that_is_not_the_accounts_is_found(fake):
    fake.account.numbers = [number(HERE, NUMBER + "9")]
    assert found(fake) == [("error", f"The account has no number {NUMBER}.")]
    assert found(fake, number="") == [("error", "TWILIO_NUMBER is not set.")]


def test_credentials_that_do_not_fit_are_found(fake):
    ((level, what),) = found(fake, auth_token="an old one")
    assert (level, "refuses our credentials (401)" in what) == ("error", True)
    assert found(fake, api_secret="another") == [("error", "TWILIO_API_SECRET does not fit the API key.")]
    assert found(fake, api_key="SK" + "9" * 32)[0][0] == "error"
    assert "no agent's browser can take a call" in found(fake, api_key="", api_secret="")[0][1]
    assert "no agent's browser can take a call" in found(fake, api_secret="")[0][1]


@pytest.mark.parametrize(("status", "kind", "expected"), [("suspended", "Full", "error"), ("active", "Trial", "warning")])
def test_the_state_of_the_account_is_told(fake, status, kind, expected):
    fake.account.status, fake.account.type = status, kind
    assert [level for level, _ in found(fake)] == [expected]


def test_an_app_is_not_needed_but_must_be_ours(fake):
    assert found(fake, twiml_app_sid="") == []
    assert found(fake, twiml_app_sid="AP" + "9" * 32)[0][0] == "error"
    fake.account.apps = {APP: app(HERE, voice_method="GET")}
    assert found(fake)[0][0] == "warning"


@pytest.mark.parametrize("status", [500, 429])
def test_twilio_out_of_order_is_a_finding(fake, status):
    fake.refuse = [(status, 20500)]
    ((level, what),) = found(fake)
    assert (level, str(status) in what) == ("error", True)


def test_twilio_out_of_reach_is_a_finding():
    gone = make_server("127.0.0.1", 0, Flask("gone"))
    client = client_to(gone.server_port)
    gone.server_close()
    (finding,) = TwilioCarrier(ACCOUNT, TOKEN, KEY, SECRET, APP, base_url=HERE, number=NUMBER, http_client=client).check()
    assert (finding.level, "cannot be reached" in finding.what, bool(finding.advice)) == ("error", True, True)
