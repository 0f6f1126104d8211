"""The formulas of the board, against the published example and at their edges; its questions on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.access import Viewer
from desk.models import Customer
from desk.queries import admin
from desk.queries.articles.articles import article_list
from desk.queries.audit import audit_log
from desk.queries.board.board import board
from desk.queries.board.rows import FIGURES, rows_of
from desk.queries.figures import (
    Contact,
    Counts,
    abandonment,
    answer_rate,
    count,
    handle_time_s,
    satisfaction,
    service_level,
    speed_of_answer_s,
)
from desk.queries.people import skills
from desk.queries.people.customer_page import happenings, list_rows, profile
from desk.queries.work import queues

EXAMPLE = Counts(
    offered=1060, answered=1000, abandoned=60, answered_in_time=860, abandoned_in_time=20, short_abandons=10, answer_wait_s=9000
)
contacts = st.lists(
    st.builds(Contact, st.floats(0, 600), st.sampled_from(["answered", "abandoned", "waiting", "left_otherwise"])), max_size=50
)


@pytest.mark.parametrize(
    ("variant", "percent"),
    [("SL-1", 81.13), ("SL-2", 81.90), ("SL-3", 82.69), ("SL-4", 83.02), ("SL-5", 82.08), ("SL-6", 86.00)],
)
def test_each_variant_of_service_level_gives_the_published_figure(variant, percent):
    assert round(service_level(EXAMPLE, variant) * 100, 2) == percent


def test_service_level_is_the_second_variant_unless_another_is_asked_for():
    assert service_level(EXAMPLE) == service_level(EXAMPLE, "SL-2")


def test_short_calls_count_neither_as_abandoned_nor_as_offered_in_abandonment():
    assert abandonment(EXAMPLE) == pytest.approx(50 / 1050)


def test_answer_rate_and_speed_of_answer_follow_their_formulas():
    assert answer_rate(EXAMPLE) == pytest.approx(1000 / 1060)
    assert speed_of_answer_s(EXAMPLE) == 9.0


def test_nothing_to_measure_is_none_and_not_zero():
    nothing = Counts()
    variants = ("SL-1", "SL-2", "SL-3", "SL-4", "SL-5", "SL-6")
    assert [service_level(nothing, variant) for variant in variants] == [None] * 6
    assert (abandonment(nothing), answer_rate(nothing), speed_of_answer_s(nothing)) == (None, None, None)
    assert (handle_time_s([]), satisfaction([])) == (None, None)


def test_only_short_calls_leave_nothing_to_measure():
    counts = count([Contact(3, "abandoned"), Contact(5, "abandoned")], threshold_s=20)
    assert counts.short_abandons == 2
    assert service_level(counts) is None
    assert abandonment(counts) is None


def test_exactly_the_threshold_is_in_time_and_exactly_the_short_limit_is_short():
    counts = count(
        [Contact(20, "answered"), Contact(20.001, "answered"), Contact(5, "abandoned"), Contact(5.001, "abandoned")], 20
    )
    assert (counts.answered_in_time, counts.short_abandons, counts.abandoned_in_time) == (1, 1, 2)


def test_who_still_waits_is_offered_and_nothing_else():
    assert count([Contact(400, "waiting"), Contact(2, "left_otherwise")], 20) == Counts(offered=2)


def test_satisfaction_is_the_share_of_fours_and_fives():
    assert satisfaction([5, 4, 3, 1]) == 0.5


def test_handle_time_adds_up_before_it_divides():
    assert handle_time_s([60, 120, 300]) == 160


@given(contacts, contacts)
def test_counting_two_parts_and_adding_is_counting_all(first, second):
    together, apart = count(first + second, 20), count(first, 20) + count(second, 20)
    assert together.answer_wait_s == pytest.approx(apart.answer_wait_s)
    assert service_level(together) == service_level(apart)
    assert together.offered == apart.offered


@given(contacts)
def test_every_variant_is_a_share(some):
    counts = count(some, 20)
    for variant in ("SL-1", "SL-2", "SL-3", "SL-4", "SL-5", "SL-6"):
        level = service_level(counts, variant)
        assert level is None or 0 <= level <= 1


def test_what_the_pages_ask_is_understood_by_both_databases(house):
    maya, item = house.agent("Maya", billing=5), house.item("voice")
    waiting = house.item("email", tier="vip", queue="billing")
    house.offer(item, maya)
    su = Viewer(maya.id, "Su", ("supervisor", "admin"), team_id=maya.team_id)
    with house.store.read() as session:
        seen = board(session, su, house.clock.now(), "Asia/Shanghai")
        assert [(line.state, [work.item_id for work in line.held]) for line in seen.agents] == [("on_work", [item.id])]
        assert [(line.item.id, line.position) for line in seen.waiting] == [(waiting.id, 1)]
        assert {(line.queue.key, line.channel, line.waiting, line.staffed, line.free) for line in seen.queues} >= {
            ("general", "voice", 0, 1, 0),
            ("billing", "email", 1, 1, 0),
            ("technical", "", 0, 0, 0),
        }
        for figure in FIGURES:
            assert rows_of(session, su, house.clock.now(), "Asia/Shanghai", figure).total >= 0
        customer = session.get_one(Customer, item.customer_id)
        entries, later = happenings(session, su, customer)
        assert ([entry.kind for entry in entries], later) == (["opened"], None)
        assert profile(session, su, customer).open_count == 1
        assert [row.open_count for row in list_rows(session, su, [customer])] == [1]
        assert audit_log(session, su, kind="offer", agent_id=maya.id, day=house.clock.now().date())[0].agent_name == "Maya"
        assert audit_log(session, Viewer(maya.id, "Su", ("supervisor",), team_id=maya.team_id))
        assert admin.person(session, maya.id, house.clock.now()).skills[0].skill == "billing"
        assert [agent.name for agent, _team in admin.people(session, search="Ma")] == ["Maya"]
        assert len(queues.all_queues(session)) == 5
        assert skills.known_skills(session) == ["billing", "complaints", "delivery", "technical"]
        assert (admin.mail_state(session, house.clock.now()).failed, admin.late_timers(session, house.clock.now())) == (0, 0)
        assert (admin.tokens(session), admin.sign_ins(session, su, outcome="ok")) == ([], [])
        assert article_list(session, su, state="draft", lang="zh", audience="public", search="退款", ranked=["refund-zh"]) == []
