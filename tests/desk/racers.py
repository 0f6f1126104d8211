"""Several processes that do the same thing at the same moment, round after round, each with a store of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from desk.clock import FrozenClock
from desk.errors import DeskError
from desk.store import Tx
from tests.desk.house import MORNING, House

PATIENCE_S = 120

Verb = Callable[[Tx, Any], Any]
"""A module's own function: it is named, not carried, into the other process."""


def race(
    house: House, folder: Path, verbs: Sequence[Verb], rounds: Sequence[Sequence[Any]], at_s: float = 0.0
) -> list[list[str]]:
    """Let one process for each verb run `verb(tx, argument)`, together, once a round. Returns for each round what each one
    came to: what the verb returned, as text, or the name of the error. `rounds` holds one argument per verb."""
    # Forked from a server that has done nothing but import: quick, and free of this process's threads and connections.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "hypothesis", "tests.desk.racers", "desk.actions.work.presence"])
    start, results = context.Barrier(len(verbs)), context.Queue()
    runners = [
        context.Process(
            target=_run,
            args=(house.url, str(folder), number, verb, [arguments[number] for arguments in rounds], start, results, at_s),
            daemon=True,
        )
        for number, verb in enumerate(verbs)
    ]
    with ExitStack() as afterwards:
        for runner in runners:
            runner.start()
            afterwards.callback(runner.join, PATIENCE_S)
        told = dict(results.get(timeout=PATIENCE_S + len(rounds)) for _ in runners)
    return [[told[number][turn] for number in range(len(verbs))] for turn in range(len(rounds))]


def _run(url: str, folder: str, number: int, verb: Verb, arguments: Sequence[Any], start: Any, results: Any, at_s: float) -> None:
    clock = FrozenClock(MORNING)
    clock.tick(at_s)
    house = House(url, Path(folder), clock)
    told = []
    for argument in arguments:
        start.wait(PATIENCE_S)
        try:
            with house.tx() as tx:
                outcome = str(verb(tx, argument))
        except DeskError as error:
            outcome = type(error).__name__
        told.append(outcome)
    house.close()
    results.put((number, told))
