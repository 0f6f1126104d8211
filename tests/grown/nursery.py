"""Where the processes of a grown desk come from: each is forked from one that has read the whole program before.

To read it takes seconds, eight times for each test; otherwise the processes are those that a command starts.
Two wait to be forked: one under gevent, as gunicorn's are, for `web`; one with threads for all the others.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

GEVENT, THREADS = "gevent", "threads"
# The last for its hashes of passwords that cost little.
PROGRAM = (
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.ggevent",
    "desk.app",
    "desk.commands.serve",
    "desk.commands.web",
    "tests.world",
)


class Nursery:
    """Both, from the first process that is asked of each until `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mothers: dict[str, subprocess.Popen[str]] = {}

    def start(self, role: str, env: Mapping[str, str], log: Path, *, demo: bool = False) -> Child:
        """A process of the desk with this environment; what it says is added to `log`. `demo` opens the demo's pages."""
        mother = self._mother(GEVENT if role == "web" else THREADS)
        return Child(mother, _ask(mother, {"role": role, "env": dict(env), "log": str(log), "demo": demo}))

    def close(self) -> None:
        """End both, with whatever they have started."""
        for mother in self._mothers.values():
            mother.communicate()
        self._mothers.clear()

    def _mother(self, kind: str) -> subprocess.Popen[str]:
        if kind not in self._mothers:
            with (self._folder / f"nursery-{kind}.log").open("ab") as log:
                self._mothers[kind] = subprocess.Popen(
                    [sys.executable, "-m", "tests.grown.nursery", kind, str(self._folder / "compiled")],
                    cwd=Path(__file__).parent.parent.parent,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                )  # fmt: skip
        return self._mothers[kind]


class Child:
    """A process that a nursery has started, as `subprocess` shows its own."""

    def __init__(self, mother: subprocess.Popen[str], pid: int) -> None:
        self._mother, self.pid = mother, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = _ask(self._mother, {"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit status; `TimeoutExpired` when it goes on for longer than `timeout` seconds."""
        end = time.monotonic() + timeout
        watched = os.pidfd_open(self.pid) if self.returncode is None else None
        try:
            while self.poll() is None:
                left = end - time.monotonic()
                if left <= 0:
                    raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
                select.select([watched], [], [], left)
        finally:
            if watched is not None:
                os.close(watched)
        return self.returncode


def _ask(mother: subprocess.Popen[str], what: dict[str, Any]) -> Any:
    mother.stdin.write(json.dumps(what) + "\n")
    mother.stdin.flush()
    answer = mother.stdout.readline()
    if not answer:
        raise RuntimeError("The process that others are forked from has ended; see nursery-*.log.")
    return json.loads(answer)


def main(kind: str, compiled: str) -> None:
    """Read everything, then start and look after processes until whoever asked for them is gone."""
    fork, waitpid = os.fork, os.waitpid  # gevent's own wait for a turn of its loop, which nobody runs here
    if kind == GEVENT:
        from gevent import monkey

        monkey.patch_all()
    _read_everything(compiled)
    living: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        answer: int | None
        if "role" in asked:
            answer = fork()
            if answer == 0:
                _become(**asked)
            living.add(answer)
        else:
            done, status = waitpid(asked["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if done else None
            living.discard(done)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in living:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _read_everything(compiled: str) -> None:
    from flask import Flask
    from jinja2 import FileSystemBytecodeCache

    for name in PROGRAM:
        import_module(name)
    Path(compiled).mkdir(exist_ok=True)
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(compiled)}


def _become(role: str, env: dict[str, str], log: str, *, demo: bool) -> None:
    """Be that process from here on, as if started by its command."""
    os.setsid()
    nothing, told = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for given, place in ((nothing, 0), (told, 1), (told, 2)):
        os.dup2(given, place)
    os.environ.clear()
    os.environ.update(env)
    if demo:
        _open_the_demo()
    if role == "web":
        from gunicorn.app.wsgiapp import run

        from desk.commands.web import words
        from desk.config import Settings

        sys.argv = words(Settings.from_env())
        run()
    else:
        from desk.__main__ import main as command

        sys.exit(command([role]))


def _open_the_demo() -> None:
    """As `serve --demo` does, which is one process: no setting does it."""
    from desk.config import Settings

    told = Settings.from_env
    Settings.from_env = lambda env=None: replace(told(env), demo=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
