"""An agent hangs up, and the caller says by the keys of their phone how it was."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import select

from desk.actions.surveys.rules import set_rules
from desk.models import Customer, FollowUp, Survey
from desk.queries.surveys.rules import SurveyRules
from tests.flows.phone_world import telephones
from tests.flows.test_callback_story import said

pytestmark = pytest.mark.nightly


@contextmanager
def asking(folder, kind="csat", **faults):
    with telephones(folder, **faults) as phones:
        rules = SurveyRules(kinds=dict.fromkeys(("email", "chat", "voice", "form"), kind), after_calls=True)
        with phones.world.tx() as tx:
            set_rules(tx, rules)
        yield phones


def talk(phones) -> str:
    """A call that an agent took and has just ended; returns it when the caller hears the first question."""
    maya = phones.world.agent(available=True)
    sid = phones.queue()
    phones.pick_up(maya)
    hang_up(phones, maya, sid)
    return sid


def hang_up(phones, agent, sid):
    answer = phones.console(agent).post(f"/desk/calls/{phones.call(sid).id}/hang-up")
    assert answer.ok, answer.text
    phones.settle()


def hear(phones, sid, words):
    """Listen until these words are spoken."""
    for _ in range(60):
        if words in said(phones, sid):
            return
        phones.carrier.advance(1)
    raise AssertionError((words, said(phones, sid)))


def answer(phones, sid):
    """A bad mark, and that it is solved."""
    for question, key in (("How content are you", "2"), ("Is your problem solved", "1")):
        hear(phones, sid, question)
        assert phones.carrier.press(sid, key)
        phones.settle()
    hear(phones, sid, "Thank you for telling us")


@pytest.mark.parametrize("faults", [{}, {"duplicate": 0.6, "reorder": 0.6, "seed": 3}])
def test_the_agent_hangs_up_and_the_caller_stays_for_two_keys(tmp_path, faults):
    with asking(tmp_path, **faults) as phones:
        sid = talk(phones)
        assert phones.states(sid) == ("wrap_up", "wrap_up")  # the agent does not wait for it
        answer(phones, sid)
        phones.carrier.advance(20)
        phones.settle()
        assert phones.carrier.call_state(sid) == "completed"
        found = phones.world.one(select(Survey))
        assert (found.channel, found.answered_how, found.score, found.solved) == ("phone", "phone", 2, True)
        assert len(phones.world.all(select(FollowUp))) == 1
        assert phones.call(sid).state == "wrap_up"


def test_who_wants_no_surveys_is_not_asked_and_the_call_just_ends(tmp_path):
    with asking(tmp_path) as phones:
        maya = phones.world.agent(available=True)
        sid = phones.queue()
        phones.pick_up(maya)
        call = phones.call(sid)
        with phones.world.tx() as tx:
            row = tx.session.get_one(Customer, call.customer_id)
            row.surveys_declined_at = tx.now
            tx.emit("customer.surveys_declined", customer=row)
        hang_up(phones, maya, sid)
        assert phones.world.all(select(Survey)) == []
        assert phones.carrier.call_state(sid) == "completed"
