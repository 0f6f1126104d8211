"""`bench NAME`: one benchmark, or `all`; one line of JSON each, figures beside their floors."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from desk.bench import mail, routing, search
from desk.config import Settings

BENCHES = {"routing": routing.run, "mail": mail.run, "search": search.run}


def add(commands: Any) -> None:
    parser = commands.add_parser("bench", help="measure, each figure beside a floor of the same run")
    parser.add_argument("name", choices=[*BENCHES, "all"])
    parser.add_argument("--articles", type=int, default=search.ARTICLES, metavar="N", help="how many articles `search` holds")
    parser.set_defaults(run=run)


def run(chosen: Namespace) -> int:
    settings = Settings.from_env()
    for name in BENCHES if chosen.name == "all" else [chosen.name]:
        figures = search.run(settings, chosen.articles) if name == "search" else BENCHES[name](settings)
        print(json.dumps({"bench": name, "figures": figures}), flush=True)
    return 0
