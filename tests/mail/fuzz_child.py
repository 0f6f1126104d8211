"""Reads mutated mails for a time in a process of its own: `python -m tests.mail.fuzz_child SEED SECONDS LARGEST`.

Prints one line of JSON: how many, the slowest, the hungriest, and every mail that raised, took too long or too much.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from channels.email.commands import parse_line
from channels.email.parse import identity, parse, to_inbound
from channels.email.screen import screen
from tests.mail.mutation import mutated, seeds

MOST_SECONDS = 2.0
MOST_BYTES = 200 * 1024 * 1024


def status(field: str) -> int:
    """A figure of this process in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def measure(raw: bytes) -> tuple[float, int, str]:
    """Processor seconds, bytes above what was in use before, and what was wrong."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before, began = status("VmRSS"), time.process_time()
    parsed = parse(raw)
    screen(parsed)
    took = time.process_time() - began
    used = status("VmHWM") - before
    wrong = next((one for one in parsed.problems if one.startswith("unreadable")), "")
    if len(raw) < 100_000:
        json.dumps(parse_line(raw), ensure_ascii=False).encode()
        to_inbound(parsed, identity=identity(parsed))
    return took, used, wrong or ("too slow" if took > MOST_SECONDS else "too much memory" if used > MOST_BYTES else "")


def main(seed: int, seconds: float, largest: int) -> dict[str, Any]:
    """Mutate and read until the time is over."""
    start = seeds()
    limit = status("VmSize") + MOST_BYTES + largest * 9  # the mails being made are large themselves
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    rng = random.Random(seed)
    found: dict[str, Any] = {"mails": 0, "slowest_s": 0.0, "hungriest_mb": 0.0, "bad": []}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        raw = mutated(rng, start, largest=largest)
        took, used, wrong = measure(raw)
        found["mails"] += 1
        found["slowest_s"] = max(found["slowest_s"], round(took, 3))
        found["hungriest_mb"] = max(found["hungriest_mb"], round(used / 1024 / 1024, 1))
        if wrong and len(found["bad"]) < 20:
            with tempfile.NamedTemporaryFile(delete=False, prefix="fuzz-", suffix=".eml") as file:
                file.write(raw)
            found["bad"].append(f"{wrong}: {took:.2f} s, {used // 1024 // 1024} MB, {len(raw)} bytes, {file.name}")
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
