"""The simulator against what is known exactly of a line; everything it decides is decided by the live matcher."""

from __future__ import annotations

import json
from bisect import bisect
from collections import defaultdict
from dataclasses import replace

import pytest

from routing.erlang import erlang_a, erlang_c
from routing.floor import Floor
from routing.simulation import Group, Plan, WorkType, calls_of, people_of, simulate
from tests.unit.routing.exact import ALIS, COBHAM, ERLANG_A, ERLANG_C, cobham, fcfs_alis

ITEMS = 30_000
LONG = 200_000
SKILL = frozenset({("a", 1)})


def line(rate_per_h, aht_s, agents, patience_s=None, *, items=ITEMS, **more):
    """One kind of call and agents who are all alike. The warm-up is long where the agents are busy."""
    horizon_s = items / rate_per_h * 3600
    return Plan(
        horizon_s=horizon_s * 1.05,
        warmup_s=horizon_s * 0.05,
        tiers={"standard": 80.0},
        types=(WorkType("calls", rate_per_h, aht_s, patience_s, SKILL, "standard"),),
        agents=(Group(agents, {"a": 5}),),
        **more,
    )


def tiers(rates, mu, agents, *, items=ITEMS):
    """One kind of call for each tier, the first served strictly first; the unit of time is an hour."""
    horizon_s = items / sum(rates) * 3600
    names = [f"tier {number}" for number in range(1, len(rates) + 1)]
    return Plan(
        horizon_s=horizon_s * 1.05,
        warmup_s=horizon_s * 0.05,
        tiers={name: 10.0 * place for place, name in enumerate(names, 1)},
        types=tuple(WorkType(name, rate, 3600 / mu, None, SKILL, name) for name, rate in zip(names, rates, strict=True)),
        agents=(Group(agents, {"a": 5}),),
        order="strict",
    )


def skilled(agents, rates, *, items=ITEMS):
    """Agents with a letter for each skill; first come first served, by whoever is idle longest; the unit is an hour."""
    horizon_s = items / sum(rates.values()) * 3600
    return Plan(
        horizon_s=horizon_s * 1.05,
        warmup_s=horizon_s * 0.05,
        tiers={"standard": 80.0},
        types=tuple(WorkType(name, rate, 3600.0, None, frozenset({(name, 1)}), "standard") for name, rate in rates.items()),
        agents=tuple(Group(1, dict.fromkeys(skills, 5), 1 / mu) for skills, mu in agents),
        order="fcfs",
        choice="longest_idle",
    )


def pairs_of_line(plan, exact):
    """(what, simulated, half-width, exact) for each figure of a line."""
    found = simulate(plan).overall
    yield from (
        (name, getattr(found, name), found.half_width[name], getattr(exact, name))
        for name in ("p_wait", "mean_wait_s", "p_abandon", "occupancy")
    )
    yield "sl", found.sl["20"], found.half_width["sl"]["20"], exact.sl_served(20)
    served_s = (found.mean_wait_served_s, found.half_width["mean_wait_served_s"])
    if exact.p_abandon == 0:
        yield "mean_wait_served_s", *served_s, exact.mean_wait_s


def pairs_of_tiers(rates, mu, agents, items=ITEMS):
    found = simulate(tiers(rates, mu, agents, items=items)).tiers
    for figures, wait in zip(found.values(), cobham(rates, mu, agents), strict=True):
        yield "mean_wait_s", figures.mean_wait_s, figures.half_width["mean_wait_s"], wait * 3600


def pairs_of_skills(agents, rates, items=ITEMS):
    found = simulate(skilled(agents, rates, items=items)).types
    for figures, wait, p_wait in zip(found.values(), *fcfs_alis(agents, rates), strict=True):
        yield "mean_wait_s", figures.mean_wait_s, figures.half_width["mean_wait_s"], wait * 3600
        yield "p_wait", figures.p_wait, figures.half_width["p_wait"], p_wait


def outside(pairs, widths=1.5):
    """The figures that are further from the truth than three standard errors: one in 300 by chance, and seeds do not change."""
    return [pair for pair in pairs if not is_inside(pair, widths)]


def is_inside(pair, widths=1.0):
    _, found, width, exact = pair
    return abs(found - exact) <= widths * width + 1e-12


# What is known exactly, in short


@pytest.mark.parametrize(("rate", "aht", "agents"), [(60, 300, 7), (200, 180, 14), (90, 240, 8)])
def test_a_line_without_abandonment_is_erlang_c(rate, aht, agents):
    assert outside(pairs_of_line(line(rate, aht, agents), erlang_c(rate / 3600, aht, agents))) == []


@pytest.mark.parametrize(("rate", "aht", "patience", "agents"), [(2880, 60, 120, 50), (60, 60, 60, 1), (500, 120, 45, 14)])
def test_a_line_with_abandonment_is_erlang_a(rate, aht, patience, agents):
    assert outside(pairs_of_line(line(rate, aht, agents, patience), erlang_a(rate / 3600, aht, patience, agents))) == []


