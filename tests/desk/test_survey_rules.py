"""Who is asked when and what: once in a while, in their own daytime, on four scales, and never by whom the complaint is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from channels.message import Contact
from desk.actions.people import customers
from desk.actions.surveys import follow_up_work, surveys
from desk.actions.surveys.rules import rules_from, set_rules, values_of
from desk.actions.tickets import tickets
from desk.errors import Conflict, Invalid
from desk.events import SYSTEM, Actor
from desk.models import Customer, Event, FollowUp, Recusal, Ticket, Timer
from desk.queries.surveys.results import index_of, result_of
from desk.queries.surveys.rules import may_leave_at, survey_rules
from tests.desk.care_world import World, agent, ask_at_once, letters, mail_in


@pytest.fixture
def world(tmp_path):
    with World(tmp_path) as world:
        with world.tx() as tx:
            ask_at_once(tx)
        yield world


def solved(tx, number, channel="email"):
    ticket = mail_in(tx, external_id=f"mail-{number}", message_id=f"{number}@example.com", subject=f"Router {number}")
    ticket.status, ticket.solved_at, ticket.owner_id = "solved", tx.now, agent(tx, "Lin").id
    return ticket


def why_not(tx):
    tx.session.flush()
    return [each["data"]["reason"] for each in tx.pending if each["kind"] == "survey.not_sent"]


def ask(tx, **kinds):
    rules = survey_rules(tx.session)
    set_rules(tx, replace(rules, kinds={**rules.kinds, **kinds}))


# The measures


def test_fifty_percent_promoters_and_twenty_percent_detractors_are_thirty():
    marks = [(10, None)] * 3 + [(9, None)] * 2 + [(7, None)] * 2 + [(8, None)] + [(6, None), (0, None)]
    assert result_of("nps", marks, 20).value == pytest.approx(30)


def test_the_index_is_what_was_got_by_what_was_expected_and_nothing_without_either():
    assert index_of(8, 10) == 0.8
    assert index_of(8, None) is None
    assert index_of(None, 10) is None
    assert result_of("index", [(8, 10), (9, None)], 4).value == 0.8
    assert result_of("index", [(8, 10), (9, None)], 4).answers == 1
    assert result_of("index", [(9, None)], 4).value is None


def test_shares_carry_their_interval_and_say_when_they_are_few():
    few = result_of("csat", [(5, None)] * 8 + [(1, None)] * 2, 20)
    assert (few.value, few.is_few, few.response) == (0.8, True, 0.5)
    assert few.give == pytest.approx(1.96 * (0.8 * 0.2 / 10) ** 0.5)
    many = result_of("ces", [(5, None)] * 30 + [(4, None)] * 10, 40)
    assert (many.value, many.is_few) == (0.75, False)
    assert result_of("csat", [], 5).value is None


# Who is asked


def test_one_person_is_asked_once_in_thirty_days_and_four_times_a_year(world):
    asked = 0
    for number in range(8):
        with world.tx() as tx:
            first = surveys.send_survey(tx, solved(tx, number), "email")
            asked += first is not None
            again = surveys.send_survey(tx, solved(tx, f"{number}b"), "email")
            assert again is None
            assert why_not(tx)[-1] == ("asked_lately" if first else "asked_often")
        world.days(31)
    assert asked == 4


def test_a_mail_waits_for_the_morning_of_the_customer(world):
    world.clock.tick(6 * 3600)  # 22:40 in Shanghai, 14:40 in London
    with world.tx() as tx:
        here = surveys.send_survey(tx, solved(tx, 1), "email")
        assert here.sent_at == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
        assert letters(tx) == []
        london = mail_in(tx, external_id="london", message_id="l@example.com", sender=contact("jo@example.com"))
        london.status, london.solved_at = "solved", tx.now
        customers.add_contact_point(tx, tx.session.get_one(Customer, london.customer_id), "phone", "+442079460000")
        assert surveys.send_survey(tx, london, "email").sent_at == tx.now
        assert len(letters(tx)) == 1
    world.clock.tick(11 * 3600)
    with world.tx() as tx:
        waiting = tx.session.scalars(select(Timer).where(Timer.kind == surveys.SEND_TIMER, Timer.done_at.is_(None))).all()
        assert [each.due_at for each in waiting] == [here.sent_at]
        surveys.send_now(tx, here.id)
        assert len(letters(tx)) == 2


def test_what_was_overtaken_in_the_night_is_not_sent(world):
    world.clock.tick(6 * 3600)
    with world.tx() as tx:
        ticket = solved(tx, 1)
        survey = surveys.send_survey(tx, ticket, "email")
    with world.tx() as tx:
        tickets.reopen(tx, tx.session.get_one(Ticket, ticket.id), reason="customer_wrote")
        surveys.send_now(tx, survey.id)
        assert why_not(tx) == ["overtaken"]
        assert letters(tx) == []


@pytest.mark.parametrize(
    ("hour", "expected"), [("00:59", "01:00"), ("01:00", "01:00"), ("11:59", "11:59"), ("12:00", "01:00"), ("20:00", "01:00")]
)
def test_the_hours_are_those_of_the_zone(hour, expected):
    now = datetime.fromisoformat(f"2026-11-20T{hour}:00+00:00")
    found = may_leave_at(now, "Asia/Shanghai", ("09:00", "20:00"))
    assert found.strftime("%H:%M") == expected
    assert timedelta(0) <= found - now < timedelta(days=1)


def test_whoever_is_kept_out_of_the_case_has_nobody_asked_about_it(world):
    with world.tx() as tx:
        ticket = solved(tx, 1)
        dan = agent(tx, "Dan")
        tx.session.add(Recusal(ticket_id=ticket.id, agent_id=dan.id, why="about", noted_by="He Yan", noted_at=tx.now))
        ticket_id, dan_id = ticket.id, dan.id
    with world.store.tx(Actor("agent", dan_id, "Dan")) as tx:
        assert surveys.send_survey(tx, tx.session.get_one(Ticket, ticket_id), "email") is None
        assert why_not(tx) == ["kept_out"]
    with world.store.tx(SYSTEM) as tx:
        assert surveys.send_survey(tx, tx.session.get_one(Ticket, ticket_id), "email") is not None


def test_a_channel_that_asks_nothing_asks_nothing(world):
    with world.tx() as tx:
        ask(tx, email="none")
        assert surveys.send_survey(tx, solved(tx, 1), "email") is None
        assert why_not(tx) == ["switched_off"]


# What a low mark does


@pytest.mark.parametrize(
    ("kind", "score", "expected", "low"),
    [
        *[("csat", 2, None, True), ("csat", 3, None, False), ("nps", 6, None, True), ("nps", 7, None, False)],
        *[("nps", 0, None, True), ("ces", 3, None, True), ("ces", 4, None, False), ("index", 7, 10, True)],
        *[("index", 8, 10, False), ("index", 9, 5, False)],
    ],
)
def test_a_low_mark_has_somebody_else_ask_what_went_wrong(world, kind, score, expected, low):
    with world.tx() as tx:
        ask(tx, email=kind)
        ticket = solved(tx, 1)
        survey = surveys.send_survey(tx, ticket, "email")
        surveys.answer_survey(tx, survey, score, True, expected=expected)
        found = tx.session.scalars(select(FollowUp)).all()
        assert len(found) == int(low)
        if low:
            assert found[0].excluded_agent_id == agent(tx, "Lin").id
            assert found[0].due_at > tx.now
        assert ticket.score == (score if kind == "csat" else None)
        assert survey.agent_id == agent(tx, "Lin").id


@pytest.mark.parametrize(("kind", "score"), [("csat", 0), ("csat", 6), ("nps", 11), ("nps", -1), ("ces", 0), ("index", 5)])
def test_a_mark_beyond_its_scale_or_without_its_other_half_is_no_answer(world, kind, score):
    with world.tx() as tx:
        ask(tx, email=kind)
        survey = surveys.send_survey(tx, solved(tx, 1), "email")
        with pytest.raises(Invalid):
            surveys.answer_survey(tx, survey, score, True)
        assert survey.answered_at is None


def test_those_of_the_highest_value_are_asked_within_hours(world):
    with world.tx() as tx:
        ticket = solved(tx, 1)
        customers.set_tier(tx, tx.session.get_one(Customer, ticket.customer_id), "vip")
        found = follow_up_work.open_follow_up(tx, ticket, "low_score", None)
        assert found.due_at - tx.now == timedelta(hours=4)
        other = mail_in(tx, external_id="o", message_id="o@example.com", sender=contact("o@example.com"))
        assert follow_up_work.open_follow_up(tx, other, "low_score", None).due_at.date() > tx.now.date()


# The rules


def test_rules_are_set_whole_and_what_was_sent_keeps_its_version(world):
    with world.tx() as tx:
        survey = surveys.send_survey(tx, solved(tx, 1), "email")
        flat = values_of(survey_rules(tx.session))
        assert values_of(rules_from(flat)) == flat
        assert not set_rules(tx, rules_from(flat))
        assert set_rules(tx, rules_from(flat | {"csat.zh": "还满意吗？", "every_days": 7}))
        assert (survey.version, survey_rules(tx.session).version) == (1, 2)
        assert survey_rules(tx.session).questions["csat"]["zh"] == "还满意吗？"
        with pytest.raises(Conflict):
            set_rules(tx, rules_from(flat), seen="another state")
        wrong = {"ask.email": "rumours", "every_days": 0, "a_year": 99, "hours_from": "21:00", "nps.en": ""}
        with pytest.raises(Invalid) as error:
            set_rules(tx, rules_from(flat | wrong))
        assert set(error.value.fields) == set(wrong)
        tx.session.flush()
    with world.tx() as tx:
        kinds = tx.session.scalars(select(Event.kind).where(Event.kind == "setting.surveys_set")).all()
        assert len(kinds) == 1


def contact(address):
    return Contact("email", address, "Jo")


def test_the_index_of_many_is_by_their_sums_and_not_the_mean_of_their_own():
    marks = [(8, 9), (6, 8), (9, 6)]
    assert result_of("index", marks, 3).value == 1.0
    assert sum(index_of(got, expected) for got, expected in marks) / 3 == pytest.approx(1.046, abs=0.0005)
