"""Every call of the port, asked of Twilio's API as its official definition has it, and done by the carrier behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from channels.voice import twiml
from channels.voice.port import CarrierFailed
from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.webhooks import Reply
from channels.voice.twilio_carrier import TwilioCarrier
from tests.flows.phone_world import NUMBER
from tests.twilio.conftest import twilio_carrier
from tests.twilio.fake_rows import ACCOUNT
from tests.twilio.fake_twilio import TOKEN, FakeTwilio

HERE = "https://desk.example"
PARTY = "+8613800138000"


class Line:
    """A caller in a room, and the desk's carrier that speaks to Twilio about it."""

    def __init__(self, telephones: SimulatedCarrier, fake: FakeTwilio) -> None:
        self.telephones = telephones
        self.fake = fake
        self.carrier = twilio_carrier(fake)
        self.caller = telephones.dial(PARTY)
        self.settle()
        room = telephones.room_info("call-1")
        assert room is not None
        self.room = room.sid

    def settle(self) -> None:
        self.telephones.advance(3)
        self.telephones.settle()

    def add(self, to: str = "client:agent-7", label: str = "agent-7", **options: object) -> str:
        leg = self.carrier.add_participant(
            conference="call-1", to=to, from_=NUMBER, label=label, status_url=f"{HERE}/status", **options
        )
        self.settle()
        with suppress(Exception):
            self.telephones.answer(leg, to.removeprefix("client:") if to.startswith("client:") else None)
        self.settle()
        return leg

    def seat(self, leg: str):
        info = self.carrier.room_info(self.room)
        assert info is not None
        return next((seat for seat in info.participants if seat.call_sid == leg), None)


def documents(url: str, _form: object, _headers: object) -> Reply:
    """The application: callers go into one room; other documents are what their names say."""
    path = url.removeprefix(HERE)
    if path.startswith("/hooks/twilio/voice/incoming"):
        return Reply(200, twiml.join_queue("call-1", f"{HERE}/wait", status_url=f"{HERE}/conference", label="customer"))
    if path.startswith("/keys"):
        return Reply(200, twiml.play_digits("1w2#"))
    if path.startswith(("/wait", "/hold")):
        return Reply(200, twiml.hold_music())
    if path.startswith("/announce"):
        return Reply(200, twiml.announcement((("en", "This call is recorded."),)))
    return Reply(200, twiml.goodbye((("en", "Goodbye."),))) if path.startswith("/bye") else Reply(204, "")


@pytest.fixture
def line() -> Iterator[Line]:
    now = [1_800_000_000.0]
    telephones = SimulatedCarrier(base_url=HERE, auth_token="token", number=NUMBER, speed=0, now=lambda: now[0], post=documents)
    telephones.start()
    fake = FakeTwilio(telephones)
    with fake.running():
        line = Line(telephones, fake)
        yield line
    telephones.stop()
    assert fake.faults == []


def test_an_agent_comes_in_is_held_muted_and_taken_out(line):
    leg = line.add(end_conference_on_exit=False, room_url=f"{HERE}/conference", time_limit_s=3600)
    assert line.seat(leg).label == "agent-7"
    line.carrier.hold(conference_sid=line.room, call_sid=line.caller, on=True, hold_url=f"{HERE}/hold?locale=zh")
    assert line.seat(line.caller).held
    line.carrier.hold(conference_sid=line.room, call_sid=line.caller, on=False, hold_url="")
    line.carrier.mute(conference_sid=line.room, call_sid=leg, on=True)
    assert (line.seat(line.caller).held, line.seat(leg).muted) == (False, True)
    line.carrier.update_participant(conference_sid=line.room, call_sid=leg, muted=False, end_on_exit=True)
    line.carrier.update_participant(conference_sid=line.room, call_sid=leg, end_on_exit=False)
    assert not line.seat(leg).muted
    line.carrier.remove_participant(conference_sid=line.room, call_sid=leg)
    line.settle()
    assert line.seat(leg) is None
    line.carrier.remove_participant(conference_sid=line.room, call_sid=leg)


def test_a_supervisor_listens_whispers_and_barges(line):
    agent = line.add()
    supervisor = line.add("client:supervisor-3", "supervisor-3", muted=True, coach=agent)
    assert (line.seat(supervisor).coaching, line.seat(supervisor).muted) == (agent, True)
    line.carrier.update_participant(conference_sid=line.room, call_sid=supervisor, muted=False)
    line.carrier.update_participant(conference_sid=line.room, call_sid=supervisor, coach="")
    assert (line.seat(supervisor).coaching, line.seat(supervisor).muted) == ("", False)
    line.carrier.update_participant(conference_sid=line.room, call_sid=supervisor, coach=agent)
    assert line.seat(supervisor).coaching == agent
    line.carrier.update_participant(conference_sid=line.room, call_sid=supervisor)


