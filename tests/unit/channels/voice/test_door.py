"""Who may use the simulated telephones and softphones, and what they are told."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_socketio import SocketIO

from channels.voice.simulated.door import attach

CALLER = "+8613800138000"


class Doors:
    def __init__(self, carrier):
        self.app = Flask("doors")
        self.app.secret_key = "for tests"
        self.io = SocketIO(self.app, async_mode="threading")
        self.open = True
        self.carrier = carrier
        attach(
            self.io,
            carrier,
            identify=lambda auth: carrier.identity_of(auth.get("token", "")),
            phone_allowed=lambda: self.open,
        )

    def phone(self):
        return self.io.test_client(self.app, namespace="/phone")

    def softphone(self, identity):
        return self.io.test_client(self.app, namespace="/softphone", auth={"token": self.carrier.client_token(identity).token})


@pytest.fixture
def doors(carrier):
    return Doors(carrier)


def ask(client, namespace, name, **data):
    return client.emit(name, data, namespace=namespace, callback=True)


def received(client, namespace, name):
    return [packet["args"][0] for packet in client.get_received(namespace) if packet["name"] == name]


def queue_a_call(doors, carrier, phone):
    call = ask(phone, "/phone", "dial", **{"from": CALLER})["call_sid"]
    carrier.settle()
    assert ask(phone, "/phone", "press", call_sid=call, digit="1") == {"ok": True, "heard": True}
    carrier.settle()
    carrier.advance(2)
    return call


def ring(carrier, call, identity="agent-7"):
    leg = carrier.add_participant(
        conference="room of " + call, to=f"client:{identity}", from_=CALLER, label=identity, status_url="/status"
    )
    carrier.settle()
    return leg


def test_a_visitor_calls_and_an_agent_answers_and_they_talk(doors, carrier, desk):
    phone, softphone = doors.phone(), doors.softphone("agent-7")
    call = queue_a_call(doors, carrier, phone)
    assert [event["kind"] for event in received(phone, "/phone", "phone")][-1] == "say"

    leg = ring(carrier, call)
    incoming = received(softphone, "/softphone", "incoming")
    assert [(one["call_sid"], one["from"]) for one in incoming] == [(leg, CALLER)]

    assert ask(softphone, "/softphone", "answer", call_sid=leg) == {"ok": True}
    assert ask(softphone, "/softphone", "say", call_sid=leg, text="How can I help?") == {"ok": True, "heard_by": 1}
    assert ask(phone, "/phone", "say", call_sid=call, text="你好") == {"ok": True, "heard_by": 1}
    carrier.settle()
    assert [e["data"]["text"] for e in received(phone, "/phone", "phone") if e["kind"] == "heard"] == ["How can I help?"]
    assert [e["data"]["text"] for e in received(softphone, "/softphone", "event") if e["kind"] == "heard"] == ["你好"]


def test_a_muted_softphone_is_not_heard_until_it_is_opened_again(doors, carrier, desk):
    phone, softphone = doors.phone(), doors.softphone("agent-7")
    leg = ring(carrier, queue_a_call(doors, carrier, phone))
    ask(softphone, "/softphone", "answer", call_sid=leg)

    ask(softphone, "/softphone", "mute", call_sid=leg, on=True)
    assert ask(softphone, "/softphone", "say", call_sid=leg, text="aside")["heard_by"] == 0
    ask(softphone, "/softphone", "mute", call_sid=leg, on=False)
    assert ask(softphone, "/softphone", "say", call_sid=leg, text="hello")["heard_by"] == 1
    assert ask(softphone, "/softphone", "mute", call_sid=leg, on="yes")["error"]["code"] == "bad_request"


def test_a_phone_sees_only_the_calls_that_it_dialled(doors, carrier, desk):
    mine, other = doors.phone(), doors.phone()
    call = queue_a_call(doors, carrier, mine)

    assert received(other, "/phone", "phone") == []
    for name, more in (("press", {"digit": "1"}), ("say", {"text": "hi"}), ("hang_up", {})):
        assert ask(other, "/phone", name, call_sid=call, **more)["error"]["code"] == "no_such_call"
    assert carrier.call_state(call) == "in-progress"


def test_a_phone_cannot_resume_the_leg_of_an_agent(doors, carrier, desk):
    phone = doors.phone()
    leg = ring(carrier, queue_a_call(doors, carrier, phone))

    assert ask(phone, "/phone", "resume", call_sid=leg)["error"]["code"] == "no_such_call"


def test_a_softphone_cannot_touch_the_leg_of_another_agent(doors, carrier, desk):
    other = doors.softphone("agent-8")
    leg = ring(carrier, queue_a_call(doors, carrier, doors.phone()))

    assert received(other, "/softphone", "incoming") == []
    for name, more in (("answer", {}), ("reject", {}), ("hang_up", {}), ("say", {"text": "hi"}), ("mute", {"on": True})):
        assert ask(other, "/softphone", name, call_sid=leg, **more)["error"]["code"] == "no_such_call"
    assert carrier.call_state(leg) == "ringing"


def test_a_softphone_without_a_valid_token_is_refused(doors, carrier):
    forged = carrier.client_token("agent-7").token[:-1] + "x"
    for auth in (
        None,
        {},
        {"token": ""},
        {"token": forged},
        {"token": "a.b.c"},
        {"token": "é"},
        {"token": 7},
        {"token": "\ud800"},
    ):
        client = doors.io.test_client(doors.app, namespace="/softphone", auth=auth)
        assert not client.is_connected("/softphone")


def test_the_phone_is_refused_when_demonstrations_are_off(doors):
    doors.open = False

    assert not doors.phone().is_connected("/phone")


def test_a_phone_that_was_allowed_cannot_dial_after_demonstrations_are_switched_off(doors):
    phone = doors.phone()
    doors.open = False

    assert ask(phone, "/phone", "dial", **{"from": CALLER})["error"]["code"] == "not_allowed"


def test_a_phone_has_one_call_at_a_time(doors, carrier, desk):
    phone = doors.phone()
    call = queue_a_call(doors, carrier, phone)

    assert ask(phone, "/phone", "dial", **{"from": CALLER})["error"]["code"] == "line_busy"
    ask(phone, "/phone", "hang_up", call_sid=call)
    assert ask(phone, "/phone", "dial", **{"from": CALLER})["ok"] is True


@pytest.mark.parametrize(
    "data", [None, [], "x", {}, {"from": ""}, {"from": 7}, {"from": "138"}, {"from": "+0"}, {"from": "+86 138"}]
)
def test_a_request_that_makes_no_sense_is_answered_with_an_error(doors, carrier, data):
    phone = doors.phone()

    answer = phone.emit("dial", data, namespace="/phone", callback=True)
    assert answer["error"]["code"] in ("bad_request", "bad_number")


def test_a_phone_that_comes_back_hears_what_was_said_and_goes_on(doors, carrier, desk):
    phone = doors.phone()
    call = queue_a_call(doors, carrier, phone)
    phone.disconnect(namespace="/phone")
    again = doors.phone()
    carrier.advance(10)

    answer = ask(again, "/phone", "resume", call_sid=call)
    assert next(event["data"]["text"] for event in answer["events"] if event["kind"] == "say") == "账单请按 1。"
    assert [event["n"] for event in answer["events"]] == list(range(1, len(answer["events"]) + 1))
    carrier.advance(40)
    assert carrier.call_state(call) == "in-progress"
    assert ask(again, "/phone", "hang_up", call_sid=call) == {"ok": True}


def test_a_phone_that_stays_away_hangs_up(doors, carrier, desk):
    phone = doors.phone()
    call = queue_a_call(doors, carrier, phone)
    phone.disconnect(namespace="/phone")

    carrier.advance(29)
    assert carrier.call_state(call) == "in-progress"
    carrier.advance(2)
    assert carrier.call_state(call) == "completed"


def test_a_softphone_that_comes_back_gets_its_leg_and_keeps_the_call(doors, carrier, desk):
    softphone = doors.softphone("agent-7")
    leg = ring(carrier, queue_a_call(doors, carrier, doors.phone()))
    ask(softphone, "/softphone", "answer", call_sid=leg)
    softphone.disconnect(namespace="/softphone")

    again = doors.softphone("agent-7")
    current = received(again, "/softphone", "leg")[0]
    assert (current["call_sid"], current["state"], current["from"], current["connected"]) == (leg, "in-progress", CALLER, True)
    carrier.advance(60)
    assert carrier.call_state(leg) == "in-progress"


def test_a_softphone_that_stays_away_leaves_the_call(doors, carrier, desk):
    phone, softphone = doors.phone(), doors.softphone("agent-7")
    call = queue_a_call(doors, carrier, phone)
    leg = ring(carrier, call)
    ask(softphone, "/softphone", "answer", call_sid=leg)
    softphone.disconnect(namespace="/softphone")
    carrier.advance(31)

    assert carrier.call_state(leg) == "completed"
    assert carrier.call_state(call) == "in-progress"


def test_a_new_softphone_is_told_that_nothing_is_going_on(doors):
    current = received(doors.softphone("agent-7"), "/softphone", "leg")

    assert current == [{"call_sid": None, "state": None, "from": "", "connected": False, "events": []}]


def test_a_phone_that_comes_while_its_number_rings_is_told(doors, carrier, desk):
    back = carrier.add_participant(conference="back", to=CALLER, from_=carrier.number, label="caller", status_url="/status")
    carrier.settle()
    phone = doors.phone()
    ask(phone, "/phone", "line", **{"from": CALLER})

    assert [(event["kind"], event["call_sid"]) for event in received(phone, "/phone", "phone")] == [("ringing", back)]


def test_every_phone_with_the_number_rings_on_a_call_back_until_one_answers(doors, carrier, desk):
    first, second, stranger = doors.phone(), doors.phone(), doors.phone()
    for phone in (first, second):
        ask(phone, "/phone", "line", **{"from": CALLER})
    ask(stranger, "/phone", "line", **{"from": "+8613900139000"})
    back = carrier.add_participant(conference="back", to=CALLER, from_=carrier.number, label="caller", status_url="/status")
    carrier.settle()

    assert [event["kind"] for event in received(second, "/phone", "phone")] == ["ringing"]
    assert ask(stranger, "/phone", "answer", call_sid=back)["error"]["code"] == "not_ringing"
    assert ask(first, "/phone", "answer", call_sid=back)["state"] == "in-progress"
    carrier.settle()
    assert [event["kind"] for event in received(second, "/phone", "phone")] == ["answered"]
    assert ask(second, "/phone", "answer", call_sid=back)["error"]["code"] == "not_ringing"
    assert received(stranger, "/phone", "phone") == []


def test_a_phone_for_everybody_rings_for_numbers_that_no_other_phone_goes_by(doors, carrier, desk):
    everybodys, own = doors.phone(), doors.phone()
    ask(everybodys, "/phone", "line", **{"from": "+14155550100", "all": True})
    ask(own, "/phone", "line", **{"from": CALLER})
    for number in (CALLER, "+14155550111"):
        carrier.add_participant(conference="back", to=number, from_=carrier.number, label=number, status_url="/status")
    carrier.settle()

    rang = received(everybodys, "/phone", "phone")
    assert [(event["kind"], event["data"]["to"]) for event in rang] == [("ringing", "+14155550111")]
    assert [event["data"]["to"] for event in received(own, "/phone", "phone")] == [CALLER]
    call_sid = rang[0]["call_sid"]
    assert "error" in ask(own, "/phone", "answer", call_sid=call_sid)
    assert ask(everybodys, "/phone", "answer", call_sid=call_sid)["ok"]
