"""Passing a call on: to a queue, a colleague, a number; asking first, all three together; and what happens when it fails."""

from __future__ import annotations

import pytest

from channels.voice.port import CarrierFailed
from desk.access import viewer_of
from desk.queries.work.work_list import work_list
from tests.flows.call_steps import OUTSIDE, Steps
from tests.flows.phone_world import telephones


@pytest.fixture
def steps(tmp_path):
    with telephones(tmp_path) as phones:
        yield Steps(phones)


@pytest.fixture
def maya(steps):
    return steps.world.agent("Maya", available=True)


@pytest.fixture
def tom(steps):
    return steps.world.agent("Tom", available=False)


def here(steps, agent):
    """The agent is available from now on."""
    assert steps.phones.console(agent).post("/desk/presence", data={"presence": "available"}).ok


def heard(steps, sid):
    """All that was said to this telephone so far."""
    return " ".join(str(event.data.get("text", "")) for event in steps.phones.carrier.transcript(sid))


def test_a_call_put_into_another_queue_is_answered_there_while_the_sender_wraps_up(steps, maya, tom):
    sid, leg = steps.talk(maya)
    here(steps, tom)
    assert steps.press(maya, "transfer", to="queue:technical", note="Asks about the router.").ok
    assert steps.phones.carrier.ended(leg)
    assert steps.parts() == [("handle", "wrap_up", "transfer_queue")]
    his = steps.phones.pick_up(tom)
    assert "We are putting you through" in heard(steps, sid)
    assert "We lost" not in heard(steps, sid)
    assert steps.state() == "talking"
    assert steps.phones.call().agent_id == tom.id
    assert steps.hears(sid, his)
    assert steps.load() == {"Maya": 100, "Tom": 100}
    assert steps.press(maya, "wrap-up", code="transferred").ok
    assert steps.state() == "talking"
    steps.phones.hang_up(sid)
    assert steps.state() == "wrap_up"
    assert steps.press(tom, "wrap-up", code="billing", outcome="solved").ok
    assert steps.state() == "done"
    assert steps.parts() == [("handle", "done", "transfer_queue"), ("handle", "done", "caller")]
    assert steps.load() == {"Maya": 0, "Tom": 0}


def test_a_call_given_to_a_colleague_rings_there_alone(steps, maya, tom):
    sid, _leg = steps.talk(maya)
    here(steps, tom)
    assert steps.press(maya, "transfer", to=f"agent:{tom.id}").ok
    his = steps.phones.pick_up(tom)
    assert steps.hears(sid, his)
    assert steps.parts() == [("handle", "wrap_up", "transfer_agent"), ("handle", "talking", "")]


def test_a_call_that_the_colleague_declines_comes_back_to_the_sender(steps, maya, tom):
    sid, _leg = steps.talk(maya)
    here(steps, tom)
    assert steps.press(maya, "transfer", to=f"agent:{tom.id}").ok
    offer = steps.phones.offered(tom)
    assert steps.phones.console(tom).post(f"/desk/offers/{offer.id}/decline").ok
    steps.phones.settle()
    hers = steps.answer(maya)
    assert steps.state() == "talking"
    assert steps.phones.call().agent_id == maya.id
    assert steps.hears(sid, hers)
    assert steps.load() == {"Maya": 100, "Tom": 0}
    steps.phones.hang_up(sid)
    assert steps.press(maya, "wrap-up", code="solved").ok
    assert steps.load() == {"Maya": 0, "Tom": 0}


def test_a_colleague_who_is_away_cannot_be_given_a_call_and_nothing_changes(steps, maya, tom):
    sid, leg = steps.talk(maya)
    answer = steps.press(maya, "transfer", to=f"agent:{tom.id}")
    assert answer.status_code == 409
    assert "Tom" in answer.text
    assert steps.state() == "talking"
    assert steps.hears(sid, leg)


def test_a_call_sent_to_a_number_is_over_for_us_when_they_answer(steps, maya):
    sid, leg = steps.talk(maya)
    assert steps.press(maya, "transfer", to=f"number:{OUTSIDE}").ok
    assert steps.carrier.ended(leg)
    third = steps.leg_to()
    assert steps.state() == "transferred"
    assert steps.hears(sid)
    steps.carrier.answer(third)
    steps.phones.settle()
    assert steps.hears(sid, third)
    call = steps.phones.call()
    assert (call.flow_out, call.agent_id) == ("transfer", None)
    steps.phones.hang_up(third)
    assert steps.carrier.live_calls() == []
    assert steps.state() == "wrap_up"
    assert steps.press(maya, "wrap-up", code="transferred").ok
    assert steps.state() == "done"


