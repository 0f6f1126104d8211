"""The installation's own questions about tickets: asking them, answering them, and what must be answered before solving."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select

from desk.errors import Conflict, Invalid, NotFound
from desk.models import Ticket, TicketField
from desk.models.ticket_field import CHOICE, DATE, FIELD_KINDS, NUMBER, TEXT, TICK
from desk.queries.tickets.own_fields import fields_asked
from desk.sentences import N_
from desk.store import Tx

MOST_FIELDS = 40
MOST_CHOICES = 100
LONGEST_ANSWER = 500
LONGEST_LABEL = 80
LARGEST = 1e15
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


def write_field(
    tx: Tx,
    field: TicketField | None,
    *,
    key: str,
    kind: str,
    labels: Mapping[str, str],
    choices: Sequence[Mapping[str, str]],
    needed: bool,
    position: int,
) -> TicketField:
    """A new question, or another wording of one; key and kind of one that is there stay. Raises `Invalid` with `fields`."""
    labels = {lang: word.strip()[:LONGEST_LABEL] for lang, word in labels.items()}
    wrong = {}
    if field is None:
        key = key.strip().lower()
        if not _KEY.fullmatch(key):
            wrong["key"] = N_("A short name for programs: small letters, numbers and underscores.")
        elif tx.session.scalar(select(TicketField.id).where(TicketField.key == key)) is not None:
            wrong["key"] = N_("There is such a field already.")
        if kind not in FIELD_KINDS:
            wrong["kind"] = N_("Choose a kind of answer.")
    else:
        kind = field.kind
    for lang in ("en", "zh"):
        if not labels.get(lang):
            wrong[f"label_{lang}"] = N_("Write the question in both languages.")
    kept = [dict(each) for each in choices] if kind == CHOICE else []
    if kind == CHOICE and not 1 <= len({each["value"] for each in kept}) == len(kept) <= MOST_CHOICES:
        wrong["choices"] = N_("Write each choice on a line of its own, once, 100 at most.")
    if wrong:
        raise Invalid("This cannot be saved yet.", wrong)
    what = "field.changed"
    if field is None:
        if (tx.session.scalar(select(func.count()).select_from(TicketField)) or 0) >= MOST_FIELDS:
            raise Conflict("There are 40 fields already.")
        field, what = TicketField(key=key, kind=kind), "field.added"
        tx.session.add(field)
    field.labels, field.choices, field.needed, field.position = labels, kept, needed, position
    field.changed_at = tx.now
    tx.emit(what, data={"key": field.key, "needed": needed})
    return field


def retire_field(tx: Tx, field: TicketField, *, retired: bool) -> None:
    """It is asked no more, or again; what was answered stays either way."""
    if (field.retired_at is not None) != retired:
        field.retired_at = tx.now if retired else None
        tx.emit("field.retired" if retired else "field.brought_back", data={"key": field.key})


def field_of(tx: Tx, field_id: int) -> TicketField:
    """The question with this id; raises `NotFound`."""
    field = tx.session.get(TicketField, field_id)
    if field is None:
        raise NotFound("There is no such field.")
    return field


def set_answers(tx: Tx, ticket: Ticket, given: Mapping[str, Any]) -> None:
    """Answer some of the questions; an empty answer takes one away. Raises `Invalid` with `fields` named `answer-KEY`."""
    read, wrong = read_answers(tx, given)
    if wrong:
        raise Invalid("Some of these answers cannot be used.", wrong)
    old = ticket.answers or {}
    answers = {key: answer for key, answer in {**old, **read}.items() if answer is not None}
    changed = sorted(key for key in {*old, *answers} if old.get(key) != answers.get(key))
    if changed:
        ticket.answers, ticket.updated_at = answers, tx.now
        data = {side: {key: values.get(key) for key in changed} for side, values in (("old", old), ("new", answers))}
        tx.emit("ticket.answers_set", ticket=ticket, data=data)


def read_answers(tx: Tx, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed, as it is kept, with None for nothing; and what is wrong, by fields named `answer-KEY`."""
    asked = {field.key: field for field in fields_asked(tx.session)}
    answers, wrong = {}, {}
    for key, value in given.items():
        if key not in asked:
            wrong[f"answer-{key}"] = N_("This is not asked here.")
            continue
        try:
            answers[key] = _read(asked[key], value)
        except Invalid as invalid:
            wrong[f"answer-{key}"] = invalid.sentence
    return answers, wrong


def check_answered(tx: Tx, ticket: Ticket) -> None:
    """Raises `Invalid` with `fields` while something is open that must be answered before solving."""
    answers = ticket.answers or {}
    missing = [field for field in fields_asked(tx.session) if field.needed and answers.get(field.key) in (None, "", False)]
    if missing:
        fields = {f"answer-{field.key}": N_("This must be answered before the ticket is solved.") for field in missing}
        names = ", ".join(field.labels.get("en", field.key) for field in missing)
        raise Invalid("Before this ticket can be solved, this must be answered: %(names)s.", fields, names=names)


def _read(field: TicketField, value: Any) -> Any:
    """What was typed, as it is kept; None for nothing."""
    text = "" if value is None else str(value).strip()
    if field.kind == TICK:
        return True if value is True or text in ("1", "true", "on", "yes") else None
    if not text:
        return None
    if field.kind == TEXT and len(text) > LONGEST_ANSWER:
        raise Invalid("This answer is too long.")
    if field.kind == NUMBER:
        return _number(text)
    if field.kind == DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise Invalid("Write a day, such as 2026-11-20.") from None
    if field.kind == CHOICE and text not in [each["value"] for each in field.choices]:
        raise Invalid("Choose one from the list.")
    return text


def _number(text: str) -> int | float:
    try:
        found = float(text.replace(",", "").replace("，", ""))
    except ValueError:
        found = float("nan")
    if not abs(found) <= LARGEST:
        raise Invalid("Write a number.")
    return int(found) if found == int(found) else found
