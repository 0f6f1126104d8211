"""Every process of a grown desk is restarted in its turn while people speak, wait and are rung: no call is dropped."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.ear import Ear
from desk.events import Event
from desk.models import Queue
from desk.work.background import ALL
from tests.faults.chaos.stage import Part
from tests.flows.call_steps import Steps
from tests.flows.phone_world import LONG_S, NUMBER, TOKEN, Phones
from tests.grown.whole_desk import instead, standing_on
from tests.world import World, settings_for

pytestmark = pytest.mark.nightly

SECOND = "+8613900139009"


@pytest.fixture
def told(tmp_path, tmp_path_factory, postgres_server, redis_server) -> Iterator[tuple[Steps, list[Part]]]:
    """The steps of a call, and the processes."""
    settings = settings_for(tmp_path, TWILIO_AUTH_TOKEN=TOKEN)
    carrier = SimulatedCarrier(base_url=settings.base_url, auth_token=TOKEN, number=NUMBER, speed=0, now=time.time)
    with (
        standing_on(postgres_server, redis_server, tmp_path_factory.mktemp("nursery")),
        instead(settings, None, carrier, ALL, patient) as (desk, doors),
        Ear(carrier) as ear,
    ):
        yield Steps(Phones(World(desk, None, doors), carrier, ear)), doors.parts


def patient(tx) -> None:
    """The telephones' time stands still, the desk's does not."""
    for queue in tx.session.scalars(select(Queue)):
        queue.offer_timeout_s = queue.wrap_up_s = LONG_S


def restart(part: Part) -> None:
    part.tell(signal.SIGTERM)
    assert part.process.wait(120) == 0, part.log.read_text()[-3000:]
    part.start()
    part.until_ready()


def test_a_call_and_a_caller_who_waits_outlive_the_restart_of_every_process(told):
    steps, parts = told
    maya = steps.world.agent("Maya", available=True)
    sid, leg = steps.talk(maya)
    spoken = steps.phones.call(sid)
    waiting = steps.phones.queue(SECOND)
    for part in parts:
        restart(part)
        for expected in (True, False):
            assert steps.press(maya, "hold", spoken).ok, part.name
            assert steps.hears(sid, leg) is not expected, part.name
        assert steps.phones.states(waiting) == ("queued", "waiting"), part.name
    steps.phones.hang_up(sid)
    steps.world.until(lambda: steps.phones.call(sid).state == "wrap_up")
    assert steps.press(maya, "wrap-up", spoken, code="solved").ok
    assert steps.phones.pick_up(maya)
    assert steps.hears(waiting, steps.carrier.leg_of(f"agent-{maya.id}"))
    ended = steps.world.all(select(Event.call_id).where(Event.kind == "call.ended"))
    assert ended == [spoken.id]