@pytest.mark.parametrize("refused", ["busy", "rings out"])
def test_a_number_that_does_not_answer_gives_the_caller_back(steps, maya, refused):
    sid, _leg = steps.talk(maya)
    assert steps.press(maya, "transfer", to=f"number:{OUTSIDE}").ok
    if refused == "busy":
        steps.carrier.reject(steps.leg_to())
    else:
        steps.carrier.advance(60)
    steps.phones.settle()
    hers = steps.answer(maya)
    assert steps.state() == "talking"
    assert steps.hears(sid, hers)


def consulted(steps, maya, tom):
    """Maya asks Tom, who answers; the customer hears music."""
    sid, hers = steps.talk(maya)
    here(steps, tom)
    assert steps.press(maya, "consult", to=f"agent:{tom.id}", note="Refund?").ok
    assert steps.state() == "consult"
    his = steps.phones.pick_up(tom)
    assert steps.hears(hers, his)
    assert steps.hears(sid)
    return sid, hers, his


@pytest.mark.parametrize("who", ["customer", "colleague"])
def test_a_warm_transfer_leaves_customer_and_colleague_together(steps, maya, tom, who):
    sid, hers, his = consulted(steps, maya, tom)
    assert steps.press(maya, "consult/complete").ok
    assert steps.carrier.ended(hers)
    assert steps.hears(sid, his)
    assert steps.state() == "talking"
    assert steps.phones.call().agent_id == tom.id
    assert steps.press(maya, "wrap-up", code="transferred").ok
    if who == "customer":
        steps.phones.hang_up(sid)
    else:
        assert steps.press(tom, "hang-up").ok
    assert steps.carrier.live_calls() == []
    assert steps.press(tom, "wrap-up", code="solved").ok
    assert steps.state() == "done"
    kinds = [("handle", "transfer_warm"), ("consult", "agent"), ("handle", {"customer": "caller", "colleague": "agent"}[who])]
    assert [(kind, by) for kind, _state, by in steps.parts()] == kinds
    assert steps.load() == {"Maya": 0, "Tom": 0}


def test_going_back_to_the_customer_frees_the_colleague(steps, maya, tom):
    sid, hers, his = consulted(steps, maya, tom)
    assert steps.press(maya, "consult/cancel").ok
    assert steps.carrier.ended(his)
    assert steps.hears(sid, hers)
    assert steps.state() == "talking"
    assert steps.load() == {"Maya": 100, "Tom": 0}


def test_swapping_lets_the_agent_speak_with_one_and_then_the_other(steps, maya, tom):
    sid, hers, his = consulted(steps, maya, tom)
    assert steps.press(maya, "consult/swap").ok
    assert (steps.hears(hers, sid), steps.hears(his)) == (True, True)
    assert steps.press(maya, "consult/swap").ok
    assert (steps.hears(hers, his), steps.hears(sid)) == (True, True)
    assert steps.press(maya, "consult/join").ok
    assert steps.state() == "conference"
    assert steps.hears(sid, hers, his)


@pytest.mark.parametrize("leaver", ["agent hangs up", "agent's browser dies", "colleague", "customer", "agent hands over"])
def test_three_who_speak_go_on_as_two_unless_the_customer_leaves(steps, maya, tom, leaver):
    sid, hers, his = consulted(steps, maya, tom)
    assert steps.press(maya, "consult/join").ok
    match leaver:
        case "agent hangs up":
            assert steps.press(maya, "hang-up").ok
        case "agent hands over":
            assert steps.press(maya, "consult/complete").ok
        case "agent's browser dies":
            steps.phones.hang_up(hers)
        case "colleague":
            steps.phones.hang_up(his)
        case "customer":
            steps.phones.hang_up(sid)
    if leaver == "customer":
        assert steps.carrier.live_calls() == []
        assert steps.state() == "wrap_up"
    elif leaver == "colleague":
        assert (steps.state(), steps.phones.call().agent_id) == ("talking", maya.id)
        assert steps.hears(sid, hers)
    else:
        assert (steps.state(), steps.phones.call().agent_id) == ("talking", tom.id)
        assert steps.hears(sid, his)


