"""Finding text by how it begins, as a range of an index that both databases use alike (`LIKE` needs another index on each)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, and_

from desk.db import Words

_LAST = "\U0010ffff"  # sorts after every other character


class Sought(Words):
    """Text that is compared code point by code point, also where PostgreSQL's own order of words is another."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(String(collation="C" if dialect.name == "postgresql" else None))


def folded(text: str, most: int = 200) -> str:
    """The form in which names and subjects are sought: without the difference of capital and small letters."""
    return text.strip().casefold()[:most]


def begins(column: Any, start: str) -> ColumnElement[bool]:
    """Whether a `Sought` column begins with `start`."""
    return and_(column >= start, column < start + _LAST)
