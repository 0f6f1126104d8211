"""What happens to one call from two sides at the same moment: one wins, or both do, and what is left makes sense.

Each pair runs in two processes, so that on PostgreSQL their transactions truly overlap.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select

from channels.voice.events import CallEvent, ConferenceEvent
from desk.access import Viewer
from desk.actions.calls import arrival, calls, legs, outbound, supervision
from desk.actions.calls import transfers as call_transfers
from desk.actions.calls.legs import Party
from desk.actions.calls.locks import lock_call
from desk.actions.calls.transfers import read_goal
from desk.actions.work import answering, work_items
from desk.models import Agent, Call, CallLeg, CallSegment, Offer, WorkItem
from desk.models.call import OVER, WITH_AGENT
from desk.queries.calls.live_call import held_call
from tests.desk.racers import race

NUMBER = "+8613800138000"


def leg_event(sid, status):
    return CallEvent(sid, NUMBER, "+862155501234", status, "inbound")


def do(tx, step):
    """One side of a race: a verb's name and what it needs."""
    verb, *about = step
    STEPS[verb](tx, *about)
    return "done"


def supervisor_takes_over(tx, call_id, boss_id, from_id):
    supervision.take_over(tx, lock_call(tx, call_id), boss_id, from_id)


def of_agent(tx, call_id, agent_id):
    """As the agents' pages do it: the call is theirs, or there is none for them."""
    lock_call(tx, call_id)
    return held_call(tx.session, Viewer(agent_id, "Agent", ("agent",)), call_id)


def transfers(tx, call_id, agent_id, goal):
    call_transfers.transfer(tx, of_agent(tx, call_id, agent_id), read_goal(goal, "queue", "agent"), "")


def asks(tx, call_id, agent_id, goal):
    call_transfers.consult(tx, of_agent(tx, call_id, agent_id), read_goal(goal, "agent"), "")


def completes(tx, call_id, agent_id):
    call_transfers.complete(tx, of_agent(tx, call_id, agent_id))


def cancels(tx, call_id, agent_id):
    call_transfers.cancel(tx, of_agent(tx, call_id, agent_id))


def leg_ends(tx, sid):
    legs.leg_status(tx, leg_event(sid, "completed"))


def accepts(tx, offer_id, agent_id):
    answering.accept_offer(tx, offer_id, tx.session.get_one(Agent, agent_id))


def declines(tx, offer_id):
    work_items.decline(tx, offer_id)


def runs_out(tx, offer_id):
    work_items.expire(tx, offer_id, ran_out=True)


def wraps_up(tx, call_id, agent_id):
    calls.wrap_up(tx, tx.session.get_one(Call, call_id), tx.session.get_one(Agent, agent_id), "solved", "")


def holds(tx, call_id, on):
    calls.set_hold(tx, lock_call(tx, call_id), on)


def dials(tx, agent_id, call_id):
    old = tx.session.get_one(Call, call_id)
    outbound.ring_back(tx, tx.session.get_one(Agent, agent_id), old)


STEPS = {
    each.__name__: each
    for each in (
        supervisor_takes_over,
        transfers,
        asks,
        completes,
        cancels,
        leg_ends,
        accepts,
        declines,
        runs_out,
        wraps_up,
        holds,
        dials,
    )
}


