"""Each formula of a call centre, computed from what is stored of calls, their parts and the agents' presence alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.voice.events import CallEvent, ConferenceEvent
from desk.actions.calls import arrival, callbacks, calls, legs, transfers
from desk.actions.calls.legs import Party
from desk.actions.calls.transfers import read_goal
from desk.actions.work import answering, work_items
from desk.actions.work.presence import set_presence
from desk.events import Event
from desk.models import Agent, Call, CallSegment, Offer, Queue
from desk.queries.board.entries import entries_since
from desk.queries.figures import abandonment, answer_rate, count, handle_time_s, service_level, speed_of_answer_s
from tests.desk.conftest import on_sqlite
from tests.desk.house import MORNING

OURS = "+862155501234"


class Centre:
    """Callers and agents; every step takes the seconds that it says."""

    def __init__(self, house):
        self.house, self.count = house, 0

    def queue(self):
        self.count += 1
        with self.house.tx() as tx:
            call = arrival.arrive(tx, CallEvent(f"CA{self.count}", f"+861380013800{self.count}", OURS, "ringing", "inbound"))
            call.locale = "en"
            tx.now += timedelta(seconds=1)  # in the menus, which no measure of the queue counts
            arrival.put_in_queue(tx, call)
        self.house.tick(1)
        return call

    def answer(self, call, agent, after_s):
        """The agent is offered the call after so long and is in the room two seconds later."""
        self.house.tick(after_s - 2)
        with self.house.tx() as tx:
            made = work_items.offer(tx, call.item_id, agent, epoch=1, reason={})
            answering.accept_offer(tx, made.id, tx.session.get_one(Agent, agent))
        self.house.tick(2)
        self.enters(call, agent, "agent")

    def enters(self, call, agent, party):
        with self.house.tx() as tx:
            sid = f"{call.sid}-{agent}"
            assert legs.rings(tx, sid, Party(call.id, party, f"{party}-{agent}", agent))
            legs.leg_status(tx, CallEvent(sid, "", "", "in-progress", ""))
            for leg, label in ((call.sid, "customer"), (sid, f"{party}-{agent}")):
                row = tx.session.get_one(Call, call.id)
                event = ConferenceEvent(f"CF{call.id}", row.conference, "participant-join", call_sid=leg, label=label)
                legs.conference_event(tx, event)

    def hold(self, call, seconds):
        for on in (True, False):
            with self.house.tx() as tx:
                calls.set_hold(tx, tx.session.get_one(Call, call.id), on)
            self.house.tick(seconds if on else 0)

    def hang_up(self, call):
        with self.house.tx() as tx:
            legs.leg_status(tx, CallEvent(call.sid, "", "", "completed", ""))

    def wrap_up(self, call, agent, seconds):
        self.house.tick(seconds)
        with self.house.tx() as tx:
            calls.wrap_up(tx, tx.session.get_one(Call, call.id), tx.session.get_one(Agent, agent), "solved", "")


@pytest.fixture(scope="module")
def day(request, tmp_path_factory):
    """Maya and Tom are there for ten minutes, with a break of Maya's; six people call."""
    for house in on_sqlite(request, tmp_path_factory.mktemp("measures")):
        centre, (maya, tom) = Centre(house), (house.agent(name).id for name in ("Maya", "Tom"))
        begun = house.clock.now()
        with house.tx() as tx:
            for agent in (maya, tom):
                set_presence(tx, tx.session.get_one(Agent, agent), "away")
                set_presence(tx, tx.session.get_one(Agent, agent), "available")

        first = centre.queue()  # waits 10 s, talks 60 s and is held for 20 s of them, is wrapped up in 30 s
        centre.answer(first, maya, 10)
        house.tick(40)
        centre.hold(first, 20)
        centre.hang_up(first)
        centre.wrap_up(first, maya, 30)

        handed = centre.queue()  # waits 30 s, talks 20 s, waits 10 s for Tom and 20 s for his advice, then talks 50 s with him
        centre.answer(handed, maya, 30)
        house.tick(20)
        with house.tx() as tx:
            transfers.consult(tx, tx.session.get_one(Call, handed.id), read_goal(f"agent:{tom}", "agent"), "")
        house.tick(10)
        with house.tx() as tx:
            made = tx.session.scalars(select(Offer).where(Offer.agent_id == tom)).one()
            answering.accept_offer(tx, made.id, tx.session.get_one(Agent, tom))
        centre.enters(handed, tom, "consult")
        house.tick(20)
        with house.tx() as tx:
            transfers.complete(tx, tx.session.get_one(Call, handed.id))
        centre.wrap_up(handed, maya, 15)
        house.tick(35)
        centre.hang_up(handed)
        centre.wrap_up(handed, tom, 25)

        for patience in (4, 40):  # one who misdialled, and one who gave up
            gone = centre.queue()
            house.tick(patience)
            centre.hang_up(gone)
        later = centre.queue()
        house.tick(15)
        with house.tx() as tx:
            callbacks.promise(tx, tx.session.get_one(Call, later.id), "+8613800138005", 4)
        menu = Call(sid="CA-menu", from_number="", to_number=OURS, conference="call-menu", state="ivr", arrived_at=begun)
        with house.tx() as tx:
            tx.session.add(menu)
            tx.session.flush()
            calls.caller_left(tx, menu)

        with house.tx() as tx:
            set_presence(tx, tx.session.get_one(Agent, maya), "away", "lunch")
        house.tick(600 - (house.clock.now() - begun).total_seconds())
        yield house, begun, maya, tom