@pytest.mark.parametrize(("rates", "mu", "agents"), [COBHAM[3][:3], ((3, 4, 5, 2), 2, 9)])
def test_strict_tiers_are_cobham(rates, mu, agents):
    assert outside(pairs_of_tiers(rates, mu, agents)) == []


@pytest.mark.parametrize(
    ("agents", "rates"),
    [ALIS[2][:2], ((("A", 1), ("ABC", 0.7), ("BC", 1.3), ("C", 1)), {"A": 0.9, "B": 0.8, "C": 0.9})],
)
def test_first_come_first_served_by_the_longest_idle_is_the_product_form(agents, rates):
    assert outside(pairs_of_skills(agents, rates)) == []


@pytest.mark.parametrize("cell", ALIS, ids=lambda cell: f"{len(cell[0])} agents, {len(cell[1])} types")
def test_the_product_form_and_cobham_say_what_is_printed(cell):
    waits, p_waits = fcfs_alis(cell[0], cell[1])
    assert (*waits, *p_waits) == pytest.approx((*cell[2], *cell[3]), rel=1e-8)
    for rates, mu, agents, printed in COBHAM:
        assert cobham(rates, mu, agents) == pytest.approx(printed, rel=1e-8)


# Order and choice


def test_under_overload_the_tiers_stay_their_head_start_apart():
    plan, log = overload("due"), Waits()
    floor = Floor(people_of(plan), log)
    for agent_id in floor.people:
        floor.set_duty(0.0, agent_id, True)
    floor.run(job for job in calls_of(plan, "1/0") if job.item.enqueued_at < plan.horizon_s)
    vip, standard = log.of["vip"], log.of["standard"]
    last = plan.horizon_s
    gaps = [wait_at(standard, now) - wait for now, wait in vip if 3600 < now < last]
    assert sum(gaps) / len(gaps) == pytest.approx(60, abs=3)
    assert sorted(gaps)[len(gaps) * 95 // 100] < 88
    assert max(wait for now, wait in vip if now < last) > 3600


class Waits:
    """Writes down when each call was taken and how long it had waited, by tier."""

    def __init__(self):
        self.of = defaultdict(list)

    def served(self, job, now):
        self.of[job.item.tier].append((now, now - job.item.enqueued_at))

    def gave_up(self, job, now):
        raise AssertionError("nobody gives up here")

    def worked(self, job, since, until):
        pass

    def busy(self, person, since, until):
        pass

    def is_over(self, now):
        return False


def wait_at(log, now):
    """How long those waited who were taken about then, between the call before and the call after."""
    after = min(max(1, bisect(log, (now, 0.0))), len(log) - 1)
    (t0, w0), (t1, w1) = log[after - 1], log[after]
    return w0 + (w1 - w0) * (now - t0) / (t1 - t0) if t1 > t0 else w0


def test_strict_order_under_overload_serves_the_first_tier_and_lets_the_others_wait():
    found = simulate(overload("strict"))
    assert found.tiers["vip"].mean_wait_s < 30
    assert found.tiers["standard"].mean_wait_s > 5000


def test_first_come_first_served_knows_no_tier():
    plan = replace(overload("fcfs"), runs=4)
    same = replace(plan, tiers={"vip": 50.0, "standard": 50.0}, order="due")
    assert simulate(plan).overall.mean_wait_s == pytest.approx(simulate(same).overall.mean_wait_s)


def overload(order):
    """Eight hours in which 1.3 times as much comes as the agents can do, a fifth of it from the better tier."""
    hours = 8 * 3600.0
    types = tuple(WorkType(tier, 312 * share, 300, None, SKILL, tier) for tier, share in (("vip", 0.2), ("standard", 0.8)))
    return Plan(hours, 0.0, {"vip": 20.0, "standard": 80.0}, types, (Group(20, {"a": 5}),), order)


def test_specialists_first_keeps_those_free_who_can_do_more():
    def chosen(choice):
        types = tuple(WorkType(name, 100, 300, 60, frozenset({(name, 1)}), "standard") for name in "ab")
        agents = (Group(10, {"a": 5}), Group(8, {"a": 5, "b": 5}))
        plan = Plan(200_000.0, 10_000.0, {"standard": 80.0}, types, agents, "fcfs", choice)
        return simulate(plan).types["b"]

    assert chosen("least_flexible").p_wait < chosen("longest_idle").p_wait - 0.02


def test_experts_first_gives_them_the_larger_part():
    plan = replace(line(60, 300, 1, items=10_000), agents=(Group(5, {"a": 9}, 0.8), Group(5, {"a": 3}, 1.2)))
    fair, expert = (simulate(replace(plan, choice=choice)).overall for choice in ("longest_idle", "proficiency"))
    assert expert.occupancy < fair.occupancy - 0.02  # the quick do more of it


# Levels, overflow, what is counted


def test_who_is_below_the_level_gets_none_of_it_until_a_step_asks_for_less():
    hard = WorkType("hard", 30, 300, 600, frozenset({("a", 6)}), "standard")
    plan = replace(line(30, 300, 12, items=3000), types=(hard,))
    alone = simulate(plan).overall
    assert (alone.p_abandon, alone.occupancy) == (1.0, 0.0)
    steps = ({"after_s": 30, "do": "lower_level", "skill": "a", "level": 5},)
    relaxed = simulate(replace(plan, types=(replace(hard, overflow=steps),))).overall
    assert relaxed.mean_wait_served_s == pytest.approx(30, abs=3)
    assert relaxed.p_abandon == pytest.approx(1 - 0.951, abs=0.02)  # exp(-30/600) have the patience


def test_a_team_that_is_called_in_takes_what_others_leave():
    steps = ({"after_s": 20, "do": "also_team", "team": "back"},)
    hard = WorkType("hard", 30, 300, None, frozenset({("z", 1)}), "standard", steps)
    plan = replace(line(30, 300, 1, items=3000), types=(hard,), agents=(Group(8, {"a": 5}, team="back"),))
    assert simulate(plan).overall.mean_wait_s == pytest.approx(20, abs=2)


def test_the_parts_add_up_to_the_whole():
    found = simulate(replace(overload("due"), warmup_s=3600.0, within_s=(20.0, 80.0)))
    kinds = found.types.values()
    assert found.overall.n == sum(one.n for one in kinds)
    assert found.overall.occupancy == pytest.approx(sum(one.occupancy for one in kinds))
    assert found.overall.occupancy == pytest.approx(1.0, abs=1e-3)
    assert found.overall.mean_wait_s * found.overall.n == pytest.approx(sum(one.mean_wait_s * one.n for one in kinds))
    assert set(found.overall.sl) == {"20", "80"}
    assert found.types["vip"] == found.tiers["vip"]


def test_a_seed_gives_the_same_result_and_another_seed_another():
    plan = line(60, 300, 7, items=2000)
    first = json.dumps(simulate(plan).as_json())
    assert json.dumps(simulate(plan).as_json()) == first
    assert json.dumps(simulate(replace(plan, seed=2)).as_json()) != first


def test_the_same_customers_call_whatever_else_is_changed():
    plan = line(60, 300, 7, items=2000)
    other = WorkType("others", 10, 200, None, frozenset({("b", 1)}), "standard")
    wider = replace(plan, types=(other, *plan.types), agents=(*plan.agents, Group(3, {"b": 1})))
    assert simulate(wider).types["calls"].n == simulate(plan).types["calls"].n
    assert simulate(wider).types["calls"].mean_wait_s == pytest.approx(simulate(plan).types["calls"].mean_wait_s)


def test_several_runs_are_counted_together_and_narrow_the_width():
    once, often = (simulate(replace(line(60, 300, 7, items=5000), runs=runs)).overall for runs in (1, 4))
    assert often.n == pytest.approx(4 * once.n, rel=0.05)
    assert often.half_width["p_wait"] < once.half_width["p_wait"]


def test_a_type_that_never_calls_has_no_figures():
    plan = line(60, 300, 7, items=500)
    silent = replace(plan, types=(*plan.types, WorkType("silent", 0, 300, None, SKILL, "standard")))
    found = simulate(silent).types["silent"].as_json()
    assert (found["n"], found["p_wait"], found["mean_wait_s"], found["sl"], found["occupancy"]) == (
        0,
        None,
        None,
        {"20": None},
        0,
    )


# The whole tables, and how often the truth is inside


@pytest.mark.nightly
def test_every_cell_of_the_tables_is_met():
    found = [(cell, pair) for cell, pairs in every_cell() for pair in pairs]
    assert [one for one in found if not is_inside(one[1], 2.0)] == []
    missed = [one for one in found if not is_inside(one[1])]
    assert len(missed) <= 0.1 * len(found), missed


def every_cell(items=LONG):
    for rate, aht, agents, *_ in ERLANG_C:
        yield ("C", rate, aht, agents), pairs_of_line(line(rate, aht, agents, items=items), erlang_c(rate / 3600, aht, agents))
    for rate, aht, patience, agents, *_ in ERLANG_A:
        exact = erlang_a(rate / 3600, aht, patience, agents)
        yield ("A", rate, aht, patience, agents), pairs_of_line(line(rate, aht, agents, patience, items=items), exact)
    for rates, mu, agents, _ in COBHAM:
        yield ("strict", rates, mu, agents), pairs_of_tiers(rates, mu, agents, items)
    for agents, rates, *_ in ALIS:
        yield ("skills", agents, rates), pairs_of_skills(agents, rates, items)


@pytest.mark.nightly
@pytest.mark.parametrize(("rate", "aht", "agents", "items"), [(60, 300, 7, 10_000), (228, 300, 20, 60_000), (108, 30, 1, 20_000)])
def test_the_truth_is_inside_the_interval_about_95_times_in_100(rate, aht, agents, items):
    exact, inside, total = erlang_c(rate / 3600, aht, agents), dict.fromkeys(("p_wait", "mean_wait_s", "sl"), 0), 60
    for seed in range(total):
        for pair in pairs_of_line(line(rate, aht, agents, items=items, seed=seed), exact):
            if pair[0] in inside:
                inside[pair[0]] += is_inside(pair)
    assert min(inside.values()) >= 0.87 * total, inside
