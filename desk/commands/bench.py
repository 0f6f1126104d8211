"""`bench NAME`: one benchmark, or `all`; one line of JSON each, figures beside their floors."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from desk.bench import calls, grown, live, mail, routing, search, tickets
from desk.config import Settings

BENCHES: Mapping[str, Callable[..., dict[str, Any]]] = {
    "routing": routing.run,
    "mail": mail.run,
    "search": search.run,
    "tickets": tickets.run,
    "calls": calls.run,
    "live": live.run,
    "grown": grown.run,
}
FEW_CALLS = calls.Load(calls=60, agents=12, minutes=0.5)  # for `all`; the full load is asked for by name

NEEDS_SERVERS = frozenset({"live", "grown"})  # PostgreSQL and Redis, which `make bench` does not install


def add(commands: Any) -> None:
    parser = commands.add_parser("bench", help="measure, each figure beside a floor of the same run")
    parser.add_argument("name", choices=[*BENCHES, "all"])
    parser.add_argument("--articles", type=int, default=search.ARTICLES, metavar="N", help="how many articles `search` holds")
    parser.add_argument("--tickets", type=int, default=tickets.TICKETS, metavar="N", help="how many tickets `tickets` makes")
    parser.add_argument("--screens", type=int, default=live.Load.screens, metavar="N", help="how many screens `live` opens")
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="how long `calls` calls, and screens of `live` are told things"
    )
    parser.add_argument("--calls", type=int, default=calls.Load.calls, metavar="N", help="how many call at once in `calls`")
    parser.add_argument("--agents", type=int, default=calls.Load.agents, metavar="N", help="how many agents `calls` has")
    parser.add_argument("--url", default="", help="a database for `tickets`: an empty one, or one that it has filled before")
    parser.set_defaults(run=run)


def run(chosen: Namespace) -> int:
    settings = Settings.from_env()
    for name in [each for each in BENCHES if each not in NEEDS_SERVERS] if chosen.name == "all" else [chosen.name]:
        figures = BENCHES[name](settings, *given(name, chosen))
        print(json.dumps({"bench": name, "figures": figures}), flush=True)
    return 0


def given(name: str, chosen: Namespace) -> tuple[Any, ...]:
    """How much this benchmark has to do."""
    many_calls = calls.Load(chosen.calls, chosen.agents, chosen.minutes or calls.Load.minutes)
    sizes = {
        "search": (chosen.articles,),
        "tickets": (chosen.tickets, chosen.url),
        "calls": (FEW_CALLS if chosen.name == "all" else many_calls,),
        "live": (live.Load(chosen.screens, chosen.minutes or live.Load.minutes),),
    }
    return sizes.get(name, ())
