"""Two people editing the same thing: the second is told, and overwrites nothing without having seen it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from desk.errors import Conflict


def fingerprint(values: Mapping[str, Any]) -> str:
    """What a form carries along to say which state of the thing it was made from."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:20]


def check_same(values: Mapping[str, Any], seen: str | None) -> None:
    """Raises `Conflict` unless `values`, as they are now, are those that `seen` was made of. None asks nothing."""
    if seen is not None and seen != fingerprint(values):
        raise Conflict("Somebody else has changed this in the meantime. Nothing of yours is lost: look at it and save again.")


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What an event says of a change: the fields that differ, before and after; empty when nothing does."""
    changed = [field for field in new if old[field] != new[field]]
    if not changed:
        return {}
    return {"old": {field: old[field] for field in changed}, "new": {field: new[field] for field in changed}}