def test_a_number_is_rung_and_keys_and_words_are_played_to_it(line):
    line.add()
    leg = line.add("+8613900139000", "third-1", machine_detection=True, amd_url=f"{HERE}/amd?call=1", ring_timeout_s=3)
    line.carrier.send_keys(conference_sid=line.room, call_sid=leg, digits="1w2#", play_url=f"{HERE}/keys?digits=1w2%23")
    line.carrier.announce(conference_sid=line.room, call_sid=leg, url=f"{HERE}/announce")
    with pytest.raises(CarrierFailed):
        line.carrier.send_keys(conference_sid="", call_sid=leg, digits="1", play_url=f"{HERE}/keys")
    info = line.carrier.call_info(leg)
    assert (info.to, info.direction, info.status) == ("+8613900139000", "outbound-api", "in-progress")


def test_a_recording_is_started_paused_ended_fetched_and_deleted(line):
    line.add()
    names = {"call_sid": line.caller}
    names["recording_sid"] = line.carrier.start_recording(call_sid=line.caller, status_url=f"{HERE}/recording?call=1")
    for on in (True, True, False, False):
        line.carrier.pause_recording(**names, on=on)
    line.telephones.advance(20)
    line.carrier.stop_recording(**names)
    line.carrier.stop_recording(**names)
    with pytest.raises(CarrierFailed) as failed:
        line.carrier.pause_recording(**names, on=True)
    assert not failed.value.retryable
    line.telephones.advance(120)
    line.settle()
    pieces, kind = line.carrier.fetch_recording(names["recording_sid"])
    sound = b"".join(pieces)
    assert (kind, sound[:4], sound[8:12]) == ("audio/x-wav", b"RIFF", b"WAVE") or kind == "audio/wav"
    for _ in range(2):
        line.carrier.delete_recording(names["recording_sid"])
    with pytest.raises(CarrierFailed) as failed:
        line.carrier.fetch_recording(names["recording_sid"])
    assert failed.value.retryable  # whether it is gone or not yet there cannot be told


def test_legs_and_rooms_end_and_ending_what_has_ended_is_no_error(line):
    leg = line.add()
    line.carrier.redirect(call_sid=line.caller, url=f"{HERE}/bye")
    line.settle()
    with pytest.raises(CarrierFailed) as failed:
        line.carrier.redirect(call_sid=line.caller, url=f"{HERE}/bye")
    assert failed.value.code == 21220
    for _ in range(2):
        line.carrier.end_conference(line.room)
        line.carrier.hang_up(leg)
        line.settle()
    assert line.carrier.call_state(leg) == "completed"
    assert line.carrier.room_info(line.room).status == "completed"
    assert line.carrier.room_info("call-1") is None or line.carrier.room_info("call-1").status == "completed"
    line.carrier.end_conference("CF" + "9" * 32)
    line.carrier.hang_up("CA" + "9" * 32)
    assert line.carrier.call_info("CA" + "9" * 32) is line.carrier.room_info("no such room") is None


@pytest.mark.parametrize(("status", "code", "retryable"), [(429, 20429, True), (503, 20503, True), (400, 21211, False)])
def test_what_twilio_refuses_says_whether_to_try_again(line, status, code, retryable):
    line.fake.refuse.append((status, code))
    with pytest.raises(CarrierFailed) as failed:
        line.carrier.mute(conference_sid=line.room, call_sid=line.caller, on=True)
    assert (failed.value.code, failed.value.retryable) == (code, retryable)
    line.fake.refuse.append((status, code))
    with pytest.raises(CarrierFailed) as failed:
        line.carrier.room_info("call-1")  # a list, whose errors the library raises in another way
    assert (failed.value.code, failed.value.retryable) == (code, retryable)


def test_the_port_asks_for_nothing_that_is_not_tried_here(line):
    verbs = {name for name, verb in vars(TwilioCarrier).items() if callable(verb) and not name.startswith("_")}
    tried = Path(__file__).read_text(encoding="utf-8") + Path(__file__).with_name("test_check.py").read_text(encoding="utf-8")
    assert {verb for verb in verbs if f".carrier.{verb}(" not in tried and f").{verb}(" not in tried} == {"client_token"}


