"""`mail parse` and `mail reply-text`: how the desk reads a mail, without a desk."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from channels.email.commands import parse_line, reply_lines

STANDARD_INPUT = "-"
LARGEST = 200 * 1024 * 1024


def add(commands: Any) -> None:
    mail = commands.add_parser("mail", help="show how mail is read").add_subparsers(dest="verb", required=True)
    parse = mail.add_parser("parse", help="read mail files (- is standard input); one line of JSON each")
    parse.add_argument("file", nargs="+")
    parse.set_defaults(run=run_parse)
    text = mail.add_parser("reply-text", help="read a body on standard input, print what is new in it")
    text.set_defaults(run=run_reply_text)


def run_parse(chosen: Namespace) -> int:
    """One line for each file that can be opened, in order; the exit code is 1 when one could not."""
    failed = 0
    with suppress(BrokenPipeError):
        for path, raw in _contents(chosen.file):
            if isinstance(raw, OSError):
                print(f"{path}: {raw.strerror or raw}", file=sys.stderr)
                failed = 1
                continue
            _write(json.dumps(parse_line(raw), ensure_ascii=False))
    return failed


def run_reply_text(_chosen: Namespace) -> int:
    with suppress(BrokenPipeError):
        _write(reply_lines(sys.stdin.buffer.read(LARGEST)))
    return 0


def _contents(paths: list[str]) -> Iterator[tuple[str, bytes | OSError]]:
    for path in paths:
        try:
            if path == STANDARD_INPUT:
                yield path, sys.stdin.buffer.read(LARGEST)
            else:
                with Path(path).open("rb") as file:
                    yield path, file.read(LARGEST)
        except OSError as error:
            yield path, error


def _write(line: str) -> None:
    """UTF-8 whatever the terminal's locale; flushed, so that a reader of a pipe sees each line as it comes."""
    sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()
