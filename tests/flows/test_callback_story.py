"""Callers who would rather not wait: star, a promise with the place kept, and the call that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from desk.models import Agent, Calendar, Call, Callback, CallSegment, Setting, Ticket, WorkItem
from desk.queries.board.entries import entries_since
from desk.queries.calls.voice_policy import SETTING, VoicePolicy
from tests.flows.phone_world import CALLER, Phones, telephones

OTHER, MACHINE = "+8613911112222", "+15005550104"
CALL_BACK, LEAVE_MESSAGE, CONFIRM, ANOTHER = "1", "2", "1", "2"


@contextmanager
def open_day_and_night(folder, **faults) -> Iterator[Phones]:
    """Telephones at a desk that may ring its customers at any hour, so that the hour of the test does not matter."""
    with telephones(folder, **faults) as phones:
        with phones.world.tx() as tx:
            policy = VoicePolicy(callback_hours=("00:00", "24:00"))
            tx.session.add(Setting(key=SETTING, value=policy.to_dict()))
            tx.emit("setting.voice_policy_set")
        yield phones


def step_out(phones, sid, key=""):
    """Press star while waiting, hear the choice, and press a key of it."""
    assert phones.carrier.press(sid, "*")
    phones.settle()
    if key:
        assert phones.carrier.press(sid, key)
        phones.settle()


def press_all(phones, sid, keys):
    for key in keys:
        assert phones.carrier.press(sid, key)
    phones.settle()


def said(phones, sid):
    return " ".join(phones.ear.texts(sid))


def promised(phones, caller=CALLER):
    """A caller in the line has taken a call back to their own number, and has hung up."""
    sid = phones.queue(caller)
    step_out(phones, sid, CALL_BACK)
    press_all(phones, sid, CONFIRM)
    phones.carrier.advance(20)
    phones.settle()
    assert phones.carrier.call_state(sid) == "completed"
    return sid


def callback(phones):
    return phones.world.one(select(Callback).order_by(Callback.id.desc()).limit(1))


def customers_leg(phones):
    """The leg under which the customer's own telephone rings now."""
    return phones.world.until(lambda: next((leg for leg in phones.carrier.live_calls() if phones.call().sid == leg), None))


