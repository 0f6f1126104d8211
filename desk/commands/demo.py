"""`demo`: fill an empty desk with a small company; `demo traffic`: let its customers call, chat, write and complain."""

from __future__ import annotations

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


def run_seed(_chosen: Namespace) -> int:
    desk = install(Settings.from_env())
    prepare(desk)
    print("The demo is in." if seed.ensure_demo(desk) else "The demo is in already; nothing was changed.")
    return 0


def run_traffic(chosen: Namespace) -> int:
    from desk.demo import traffic

    return traffic.run(Settings.from_env(), rate_per_h=chosen.rate, minutes=chosen.minutes)