# The check bites: each of these is one thing wrong with a request that is otherwise right.

WRONG = {
    "no such parameter": ({"Loudness": "11"}, "Loudness: no such parameter"),
    "a word that is none of the list": ({"Beep": "maybe"}, "“maybe” is not one of true, false, onEnter, onExit"),
    "a method that is none": ({"StatusCallbackMethod": "PUT"}, "“PUT” is not one of GET, POST"),
    "too short a ring": ({"Timeout": "4"}, "4 is not between 5 and 600"),
    "no number": ({"Timeout": "half a minute"}, "is no integer"),
    "no truth": ({"Muted": "True"}, "is neither true nor false"),
    "no address": ({"StatusCallback": "/hooks/status"}, "is no uri"),
    "an event that there is not": ({"StatusCallbackEvent": "hung-up"}, "“hung-up” is not one of initiated"),
    "no leg": ({"Coaching": "true", "CallSidToCoach": "agent-7"}, "“agent-7” is not like ^CA"),
    "coaching nobody": ({"Coaching": "true"}, "coaching needs CallSidToCoach"),
    "an end that there is not": ({"To": "agent-7"}, "“agent-7” is no endpoint"),
    "a client's name with a hyphen": ({"To": "client:agent-7"}, "is no endpoint"),
    "a number called from a name": ({"From": "client:agent_7", "To": PARTY}, "a number is called from a number"),
    "nobody": ({"To": None}, "To: missing"),
    "detection that tells nobody": ({"MachineDetection": "Enable"}, "21262"),
    "detection of an unknown kind": ({"MachineDetection": "On", "AmdStatusCallback": f"{HERE}/amd"}, "“On” is not one of"),
}


@pytest.fixture
def fake() -> Iterator[FakeTwilio]:
    telephones = SimulatedCarrier(base_url=HERE, auth_token="token", number=NUMBER, speed=0, now=lambda: 0.0, post=documents)
    fake = FakeTwilio(telephones)
    with fake.running():
        yield fake


@pytest.mark.parametrize("what", WRONG)
def test_a_request_with_something_wrong_is_found_out(fake, what):
    more, said = WRONG[what]
    form = {"To": "client:agent_7", "From": NUMBER, "Label": "agent-7", **more}
    answer = ask(fake, "POST", "Conferences/call-1/Participants.json", {k: v for k, v in form.items() if v is not None})
    assert answer.status_code == 400
    assert any(said in fault for fault in fake.faults), fake.faults


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", "Conferences/call-1/Participants/agent-7.json", {"Muted": "true"}),  # a room's name instead of its SID
        ("POST", "Calls/CA7.json", {"Status": "completed"}),
        ("POST", "Calls/CA" + "0" * 32 + ".json", {"Status": "hung-up"}),
        ("POST", "Calls/CA" + "0" * 32 + ".json", {}),
        ("POST", "Calls/CA" + "0" * 32 + "/Recordings.json", {"RecordingChannels": "stereo"}),
        ("POST", "Calls/CA" + "0" * 32 + "/Recordings/RE1.json", {"PauseBehavior": "silence"}),
        ("GET", "Conferences.json?PageSize=5000", {}),
        ("GET", "Conferences.json?Name=call-1", {}),
        ("PUT", "Calls/CA" + "0" * 32 + ".json", {}),
        ("GET", "Legs.json", {}),
    ],
)
def test_a_request_that_twilio_does_not_know_is_found_out(fake, method, path, form):
    assert ask(fake, method, path, form).status_code in (400, 404, 405)
    assert fake.faults or method == "PUT"


def ask(fake: FakeTwilio, method: str, path: str, form: dict[str, str]):
    """A request as the SDK would make it, were it told something else."""
    session = fake.client().session
    url = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/{path}"
    return session.request(method, url, data=form or None, auth=(ACCOUNT, TOKEN), timeout=60)


def test_what_is_sent_wrong_by_our_own_carrier_is_found_out(fake, monkeypatch):
    """One step further up: the carrier itself, with one of its words spoilt."""
    monkeypatch.setattr("channels.voice.twilio_carrier._LEG_EVENTS", ["initiated", "picked-up"])
    with pytest.raises(CarrierFailed, match="picked-up"):
        twilio_carrier(fake).add_participant(
            conference="call-1", to="client:agent-7", from_=NUMBER, label="agent-7", status_url=f"{HERE}/status"
        )
    assert fake.faults
