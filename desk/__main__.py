"""`python -m desk COMMAND`: every command of the desk, each in a module of `desk.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from desk.commands import modules
from desk.errors import DeskError


def main(words: Sequence[str] | None = None) -> int:
    """Run one command. Exit status 0 when done, 1 when it could not be done, 2 when it was called wrongly."""
    words = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(prog="python -m desk", description="The service desk: phone, mail, chat and complaints.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in modules(words):
        module.add(commands)
    chosen = parser.parse_args(words)
    try:
        return chosen.run(chosen) or 0
    except DeskError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
