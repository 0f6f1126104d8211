"""`mail parse` and `mail reply-text`: how the desk reads a mail, without a desk."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from channels.email.commands import parse_line, reply_lines


def add(commands: Any) -> None:
    mail = commands.add_parser("mail", help="show how mail is read").add_subparsers(dest="verb", required=True)
    parse = mail.add_parser("parse", help="read mail files; one line of JSON each")
    parse.add_argument("file", nargs="+", type=Path)
    parse.set_defaults(run=run_parse)
    text = mail.add_parser("reply-text", help="read a body on standard input, print what is new in it")
    text.set_defaults(run=run_reply_text)


def run_parse(chosen: Namespace) -> int:
    failed = 0
    for path in chosen.file:
        try:
            raw = path.read_bytes()
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            failed = 1
            continue
        print(json.dumps(parse_line(raw), ensure_ascii=False))
    return failed


def run_reply_text(_chosen: Namespace) -> int:
    print(reply_lines(sys.stdin.buffer.read()))
    return 0
