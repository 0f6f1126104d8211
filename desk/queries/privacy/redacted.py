"""Entries of the log that have lost their words: how they are known, and whether they are still what was left of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC

from desk.db import to_json
from desk.events import Event

ERASED, WORDS_ERASED = "erased", "complaint.words_erased"


def digest(events: Sequence[Event]) -> str:
    """The SHA-256 of what is left of these entries, in the order of their ids."""
    left = [
        [each.id, each.at.astimezone(UTC).isoformat(), each.kind, each.actor_kind, each.actor_id, each.actor_name, each.data]
        for each in sorted(events, key=lambda each: each.id)
    ]
    return hashlib.sha256(to_json(left).encode()).hexdigest()
