"""A running desk with telephones whose time moves only when told, and the steps that every call's story is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from channels.voice.port import Carrier
from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.ear import Ear
from channels.voice.simulated.webhooks import Post
from desk.actions.calls import calls
from desk.models import Agent, Call, Offer, Queue, WorkItem
from desk.work import call_keeper
from tests.world import World, post_form, running, settings_for

CALLER = "+8613800138000"
NUMBER = "+862155501234"
TOKEN = "the token that signs what the carrier posts"
ENGLISH, CHINESE = "2", "1"
LONG_S = 300
BILLING, TECHNICAL, A_PERSON = "1", "2", "0"


class Phones:
    """Callers and agents at their telephones."""

    def __init__(self, world: World, carrier: SimulatedCarrier, ear: Ear) -> None:
        self.world = world
        self.carrier = carrier
        self.ear = ear

    def settle(self) -> None:
        """Let everything that was caused happen, late and overtaken webhooks included."""
        self.carrier.advance(2)
        assert self.carrier.settle(), "The simulated carrier did not come to rest."

    def ring_in(self, caller: str = CALLER) -> str:
        """Call our number and hear the first menu."""
        sid = self.carrier.dial(caller)
        self.ear.wait_for("gather", sid)
        self.settle()
        return sid

    def queue(self, caller: str = CALLER, language: str = ENGLISH, topic: str = BILLING) -> str:
        """Call and go through the menu; returns when the caller waits."""
        sid = self.ring_in(caller)
        for key in (language, topic):
            assert self.carrier.press(sid, key)
            self.settle()
        self.carrier.advance(10)
        self.ear.wait_for("joined", sid)
        self.settle()
        return sid

    def offered(self, agent: Agent) -> Offer:
        query = select(Offer).where(Offer.state == "offered", Offer.agent_id == agent.id)
        return self.world.until(lambda: self.world.one(query))

    def accept(self, agent: Agent) -> str:
        """Accept what is offered in the console; returns the agent's leg, which rings."""
        answer = self.console(agent).post(f"/desk/offers/{self.offered(agent).id}/accept")
        assert answer.ok, answer.text
        self.settle()
        leg = self.carrier.leg_of(f"agent-{agent.id}")
        assert leg
        return leg

    def pick_up(self, agent: Agent) -> str:
        """Accept and answer."""
        leg = self.accept(agent)
        self.carrier.answer(leg, f"agent-{agent.id}")
        self.settle()
        return leg

    def hang_up(self, sid: str) -> None:
        self.carrier.hang_up_phone(sid)
        self.settle()

    def console(self, agent: Agent) -> Any:
        return self.world.browser(agent.email)

    def call(self, sid: str = "") -> Call:
        query = select(Call).order_by(Call.id.desc()).limit(1)
        return self.world.one(query.where(Call.sid == sid) if sid else query)

    def item(self, sid: str = "") -> WorkItem:
        return self.world.one(select(WorkItem).where(WorkItem.id == self.call(sid).item_id))

    def states(self, sid: str = "") -> tuple[str, str]:
        return self.call(sid).state, self.item(sid).state


def directly(carrier: SimulatedCarrier, _base_url: str) -> AbstractContextManager[Carrier]:
    """The desk speaks to the simulated carrier itself."""
    return nullcontext(carrier)


class Between:
    """What stands between the desk and the carrier (`front`), and who posts the carrier's webhooks; other tests put their own."""

    front: Callable[[SimulatedCarrier, str], AbstractContextManager[Carrier]] = staticmethod(directly)
    post: Post = staticmethod(post_form)
    faults: Mapping[str, Any] = MappingProxyType({})  # of every carrier's network


@contextmanager
def telephones(folder: Path, **faults: Any) -> Iterator[Phones]:
    """A desk with a simulated carrier; `duplicate`, `reorder` and `seed` make its network a bad one."""
    settings = settings_for(folder, TWILIO_AUTH_TOKEN=TOKEN)
    carrier = SimulatedCarrier(
        base_url=settings.base_url,
        auth_token=TOKEN,
        number=NUMBER,
        speed=0,
        now=time.time,
        post=Between.post,
        **{**Between.faults, **faults},
    )
    # The telephones' time stands still, the desk's does not: no story depends on how fast it is told.
    with (
        patch.object(calls, "GRACE_S", LONG_S),
        patch.object(call_keeper, "CHECK_S", LONG_S),
        Between.front(carrier, settings.base_url) as spoken_to,
        running(settings, carrier=spoken_to) as world,
        Ear(carrier) as ear,
    ):
        with world.tx() as tx:
            for queue in tx.session.scalars(select(Queue)):
                queue.offer_timeout_s = queue.wrap_up_s = LONG_S
            tx.emit("queue.changed")
        yield Phones(world, carrier, ear)
