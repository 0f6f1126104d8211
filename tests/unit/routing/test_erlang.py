"""The Erlang formulas against printed tables, against the sums of states and integrals they stand for, and at their limits."""

from __future__ import annotations

from math import exp, inf, log, sqrt

import pytest

from routing.erlang import erlang_a, erlang_b, erlang_c
from tests.unit.routing.exact import ERLANG_A, ERLANG_C, erlang_a_by_quadrature, wait_probability

PRINTED = 1e-9  # the tables have ten digits

ERLANG_B = (
    (1, 1, 0.5),
    (5, 5, 0.284867821331),
    (8, 5, 0.0700478522096),
    (10, 10, 0.214582343107),
    (100, 100, 0.0757004527109),
)
HALFIN_WHITT = ((0.1, 0.88029), (0.5, 0.50454), (1, 0.22336), (2, 0.02688))


@pytest.mark.parametrize(("agents", "load", "lost"), ERLANG_B)
def test_lost_calls_are_those_of_the_tables(agents, load, lost):
    assert erlang_b(agents, load) == pytest.approx(lost, rel=1e-11)


@pytest.mark.parametrize(("load", "agents"), [(4.461, 10), (12.03, 20), (84.06, 100)])
def test_the_classic_loads_lose_one_call_in_a_hundred(load, agents):
    assert erlang_b(agents, load) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(("rate", "aht", "agents", "p_wait", "wait", "in_time", "queue"), ERLANG_C)
def test_without_abandonment_each_cell_of_the_table_holds(rate, aht, agents, p_wait, wait, in_time, queue):
    line = erlang_c(rate / 3600, aht, agents)
    found = (line.p_wait, line.mean_wait_s, line.sl_served(20), line.p_abandon)
    assert found == pytest.approx((p_wait, wait, in_time, 0.0), rel=PRINTED)
    assert line.queue == pytest.approx(queue, abs=1e-6)
    assert line.p_wait == pytest.approx(wait_probability(agents, rate / 3600 * aht), rel=1e-12)


@pytest.mark.parametrize(("rate", "aht", "patience", "agents", "p_wait", "wait", "p_abandon", "served", "waited"), ERLANG_A)
def test_with_abandonment_each_cell_of_the_table_holds(rate, aht, patience, agents, p_wait, wait, p_abandon, served, waited):
    line = erlang_a(rate / 3600, aht, patience, agents)
    assert (line.p_wait, line.mean_wait_s, line.p_abandon) == pytest.approx((p_wait, wait, p_abandon), rel=PRINTED)
    assert (line.sl_served(20), line.sl_waited(20)) == pytest.approx((served, waited), rel=PRINTED)


@pytest.mark.parametrize(
    ("rate", "aht", "patience", "agents"),
    [*(cell[:4] for cell in ERLANG_A[:6]), (37, 411, 95, 3), (900, 200, 30, 40), (500, 290, 900, 55), (3, 100, 10, 2)],
)
def test_with_abandonment_the_series_is_the_integral(rate, aht, patience, agents):
    line = erlang_a(rate / 3600, aht, patience, agents)
    other = erlang_a_by_quadrature(rate / 3600, aht, patience, agents, within_s=15.0)
    found = {name: getattr(line, name) for name in ("p_wait", "mean_wait_s", "p_abandon")}
    found |= {"sl_served": line.sl_served(15.0), "sl_waited": line.sl_waited(15.0)}
    assert found == pytest.approx(other, rel=1e-9)


def test_the_example_of_another_library_comes_out_alike():
    line = erlang_c(100 / 1800, 180, 14)
    found = (line.p_wait, line.sl_served(20), line.occupancy)
    assert found == pytest.approx((0.1741319335950498, 0.8883500191794669, 0.7142857), rel=1e-7)


def test_the_quantiles_are_those_of_the_published_comparison():
    patient, human = erlang_c(48 / 60, 60, 50), erlang_a(48 / 60, 60, 120, 50)
    assert (patient.wait_quantile_s(0.9), human.wait_quantile_s(0.9)) == pytest.approx((58.139, 12.445), rel=1e-4)
    assert patient.wait_quantile_s(0.9) == pytest.approx(log(patient.p_wait / 0.1) / (50 / 60 - 48 / 60), rel=1e-9)
    assert human.wait_quantile_s(0.3) == 0.0
    assert human.sl_waited(human.wait_quantile_s(0.999)) == pytest.approx(0.999, rel=1e-9)


@pytest.mark.parametrize(("beta", "limit"), HALFIN_WHITT)
def test_with_very_many_agents_the_wait_goes_to_its_limit(beta, limit):
    load = 1_000_000.0
    agents = round(load + beta * sqrt(load))
    assert erlang_c(load, 1.0, agents).p_wait == pytest.approx(limit, rel=6e-3)


def test_endless_patience_is_no_abandonment():
    patient, plain = erlang_a(60 / 3600, 300, 1e9, 8), erlang_c(60 / 3600, 300, 8)
    assert patient.p_wait == pytest.approx(plain.p_wait, rel=1e-5)
    assert patient.sl_served(20) == pytest.approx(plain.sl_served(20), rel=1e-5)


def test_patience_as_long_as_handling_makes_it_a_line_with_endless_agents():
    line = erlang_a(60 / 3600, 300, 300, 6)
    poisson = [exp(-5.0)]
    for count in range(1, 200):
        poisson.append(poisson[-1] * 5.0 / count)
    assert line.p_wait == pytest.approx(sum(poisson[6:]), rel=1e-12)
    assert line.queue == pytest.approx(sum((count - 6) * chance for count, chance in enumerate(poisson[6:], 6)), rel=1e-12)


@pytest.mark.parametrize("agents", [0, 1, 20, 450, 500, 550, 2000])
@pytest.mark.parametrize("patience", [1.0, 100.0, 36_000.0])
def test_any_number_of_agents_gives_shares_and_what_comes_in_goes_out(agents, patience):
    line = erlang_a(500 / 300, 300, patience, agents)
    for share in (line.p_wait, line.p_abandon, line.occupancy, line.sl_served(20), line.sl_waited(20)):
        assert 0 <= share <= 1
    assert line.sl_served(20) <= line.sl_waited(20) + 1e-12
    assert line.p_abandon == pytest.approx(line.mean_wait_s / patience, rel=1e-9, abs=1e-300)
    assert line.sl_served(0) == pytest.approx(1 - line.p_wait, abs=1e-9)
    assert line.sl_served(1e6) == pytest.approx(1 - line.p_abandon, abs=1e-9)
    if agents:
        assert line.occupancy * agents / 300 + line.p_abandon * 500 / 300 == pytest.approx(500 / 300, rel=1e-9)


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(ValueError, match="cannot keep up with 5 erlangs"):
        erlang_c(60 / 3600, 300, 5)
    for rate, patience in ((0, 60), (-1, 60), (inf, 60), (1, 0), (1, -3), (1, inf)):
        with pytest.raises(ValueError, match="must be positive"):
            erlang_a(rate, 300, patience, 5)
    with pytest.raises(ValueError, match="there cannot be -1 agents"):
        erlang_b(-1, 5)
    for share in (-0.1, 1.0):
        with pytest.raises(ValueError, match="a quantile is asked for"):
            erlang_c(60 / 3600, 300, 8).wait_quantile_s(share)