def test_what_is_measured_of_the_queue(day):
    house, _begun, _maya, _tom = day
    with house.store.read() as session:
        queue = session.scalars(select(Queue).where(Queue.key == "general")).one()
        contacts = [entry.contact for entry in entries_since(session, [queue.id], MORNING, house.clock.now())]
    told = count([contact for contact in contacts if contact.outcome != "waiting"], threshold_s=20)
    assert (told.answered, told.answered_in_time, told.abandoned, told.short_abandons) == (2, 1, 2, 1)
    assert [contact.outcome for contact in contacts].count("left_otherwise") == 1
    assert service_level(told) == pytest.approx(1 / 3)
    assert abandonment(told) == pytest.approx(1 / 3)
    assert answer_rate(told) == pytest.approx(2 / 4)
    assert speed_of_answer_s(told) == pytest.approx((10 + 30) / 2)


def test_every_moment_of_a_call_is_stored(day):
    house, _begun, _maya, _tom = day
    rows = {call.sid: call for call in house.all(select(Call))}
    first = rows["CA1"]
    moments = (first.arrived_at, first.queued_at, first.offered_at, first.answered_at, first.ended_at, first.wrap_ended_at)
    assert [(one - moments[0]).total_seconds() for one in moments] == [0, 1, 9, 11, 71, 101]
    assert len(first.hold) == 1
    assert all(first.hold[0])
    assert [(rows[f"CA{number}"].abandoned_at is not None, rows[f"CA{number}"].abandon_point) for number in (3, 4)] == [
        (True, "queue")
    ] * 2
    assert (rows["CA-menu"].abandon_point, rows["CA-menu"].queued_at) == ("ivr", None)
    assert (rows["CA5"].flow_out, rows["CA5"].abandoned_at) == ("callback", None)
    assert rows["CA5"].flow_out_at is not None


def test_what_is_measured_of_the_agents(day):
    house, begun, maya, tom = day
    parts = house.all(select(CallSegment).order_by(CallSegment.id))
    handled = [part for part in parts if part.started_at is not None and part.kind != "consult"]
    seconds = [(part.wrap_ended_at - part.started_at).total_seconds() for part in handled]
    assert [(part.agent_id, part.hold_s) for part in handled] == [(maya, 20), (maya, 30), (tom, 0)]
    assert seconds == [60 + 30, 50 + 15, 50 + 25]
    assert handle_time_s(seconds) == pytest.approx(230 / 3)  # the advice is in nobody's talk but in the time that Maya let wait
    transferred = [part for part in handled if part.ended_by.startswith("transfer_")]
    assert (len(transferred), transferred[0].transferred_to) == (1, f"agent:{tom}")
    assert sum(part.ended_by == "caller" for part in handled) == 2

    consults = [(part.ended_at - part.started_at).total_seconds() for part in parts if part.kind == "consult"]
    assert consults == [20]
    there = available_s(house, maya, begun)
    busy = sum(spent for part, spent in zip(handled, seconds, strict=True) if part.agent_id == maya)
    assert busy / there == pytest.approx((90 + 65) / there)
    assert 0 < busy < there < 600  # the break is in neither part of the share


def available_s(house, agent, since):
    """For how long somebody was there for work, by the log of their presence."""
    events = house.all(select(Event).where(Event.agent_id == agent, Event.kind == "agent.presence_set").order_by(Event.id))
    spells = zip(events, [*(event.at for event in events[1:]), house.clock.now()], strict=True)
    return sum((until - max(event.at, since)).total_seconds() for event, until in spells if event.data["presence"] == "available")
