"""The desk is killed while people speak, its carrier lives on: the call goes on, and its end is recorded once."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from sqlalchemy import select

from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.ear import Ear
from desk.app import prepare
from desk.events import SYSTEM, Event
from desk.models import Queue
from tests.faults.child import Child
from tests.flows.call_steps import Steps
from tests.flows.phone_world import LONG_S, NUMBER, Phones
from tests.twilio.fake_rows import ACCOUNT, APP
from tests.twilio.fake_twilio import KEY, SECRET, TOKEN, FakeTwilio, address_of
from tests.world import World

TWILIO = {
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "TWILIO_API_KEY": KEY,
    "TWILIO_API_SECRET": SECRET,
    "TWILIO_TWIML_APP_SID": APP,
    "TWILIO_NUMBER": NUMBER,
}


@pytest.fixture
def told(tmp_path):
    """A desk in a process of its own, and telephones that outlive it."""
    with Child(tmp_path, **TWILIO) as child, ExitStack() as afterwards:
        carrier = SimulatedCarrier(base_url=child.url, auth_token=TOKEN, number=NUMBER, speed=0, now=time.time)
        fake = FakeTwilio(carrier)
        carrier.start()
        afterwards.callback(carrier.stop)
        afterwards.enter_context(fake.running())
        ear = afterwards.enter_context(Ear(carrier))
        child.env["TWILIO_API_URL"] = address_of(fake.port)
        installation = child.installation()
        afterwards.callback(installation.store.engine.dispose)
        prepare(installation)
        with installation.store.tx(SYSTEM) as tx:  # the telephones' time stands still, the desk's does not
            for queue in tx.session.scalars(select(Queue)):
                queue.offer_timeout_s = queue.wrap_up_s = LONG_S
        child.start()
        yield child, Steps(Phones(World(installation, None, None), carrier, ear))


def test_a_call_outlives_the_desk_and_its_end_is_recorded_once(told):
    child, steps = told
    maya = steps.world.agent("Maya", available=True)
    sid, leg = steps.talk(maya)

    child.kill()
    assert steps.hears(sid, leg)
    child.start()
    page = steps.phones.console(maya).get("/desk").text
    assert f'data-current-call="{steps.phones.call().id}"' in page
    assert steps.press(maya, "hold").ok
    assert (steps.state(), steps.hears(sid)) == ("hold", True)
    assert steps.press(maya, "hold").ok

    child.kill()
    steps.phones.hang_up(sid)  # and nobody is there to be told
    assert steps.state() == "talking"
    child.start()
    steps.until("wrap_up")
    assert steps.carrier.live_calls() == []
    assert steps.press(maya, "wrap-up", code="solved").ok
    assert steps.parts() == [("handle", "done", "caller")]
    ends = select(Event.kind).where(Event.kind.in_(("call.answered", "call.ended"))).order_by(Event.id)
    assert steps.world.all(ends) == ["call.answered", "call.ended"]
    assert steps.load() == {"Maya": 0}


def test_an_answer_and_a_colleague_who_comes_while_the_desk_is_away_are_not_lost(told):
    child, steps = told
    maya, tom = steps.world.agent("Maya", available=True), steps.world.agent("Tom")
    steps.phones.queue()
    leg = steps.phones.accept(maya)
    child.kill()
    steps.carrier.answer(leg, f"agent-{maya.id}")
    steps.phones.settle()
    child.start()
    steps.until("talking")
    assert steps.phones.console(tom).post("/desk/presence", data={"presence": "available"}).ok
    assert steps.press(maya, "consult", to=f"agent:{tom.id}").ok
    his = steps.phones.accept(tom)
    child.kill()
    steps.carrier.answer(his, f"agent-{tom.id}")
    steps.phones.settle()
    child.start()
    steps.world.until(lambda: [part[1] for part in steps.parts()] == ["consult", "consult"])
    assert steps.press(maya, "consult/complete").ok
    assert (steps.state(), steps.phones.call().agent_id, steps.hears(steps.phones.call().sid, his)) == ("talking", tom.id, True)
