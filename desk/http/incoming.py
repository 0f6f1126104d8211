"""What comes in with a request: numbers and moments that name nothing are not found, bodies beyond use are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import IntegerConverter

LARGEST_ID = 2**63 - 1
MOST_WITHOUT_FILES = 4 * 1024 * 1024  # bytes; such bodies are read at once


class IdConverter(IntegerConverter):
    """`<int:…>` in a route, up to the largest id there can be."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": LARGEST_ID, **options})


class Values(ImmutableMultiDict[str, str]):
    """The values of an address or a form. A number asked for with `type=int` is one that an id can be, or the default."""

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:
        value = super().get(key, default, type)
        return default if isinstance(value, int) and not -LARGEST_ID <= value <= LARGEST_ID else value


class Incoming(Request):
    """A request that cannot do harm by its size.

    Its numbers fit the database, its JSON is not nested until the reader gives up, and its body is small unless it brings files,
    which are read piece by piece.
    """

    parameter_storage_class = Values

    @property
    def max_content_length(self) -> int | None:
        return super().max_content_length if self.mimetype == "multipart/form-data" else MOST_WITHOUT_FILES

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            return None if silent else self.on_json_loading_failed(None)


def whole(text: str) -> int | None:
    """The id that was typed or sent, or None when the text is none: only plain digits, and no more of them than an id has."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    return number if number is None or number <= LARGEST_ID else None


def moment(text: str) -> datetime | None:
    """The moment that a cursor names, in UTC; None for what is no moment, has no zone, or lies outside of all calendars."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
