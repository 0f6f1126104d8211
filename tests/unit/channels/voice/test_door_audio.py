"""Who is put in touch with whom for real sound, and what may be passed between their pages."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_socketio import SocketIO

from channels.voice.simulated.door import attach

CALLER = "+8613800138000"
STUN = {"urls": "stun:stun.example:3478"}


class Line:
    """A page at one end of a call."""

    def __init__(self, client, namespace, call_sid):
        self.client = client
        self.namespace = namespace
        self.call_sid = call_sid
        self.name = ""
        self.peers = []

    def ask(self, event, **data):
        return self.client.emit(event, {"call_sid": self.call_sid, **data}, namespace=self.namespace, callback=True)

    def claim(self, page="a page", **more):
        return self.ask("audio", page=page, **more)

    def signal(self, to, kind="offer", turn=1, sdp="v=0", **more):
        return self.ask("signal", to=to, kind=kind, turn=turn, sdp=sdp, **more)

    def told(self, event):
        """What came under this name since the last look; of `peers`, the last."""
        packets = self.client.get_received(self.namespace)
        for packet in packets:
            if packet["name"] == "peers":
                self.name, self.peers = packet["args"][0]["peer"], packet["args"][0]["peers"]
        return [packet["args"][0] for packet in packets if packet["name"] == event]

    def look(self):
        """How this page stands to the others now: (hears, speaks) of each."""
        self.told("peers")
        return sorted((one["hear"], one["speak"]) for one in self.peers)


class Room:
    """A caller, an agent and whoever else is called in, all with sound."""

    def __init__(self, carrier, app, io):
        self.carrier, self.app, self.io = carrier, app, io
        phone = io.test_client(app, namespace="/phone")
        call = phone.emit("dial", {"from": CALLER}, namespace="/phone", callback=True)["call_sid"]
        carrier.settle()
        phone.emit("press", {"call_sid": call, "digit": "1"}, namespace="/phone", callback=True)
        carrier.settle()
        carrier.advance(2)
        self.caller = Line(phone, "/phone", call)
        self.caller.claim()
        self.agent = self.call_in("agent-7")
        self.sid = carrier.room_info("room of " + call).sid

    def call_in(self, identity, **more):
        token = self.carrier.client_token(identity).token
        client = self.io.test_client(self.app, namespace="/softphone", auth={"token": token})
        room = "room of " + self.caller.call_sid
        leg = self.carrier.add_participant(
            conference=room, to=f"client:{identity}", from_=CALLER, label=identity, status_url="/status", **more
        )
        self.carrier.settle()
        line = Line(client, "/softphone", leg)
        line.ask("answer")
        line.claim()
        self.carrier.settle()
        return line


@pytest.fixture
def room(carrier, desk):
    app = Flask("doors")
    app.secret_key = "for tests"
    io = SocketIO(app, async_mode="threading")
    attach(io, carrier, identify=lambda auth: carrier.identity_of(auth["token"]), phone_allowed=lambda: True, ice_servers=[STUN])
    return Room(carrier, app, io)


def test_two_in_a_room_are_put_in_touch_and_one_of_them_offers(room):
    caller, agent = room.caller, room.agent
    assert caller.look() == agent.look() == [(True, True)]
    assert caller.peers[0]["peer"] == agent.name
    assert agent.peers[0]["peer"] == caller.name
    assert [one["offer"] for one in caller.peers] != [one["offer"] for one in agent.peers]

    assert caller.signal(agent.name, "offer", 1, "v=0 of the caller") == {"ok": True}
    told = {"call_sid": agent.call_sid, "from": caller.name, "kind": "offer", "turn": 1, "sdp": "v=0 of the caller"}
    assert agent.told("signal") == [told]


def test_a_page_learns_of_no_other_call_than_its_own(room):
    caller, agent = room.caller, room.agent
    caller.look()
    agent.look()
    assert agent.call_sid not in str(caller.peers)
    assert caller.call_sid not in str(agent.peers)


def test_hold_and_mute_say_who_hears_whom(room, carrier):
    caller, agent = room.caller, room.agent
    carrier.mute(conference_sid=room.sid, call_sid=agent.call_sid, on=True)
    carrier.settle()
    assert (agent.look(), caller.look()) == ([(True, False)], [(False, True)])
    carrier.mute(conference_sid=room.sid, call_sid=agent.call_sid, on=False)
    agent.ask("mute", on=True)
    carrier.settle()
    assert (agent.look(), caller.look()) == ([(True, False)], [(False, True)])
    agent.ask("mute", on=False)

    carrier.hold(conference_sid=room.sid, call_sid=caller.call_sid, on=True, hold_url="/hold")
    carrier.settle()
    assert agent.look() == caller.look() == []
    assert caller.signal(agent.name)["error"]["code"] == "not_audible"
    carrier.hold(conference_sid=room.sid, call_sid=caller.call_sid, on=False, hold_url="")
    carrier.settle()
    assert agent.look() == caller.look() == [(True, True)]


def test_a_whispering_supervisor_is_heard_by_the_agent_alone_and_a_listening_one_by_nobody(room, carrier):
    caller, agent = room.caller, room.agent
    supervisor = room.call_in("agent-9", coach=agent.call_sid, muted=True)
    assert supervisor.look() == [(True, False), (True, False)]
    assert caller.look() == agent.look() == [(False, True), (True, True)]

    carrier.update_participant(conference_sid=room.sid, call_sid=supervisor.call_sid, muted=False)
    carrier.settle()
    assert supervisor.look() == [(True, False), (True, True)]
    assert (caller.look(), agent.look()) == ([(False, True), (True, True)], [(True, True), (True, True)])

    carrier.update_participant(conference_sid=room.sid, call_sid=supervisor.call_sid, coach="")
    carrier.settle()
    assert supervisor.look() == caller.look() == [(True, True), (True, True)]


def test_the_sound_is_in_one_window_until_another_takes_it(room, carrier):
    caller, agent = room.caller, room.agent
    token = carrier.client_token("agent-7").token
    client = room.io.test_client(room.app, namespace="/softphone", auth={"token": token})
    caller.look()
    second = Line(client, "/softphone", agent.call_sid)
    assert second.claim("a second page") == {"ok": True, "mine": False}
    assert second.signal(caller.name)["error"]["code"] == "elsewhere"

    agent.look()
    before = agent.name
    assert second.claim("a second page", take=True)["mine"]
    assert agent.told("audio") == [{"call_sid": agent.call_sid, "mine": False}]
    assert second.look() == caller.look() == [(True, True)]
    assert caller.peers[0]["peer"] == second.name != before
    assert caller.signal(before)["error"]["code"] == "not_audible"


def test_a_page_whose_connection_broke_keeps_its_sound_and_one_loaded_again_begins_anew(room, carrier):
    caller, agent = room.caller, room.agent
    caller.look()
    agent.look()
    name = caller.name
    caller.client.disconnect(namespace="/phone")
    assert agent.look() == [(True, True)]

    caller.client = room.io.test_client(room.app, namespace="/phone")
    caller.ask("resume")
    answer = caller.claim("a page", peer=name)
    assert (answer["peer"], answer["ice_servers"]) == (name, [STUN])
    assert caller.look() == [(True, True)]

    caller.client.disconnect(namespace="/phone")
    caller.client = room.io.test_client(room.app, namespace="/phone")
    caller.ask("resume")
    assert caller.claim("a page")["peer"] != name
    agent.look()
    assert agent.peers[0]["peer"] != name


def test_whoever_hangs_up_is_taken_from_the_others(room, carrier):
    room.agent.ask("hang_up")
    carrier.settle()
    assert room.caller.look() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "shout"},
        {"kind": ["offer"]},
        {"turn": "1"},
        {"sdp": None},
        {"sdp": "v" * 20_001},
        {"to": ""},
        {"to": 7},
        {"to": "x" * 65},
    ],
)
def test_what_is_no_signal_is_refused(room, wrong):
    room.agent.look()
    assert room.caller.signal(**{"to": room.agent.name, **wrong})["error"]["code"] == "bad_request"
    assert room.agent.told("signal") == []


def test_nobody_signals_for_a_call_that_is_not_theirs_or_without_end(room):
    caller, agent = room.caller, room.agent
    agent.look()
    assert caller.ask("signal", call_sid=agent.call_sid, to=agent.name, kind="offer", turn=1)["error"]["code"] == "no_such_call"
    assert caller.ask("audio", call_sid=agent.call_sid, page="a page")["error"]["code"] == "no_such_call"
    assert caller.claim(page="")["error"]["code"] == "bad_request"
    answers = [caller.signal(agent.name, turn=turn) for turn in range(70)]
    assert [answer.get("ok", False) for answer in answers] == [True] * 60 + [False] * 10
    assert answers[-1]["error"]["code"] == "too_fast"
