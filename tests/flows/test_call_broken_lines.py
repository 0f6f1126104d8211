"""Lines that break: the agent's browser dies and comes back to the same call, or not; what lost webhooks leave behind."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from channels.voice.port import CarrierFailed
from desk.events import Event
from desk.models import Agent, Call
from desk.models.agent import NOT_RESPONDING
from desk.queries.calls.carrier_state import ENOUGH, carrier_state
from desk.work.call_keeper import CallKeeper
from tests.flows.call_steps import Steps
from tests.flows.phone_world import telephones


@pytest.fixture
def steps(tmp_path):
    with telephones(tmp_path) as phones:
        yield Steps(phones)


@pytest.fixture
def maya(steps):
    return steps.world.agent("Maya", available=True)


def let_grace_end(steps):
    """As if the time had passed for which a caller is kept for the agent whose line broke."""
    with steps.world.tx() as tx:
        call = tx.session.scalars(select(Call)).one()
        call.lost_until = tx.now - timedelta(seconds=1)
    CallKeeper(steps.world.desk).turn()
    steps.phones.settle()


def test_an_agent_whose_browser_comes_back_goes_on_with_the_same_caller(steps, maya):
    sid, leg = steps.talk(maya)
    steps.phones.hang_up(leg)
    assert steps.phones.call().lost_until is not None
    assert steps.hears(sid)
    again = steps.answer(maya)
    assert again != leg
    assert (steps.state(), steps.phones.call().agent_id, steps.phones.call().lost_until) == ("talking", maya.id, None)
    assert steps.hears(sid, again)
    steps.phones.hang_up(sid)
    assert steps.parts() == [("handle", "wrap_up", "caller")]
    assert all(end for _start, end in steps.phones.call().hold)


def test_a_browser_that_was_gone_for_a_moment_is_rung_when_it_says_that_it_is_back(steps, maya):
    sid, leg = steps.talk(maya)
    steps.phones.hang_up(leg)
    first = steps.world.until(lambda: steps.carrier.leg_of(f"agent-{maya.id}"))
    steps.carrier.reject(first, f"agent-{maya.id}")  # the page is not there yet
    steps.phones.settle()
    assert steps.phones.call().lost_until is not None
    assert steps.phones.console(maya).post("/desk/softphone/ready").status_code == 204
    steps.phones.settle()
    assert steps.hears(sid, steps.answer(maya))


def test_an_agent_who_does_not_come_back_in_time_leaves_the_caller_first_in_the_line_and_is_asked_first(steps, maya):
    sid, leg = steps.talk(maya)
    due = steps.phones.item().due_at
    steps.phones.hang_up(leg)
    steps.world.until(lambda: steps.carrier.leg_of(f"agent-{maya.id}"))
    let_grace_end(steps)
    assert steps.state() == "queued"
    assert steps.phones.item().due_at == due
    assert steps.carrier.call_state(sid) == "in-progress"
    leg = steps.phones.pick_up(maya)
    assert steps.hears(sid, leg)
    steps.phones.hang_up(sid)
    assert [by for _kind, _state, by in steps.parts()] == ["lost", "caller"]


def test_a_caller_who_gives_up_after_the_agent_was_lost_leaves_the_wrap_up_to_them(steps, maya):
    sid, leg = steps.talk(maya)
    steps.phones.hang_up(leg)
    let_grace_end(steps)
    steps.phones.offered(maya)
    steps.phones.hang_up(sid)
    assert steps.phones.states() == ("wrap_up", "wrap_up")
    assert steps.press(maya, "wrap-up", code="dropped").ok
    assert steps.phones.states() == ("done", "done")
    assert steps.load() == {"Maya": 0}


def test_the_caller_may_hang_up_while_the_agents_line_is_broken(steps, maya):
    sid, leg = steps.talk(maya)
    steps.phones.hang_up(leg)
    steps.phones.hang_up(sid)
    assert steps.phones.states() == ("wrap_up", "wrap_up")
    steps.world.until(lambda: not steps.carrier.live_calls())
    assert steps.parts() == [("handle", "wrap_up", "dropped")]  # to be rung back, as nobody wished it to end


def test_an_agent_who_takes_a_call_and_does_not_pick_up_is_seen_not_to_respond(steps, maya):
    steps.phones.queue()
    steps.phones.accept(maya)
    steps.carrier.advance(60)
    steps.phones.settle()
    assert steps.world.one(select(Agent.presence).where(Agent.id == maya.id)) == NOT_RESPONDING
    assert steps.phones.states() == ("queued", "waiting")
    assert steps.load() == {"Maya": 0}


@pytest.mark.one_process("lets webhooks have no effect, by changing the code that they reach")
@pytest.mark.parametrize("lost", ["answer", "end", "everything"])
def test_what_webhooks_did_not_tell_is_made_up_for(steps, maya, lost, monkeypatch):
    monkeypatch.setattr("desk.web.voice.webhooks.effect_once", lambda *_args: "")  # the carrier speaks, and nobody hears
    if lost == "answer":
        monkeypatch.undo()
    sid = steps.phones.queue()
    monkeypatch.setattr("desk.web.voice.webhooks.effect_once", lambda *_args: "")
    leg = steps.phones.accept(maya)
    steps.carrier.answer(leg, f"agent-{maya.id}")
    steps.phones.settle()
    assert steps.state() == "offered"
    compare(steps)
    assert steps.state() == "talking"
    if lost != "answer":
        steps.phones.hang_up(sid)
        assert steps.state() == "talking"
        compare(steps)
        assert steps.phones.states() == ("wrap_up", "wrap_up")
        assert steps.phones.item().agent_id == maya.id
    healed = steps.world.all(select(Event.data).where(Event.kind == "call.healed").order_by(Event.id))
    assert healed
    assert healed[-1]["to"] == steps.state()
    before = len(healed)
    compare(steps)
    assert len(steps.world.all(select(Event.id).where(Event.kind == "call.healed"))) == before


def test_a_call_that_goes_on_survives_a_restart_of_our_process(steps, maya):
    sid, leg = steps.talk(maya)
    compare(steps)  # as a process does that has just begun
    assert (steps.state(), steps.hears(sid, leg)) == ("talking", True)
    assert steps.world.one(select(Call.checked_at).where(Call.sid == sid)) is not None
    assert steps.world.all(select(Event.id).where(Event.kind == "call.healed")) == []


def test_a_carrier_that_is_away_is_noticed_and_so_is_its_return(steps, maya, monkeypatch):
    priya = steps.world.agent("Priya", roles=("admin",))
    steps.talk(maya)

    def away(*_args, **_named):
        raise CarrierFailed("timed out", retryable=True)

    with monkeypatch.context() as patched:
        patched.setattr(steps.carrier, "room_info", away)
        for _ in range(ENOUGH):
            compare(steps)
        with steps.world.desk.store.read() as session:
            state = carrier_state(session)
        assert not state.is_there
        assert state.reason
        assert steps.state() == "talking"
        assert "has not answered since" in steps.phones.console(maya).get("/desk/strip").text
        ready = requests.get(f"{steps.world.url}/readyz", timeout=60)
        assert (ready.status_code, ready.json()["carrier"]) == (200, "does not answer")
        assert on_health_page(steps, priya) == "does not answer"
    assert steps.press(maya, "hold").ok  # whatever it does again shows that it is there
    with steps.world.desk.store.read() as session:
        assert carrier_state(session).is_there
    assert on_health_page(steps, priya) == "answers"
    assert "has not answered since" not in steps.phones.console(maya).get("/desk/strip").text
    kinds = steps.world.all(select(Event.kind).where(Event.kind.startswith("setting.carrier_")).order_by(Event.id))
    assert kinds == ["setting.carrier_lost", "setting.carrier_returned"]


def on_health_page(steps, admin) -> str:
    """What it says of the carrier."""
    page = steps.phones.console(admin).get("/admin/health").text
    return re.search(r'id="part-carrier">.*?<span class="badge[^>]*>(?:<[^>]*>)*([^<]+)', page, re.DOTALL)[1].strip()


def compare(steps):
    """Look at once at what the carrier says of every call."""
    CallKeeper(steps.world.desk).turn()
    steps.phones.settle()
