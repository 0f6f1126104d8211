"""What a migration may do to a table that is being worked with: the rules, and the check of one migration's statements by them.

PostgreSQL makes most changes of a table in an instant. What reads or writes every row holds up everybody who uses the table
meanwhile, so a migration that cannot do without says so in its docstring: “Holds up …”, with the table's name and for how long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Those that grow with every contact. To read through any other takes no time that somebody would notice.
BIG = frozenset(
    {
        "attachment",
        "call",
        "call_leg",
        "call_recording",
        "call_segment",
        "chat",
        "contact_point",
        "customer",
        "event",
        "mailbox_mail",
        "message",
        "offer",
        "outbox_mail",
        "outbox_recipient",
        "raw_mail",
        "search_log",
        "sign_in",
        "survey",
        "ticket",
        "ticket_participant",
        "ticket_tag",
        "timer",
        "work_item",
    }
)
TABLE = r'(?:ONLY )?"?(?P<table>\w+)"?'
ALTERS = re.compile(rf"ALTER TABLE {TABLE} (?P<what>.+)", re.IGNORECASE)
INDEXES = re.compile(rf"CREATE (?:UNIQUE )?INDEX (?P<at_once>CONCURRENTLY )?\S+ ON {TABLE}", re.IGNORECASE)
BESIDE = re.compile(r"(?:CREATE (?:UNIQUE )?|DROP )INDEX CONCURRENTLY ", re.IGNORECASE)
CHANGES_NOTHING = re.compile(r"\s*(?:SELECT|SET|SHOW)\b|.*\balembic_version\b", re.IGNORECASE | re.DOTALL)
FILLS = re.compile(rf"(?:UPDATE|DELETE FROM) {TABLE}", re.IGNORECASE)
GIVEN_ANEW = re.compile(r"DEFAULT [^,]*\b(?:now|random|nextval|clock_timestamp|gen_random_uuid)\(", re.IGNORECASE)


def changes(said: Iterable[str]) -> list[str]:
    """Of the statements of a migration those that it was made for."""
    return [each for each in said if not CHANGES_NOTHING.match(each)]


def faults(revision: str, docstring: str, statements: Iterable[str]) -> list[str]:
    """One sentence for each thing that is not in order."""
    found, given = _told(revision, docstring), [" ".join(each.split()) for each in statements]
    if not given:
        found.append(f"{revision}: does nothing")
    for statement in given:
        found += [f"{revision}: {fault}: {statement[:90]}" for fault in _faults_of(statement, docstring)]
    return found


def faults_beside(revision: str, statements: Iterable[str]) -> list[str]:
    """Of a migration that is made while everybody works: no index of a big table holds writers up, not even with a word."""
    given = [" ".join(each.split()) for each in statements]
    indexed = [(each, INDEXES.match(each)) for each in given]
    found = [
        f"{revision}: an index of a big table that is not built beside those who write (`desk.online`): {each[:90]}"
        for each, made in indexed
        if made is not None and made["table"] in BIG and not made["at_once"]
    ]
    beside = [each for each in given if BESIDE.match(each)]
    if beside and len(beside) < len(given):
        found.append(f"{revision}: builds an index beside those who write and does something else, which would be done twice")
    return found


def _told(revision: str, docstring: str) -> list[str]:
    found = []
    if not re.search(rf"^Revision: {revision} after \w+\.", docstring, re.MULTILINE):
        found.append(f"{revision}: the docstring does not say after which it comes")
    if not re.search(r"rolling back \w+", docstring, re.IGNORECASE):
        found.append(f"{revision}: the docstring does not say what rolling back loses")
    return found


def _faults_of(statement: str, docstring: str) -> Iterator[str]:
    altered = ALTERS.match(statement)
    if altered is not None:
        yield from _altering(altered["table"], altered["what"].upper(), docstring)
    indexed = INDEXES.match(statement)
    if indexed is not None and not indexed["at_once"]:
        yield from _held_up(indexed["table"], "an index of a big table that nobody may write to meanwhile", docstring)
    filled = FILLS.match(statement)
    if filled is not None:
        yield from _held_up(filled["table"], "rows of a big table changed in one transaction", docstring)


def _altering(table: str, what: str, docstring: str) -> Iterator[str]:
    if what.startswith("ADD COLUMN"):
        if "NOT NULL" in what and "DEFAULT" not in what:
            yield "a column that must be filled, without a server default"
        if GIVEN_ANEW.search(what):
            yield from _held_up(table, "a default that is another for each row, so that all are written", docstring)
    elif re.match(r"ALTER COLUMN \S+ (SET DATA )?TYPE", what):
        yield from _held_up(table, "a change of type that writes every row", docstring)
    elif re.match(r"ALTER COLUMN \S+ SET NOT NULL", what):
        yield from _held_up(table, "every row read while nobody may use the table", docstring)
    elif what.startswith("ADD CONSTRAINT") and "NOT VALID" not in what and " USING INDEX" not in what:
        yield from _held_up(table, "every row checked while nobody may write", docstring)


def _held_up(table: str, why: str, docstring: str) -> Iterator[str]:
    told = re.findall(r"Holds up[^.]*\.", docstring)
    if table in BIG and not any(re.search(rf"\b{table}\b", sentence) for sentence in told):
        yield f"{why}, and no “Holds up … {table} …” that says for how long"
