"""How many agents a load needs: the printed table, each goal by itself, and what is more than calls."""

from __future__ import annotations

import pytest

from routing.staffing import Goal, Load, chat_agents, failing, line_with, mail_agents, required_agents, scheduled

ONLY_SL = Goal(max_occupancy=None)
ONLY_ABANDON = Goal(share=0.0, max_abandon=0.05, max_occupancy=None)

# 80 % in 20 s, 300 s a call: erlangs, patience; agents by C, by A, P(abandon) there, agents by A for at most 5 %.
TABLE = (
    (2, 120, 4, 4, 0.056, 5),
    (10, 120, 14, 12, 0.072, 13),
    (20, 120, 25, 22, 0.065, 23),
    (50, 120, 57, 51, 0.059, 53),
    (100, 120, 108, 98, 0.060, 100),
    (200, 120, 210, 190, 0.066, 195),
    (100, 300, 108, 103, 0.027, 99),
    (100, 60, 108, 92, 0.107, 101),
)


@pytest.mark.parametrize(("erlangs", "patience", "by_c", "by_a", "p_abandon", "for_abandon"), TABLE)
def test_each_row_of_the_table_holds(erlangs, patience, by_c, by_a, p_abandon, for_abandon):
    plain, human = Load(erlangs * 12, 300), Load(erlangs * 12, 300, patience)
    found = required_agents(human, ONLY_SL)
    assert (required_agents(plain, ONLY_SL).agents, found.agents) == (by_c, by_a)
    assert found.p_abandon == pytest.approx(p_abandon, abs=5e-4)
    assert required_agents(human, ONLY_ABANDON).agents == for_abandon


def test_the_example_of_another_library_comes_out_alike():
    found = required_agents(Load(200, 180), Goal(max_occupancy=0.85, shrinkage=0.3))
    assert (found.agents, found.scheduled, found.bound_by) == (14, 20, "service_level")


@pytest.mark.parametrize("load", [Load(60, 300), Load(720, 300, 120), Load(3, 500, 40), Load(5000, 180), Load(0.01, 60, 5)])
@pytest.mark.parametrize("goal", [Goal(), Goal(0.95, 5, 0.01, 0.7), ONLY_SL, ONLY_ABANDON, Goal(0.0, 20, None, None)])
def test_one_agent_fewer_misses_the_goal_that_is_named(load, goal):
    found = required_agents(load, goal)
    assert failing(load, found.agents, goal) is None
    assert failing(load, found.agents - 1, goal) == found.bound_by


def test_each_goal_can_be_what_asks_for_the_last_agent():
    load = Load(600, 300, 120)
    assert required_agents(load, Goal(0.8, 20, None, None)).bound_by == "service_level"
    assert required_agents(load, Goal(0.8, 20, 0.02, None)).bound_by == "abandonment"
    assert required_agents(load, Goal(0.8, 20, None, 0.6)).bound_by == "occupancy"
    assert required_agents(Load(600, 300), Goal(0.0, 20, None, None)).bound_by == "load"


def test_nothing_to_do_needs_nobody():
    assert (required_agents(Load(0, 300)).agents, chat_agents(Load(0, 300), 3).agents) == (0, 0)
    assert line_with(Load(60, 300), 5) is None


@pytest.mark.parametrize(
    ("agents", "shrinkage", "on_the_roster"), [(14, 0.3, 20), (7, 0.3, 10), (10, 0.0, 10), (0, 0.5, 0), (1, 0.9, 10)]
)
def test_the_roster_has_room_for_those_who_are_away(agents, shrinkage, on_the_roster):
    assert scheduled(agents, shrinkage) == on_the_roster


def test_three_chats_at_once_need_a_third_of_the_agents_or_a_little_more():
    load = Load(120, 600)
    calls = required_agents(load, ONLY_SL)
    chats = chat_agents(load, 3, ONLY_SL)
    assert calls.agents <= chats.agents * 3 < calls.agents + 3
    assert chats.sl_served >= calls.sl_served
    assert chat_agents(load, 1, ONLY_SL) == calls


def test_mail_is_work_to_be_done_in_time_and_no_line():
    assert mail_agents(0, Load(20, 360), 8, max_occupancy=1.0) == 2
    assert mail_agents(40, Load(20, 360), 8, max_occupancy=1.0) == 3  # five an hour more
    assert mail_agents(40, Load(20, 360), 8) == 3
    assert mail_agents(0, Load(0, 360), 8) == 0


def test_senseless_figures_are_refused():
    for figures in ((-1, 300), (60, 0), (60, float("nan")), (float("inf"), 300), (60, 300, 0)):
        with pytest.raises(ValueError, match="must be positive"):
            Load(*figures)
    for goal in ({"share": 1.0}, {"shrinkage": 1.0}, {"within_s": -1}, {"max_abandon": 0}, {"max_occupancy": 1.2}):
        with pytest.raises(ValueError, match=r"must be|cannot be"):
            Goal(**goal)
    with pytest.raises(ValueError, match="at least one chat"):
        chat_agents(Load(60, 300), 0)
    with pytest.raises(ValueError, match="make no sense"):
        mail_agents(10, Load(60, 300), 0)
    with pytest.raises(ValueError, match="would not be enough"):
        required_agents(Load(1e9, 300))