@pytest.mark.parametrize("leaver", ["customer", "colleague", "agent"])
def test_in_a_consultation_each_may_hang_up(steps, maya, tom, leaver):
    sid, hers, his = consulted(steps, maya, tom)
    steps.phones.hang_up({"customer": sid, "colleague": his, "agent": hers}[leaver])
    match leaver:
        case "customer":
            assert steps.carrier.live_calls() == []
            assert steps.state() == "wrap_up"
            assert steps.load() == {"Maya": 100, "Tom": 0}
        case "colleague":
            assert steps.state() == "hold"
            assert steps.press(maya, "hold").ok
            assert steps.hears(sid, hers)
        case "agent":  # whoever asked has gone: who was asked goes on with the customer
            assert (steps.state(), steps.phones.call().agent_id) == ("talking", tom.id)
            assert steps.hears(sid, his)


def test_a_colleague_who_has_said_what_there_was_to_say_hangs_up_alone(steps, maya, tom):
    sid, hers, his = consulted(steps, maya, tom)
    assert steps.press(tom, "hang-up").ok
    assert steps.carrier.ended(his)
    assert steps.press(maya, "hold").ok
    assert steps.hears(sid, hers)
    assert steps.load() == {"Maya": 100, "Tom": 0}


def test_a_colleague_who_does_not_take_the_question_leaves_the_customer_on_hold(steps, maya, tom):
    sid, hers = steps.talk(maya)
    here(steps, tom)
    assert steps.press(maya, "consult", to=f"agent:{tom.id}").ok
    offer = steps.phones.offered(tom)
    assert steps.phones.console(tom).post(f"/desk/offers/{offer.id}/decline").ok
    assert steps.state() == "hold"
    assert steps.press(maya, "hold").ok
    assert steps.hears(sid, hers)
    assert steps.load() == {"Maya": 100, "Tom": 0}


def test_a_number_is_asked_joined_and_left_with_the_customer(steps, maya):
    sid, hers = steps.talk(maya)
    assert steps.press(maya, "consult", to=f"number:{OUTSIDE}").ok
    assert steps.press(maya, "consult/complete").status_code == 409
    third = steps.leg_to()
    steps.carrier.answer(third)
    steps.phones.settle()
    assert (steps.hears(hers, third), steps.hears(sid)) == (True, True)
    assert steps.press(maya, "keys", digits="12#").ok
    assert steps.press(maya, "consult/join").ok
    assert steps.hears(sid, hers, third)
    assert steps.press(maya, "consult/complete").ok
    assert steps.carrier.ended(hers)
    assert steps.hears(sid, third)
    steps.phones.hang_up(third)
    assert steps.carrier.live_calls() == []


@pytest.mark.parametrize("verb", ["consult/complete", "consult/join", "consult/cancel", "consult/swap", "recording", "keys"])
def test_what_a_call_does_not_take_now_is_refused_with_a_sentence(steps, maya, verb):
    steps.talk(maya)
    assert steps.press(maya, "hold").ok
    answer = steps.press(maya, verb, do="resume", digits="1")
    assert answer.status_code == 409
    assert steps.state() == "hold"


class SecondFails:
    """The carrier does the first hold that it is asked for and refuses the second."""

    def __init__(self, hold):
        self.hold, self.count = hold, 0

    def __call__(self, **asked):
        self.count += 1
        if self.count == 2:
            raise CarrierFailed("busy", retryable=True)
        return self.hold(**asked)


def test_a_swap_that_the_carrier_did_by_half_is_undone_at_once(steps, maya, tom, monkeypatch):
    sid, hers, his = consulted(steps, maya, tom)
    with monkeypatch.context() as patched:
        patched.setattr(steps.carrier, "hold", SecondFails(steps.carrier.hold))
        assert steps.press(maya, "consult/swap").status_code == 409
    assert (steps.hears(hers, his), steps.hears(sid)) == (True, True)
    assert steps.press(maya, "consult/swap").ok
    assert (steps.hears(hers, sid), steps.hears(his)) == (True, True)


def test_a_number_that_cannot_be_asked_leaves_the_customer_on_hold_to_be_taken_back(steps, maya):
    sid, hers = steps.talk(maya)
    assert steps.press(maya, "consult", to="number:+15005550001").status_code == 409
    assert (steps.state(), steps.hears(sid)) == ("hold", True)
    assert steps.press(maya, "hold").ok
    assert steps.hears(sid, hers)


def test_who_passed_a_call_on_finds_it_in_their_list_until_it_is_wrapped_up(steps, maya, tom):
    steps.talk(maya)
    assert steps.press(maya, "transfer", to="queue:technical").ok
    with steps.world.desk.store.read() as session:
        assert [(row.kind, row.state, row.call_id) for row in work_list(session, viewer_of(maya)).active] == [
            ("call", "wrap_up", steps.phones.call().id)
        ]
