"""What the Twilio carrier sends to Twilio, and what it makes of the answers; a local server stands in for Twilio."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import jwt
import pytest
from flask import Flask, jsonify, request
from twilio.http.http_client import TwilioHttpClient
from werkzeug.serving import make_server

from channels.voice.port import CarrierFailed
from channels.voice.twilio_carrier import TwilioCarrier

ACCOUNT = "AC" + "1" * 32
ROOM = "CF" + "2" * 32
LEG = "CA" + "3" * 32


class Redirected(TwilioHttpClient):
    """Sends what is meant for Twilio to the stand-in, and nothing to anybody else."""

    def __init__(self, port: int) -> None:
        super().__init__(timeout=60)
        self._port = port

    def request(self, method, url, *args, **options):
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("https", "api.twilio.com")
        here = urlunsplit(("http", f"127.0.0.1:{self._port}", parts.path, parts.query, ""))
        return super().request(method, here, *args, **options)


class StandIn:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, object], tuple[str, str]]] = []
        self.status = 200
        self.body: dict[str, object] = {}
        app = Flask("stand-in")

        @app.route("/2010-04-01/Accounts/<path:path>", methods=["GET", "POST"])
        def everything(path):
            form = {key: values if len(values) > 1 else values[0] for key, values in request.form.lists()}
            self.seen.append((request.method, path, form, (request.authorization.username, request.authorization.password)))
            return jsonify(self.body), self.status

        self.server = make_server("127.0.0.1", 0, app)


@pytest.fixture
def twilio() -> Iterator[StandIn]:
    stand_in = StandIn()
    thread = threading.Thread(target=stand_in.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield stand_in
    stand_in.server.shutdown()
    thread.join()
    stand_in.server.server_close()


def carrier_on(port: int) -> TwilioCarrier:
    secret = "a secret of at least thirty-two bytes"
    return TwilioCarrier(ACCOUNT, "token", "SK" + "4" * 32, secret, "AP" + "5" * 32, http_client=Redirected(port))


@pytest.fixture
def carrier(twilio) -> TwilioCarrier:
    return carrier_on(twilio.server.server_port)


def test_an_agent_is_rung_into_the_room(twilio, carrier):
    twilio.status, twilio.body = 201, {"call_sid": LEG, "account_sid": ACCOUNT, "conference_sid": ROOM}

    leg = carrier.add_participant(
        conference="call 7",
        to="client:agent-7",
        from_="+864008001234",
        label="agent-7",
        status_url="https://desk.example/hooks/status",
        ring_timeout_s=20,
    )

    assert leg == LEG
    ((method, path, form, login),) = twilio.seen
    assert (method, path) == ("POST", f"{ACCOUNT}/Conferences/call 7/Participants.json")
    assert login == (ACCOUNT, "token")
    assert form == {
        "To": "client:agent_7",
        "From": "+864008001234",
        "Label": "agent-7",
        "StatusCallback": "https://desk.example/hooks/status",
        "StatusCallbackMethod": "POST",
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "Timeout": "20",
        "StartConferenceOnEnter": "true",
        "EndConferenceOnExit": "false",
        "EarlyMedia": "false",
        "Beep": "false",
    }


@pytest.mark.parametrize(("asked", "sent"), [(1, "5"), (30, "30"), (3600, "600")])
def test_the_time_to_ring_stays_within_what_twilio_takes(twilio, carrier, asked, sent):
    twilio.status, twilio.body = 201, {"call_sid": LEG, "account_sid": ACCOUNT, "conference_sid": ROOM}
    carrier.add_participant(conference="c", to="+8613800138000", from_="+8640", label="x", status_url="", ring_timeout_s=asked)

    assert twilio.seen[0][2]["Timeout"] == sent


def test_a_leg_is_held_and_taken_back_muted_and_opened(twilio, carrier):
    carrier.hold(conference_sid=ROOM, call_sid=LEG, on=True, hold_url="https://desk.example/hold")
    carrier.hold(conference_sid=ROOM, call_sid=LEG, on=False, hold_url="")
    carrier.mute(conference_sid=ROOM, call_sid=LEG, on=True)
    carrier.mute(conference_sid=ROOM, call_sid=LEG, on=False)

    assert {path for _, path, _, _ in twilio.seen} == {f"{ACCOUNT}/Conferences/{ROOM}/Participants/{LEG}.json"}
    assert [form for _, _, form, _ in twilio.seen] == [
        {"Hold": "true", "HoldUrl": "https://desk.example/hold", "HoldMethod": "POST"},
        {"Hold": "false"},
        {"Muted": "true"},
        {"Muted": "false"},
    ]


def test_a_leg_is_sent_to_other_instructions(twilio, carrier):
    carrier.redirect(call_sid=LEG, url="https://desk.example/voicemail")

    ((method, path, form, _),) = twilio.seen
    assert (method, path) == ("POST", f"{ACCOUNT}/Calls/{LEG}.json")
    assert form == {"Url": "https://desk.example/voicemail", "Method": "POST"}


def test_a_leg_and_a_room_are_ended(twilio, carrier):
    carrier.hang_up(LEG)
    carrier.end_conference(ROOM)

    assert [(method, path, form) for method, path, form, _ in twilio.seen] == [
        ("POST", f"{ACCOUNT}/Calls/{LEG}.json", {"Status": "completed"}),
        ("POST", f"{ACCOUNT}/Conferences/{ROOM}.json", {"Status": "completed"}),
    ]


def test_ending_what_has_gone_is_not_an_error(twilio, carrier):
    twilio.status, twilio.body = 404, {"code": 20404, "message": "not found"}

    carrier.hang_up(LEG)
    carrier.end_conference(ROOM)
    assert carrier.call_state(LEG) is None


def test_the_state_of_a_leg_is_the_word_of_the_carrier(twilio, carrier):
    twilio.body = {"sid": LEG, "status": "in-progress"}

    assert carrier.call_state(LEG) == "in-progress"


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (401, False), (404, False), (429, True), (500, True), (503, True)]
)
def test_a_refusal_says_what_twilio_said_and_whether_to_try_again(twilio, carrier, status, retryable):
    twilio.status, twilio.body = status, {"code": 13224, "message": "number is not valid"}

    with pytest.raises(CarrierFailed, match=f"{status}.*number is not valid") as error:
        carrier.mute(conference_sid=ROOM, call_sid=LEG, on=True)
    assert error.value.retryable is retryable


def test_a_refusal_in_the_newer_form_is_understood_too(twilio, carrier):
    twilio.status = 429
    twilio.body = {"type": "about:blank", "title": "Too many requests", "status": 429, "code": 20429}

    with pytest.raises(CarrierFailed, match="429") as error:
        carrier.mute(conference_sid=ROOM, call_sid=LEG, on=True)
    assert error.value.retryable is True


def test_twilio_out_of_reach_is_worth_another_attempt(twilio):
    port = make_server("127.0.0.1", 0, Flask("closed"))
    number = port.server_port
    port.server_close()

    with pytest.raises(CarrierFailed) as error:
        carrier_on(number).hang_up(LEG)
    assert error.value.retryable is True


def test_the_token_of_a_softphone_lets_it_take_calls_under_its_name(carrier):
    token = carrier.client_token("agent-7")

    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert (token.kind, token.identity, token.expires_in_s) == ("twilio", "agent-7", 3600)
    assert claims["grants"]["identity"] == "agent_7"
    assert claims["grants"]["voice"] == {"incoming": {"allow": True}, "outgoing": {"application_sid": "AP" + "5" * 32}}
    assert claims["exp"] - claims["nbf"] == 3600
    assert json.dumps(claims["sub"]) == f'"{ACCOUNT}"'
