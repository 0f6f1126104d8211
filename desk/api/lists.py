"""Lists by keyset: `{"items": […], "next": cursor or null}`. A cursor is the last id seen, opaque to the caller."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from flask import request
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from desk.errors import Invalid
from desk.http.incoming import LARGEST_ID

DEFAULT_LIMIT, LARGEST_LIMIT = 50, 200


def page(
    session: Session,
    query: Select[Any],
    key: InstrumentedAttribute[int],
    shape: Callable[[Sequence[Any]], list[dict[str, Any]]],
    *,
    newest_first: bool = False,
    resumable: bool = False,
) -> dict[str, Any]:
    """One page of `query` in order of `key`; `shape` turns the page's rows into JSON at once, so that it can look up in bulk.

    With `resumable` the page has a `cursor` too, also when it is the last one: for whoever comes back for what is new.
    """
    limit, after = _limit(), _cursor()
    if after is not None:
        query = query.where(key < after if newest_first else key > after)
    rows = session.execute(query.order_by(key.desc() if newest_first else key).limit(limit + 1)).all()
    items = shape(rows[:limit])
    last = items[-1]["_key"] if items else after
    answer: dict[str, Any] = {"items": [{name: value for name, value in item.items() if name != "_key"} for item in items]}
    answer["next"] = _encode(last) if len(rows) > limit else None
    if resumable:
        answer["cursor"] = None if last is None else _encode(last)
    return answer


def _limit() -> int:
    text = request.args.get("limit", str(DEFAULT_LIMIT))
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_LIMIT:
        raise Invalid("“limit” is a number from 1 to %(most)s.", most=LARGEST_LIMIT)
    return int(text)


def _cursor() -> int | None:
    text = request.args.get("cursor", "")
    if not text:
        return None
    try:
        key = int(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, UnicodeEncodeError):
        key = -1
    if not 0 <= key <= LARGEST_ID:
        raise Invalid("This cursor is not one of ours. Leave it out to begin at the start.")
    return key


def _encode(key: int) -> str:
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=")