class Stage:
    """Calls that have come so far, each with people of its own."""

    def __init__(self, house):
        self.house = house
        self.count = 0

    def agent(self):
        return self.house.agent(f"Agent{self.count}").id

    def talking(self, agent_id=None):
        """Somebody speaks with an agent: the call's id and the agent's."""
        self.count += 1
        sid, agent_id = f"CA{self.count}", agent_id or self.agent()
        with self.house.tx() as tx:
            call = arrival.arrive(tx, CallEvent(sid, f"{NUMBER}{self.count}", "+862155501234", "ringing", "inbound"))
            arrival.put_in_queue(tx, call)
            tx.session.flush()
            made = work_items.offer(tx, call.item_id, agent_id, epoch=1, reason={})
            answering.accept_offer(tx, made.id, tx.session.get_one(Agent, agent_id))
            call.conference_sid = f"CF{self.count}"
            self._answers(tx, call, agent_id, "agent")
            assert call.state == "talking"
        return call.id, agent_id

    def consulting(self, *, answered=True):
        """The same, and a colleague is asked: call, agent, colleague, the offer."""
        call_id, maya = self.talking()
        tom = self.agent()
        with self.house.tx() as tx:
            asks(tx, call_id, maya, f"agent:{tom}")
        made = self.offered(tom)
        if answered:
            with self.house.tx() as tx:
                accepts(tx, made, tom)
                self._answers(tx, tx.session.get_one(Call, call_id), tom, "consult")
        return call_id, maya, tom, made

    def sent_on(self):
        """A call that was given to a colleague, who is asked now."""
        call_id, maya = self.talking()
        tom = self.agent()
        with self.house.tx() as tx:
            transfers(tx, call_id, maya, f"agent:{tom}")
        return call_id, maya, tom, self.offered(tom)

    def supervised(self):
        """A call to which two supervisors listen."""
        call_id, maya = self.talking()
        bosses = self.agent(), self.agent()
        with self.house.tx() as tx:
            for boss in bosses:
                self._answers(tx, tx.session.get_one(Call, call_id), boss, "supervisor")
        return call_id, maya, bosses

    def offered(self, agent_id):
        return self.house.one(select(Offer.id).where(Offer.agent_id == agent_id, Offer.state == "offered"))

    def _answers(self, tx, call, agent_id, party):
        sid = f"{call.sid}-{agent_id}"
        legs.rings(tx, sid, Party(call.id, party, f"{party}-{agent_id}", agent_id))
        legs.leg_status(tx, leg_event(sid, "in-progress"))
        label = f"{party}-{agent_id}"
        legs.conference_event(tx, ConferenceEvent(call.conference_sid, call.conference, "participant-join", sid, label))


def sense(house, call_id):
    """The call and its parts; asserts that they belong together."""
    call = house.one(select(Call).where(Call.id == call_id))
    parts = house.all(select(CallSegment).where(CallSegment.call_id == call_id).order_by(CallSegment.id))
    open_parts = [part for part in parts if part.ended_at is None]
    item = house.one(select(WorkItem).where(WorkItem.id == call.item_id))
    if call.state in WITH_AGENT or call.state == "offered":
        assert [part.agent_id for part in open_parts if part.kind != "consult"] == [call.agent_id]
        assert (item.state, item.agent_id) == ("active", call.agent_id)
    elif call.state == "queued":
        assert (open_parts, call.agent_id) == ([], None)
        assert item.state in ("waiting", "offered")
    elif call.state in OVER:
        assert open_parts == []
        assert item.state == "wrap_up" or item.ended_at is not None
    asked = house.all(select(WorkItem).where(WorkItem.ticket_id == call.ticket_id, WorkItem.kind == "consult"))
    if call.state not in ("consult", "conference"):
        assert [each.id for each in asked if each.state not in ("done", "abandoned") and each.id != call.item_id] == []
    return call, parts


@pytest.fixture
def stage(house):
    return Stage(house)


ROUNDS = 4


def run(stage, tmp_path, pairs):
    """Each pair's two sides at once; what both came to."""
    return race(stage.house, tmp_path, [do, do], pairs)


def test_two_supervisors_who_take_over_at_once_leave_the_call_with_one_of_them(stage, tmp_path):
    calls_ = [stage.supervised() for _ in range(ROUNDS)]
    pairs = [[("supervisor_takes_over", call_id, boss, maya) for boss in bosses] for call_id, maya, bosses in calls_]
    for turn, (call_id, maya, bosses) in zip(run(stage, tmp_path, pairs), calls_, strict=True):
        assert sorted(turn) == ["Conflict", "done"]
        call, parts = sense(stage.house, call_id)
        assert call.agent_id == bosses[turn.index("done")]
        assert [(part.agent_id, part.state) for part in parts] == [(maya, "wrap_up"), (call.agent_id, "talking")]
    assert stage.house.faults() == []


