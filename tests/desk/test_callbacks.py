"""Promises to ring back: the place is kept, the hours are kept, and what was promised is seen when it is not kept."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from sqlalchemy import select

from channels.voice.events import CallEvent
from desk.access import viewer_of
from desk.actions import intake
from desk.actions.calls import arrival, callback_outcomes, callbacks, calls
from desk.actions.people import customers
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid
from desk.models import Agent, Call, Callback, Message, Ticket, Timer, WorkItem
from desk.models.call import BUSY, MACHINE, NO_ANSWER
from desk.queries.board.entries import entries_since
from desk.queries.calls.callbacks import kept_promises, may_promise, open_promises
from desk.work.due import ACTIONS
from tests.desk.house import MORNING

NUMBER, OURS, TYPED = "+8613800138000", "+862155501234", "+8613911112222"


def queued(house, sid="CA-caller", number=NUMBER):
    """A caller who waits in the general queue."""
    with house.tx() as tx:
        call = arrival.arrive(tx, CallEvent(sid, number, OURS, "ringing", "inbound"))
        call.locale = "en"
        arrival.put_in_queue(tx, call)
        assert call.state == "queued"
    return call


def promised(house, call, number=NUMBER, minutes=4):
    with house.tx() as tx:
        return callbacks.promise(tx, tx.session.get_one(Call, call.id), number, minutes)


def taken(house, callback, agent):
    """The agent accepts the offer of it; the call that is to be made."""
    made = house.offer(house.one(select(WorkItem).where(WorkItem.id == house.again(callback).item_id)), agent)
    with house.tx() as tx:
        item = work_items.accept(tx, made.id)
        attempt = callbacks.accepted(tx, item, tx.session.get_one(Agent, agent.id))
        call = Call(
            sid=f"pending-{made.id}",
            direction="out",
            state="dialing",
            from_number=OURS,
            to_number=attempt.callback.number,
            conference=f"call-{made.id}",
            customer_id=attempt.customer.id,
            ticket_id=attempt.ticket.id,
            item_id=item.id,
            agent_id=agent.id,
            callback_id=attempt.callback.id,
            arrived_at=tx.now,
        )
        tx.session.add(call)
        tx.emit("call.dialled", call=call)
    return call


def ended(house, call, state):
    with house.tx() as tx:
        call = tx.session.get_one(Call, call.id)
        call.state, call.ended_at = state, tx.now
        callback_outcomes.attempt_failed(tx, call)


def ring(house, kind):
    """Let the timer of this kind run at its time."""
    timer = house.one(select(Timer).where(Timer.kind == kind, Timer.done_at.is_(None)))
    house.tick(max(0.0, (timer.due_at - house.clock.now()).total_seconds()))
    with house.tx() as tx:
        tx.session.get_one(Timer, timer.id).done_at = tx.now
        ACTIONS[kind](tx, timer.data)


def test_the_same_work_waits_on_in_the_same_place_and_is_no_abandoned_call(house):
    first, second = queued(house, "CA-1"), queued(house, "CA-2", "+8613800138001")
    before = house.one(select(WorkItem).where(WorkItem.id == first.item_id))
    house.tick(60)
    callback = promised(house, first)
    item = house.again(before)
    assert (item.kind, item.state, item.due_at, item.enqueued_at) == ("callback", "waiting", before.due_at, before.enqueued_at)
    call = house.again(first)
    assert (call.state, call.flow_out, call.item_id, call.callback_id) == ("callback_set", "callback", None, callback.id)
    with house.tx() as tx:
        calls.caller_left(tx, tx.session.get_one(Call, first.id))
    assert house.again(first).state == "callback_set"
    with house.store.read() as session:
        outcomes = [entry.contact.outcome for entry in entries_since(session, [item.queue_id], MORNING, house.clock.now())]
    assert sorted(outcomes) == ["left_otherwise", "waiting"]
    assert house.again(second).state == "queued"
    assert house.faults() == []


def test_a_call_that_somebody_is_taking_is_not_turned_into_a_promise(house):
    maya = house.agent(**{"lang:en": 5})
    call = queued(house)
    house.offer(house.one(select(WorkItem)), maya)
    with pytest.raises(Conflict):
        promised(house, call)
    assert house.all(select(Callback)) == []


def test_whoever_is_reached_has_been_promised_and_kept(house):
    maya = house.agent(**{"lang:en": 5})
    callback = promised(house, queued(house))
    house.tick(120)
    call = taken(house, callback, maya)
    assert house.again(callback).state == "dialling"
    for _ in range(2):
        with house.tx() as tx:
            callback_outcomes.reached(tx, tx.session.get_one(Call, call.id))
    now = house.again(callback)
    assert (now.state, now.attempts, now.first_attempt_at) == ("reached", 1, MORNING + timedelta(seconds=120))
    assert house.again(house.one(select(WorkItem))).state == "active"
    with house.store.read() as session:
        assert kept_promises(session, MORNING, house.clock.now()).share == 1.0
    assert house.all(select(Timer).where(Timer.done_at.is_(None), Timer.kind.startswith("callback."))) == []
    assert house.faults() == []


def test_three_attempts_in_vain_over_two_business_days_end_with_a_note(house):
    maya = house.agent(**{"lang:en": 5})
    callback = promised(house, queued(house))
    place = house.one(select(WorkItem))
    days = []
    for turn, outcome in enumerate((NO_ANSWER, BUSY, MACHINE)):
        call = taken(house, callback, maya)
        days.append(house.clock.now())
        for _ in range(2):
            ended(house, call, outcome)
        assert house.again(maya).used == 0
        assert (house.again(callback).attempts, house.again(callback).last_outcome) == (turn + 1, outcome)
        assert house.faults() == []
        if turn < 2:
            assert house.again(callback).state == "planned"
            assert house.one(select(WorkItem.id).where(WorkItem.state == "waiting")) is None
            ring(house, "callback.join")
            item = house.one(select(WorkItem).where(WorkItem.state == "waiting"))
            assert (item.kind, item.due_at, item.enqueued_at) == ("callback", place.due_at, place.enqueued_at)
    assert house.again(callback).state == "not_reached"
    assert house.kinds("callback.")[-1] == "callback.not_reached"
    assert days[2] - days[0] <= timedelta(days=4)  # a Friday, with the weekend between
    ticket = house.one(select(Ticket))
    assert ticket.status == "pending_customer"
    assert "3" in house.one(select(Message.text).where(Message.kind == "note"))
    assert house.one(select(Timer).where(Timer.done_at.is_(None), Timer.kind.startswith("callback."))) is None


def test_an_agent_whose_own_phone_fails_costs_the_customer_no_attempt(house):
    maya = house.agent(**{"lang:en": 5})
    callback = promised(house, queued(house))
    call = taken(house, callback, maya)
    with house.tx() as tx:
        callback_outcomes.not_dialled(tx, tx.session.get_one(Call, call.id))
    now = house.again(callback)
    assert (now.state, now.attempts) == ("waiting", 0)
    assert house.one(select(WorkItem.state)) == "waiting"
    assert house.faults() == []


def test_a_customer_who_calls_first_has_their_place_and_is_not_rung(house):
    callback = promised(house, queued(house, "CA-1"))
    queued(house, "CA-2", "+8613800138001")
    item = house.one(select(WorkItem).where(WorkItem.id == callback.item_id))
    house.tick(300)
    with house.tx() as tx:
        again = arrival.arrive(tx, CallEvent("CA-3", NUMBER, OURS, "ringing", "inbound"))
        assert callbacks.recognise(tx, again)
        assert not callbacks.recognise(tx, again)
    again = house.again(again)
    assert (again.state, again.item_id, again.ticket_id) == ("queued", item.id, item.ticket_id)
    assert (house.again(item).kind, house.again(item).due_at) == ("call", item.due_at)
    assert house.again(callback).state == "called_in"
    with house.store.read() as session:
        entries = entries_since(session, [item.queue_id], MORNING, house.clock.now())
        assert kept_promises(session, MORNING, house.clock.now()).share == 1.0
    assert sorted(entry.contact.outcome for entry in entries) == ["left_otherwise", "waiting", "waiting"]
    assert min(entry.contact.wait_s for entry in entries) == 0.0  # the second call has only begun to wait
    assert house.faults() == []


def test_a_customer_who_calls_between_two_attempts_goes_first(house):
    maya = house.agent(**{"lang:en": 5})
    callback = promised(house, queued(house))
    ended(house, taken(house, callback, maya), NO_ANSWER)
    with house.tx() as tx:
        again = arrival.arrive(tx, CallEvent("CA-3", NUMBER, OURS, "ringing", "inbound"))
        assert callbacks.recognise(tx, again)
    item = house.one(select(WorkItem).where(WorkItem.state == "waiting"))
    assert (item.kind, item.due_at, item.id) == ("call", callback.due_at, house.again(again).item_id)
    assert house.one(select(Timer).where(Timer.kind == "callback.join", Timer.done_at.is_(None))) is None


def test_what_nobody_has_rung_in_time_is_late_goes_first_and_is_rung_in_decent_hours_only(house):
    callback = promised(house, queued(house))
    ring(house, "callback.late")
    now = house.again(callback)
    assert (now.state, now.late_at) == ("waiting", now.promised_by)
    assert house.one(select(WorkItem.band)) == 0
    ring(house, "callback.park")
    assert house.again(callback).state == "planned"
    assert house.one(select(WorkItem.id).where(WorkItem.ended_at.is_(None))) is None
    ring(house, "callback.join")
    at = house.clock.now().astimezone(UTC)
    assert house.again(callback).state == "waiting"
    assert 0 <= at.hour < 13  # 8 to 21 in Shanghai
    with house.store.read() as session:
        kept = kept_promises(session, MORNING, house.clock.now())
    assert (kept.due, kept.kept) == (1, 0)
    assert house.faults() == []


def test_asking_again_replaces_the_earlier_promise(house):
    first = promised(house, queued(house, "CA-1"))
    second = promised(house, queued(house, "CA-2"))
    assert (house.again(first).state, house.again(second).state) == ("withdrawn", "waiting")
    assert [item.state for item in house.all(select(WorkItem).order_by(WorkItem.id))] == ["done", "waiting"]
    with house.store.read() as session:
        assert kept_promises(session, MORNING, house.clock.now()).due == 0
    assert house.faults() == []


def test_a_promise_for_an_hour_waits_outside_the_line_until_then(house):
    slot = MORNING + timedelta(hours=3)
    with house.tx() as tx:
        customer = customers.identify(tx, "phone", NUMBER, name="Li Na", locale="zh")
        queue = intake.find_queue(tx, "general")
        callback = callbacks.promise_later(tx, number=NUMBER, customer=customer, queue=queue, source="web", at=slot)
    assert (house.again(callback).state, house.again(callback).next_at) == ("planned", slot)
    assert house.all(select(WorkItem)) == []
    ring(house, "callback.join")
    item = house.one(select(WorkItem))
    assert (item.kind, item.enqueued_at, house.again(callback).state) == ("callback", slot, "waiting")
    assert ["lang:zh", 1] in item.requires
    with house.store.read() as session:
        assert entries_since(session, [item.queue_id], MORNING, house.clock.now()) == []  # nobody waits on the line


@pytest.mark.parametrize(
    ("minutes", "at", "offered"), [(1, 0, False), (2, 0, True), (None, 0, True), (15, 6.9, True), (60, 10.5, False)]
)
def test_it_is_offered_when_the_wait_is_long_and_over_before_closing(sqlite_house, minutes, at, offered):
    house = sqlite_house
    with house.store.read() as session:
        queue = session.get_one(callbacks.Queue, house.one(select(callbacks.Queue.id).where(callbacks.Queue.key == "general")))
        now = MORNING + timedelta(hours=at)
        assert may_promise(session, queue, NUMBER, minutes, now) is offered


@pytest.mark.parametrize(
    ("typed", "number"),
    [("13911112222", TYPED), ("8613911112222", TYPED), ("008613911112222", TYPED), ("02155501234", "+862155501234")],
)
def test_a_number_may_be_typed_as_people_dial_it(typed, number):
    assert callbacks.readable(typed, near=(NUMBER, OURS)) == number


@pytest.mark.parametrize("typed", ["", "110", "12345", "+18005550100", "00442079460000", "*#06#", "anonymous", "9" * 40])
def test_we_ring_no_number_that_is_none_or_would_be_dear(typed):
    with pytest.raises(Invalid):
        callbacks.readable(typed, near=(NUMBER, OURS))


def test_a_number_that_the_carrier_has_shown_exists_though_the_book_of_numbers_does_not_know_it():
    unknown, dear = "+447700900103", "+449098790000"
    for typed in (unknown, "07700900103"):
        assert callbacks.readable(typed, near=(unknown, OURS), shown=unknown) == unknown
    for typed, shown in ((unknown, ""), (unknown, "+447700900104"), (dear, dear), ("+4477", "+4477")):
        with pytest.raises(Invalid):
            callbacks.readable(typed, near=(unknown, OURS), shown=shown)


def test_the_list_shows_what_is_promised_in_the_order_of_the_promises(sqlite_house):
    house = sqlite_house
    supervisor = house.agent("Sam")
    with house.tx() as tx:
        tx.session.get_one(Agent, supervisor.id).roles = ["supervisor"]
        tx.emit("agent.roles_set", agent=supervisor)
    promised(house, queued(house, "CA-1"), minutes=40)
    promised(house, queued(house, "CA-2", "+8613800138001"), "+8613800138001", minutes=20)
    with house.store.read() as session:
        viewer = viewer_of(session.get_one(Agent, supervisor.id))
        assert [line.callback.number for line in open_promises(session, viewer)] == ["+8613800138001", NUMBER]
