"""Setting and clearing what is to be done at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, literal_column, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from desk.models import Timer
from desk.store import Tx

_AS_NEW = literal_column("xmax = 0")  # PostgreSQL's word for a row that nobody had before


def set_timer(tx: Tx, kind: str, key: str, due_at: datetime, data: dict[str, Any] | None = None) -> None:
    """Do `kind` at `due_at`; setting the same (kind, key) again moves it, whoever set it and be it at this moment."""
    tx.session.flush()  # a timer that rings just now is done already: what it sets under its own name is another
    put = _put_alone if tx.session.get_bind().dialect.name == "sqlite" else _put_at_once
    if put(tx.session, kind, key, {"due_at": due_at, "data": data or {}}):
        tx.emit("timer.set", data={"kind": kind})


def clear_timer(tx: Tx, kind: str, key: str) -> None:
    """It need not be done any more."""
    query = update(Timer).where(Timer.kind == kind, Timer.key == key, Timer.done_at.is_(None))
    tx.session.execute(query.values(done_at=tx.now))


def _put_at_once(session: Session, kind: str, key: str, what: dict[str, Any]) -> bool:
    """One statement, which waits for others who are at this timer and goes by what they leave. Whether the timer is new."""
    new = postgresql.insert(Timer.__table__).values(kind=kind, key=key, attempts=0, last_error="", **what)  # type: ignore[arg-type]
    moving = new.on_conflict_do_update(index_elements=["kind", "key"], index_where=Timer.done_at.is_(None), set_=what)
    return bool(session.connection().execute(moving.returning(_AS_NEW)).scalar_one())


def _put_alone(session: Session, kind: str, key: str, what: dict[str, Any]) -> bool:
    """The same where one writes at a time and no row says whether it is new: moved, or else put in."""
    connection, timer = session.connection(), Timer.__table__
    here = (timer.c.kind == kind, timer.c.key == key, timer.c.done_at.is_(None))
    if connection.execute(update(timer).where(*here).values(what)).rowcount:  # type: ignore[arg-type]
        return False
    connection.execute(insert(timer).values(kind=kind, key=key, **what))  # type: ignore[arg-type]
    return True