def test_whatever_two_sides_do_with_a_call_at_once_leaves_it_in_one_piece(stage, tmp_path):
    house, pairs, about = stage.house, [], []

    def at_once(call_id, one, other):
        pairs.append([one, other])
        about.append(call_id)

    for _ in range(ROUNDS):
        call_id, maya, tom, _ = stage.consulting()
        at_once(call_id, ("completes", call_id, maya), ("leg_ends", leg_of(house, call_id, tom)))
        call_id, maya, tom, _ = stage.consulting()
        at_once(call_id, ("completes", call_id, maya), ("leg_ends", leg_of(house, call_id, None)))
        call_id, maya, tom, _ = stage.consulting()
        at_once(call_id, ("leg_ends", leg_of(house, call_id, tom)), ("leg_ends", leg_of(house, call_id, maya)))
        call_id, maya, tom, made = stage.consulting(answered=False)
        at_once(call_id, ("cancels", call_id, maya), ("accepts", made, tom))
        call_id, maya, tom, made = stage.consulting(answered=False)
        at_once(call_id, ("runs_out", made), ("leg_ends", leg_of(house, call_id, None)))
        call_id, maya = stage.talking()
        at_once(call_id, ("transfers", call_id, maya, "queue:technical"), ("leg_ends", leg_of(house, call_id, None)))
        call_id, maya = stage.talking()
        at_once(call_id, *[("transfers", call_id, maya, f"agent:{stage.agent()}") for _ in range(2)])
        call_id, maya = stage.talking()
        at_once(call_id, ("holds", call_id, True), ("transfers", call_id, maya, "queue:technical"))
        call_id, maya, tom, made = stage.sent_on()
        at_once(call_id, ("declines", made), ("wraps_up", call_id, maya))
        call_id, maya, tom, made = stage.sent_on()
        at_once(call_id, ("runs_out", made), ("leg_ends", leg_of(house, call_id, None)))
        call_id, maya, tom, made = stage.sent_on()
        at_once(call_id, ("accepts", made, tom), ("leg_ends", leg_of(house, call_id, None)))
    turns = run(stage, tmp_path, pairs)
    for call_id, pair, turn in zip(about, pairs, turns, strict=True):
        assert set(turn) <= {"done", "Conflict", "NotFound"}, (pair, turn)
        assert "done" in turn, pair
        sense(house, call_id)
    assert house.faults() == []


def test_two_who_ask_each_other_at_once_wait_for_nobody_for_ever(stage, tmp_path):
    """Each verb concerns both agents, from opposite ends."""
    pairs = []
    for _ in range(ROUNDS):
        (one, maya), (other, tom) = stage.talking(), stage.talking()
        with stage.house.tx() as tx:
            for agent_id in (maya, tom):
                tx.session.get_one(Agent, agent_id).capacity = 200
        pairs.append([("transfers", one, maya, f"agent:{tom}"), ("transfers", other, tom, f"agent:{maya}")])
    for turn in run(stage, tmp_path, pairs):
        assert set(turn) <= {"done", "Conflict"}
    assert stage.house.faults() == []


def test_two_tabs_that_ring_somebody_back_at_once_make_one_call(stage, tmp_path):
    pairs = []
    for _ in range(ROUNDS):
        call_id, maya = stage.talking()
        with stage.house.tx() as tx:
            leg_ends(tx, f"CA{stage.count}")
        pairs.append([("dials", maya, call_id)] * 2)
    assert [sorted(turn) for turn in run(stage, tmp_path, pairs)] == [["Conflict", "done"]] * ROUNDS
    assert stage.house.faults() == []


def leg_of(house, call_id, agent_id):
    """The name of a connection: the agent's, or with none the customer's."""
    query = select(CallLeg.sid).where(CallLeg.call_id == call_id)
    return house.one(query.where(CallLeg.agent_id == agent_id if agent_id else CallLeg.party == "customer"))
