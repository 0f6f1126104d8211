"""The processes that read mails: a few, each with a deadline for every mail, replaced when it dies or takes too long."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from desk.work import mail_wire
from desk.work.mail_wire import Job, Reading, Unread

log = logging.getLogger(__name__)

ROOT = Path(__file__).parent.parent.parent
DEADLINE_S = 20.0
PATIENCE = 6  # deadlines, for a process that the machine gives no time: that is no mail's fault
MOST_MEMORY = 1024 * 1024 * 1024
CLOSED = Unread("the desk is stopping", by_mail=False)


class Pool:
    """Reads mails side by side in `size` processes. They start when they are first needed."""

    def __init__(self, size: int = 0, *, deadline_s: float = DEADLINE_S, most_memory: int = MOST_MEMORY) -> None:
        size = size or max(1, min(3, len(os.sched_getaffinity(0)) - 1))
        self._deadline_s = deadline_s
        self._most_memory = most_memory
        self._threads = ThreadPoolExecutor(max_workers=size, thread_name_prefix="mail-reading")
        self._mine = threading.local()
        self._children: list[_Child] = []
        self._door = threading.Lock()  # what is begun and what ends do not cross
        self._closed = False

    def begin(self, jobs: Sequence[Job]) -> list[Future[Reading | Unread]]:
        """Have each job read; there will be an answer for each, and no exception for a mail's sake.

        From a pool that is being closed the answers are cancelled, or say what is no mail's fault.
        """
        with self._door:
            if self._closed:
                return [_cancelled() for _ in jobs]
            return [self._threads.submit(self._read, job) for job in jobs]

    def close(self) -> None:
        """End the processes, whatever they read just now: nobody waits for that any more."""
        with self._door:
            self._closed = True
            children = list(self._children)
        for child in children:
            child.close()
        self._threads.shutdown(cancel_futures=True)
        for child in children:
            child.end()

    def _read(self, job: Job) -> Reading | Unread:
        child = getattr(self._mine, "child", None)
        if child is None:
            with self._door:
                if self._closed:
                    return CLOSED
                child = self._mine.child = _Child(self._most_memory)
                self._children.append(child)
        return child.ask(job, self._deadline_s)


class _Child:
    """One process, used by one thread. `close` may come from another."""

    def __init__(self, most_memory: int) -> None:
        self._most_memory = most_memory
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._closed = False

    def ask(self, job: Job, deadline_s: float) -> Reading | Unread:
        for attempt in (1, 2):
            process = self._process or self._start()
            if process is None:
                return CLOSED
            assert process.stdin is not None
            try:
                mail_wire.send(process.stdin, job)
                break
            except OSError:
                # It had died before it got this mail, which is not this mail's fault; unless one that has just begun has no room.
                status = process.wait()
                self.end()
                if attempt == 2 and status == mail_wire.NO_ROOM:
                    return Unread("the mail is too large for the memory of a reading process")
                if attempt == 2:
                    return Unread("the reading process does not start", by_mail=False)
        answer = self._answer(process, deadline_s)
        return CLOSED if self._closed and isinstance(answer, Unread) else answer

    def close(self) -> None:
        """Kill the process and start no other. Whoever asks it just now finds that it has gone."""
        with self._starting:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def _answer(self, process: subprocess.Popen[bytes], deadline_s: float) -> Reading | Unread:
        assert process.stdout is not None
        before = _worked_s(process.pid)
        for _ in range(PATIENCE):
            # The answer is short and written at once: when its first byte is there, so is the rest.
            ready, _, _ = select.select([process.stdout], [], [], deadline_s)
            starved = _worked_s(process.pid) - before < deadline_s / 2
            if ready or not starved:
                break
        try:
            if not ready:
                raise TimeoutError
            answer = mail_wire.receive(process.stdout)
        except TimeoutError:
            self.end()
            return Unread(f"reading took more than {deadline_s:g} seconds")
        except (EOFError, OSError, MemoryError):
            status = process.wait()
            self.end()
            return Unread(f"the reading process ended ({status})")
        assert isinstance(answer, (Reading, Unread))
        return answer

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._starting:
            if self._closed:
                return None
            self._process = subprocess.Popen(
                [sys.executable, "-m", "desk.work.mail_child", str(self._most_memory)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                process_group=0,  # Ctrl-C is for the desk, which ends its children itself
            )
            return self._process


def _worked_s(pid: int) -> float:
    """Processor seconds of another process; infinite where the system does not tell, so that the hour on the wall counts."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid makes it on Linux
    except (OSError, AttributeError):
        return math.inf


def _cancelled() -> Future[Reading | Unread]:
    future: Future[Reading | Unread] = Future()
    future.cancel()
    return future
