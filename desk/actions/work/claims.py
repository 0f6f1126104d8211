"""Claims: giving a waiting item to an agent who is free, durably, all or nothing, at about the price of one commit.

Whoever claims says by which versions of the two rows it was decided. Agent and item are changed only if they still have these
versions, the agent's row first, then the item's, and only while the router's epoch is the one in force; so nothing is read
again, and whatever has happened meanwhile, the loser changes nothing. The database's constraints stand behind it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from psycopg.errors import DeadlockDetected, NotNullViolation

from desk.actions.work import claim_sql
from desk.db import to_json
from desk.events import Actor, Event, recorded
from desk.store import Direct

MOST = 50  # claims in one commit: whoever writes beside us waits no longer than for these
_AS_OURS = orjson.OPT_PASSTHROUGH_DATETIME  # moments as `to_json` writes them: it is left to do so


@dataclass(frozen=True)
class Claim:
    """A decision, and what it was made by. `used` is the agent's capacity in use with this item; it rings for `timeout_s`."""

    item_id: int
    item_version: int
    agent_id: int
    agent_version: int
    channel: str
    weight: int
    used: int
    timeout_s: float
    epoch: int
    reason: Mapping[str, object]


@dataclass(frozen=True)
class Claimed:
    """A claim that was won, and the offer that came of it. Both rows' versions are one higher now."""

    claim: Claim
    offer_id: int
    deadline: datetime


class _Won(NamedTuple):
    """What the database gave to a claim, and what its event is about."""

    offer_id: int
    ticket_id: int
    customer_id: int
    queue_id: int
    event_id: int | None = None


class _Ready(NamedTuple):
    """A claim in the words of SQLite's statements; `at` is now."""

    asked: Claim
    at: str
    for_agent: tuple[Any, ...]
    for_item: tuple[Any, ...]
    for_offer: tuple[Any, ...]


def claim(unit: Direct, claims: Sequence[Claim]) -> list[Claimed | None]:
    """Make these claims, up to `MOST` in one commit; what was lost is None.

    An agent may come more than once, each time with the version and the load that the claim before leaves: when that one is lost,
    the rest of theirs is lost too.
    """
    make = _in_sqlite if isinstance(unit.cursor, sqlite3.Cursor) else _in_postgres
    outcome: list[Claimed | None] = []
    for start in range(0, len(claims), MOST):
        batch = claims[start : start + MOST]
        for each, row in zip(batch, make(unit, batch), strict=True):
            outcome.append(None if row is None else Claimed(each, row.offer_id, _deadline(each, unit.now)))
            if row is not None:
                unit.events.append(_event(each, row, unit.now, unit.actor))
    return outcome


def claim_within(cursor: Any, asked: Claim, now: datetime) -> int | None:
    """Make one claim in the transaction that the cursor is in, which records the event. The offer's id, or None when it is lost.

    On PostgreSQL a claim that is half lost raises `NotNullViolation`, so a savepoint is due.
    """
    if isinstance(getattr(cursor, "cursor", cursor), sqlite3.Cursor):
        won = _write_in_sqlite(cursor, _ready(asked, now))
    else:
        won = _won(cursor.execute(claim_sql.ONE, _values(asked, now)).fetchone())
    return None if won is None else won.offer_id


def _deadline(asked: Claim, now: datetime) -> datetime:
    return now + timedelta(seconds=asked.timeout_s)


def _event(asked: Claim, won: _Won, now: datetime, actor: Actor) -> Event:
    return recorded(
        id=won.event_id,
        at=now,
        kind="offer.made",
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        ticket_id=won.ticket_id,
        customer_id=won.customer_id,
        agent_id=asked.agent_id,
        item_id=asked.item_id,
        queue_id=won.queue_id,
        data={"offer": won.offer_id},  # the reason is the offer's: written twice it would cost every claim a page
    )


def _in_sqlite(unit: Direct, batch: Sequence[Claim]) -> list[_Won | None]:
    cursor, now = unit.cursor, unit.now
    ready = {(each.item_id, each.agent_id): _ready(each, now) for each in batch}  # before others are kept from writing
    cursor.execute("BEGIN IMMEDIATE")
    try:
        won = _one_by_one(batch, lambda each: _all_of_one_in_sqlite(unit, ready[each.item_id, each.agent_id]))
        cursor.execute("COMMIT")
    except BaseException:
        if cursor.connection.in_transaction:
            cursor.execute("ROLLBACK")
        raise
    return won


