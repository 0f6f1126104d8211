"""A private Redis server for one test worker: publish and subscribe know no databases, so workers cannot share one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

ATTEMPTS = 5  # another program may take the free port between our asking for it and Redis using it


@contextmanager
def private_server(folder: Path) -> Iterator[str]:
    """The address of a server on loopback that lives as long as the block; `TEST_REDIS_URL` when that is set."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    process, url = _start(folder)
    stop = folder / f"redis-{process.pid}.stop"
    stop.write_text(f"kill {process.pid}\n")
    try:
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=60)
        stop.unlink()


def empty(url: str) -> None:
    """Forget everything that an earlier test left on the server."""
    with Redis.from_url(url) as redis:
        redis.flushall()


def _start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    program = shutil.which("redis-server")
    if not program:
        raise pytest.fail.Exception(
            "Redis is needed: `make test` installs it as root on Debian; else install redis-server or set TEST_REDIS_URL",
            pytrace=False,
        )
    told = ""
    for _ in range(ATTEMPTS):
        port = _free_port()
        command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told = _read_until_ready(process)
        if "Ready to accept connections" in told:
            url = f"redis://127.0.0.1:{port}/0"
            with Redis.from_url(url) as redis:
                redis.config_set("loglevel", "warning")  # nobody reads on, and a full pipe would stop the server
            return process, url
        process.communicate()
    raise pytest.fail.Exception(f"Redis did not start:\n{told}", pytrace=False)


def _read_until_ready(process: subprocess.Popen[str]) -> str:
    told = ""
    for line in process.stdout or ():
        told += line
        if "Ready to accept connections" in line:
            break
    return told


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
