"""A desk in a process of its own that a test may kill at any moment."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from sqlalchemy import select

from desk.app import install
from desk.config import Settings
from desk.installation import Installation
from tests.shape.source import ROOT
from tests.world import free_port

# Importing the desk takes seconds, starting it does not: one process imports it, and each desk is a fork of that one.
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["desk.app", "desk.__main__", "desk.commands.serve"])
PATIENCE_S = 180  # its parts may take their turns to the end, one after the other


class Child:
    """`python -m desk serve` on ports and a data folder of its own. `start` returns when it is ready for work."""

    def __init__(self, folder: Path, **more: str) -> None:
        http_port, smtp_port = free_port(), free_port()
        self.env = {
            "DESK_DATA_DIR": str(folder),
            "DESK_HTTP_PORT": str(http_port),
            "DESK_SMTP_PORT": str(smtp_port),
            "DESK_BASE_URL": f"http://127.0.0.1:{http_port}",
            "DESK_SECRET_KEY": "a secret that only this test knows, long enough",
            **more,
        }
        self.url, self.smtp_port = self.env["DESK_BASE_URL"], smtp_port
        self._log = folder / "child.log"
        self._process: ForkServerProcess | None = None
        self._told: Connection | None = None

    def start(self) -> None:
        told, tell = WARM.Pipe(duplex=False)
        self._process = WARM.Process(target=_serve, args=(self.env, str(self._log), tell), daemon=True)
        self._process.start()
        tell.close()
        self._told = told  # open until it ends, for its last words
        with os.fdopen(os.dup(told.fileno()), encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if "The desk is ready" in line:
                    return
        raise AssertionError(f"the desk did not start:\n{self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """As when the power fails: nothing is finished, nobody is told."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop, as a service manager does; returns its exit status."""
        return self._end(signal.SIGTERM)

    def installation(self) -> Installation:
        """The same store and files, seen from here."""
        return install(Settings.from_env(self.env))

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        assert process.pid is not None
        if process.is_alive():
            os.kill(process.pid, how)
        process.join(timeout=PATIENCE_S)
        assert process.exitcode is not None, "the desk has not ended"
        return process.exitcode

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _serve(env: dict[str, str], log: str, tell: Connection) -> None:
    """What `python -m desk serve` does, in the forked process."""
    os.chdir(ROOT)
    os.environ.update(env)
    os.dup2(tell.fileno(), sys.stdout.fileno())
    tell.close()
    with Path(log).open("a", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    from desk.__main__ import main

    sys.exit(main(["serve"]))


def all_of(desk: Installation, *what: Any) -> list[Any]:
    """Every row of a query's columns, as tuples when there is more than one."""
    with desk.store.read() as reading:
        rows = reading.execute(select(*what)).all()
    return [row[0] for row in rows] if len(what) == 1 else [tuple(row) for row in rows]
