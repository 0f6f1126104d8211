"""The questions after a call over signed webhooks, as a strict reader of documents hears them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk.actions.calls import phone_survey
from desk.actions.surveys.rules import set_rules
from desk.models import Call, Customer, FollowUp, Survey
from desk.models.call import DONE, TALKING
from desk.queries.surveys.rules import SurveyRules
from tests.web.caller import Caller, clock, world

__all__ = ["clock", "world"]
SURVEY = "/hooks/twilio/voice/survey"
CHINESE, ENGLISH = "1", "2"


def rules(world, kind="csat", *, after_calls=True):
    with world.tx() as tx:
        set_rules(tx, SurveyRules(kinds=dict.fromkeys(("email", "chat", "voice", "form"), kind), after_calls=after_calls))


def asked(world, language=ENGLISH, kind="csat") -> Caller:
    """A caller whose agent has just hung up, and who hears the first question."""
    rules(world, kind)
    caller = queued(world, language)
    assert begin(world, caller) is not None
    caller._ask(world.url + SURVEY)
    return caller


def queued(world, language=ENGLISH, number=None) -> Caller:
    """A caller on the way to a person; whom we know is not asked for their language."""
    caller = Caller(world, number)
    caller = caller.press("1") if number else caller.press(language).press("1")
    caller.press("")
    assert caller.room is not None
    return caller


def begin(world, caller) -> Survey | None:
    with world.tx() as tx:
        call = tx.session.get_one(Call, caller.call.id)
        call.state = TALKING
        survey = phone_survey.begin(tx, call)
        call.state, call.ended_at = DONE, tx.now  # as the agent has hung up
        tx.session.flush()
        return survey


def survey_of(world, caller) -> Survey:
    return world.one(select(Survey).where(Survey.ticket_id == caller.call.ticket_id))


@pytest.mark.parametrize(
    ("language", "question", "solved", "thanks"),
    [
        (ENGLISH, "How content are you with our service? Press 1 to 5; 5 is best.", "Is your problem solved?", "Thank you"),
        (CHINESE, "您对本次服务满意吗？ 请按1到5，5为最好。", "您的问题解决了吗？", "谢谢您的评价"),
    ],
)
def test_two_keys_are_an_answer_in_the_callers_language(world, language, question, solved, thanks):
    caller = asked(world, language)
    assert question in caller.heard
    assert caller.languages == {"zh" if language == CHINESE else "en"}
    assert caller.gather.num_digits == 1
    assert solved in caller.press("5").heard
    assert thanks in caller.press("1").heard
    assert caller.over
    found = survey_of(world, caller)
    assert (found.channel, found.answered_how, found.score, found.solved) == ("phone", "phone", 5, True)


def test_a_key_that_comes_twice_counts_once(world):
    caller = asked(world)
    first = caller.gather.action
    assert "solved" in caller.press("1").heard
    caller._ask(first, Digits="5")
    assert "solved" in caller.heard  # the same document again
    assert survey_of(world, caller).score == 1


def test_a_bad_mark_counts_though_the_caller_hangs_up_before_the_second_question(world):
    caller = asked(world)
    caller.press("2")
    caller.hang_up()
    found = survey_of(world, caller)
    assert (found.score, found.solved) == (2, None)
    assert world.one(select(FollowUp).where(FollowUp.ticket_id == found.ticket_id)).reason == "low_score"


def test_what_is_no_answer_is_asked_once_more_and_then_let_go(world):
    caller = asked(world)
    assert "not one of the options" in caller.press("9").heard
    assert caller.press("").over
    assert survey_of(world, caller).answered_at is None


def test_star_is_never_again(world):
    caller = asked(world)
    caller.press("*")
    assert caller.over
    assert world.one(select(Customer).where(Customer.id == caller.call.customer_id)).surveys_declined_at is not None
    again = queued(world, number=caller.number)
    assert begin(world, again) is None


def test_a_mark_of_ten_is_two_keys_and_the_hash(world):
    caller = asked(world, kind="nps")
    assert caller.gather.num_digits is None
    caller.press("10").press("2")
    found = survey_of(world, caller)
    assert (found.kind, found.score, found.solved) == ("nps", 10, False)
    assert world.one(select(FollowUp).where(FollowUp.ticket_id == found.ticket_id)).reason == "not_solved"


def test_the_index_asks_what_was_expected_first(world):
    caller = asked(world, kind="index")
    assert "expect" in caller.heard
    caller.press("10")
    assert "in fact" in caller.heard
    caller.press("8").press("1")
    assert (survey_of(world, caller).expected, survey_of(world, caller).score) == (10, 8)


def test_nobody_is_asked_where_the_house_does_not_wish_so_nor_twice_in_thirty_days(world):
    rules(world, after_calls=False)
    caller = queued(world)
    assert begin(world, caller) is None
    caller._ask(world.url + SURVEY)
    assert caller.over
    first = asked(world)
    again = queued(world, number=first.number)
    assert begin(world, again) is None
