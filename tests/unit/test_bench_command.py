"""`python -m desk bench`: what can be measured, and how much of it."""

from __future__ import annotations

import importlib
import pkgutil
from argparse import ArgumentParser

import desk.bench
from desk.bench import claims, live
from desk.bench.calls import Load
from desk.commands import bench


def asked(*words):
    parser = ArgumentParser()
    bench.add(parser.add_subparsers())
    return parser.parse_args(["bench", *words])


def test_each_benchmark_that_there_is_can_be_asked_for():
    modules = [importlib.import_module(f"desk.bench.{each.name}") for each in pkgutil.iter_modules(desk.bench.__path__)]
    found = {module.run for module in modules if hasattr(module, "run")}
    assert found - {claims.run} == set(bench.BENCHES.values())  # claims are measured with routing
    assert [asked(name).name for name in (*bench.BENCHES, "all")] == [*bench.BENCHES, "all"]


def test_calls_are_many_when_asked_for_by_name_and_few_among_all():
    assert bench.given("calls", asked("calls")) == (Load(calls=300, agents=60),)
    assert bench.given("calls", asked("calls", "--calls", "30", "--agents", "6", "--minutes", "10")) == (
        Load(calls=30, agents=6, minutes=10),
    )
    (few,) = bench.given("calls", asked("all"))
    assert few.calls < 100
    assert few.minutes <= 1
    assert bench.given("routing", asked("all")) == ()


def test_live_is_short_unless_minutes_are_asked_for():
    (usual,) = bench.given("live", asked("live"))
    assert usual.minutes < 1
    assert bench.given("live", asked("live", "--screens", "2000", "--minutes", "15")) == (live.Load(screens=2000, minutes=15),)
