"""`demo`: fill an empty desk; `demo traffic`: let its customers call, chat, write and complain; `demo calls`: load the phone."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from desk.app import install, prepare
from desk.config import Settings
from desk.demo import seed


def add(commands: Any) -> None:
    demo = commands.add_parser("demo", help="fill an empty desk with a small company")
    demo.set_defaults(run=run_seed)
    verbs = demo.add_subparsers(dest="verb")
    traffic = verbs.add_parser("traffic", help="customers call, chat, write and complain at a running desk")
    traffic.add_argument("--rate", type=float, default=30.0, help="contacts per hour (default 30)")
    traffic.add_argument("--minutes", type=float, default=10.0, help="for how long (default 10)")
    traffic.set_defaults(run=run_traffic)
    calls = verbs.add_parser("calls", help="hundreds of simulated calls at once against a desk of their own; figures as JSON")
    calls.add_argument("--calls", type=int, default=300, help="how many at any moment (default 300)")
    calls.add_argument("--agents", type=int, default=60, help="scripted agents who answer them (default 60)")
    calls.add_argument("--minutes", type=float, default=2.0, help="for how long (default 2)")
    calls.add_argument("--talk", type=float, default=60.0, help="mean length of a talk in seconds (default 60)")
    calls.set_defaults(run=run_calls)


def run_seed(_chosen: Namespace) -> int:
    desk = install(Settings.from_env())
    prepare(desk)
    print("The demo is in." if seed.ensure_demo(desk) else "The demo is in already; nothing was changed.")
    return 0


def run_traffic(chosen: Namespace) -> int:
    from desk.demo import traffic

    return traffic.run(Settings.from_env(), rate_per_h=chosen.rate, minutes=chosen.minutes)


def run_calls(chosen: Namespace) -> int:
    """Status 1 when a call was lost, answered twice, or is known otherwise to the carrier; how long things took is not asked."""
    from desk.bench import calls

    load = calls.Load(chosen.calls, chosen.agents, chosen.minutes, chosen.talk)
    figures = calls.run(Settings.from_env(), load)
    print(json.dumps(figures, indent=2))
    known, told = figures["counts"]["desk"], figures["counts"]["carrier"]
    wrong = [name for name in ("lost_calls", "double_answers", "calls_that_differ") if figures[name]["value"]]
    wrong += [name for name in ("offered", "answered", "abandoned") if known[name] != told[name]]
    return 1 if wrong else 0
