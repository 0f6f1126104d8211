"""Writing what is searched: the words of tickets and customers, replaced whole, and how far they have come.

No event is told of it: nothing that anybody could see has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import bindparam, delete, insert, text, update

from desk.models import Setting
from desk.models.search import CUSTOMERS, HEADS, TICKETS, progress
from desk.queries.search.documents import Document
from desk.store import Tx

_COLUMNS = {  # by what of a document they hold
    TICKETS: {"head": "high", "body": "low", "scope": "scope"},
    HEADS: {"head": "high", "scope": "scope"},
    CUSTOMERS: {"name": "high", "contacts": "low"},
}
_FARTHEST = 16_383  # the last place that PostgreSQL tells from others
_WEIGHTS = ("A", "D", "B")  # of what is high, low and scope
_GAP = 10  # places between them, so that no phrase reaches across
MOST_PLACES = 200  # of one word in one document
SQUEEZED = 500  # pages that are written again at once
TO_SQUEEZE = "words.to_squeeze"  # a setting that is there while pages may still hold words that are gone


def put(tx: Tx, table: str, ids: Sequence[int], documents: Iterable[Document]) -> None:
    """These rows of words instead of those that were there; an id without a document has none any more."""
    found = list(documents)
    _replace(tx, table, ids, found)
    if table == TICKETS:
        _replace(tx, HEADS, ids, [replace(each, low=()) for each in found])


def squeeze(tx: Tx, table: str, *, first: bool) -> bool:
    """Take the next few pages of what is gone out of the index; False when there are none left. `first`: of several times.

    FTS5 only notes that words are gone, until it writes their pages again. PostgreSQL's index holds no words of its own.
    """
    if not _is_sqlite(tx):
        return False
    driver = tx.session.connection().connection.driver_connection
    before = driver.total_changes  # type: ignore[union-attr]
    pages = -SQUEEZED if first else SQUEEZED  # minus: from here on all parts of the index become one
    tx.session.execute(text(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', :pages)"), {"pages": pages})  # noqa: S608 - our names
    return bool(driver.total_changes - before >= 2)  # type: ignore[union-attr]


def squeeze_later(tx: Tx) -> None:
    """Let whoever works next know that there is something to squeeze, should this process end before it does so itself."""
    if _is_sqlite(tx) and tx.session.get(Setting, TO_SQUEEZE) is None:
        tx.session.add(Setting(key=TO_SQUEEZE, value=True))


def squeezed(tx: Tx) -> None:
    """Nothing is left to squeeze."""
    tx.session.execute(delete(Setting).where(Setting.key == TO_SQUEEZE))


def begin(tx: Tx, followed: int, tickets_left: int, customers_left: int) -> None:
    """From here on events are followed; what was there before is filled in from the newest back."""
    tx.session.execute(delete(progress))
    values = {"id": 1, "followed": followed, "tickets_left": tickets_left, "customers_left": customers_left}
    tx.session.execute(insert(progress).values(values))


def come_to(tx: Tx, **how_far: int) -> None:
    """Note how far it has come."""
    tx.session.execute(update(progress).values(how_far))


def forget(tx: Tx) -> None:
    """Throw the words away; whoever follows next begins anew."""
    for table in _COLUMNS:
        tx.session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
    tx.session.execute(delete(progress))


def as_vector(document: Document) -> str:
    """The document as the text of a `tsvector`: each word with its places and what they weigh."""
    places: dict[str, list[str]] = {}
    at = 1
    for words, weight in zip((document.high, document.low, document.scope), _WEIGHTS, strict=True):
        for word in words:
            found = places.setdefault(word, [])
            if len(found) < MOST_PLACES:
                found.append(f"{min(at, _FARTHEST)}{weight}")
            at += 1
        at += _GAP
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def _replace(tx: Tx, table: str, ids: Sequence[int], documents: Sequence[Document]) -> None:
    rows = [_row(tx, table, each) for each in documents]
    key = "rowid" if _is_sqlite(tx) else "id"
    gone = text(f"DELETE FROM {table} WHERE {key} IN :ids").bindparams(bindparam("ids", expanding=True))  # noqa: S608 - our names
    tx.session.execute(gone, {"ids": list(ids)})
    if not rows:
        return
    if _is_sqlite(tx):
        names = _COLUMNS[table]
        values = ", ".join(f":{name}" for name in names)
        into = f"INSERT INTO {table} (rowid, {', '.join(names)}) VALUES (:id, {values})"  # noqa: S608 - our own names
    else:
        into = f"INSERT INTO {table} (id, words) VALUES (:id, CAST(:words AS tsvector))"  # noqa: S608 - our own names
    tx.session.execute(text(into), rows)


def _row(tx: Tx, table: str, document: Document) -> dict[str, object]:
    if not _is_sqlite(tx):
        return {"id": document.id, "words": as_vector(document)}
    return {"id": document.id} | {name: " ".join(getattr(document, part)) for name, part in _COLUMNS[table].items()}


def _is_sqlite(tx: Tx) -> bool:
    return tx.session.get_bind().dialect.name == "sqlite"
