"""A desk in a process of its own that a test may kill at any moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select

from desk.app import install
from desk.config import Settings
from desk.installation import Installation
from tests.shape.source import ROOT
from tests.world import free_port


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
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "desk", "serve"],
                cwd=ROOT,
                env={**os.environ, **self.env, "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
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
        process = self._process
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        process.communicate(timeout=30)
        self._process = None
        return process.returncode

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def all_of(desk: Installation, *what: Any) -> list[Any]:
    """Every row of a query's columns, as tuples when there is more than one."""
    with desk.store.read() as reading:
        rows = reading.execute(select(*what)).all()
    return [row[0] for row in rows] if len(what) == 1 else [tuple(row) for row in rows]
