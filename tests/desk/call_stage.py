"""A call's story with what the carrier says of it arriving late and twice: what people press happens at its time, what the
carrier says happened at its second and arrives any time after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from channels.voice.events import CallEvent, ConferenceEvent
from desk.actions.calls import calls, legs, segments
from desk.actions.calls.legs import Party
from desk.models import Call

GRAIN = timedelta(seconds=1)
DELAYS = (0.0, 0.0, 0.3, 3.0, 20.0, 80.0)
OURS, NUMBER = "+862155501234", "+8613800138000"
ROOM, HER, HIM, THEM = "CF-room", "CA-maya", "CA-tom", "CA-customer"
SOUND = "RE-sound"


@dataclass(frozen=True)
class Deed:
    """What somebody of ours does, or our desk itself, at that second."""

    second: float
    act: Callable


@dataclass(frozen=True)
class Word:
    """What the carrier says of a second. Of the words with the same `needed` one at least comes at once: a deed rests on it."""

    second: float
    act: Callable
    needed: str = ""


def leg(sid, status, second, needed=""):
    event = CallEvent(sid, NUMBER, OURS, status, "")

    def act(stage, tx, at):
        if event.final and sid != THEM and stage.customer_is_gone(tx):
            calls.caller_left(tx, stage.call(tx), at)  # the door asks the carrier
        legs.leg_status(tx, event, stage.party(sid), at)

    return Word(second, act, needed)


def room(kind, sid, second, needed="", **more):
    def act(stage, tx, at):
        call = stage.call(tx)
        label = stage.party(sid).label if sid else ""
        event = ConferenceEvent(ROOM, call.conference, kind, call_sid=sid, label=label, **more)
        legs.conference_event(tx, event, customer_there=not stage.customer_is_gone(tx), at=at)

    return Word(second, act, needed)


class Stage:
    """One call's story: who takes part, and what is told of it."""

    def __init__(self, house):
        self.house = house
        self.start = house.clock.now()
        self.maya, self.tom = house.agent("Maya").id, house.agent("Tom").id
        self.customer_until = 65.0
        self.call_id = 0

    def call(self, tx):
        return tx.session.get_one(Call, self.call_id)

    def customer_is_gone(self, tx):
        """As the carrier says when it is asked, but for somebody who was never there."""
        return self.call(tx).state != "dialing" and tx.now >= self.start + timedelta(seconds=self.customer_until)

    def party(self, sid):
        label, agent_id = {
            HER: (f"agent-{self.maya}", self.maya),
            HIM: (f"consult-{self.tom}", self.tom),
            THEM: ("customer", None),
        }[sid]
        return Party(self.call_id, label.partition("-")[0], label, agent_id)

    def play(self, data, steps):
        """Let all of it happen, in an order drawn from `data`, and undo it when the block ends."""
        on_time = {}
        for number, step in enumerate(steps):
            if isinstance(step, Word) and step.needed:
                on_time.setdefault(step.needed, []).append(number)
        on_time = {data.draw(st.sampled_from(numbers)) for numbers in on_time.values()}
        arrivals = []
        for number, step in enumerate(steps):
            delay = 0.0
            if isinstance(step, Word):
                delay = 0.0 if number in on_time else data.draw(st.sampled_from(DELAYS))
                if data.draw(st.booleans()):
                    arrivals.append((step.second + delay + data.draw(st.sampled_from(DELAYS)), number, step))
            arrivals.append((step.second + delay, number, step))
        return [(arrival, step) for arrival, _number, step in sorted(arrivals, key=lambda each: each[:2])]

    def tell(self, tx, order):
        for arrival, step in order:
            tx.now = self.start + timedelta(seconds=arrival)
            step.act(self, tx, *(() if isinstance(step, Deed) else (self.start + timedelta(seconds=step.second),)))
            tx.session.flush()

    def seconds(self, moment):
        return None if moment is None else (moment - self.start).total_seconds()


def check(stage, data, steps, look):
    order = stage.play(data, steps)
    with stage.house.tx() as tx:
        stage.tell(tx, order)
        try:
            look(tx)
        finally:
            tx.session.rollback()
            tx.pending.clear()


def near(stage, moment, second):
    assert moment is not None
    assert abs(moment - (stage.start + timedelta(seconds=second))) <= GRAIN, (stage.seconds(moment), second)


def any_order(story):
    """Fifteen orders of it. What fails is shown as it was drawn: to make it smaller takes minutes, with a database behind it."""
    drawn = settings(
        max_examples=15,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return drawn(given(data=st.data())(story))


def ends_it(stage, tx):
    segments.is_ending(tx, stage.call(tx), "agent")
