"""Taking the words out of entries of the log. Who, when and what kind of thing stay, and so do numbers, dates and our own codes.

An entry that has lost its words says for which erasure. In a complaint's chain its link stays as it was, so that all the others
can still be checked; an entry after it names those that lost theirs, with a hash of what they are now.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from desk.actions.complaints.record import tell
from desk.events import Event
from desk.models import Complaint, Erasure
from desk.queries.privacy.redacted import ERASED, WORDS_ERASED, digest
from desk.store import Tx

# Where one of our own codes stands. Anywhere else a word may be anybody's.
_CODED = frozenset(
    (
        *(
            "abandon_point",
            "category",
            "cause",
            "channel",
            "clock",
            "code",
            "direction",
            "finding",
            "how",
            "kind",
            "level",
            "new",
        ),
        *("old", "outcome", "point", "policy", "presence", "severity", "source", "state", "status", "step", "type", "verb"),
        *("verdict", "why", "wrap_up_code"),
    )
)
_CODE = re.compile(r"[a-z][a-z_]{0,39}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")
_HASH = re.compile(r"[0-9a-f]{64}")
MOST = 500
ABOUT_ERASING = (WORDS_ERASED, "erasure.", "customer.erased", "customer.restricted")  # these say nothing of anybody


def without_words(data: dict[str, Any]) -> dict[str, Any]:
    """The same keys, with nothing under them that somebody wrote."""
    return {key: _bare(key, value) for key, value in data.items() if _is_code(key)}


def redact(tx: Tx, erasure: Erasure, ids: Iterable[int]) -> int:
    """Take the words out of these entries; those that have lost theirs already stay. Answers how many it were."""
    tx.session.flush()
    wanted, count = sorted(set(ids)), 0
    for start in range(0, len(wanted), MOST):
        events = tx.session.scalars(select(Event).where(Event.id.in_(wanted[start : start + MOST])).order_by(Event.id)).all()
        left = [event for event in events if ERASED not in event.data and not event.kind.startswith(ABOUT_ERASING)]
        if left:
            _redact(tx, erasure, left)
        count += len(left)
    return count


def events_of_tickets(session: Session, ticket_ids: Collection[int]) -> Sequence[int]:
    """All that was logged of these tickets."""
    return session.scalars(select(Event.id).where(Event.ticket_id.in_(ticket_ids))).all()


def _redact(tx: Tx, erasure: Erasure, events: Sequence[Event]) -> None:
    new = [
        {
            "of": event.id,
            "data": {**without_words(event.data), ERASED: erasure.id},
            "name": "" if event.actor_kind == "customer" else event.actor_name,
        }
        for event in events
    ]
    table = Event.__table__
    change = update(table).where(table.c.id == bindparam("of")).values(data=bindparam("data"), actor_name=bindparam("name"))
    tx.session.connection().execute(change, new)
    chained = defaultdict(list)
    for event in events:
        if event.complaint_id is not None and "chain" in event.data:
            chained[event.complaint_id].append(event.id)
    for event in events:
        tx.session.expire(event)
    for complaint_id, ids in chained.items():
        _tell_chain(tx, erasure, tx.session.get_one(Complaint, complaint_id), ids)


def _tell_chain(tx: Tx, erasure: Erasure, complaint: Complaint, ids: list[int]) -> None:
    events = tx.session.scalars(select(Event).where(Event.id.in_(ids)).order_by(Event.id)).all()
    tell(tx, complaint, WORDS_ERASED, data={"erasure": erasure.id, "entries": ids, "sha256": digest(events)})


def _bare(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return without_words(value)
    if isinstance(value, list):
        return [_bare(key, each) for each in value]
    if not isinstance(value, str):
        return value
    if _MOMENT.fullmatch(value) or (key in ("chain", "sha256") and _HASH.fullmatch(value)):
        return value
    return value if key in _CODED and _CODE.fullmatch(value) else ""


def _is_code(key: str) -> bool:
    return _CODE.fullmatch(key) is not None
