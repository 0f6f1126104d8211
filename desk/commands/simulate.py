"""`simulate FILE.json`: play a planned floor under the live matcher; the result as one JSON object, waits and shares by type."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from routing.simulation import simulate
from routing.simulation_file import FileProblems, read_simulation


def add(commands: Any) -> None:
    parser = commands.add_parser("simulate", help="simulate agents, work and a policy; the result as JSON")
    parser.add_argument("file", help="a simulation file, or - for standard input")
    parser.set_defaults(run=run)


def run(chosen: Namespace) -> int:
    try:
        raw = sys.stdin.buffer.read() if chosen.file == "-" else Path(chosen.file).read_bytes()
        plan = read_simulation(raw.decode("utf-8-sig"))
    except OSError as error:
        print(f"{chosen.file}: {error.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError:
        print(f"{chosen.file}: the file is not written in UTF-8.", file=sys.stderr)
        return 2
    except FileProblems as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return 2
    print(json.dumps(simulate(plan).as_json()))
    return 0