def _one_by_one(batch: Sequence[Claim], make: Callable[[Claim], _Won | None]) -> list[_Won | None]:
    """Each for itself, and none after one that its agent has lost."""
    out: set[int] = set()
    won: list[_Won | None] = []
    for each in batch:
        won.append(None if each.agent_id in out else make(each))
        if won[-1] is None:
            out.add(each.agent_id)
    return won


def _ready(asked: Claim, now: datetime) -> _Ready:
    at, agent, item = _text(now), asked.agent_id, asked.item_id
    until = _text(_deadline(asked, now))
    return _Ready(
        asked,
        at,
        (asked.used, agent, asked.agent_version, asked.used, asked.epoch, item, asked.item_version),
        (at, agent, item),
        (item, agent, asked.channel, asked.weight, at, until, asked.epoch, _reason(asked)),
    )


def _all_of_one_in_sqlite(unit: Direct, ready: _Ready) -> _Won | None:
    won = _write_in_sqlite(unit.cursor, ready)
    return None if won is None else _tell_in_sqlite(unit, ready, won)


def _write_in_sqlite(cursor: Any, ready: _Ready) -> _Won | None:
    if cursor.execute(claim_sql.AGENT, ready.for_agent).rowcount != 1:
        return None
    ticket, customer, queue = cursor.execute(claim_sql.ITEM, ready.for_item).fetchall()[0]
    cursor.execute(claim_sql.OFFER, ready.for_offer)
    return _Won(cursor.lastrowid, ticket, customer, queue)


def _tell_in_sqlite(unit: Direct, ready: _Ready, won: _Won) -> _Won:
    actor, data = unit.actor, f'{{"offer": {won.offer_id}}}'
    about = (won.ticket_id, won.customer_id, ready.asked.agent_id, ready.asked.item_id, won.queue_id)
    unit.cursor.execute(claim_sql.EVENT, (ready.at, actor.kind, actor.id, actor.name, *about, data))
    return won._replace(event_id=unit.cursor.lastrowid)


def _reason(asked: Claim) -> str:
    """The reason as JSON, at a seventh of the standard library's price; what this encoder refuses, or NUL, that one mends."""
    try:
        text = orjson.dumps(asked.reason, option=_AS_OURS).decode()
    except orjson.JSONEncodeError:
        return to_json(asked.reason)
    return to_json(asked.reason) if "\\u0000" in text else text


def _text(moment: datetime) -> str:
    """As SQLAlchemy keeps moments in SQLite."""
    return moment.isoformat(" ", "microseconds")[:26]


def _in_postgres(unit: Direct, batch: Sequence[Claim]) -> list[_Won | None]:
    try:
        if len(batch) == 1:
            return [_won(unit.cursor.execute(claim_sql.ONE_TOLD, {**_values(batch[0], unit.now), **_actor(unit)}).fetchone())]
        rows = unit.cursor.execute(claim_sql.ALL_TOLD, _columns(batch, unit)).fetchall()
    except (NotNullViolation, DeadlockDetected):  # one of them was half lost, and nothing is written
        return [None] if len(batch) == 1 else _one_by_one(batch, lambda each: _in_postgres(unit, [each])[0])
    won = {row[0]: _Won(*row[1:]) for row in rows}
    return [won.get(each.item_id) for each in batch]


def _won(row: tuple[int, ...] | None) -> _Won | None:
    return None if row is None else _Won(*row[1:])


def _values(asked: Claim, now: datetime) -> dict[str, Any]:
    return {
        "item": asked.item_id,
        "item_version": asked.item_version,
        "agent": asked.agent_id,
        "agent_version": asked.agent_version,
        "channel": asked.channel,
        "weight": asked.weight,
        "used": asked.used,
        "deadline": _deadline(asked, now),
        "reason": _reason(asked),
        "epoch": asked.epoch,
        "now": now,
    }


def _columns(batch: Sequence[Claim], unit: Direct) -> dict[str, Any]:
    rows = [_values(each, unit.now) for each in batch]
    alike = {"epoch": batch[0].epoch, "now": unit.now, **_actor(unit)}
    return {name: alike[name] if name in alike else [row[name] for row in rows] for name in (*rows[0], *_actor(unit))}


def _actor(unit: Direct) -> dict[str, Any]:
    return {"actor_kind": unit.actor.kind, "actor_id": unit.actor.id, "actor_name": unit.actor.name}