def test_who_presses_star_keeps_the_place_hangs_up_and_is_rung_by_the_agent_whose_turn_it_is(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        world, carrier = phones.world, phones.carrier
        sid = phones.queue()
        assert "press star" in said(phones, sid)
        due = phones.item(sid).due_at
        step_out(phones, sid, CALL_BACK)
        assert "1 3 8 0 0 1 3 8 0 0 0" in said(phones, sid)
        press_all(phones, sid, CONFIRM)
        carrier.advance(20)
        phones.settle()
        assert "Your place is kept" in said(phones, sid)
        call = phones.call(sid)
        assert (call.state, call.flow_out, call.abandoned_at) == ("callback_set", "callback", None)
        item = world.one(select(WorkItem))
        assert (item.kind, item.state, item.due_at) == ("callback", "waiting", due)

        maya = world.agent(available=True)
        leg = phones.pick_up(maya)
        assert callback(phones).state == "dialling"
        customer = customers_leg(phones)
        assert carrier.call_state(customer) == "ringing"
        assert carrier.call_info(customer).to == CALLER
        carrier.answer(customer)
        phones.settle()
        assert phones.call(customer).state == "talking"
        assert carrier.speak(leg, "You asked us to call back.") == 1
        now = callback(phones)
        assert (now.state, now.attempts) == ("reached", 1)
        phones.hang_up(customer)
        assert phones.console(maya).post(f"/desk/calls/{phones.call().id}/wrap-up", data={"code": "solved"}).ok
        assert phones.states() == ("done", "done")
        assert world.one(select(Agent.used)) == 0
        assert carrier.live_calls() == []
        assert len(world.all(select(Ticket))) == len(world.all(select(WorkItem))) == 1
        with world.desk.store.read() as session:
            entries = entries_since(session, [item.queue_id], call.arrived_at, world.desk.clock.now())
        assert [entry.contact.outcome for entry in entries] == ["left_otherwise"]


@pytest.mark.parametrize("seed", range(4))
def test_webhooks_that_come_twice_and_out_of_order_make_one_promise_and_one_call(tmp_path, seed):
    with open_day_and_night(tmp_path, duplicate=0.6, reorder=0.6, seed=seed) as phones:
        promised(phones)
        maya = phones.world.agent(available=True)
        phones.pick_up(maya)
        customer = customers_leg(phones)
        phones.carrier.answer(customer)
        phones.settle()
        assert phones.call(customer).state == "talking"
        phones.hang_up(customer)
        assert len(phones.world.all(select(Callback))) == len(phones.world.all(select(WorkItem))) == 1
        assert sorted(phones.world.all(select(Call.direction))) == ["in", "out"]
        assert callback(phones).state == "reached"
        assert phones.states() == ("wrap_up", "wrap_up")


@pytest.mark.parametrize("outcome", ["no-answer", "busy"])
def test_who_is_not_reached_is_planned_again_and_the_agent_is_free_at_once(tmp_path, outcome):
    with open_day_and_night(tmp_path) as phones:
        promised(phones)
        maya = phones.world.agent(available=True)
        phones.pick_up(maya)
        customer = customers_leg(phones)
        if outcome == "busy":
            phones.carrier.reject(customer)
        else:
            phones.carrier.advance(60)
        phones.settle()
        now = callback(phones)
        assert (now.state, now.attempts, now.last_outcome) == ("planned", 1, outcome.replace("-", "_"))
        assert_free(phones)


def test_a_machine_is_told_nothing_and_the_customer_is_tried_again(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        promised(phones)
        with phones.world.tx() as tx:
            tx.session.query(Callback).one().number = MACHINE
            tx.emit("callback.joined")
        maya = phones.world.agent(available=True)
        phones.pick_up(maya)
        phones.carrier.advance(15)
        phones.settle()
        now = callback(phones)
        assert (now.state, now.attempts, now.last_outcome, now.ended_at) == ("planned", 1, "machine", None)
        assert_free(phones)


def test_a_wrong_number_was_reached_in_vain_and_is_not_rung_again(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        promised(phones)
        maya = phones.world.agent(available=True)
        phones.pick_up(maya)
        customer = customers_leg(phones)
        phones.carrier.answer(customer)
        phones.settle()
        phones.hang_up(customer)
        assert phones.console(maya).post(f"/desk/calls/{phones.call().id}/wrap-up", data={"code": "wrong_number"}).ok
        assert (callback(phones).state, callback(phones).last_outcome) == ("not_reached", "wrong_number")
        assert_free(phones)


def test_where_somebody_else_answers_the_customer_is_tried_again(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        promised(phones)
        maya = phones.world.agent(available=True)
        phones.pick_up(maya)
        customer = customers_leg(phones)
        phones.carrier.answer(customer)
        phones.settle()
        phones.hang_up(customer)
        assert "Somebody else answered" in phones.console(maya).get("/desk/strip").text
        assert phones.console(maya).post(f"/desk/calls/{phones.call().id}/wrap-up", data={"outcome": "not_there"}).ok
        now = callback(phones)
        assert (now.state, now.attempts, now.last_outcome, now.ended_at) == ("planned", 1, "not_there", None)
        assert now.next_at > phones.world.desk.clock.now()
        assert_free(phones)


def assert_free(phones):
    """The agent has nothing in hand and nothing to write up, and no line is open."""
    assert phones.world.one(select(Agent.used)) == 0
    assert set(phones.world.all(select(WorkItem.state))) == {"done"}
    assert phones.world.one(select(CallSegment).where(CallSegment.state != "done")) is None
    assert phones.carrier.live_calls() == []


def test_a_caller_may_give_another_number_and_stay_in_the_line_after_all(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        sid = phones.queue()
        step_out(phones, sid, CALL_BACK)
        press_all(phones, sid, ANOTHER)
        press_all(phones, sid, "13911112222#")
        assert "1 3 9 1 1 1 1 2 2 2 2" in said(phones, sid)
        press_all(phones, sid, "3")
        phones.carrier.advance(10)
        phones.settle()
        assert "your place is as before" in said(phones, sid)
        assert phones.states(sid) == ("queued", "waiting")
        step_out(phones, sid, CALL_BACK)
        press_all(phones, sid, ANOTHER)
        press_all(phones, sid, "13911112222#")
        press_all(phones, sid, CONFIRM)
        assert callback(phones).number == OTHER


def test_a_number_that_we_do_not_ring_is_asked_for_again_and_never_for_ever(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        sid = phones.queue()
        step_out(phones, sid, CALL_BACK)
        press_all(phones, sid, ANOTHER)
        for typed in ("110#", "0015555#", "1#", "2#"):
            press_all(phones, sid, typed)
            assert "cannot call this number" in said(phones, sid)
        press_all(phones, sid, "3#")
        phones.carrier.advance(10)
        phones.settle()
        assert phones.states(sid) == ("queued", "waiting")
        assert phones.world.all(select(Callback)) == []


@pytest.mark.parametrize("moment", ["choice", "number"])
def test_an_agent_who_takes_the_call_while_its_caller_chooses_has_them_fetched_back(tmp_path, moment):
    with open_day_and_night(tmp_path) as phones:
        sid = phones.queue()
        step_out(phones, sid, CALL_BACK if moment == "number" else "")
        maya = phones.world.agent(available=True)
        leg = phones.pick_up(maya)
        phones.carrier.advance(10)
        phones.settle()
        assert "Somebody is free for you" in said(phones, sid)
        assert phones.states(sid) == ("talking", "active")
        assert phones.carrier.speak(sid, "There you are.") == 1
        phones.hang_up(sid)
        assert phones.states(sid) == ("wrap_up", "wrap_up")
        assert phones.carrier.call_state(leg) == "completed"


@pytest.mark.parametrize("moment", ["choice", "number"])
def test_a_caller_who_hangs_up_while_choosing_has_given_up(tmp_path, moment):
    with open_day_and_night(tmp_path) as phones:
        sid = phones.queue()
        step_out(phones, sid, CALL_BACK if moment == "number" else "")
        phones.hang_up(sid)
        assert phones.states(sid) == ("abandoned", "abandoned")
        assert phones.world.all(select(Callback)) == []


def test_a_star_in_the_middle_of_a_conversation_leads_back_into_it(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        maya = phones.world.agent(available=True)
        sid = phones.queue()
        phones.pick_up(maya)
        assert phones.carrier.press(sid, "*")
        phones.settle()
        leg = phones.world.until(lambda: phones.carrier.leg_of(f"agent-{maya.id}"))
        phones.carrier.answer(leg, f"agent-{maya.id}")
        phones.settle()
        phones.world.until(lambda: phones.states(sid) == ("talking", "active"))
        phones.world.until(lambda: phones.carrier.speak(sid, "Are you still there?") == 1)
        phones.hang_up(sid)
        assert phones.states(sid) == ("wrap_up", "wrap_up")


def test_who_was_promised_a_call_and_calls_first_is_in_the_old_place_without_any_menu(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        first = promised(phones)
        due = phones.world.one(select(WorkItem.due_at))
        phones.queue("+8613800138001")
        again = phones.carrier.dial(CALLER)
        phones.settle()
        phones.carrier.advance(20)
        phones.ear.wait_for("joined", again)
        phones.settle()
        assert "Your place was kept" in said(phones, again)
        assert phones.item(again).due_at == due
        assert callback(phones).state == "called_in"
        maya = phones.world.agent(available=True)
        phones.pick_up(maya)
        assert phones.states(again) == ("talking", "active")
        assert phones.call(again).ticket_id == phones.call(first).ticket_id


def test_who_calls_when_we_are_closed_is_called_from_the_next_opening_on(tmp_path):
    with open_day_and_night(tmp_path) as phones:
        now = phones.world.desk.clock.now()
        with phones.world.tx() as tx:
            for row in tx.session.scalars(select(Calendar)):
                row.week = [[["00:00", "24:00"]]] * 7
                row.holidays = [(now.astimezone(ZoneInfo(row.zone)) + timedelta(days=days)).date().isoformat() for days in (0, 1)]
            tx.emit("calendar.changed")
        sid = phones.ring_in()
        press_all(phones, sid, "2")
        press_all(phones, sid, CONFIRM)
        phones.carrier.advance(30)
        phones.settle()
        assert "1 3 8 0 0 1 3 8 0 0 0" in said(phones, sid)
        assert phones.carrier.call_state(sid) == "completed"
        call, promise = phones.call(sid), callback(phones)
        assert (call.state, call.flow_out, call.queued_at) == ("callback_set", "callback", None)
        assert (promise.state, promise.source) == ("planned", "hours")
        assert 0 < (promise.next_at - now).total_seconds() <= 2 * 24 * 3600
        assert phones.world.all(select(WorkItem)) == []
