"""`bench NAME`: one benchmark, or `all`; one line of JSON each, figures beside their floors."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from desk.bench import live, mail, routing, search, tickets
from desk.config import Settings

BENCHES = {"routing": routing.run, "mail": mail.run, "search": search.run, "tickets": tickets.run, "live": live.run}


NEEDS_SERVERS = frozenset({"live"})  # PostgreSQL and Redis, which `make bench` does not install


def add(commands: Any) -> None:
    parser = commands.add_parser("bench", help="measure, each figure beside a floor of the same run")
    parser.add_argument("name", choices=[*BENCHES, "all"])
    parser.add_argument("--articles", type=int, default=search.ARTICLES, metavar="N", help="how many articles `search` holds")
    parser.add_argument("--tickets", type=int, default=tickets.TICKETS, metavar="N", help="how many tickets `tickets` makes")
    parser.add_argument("--screens", type=int, default=live.SCREENS, metavar="N", help="how many screens `live` opens")
    parser.add_argument("--url", default="", help="an empty database for `tickets`, instead of SQLite")
    parser.set_defaults(run=run)


def run(chosen: Namespace) -> int:
    settings = Settings.from_env()
    for name in [each for each in BENCHES if each not in NEEDS_SERVERS] if chosen.name == "all" else [chosen.name]:
        given = {"search": (chosen.articles,), "tickets": (chosen.tickets, chosen.url), "live": (chosen.screens,)}.get(name, ())
        figures = BENCHES[name](settings, *given)
        print(json.dumps({"bench": name, "figures": figures}), flush=True)
    return 0
