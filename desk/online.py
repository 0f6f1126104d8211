"""Indexes of tables that grow, built beside those who go on writing: what a migration calls in place of `op.create_index`.

PostgreSQL builds them outside any transaction: what the migrations have done so far is committed first. So a migration that calls
this does nothing else, and may be run again from its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic import op
from sqlalchemy import text

ONLINE = "online"  # among the attributes of alembic's settings: whether the transaction is alembic's own, so that it may end it
FINISHED = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def create_index(name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str = "") -> None:
    """Build an index, which nobody has to wait for; one that was begun and not finished is dropped and built anew.

    Where a caller has a transaction of their own, and on SQLite, it is built within that.
    """
    only = text(where) if where else None
    how: dict[str, Any] = {"unique": unique, "sqlite_where": only, "postgresql_where": only}
    migration = op.get_context()
    if migration.config is None or not migration.config.attributes.get(ONLINE):
        op.create_index(name, table, columns, **how)
        return
    with migration.autocommit_block():
        waits = op.get_bind().scalar(text("SHOW lock_timeout"))
        op.execute("SET lock_timeout = 0")  # it waits for those who began before it, and nobody waits for it
        finished = op.get_bind().scalar(FINISHED, {"name": name})
        if finished is False:
            op.drop_index(name, table, postgresql_concurrently=True)
        if not finished:
            op.create_index(name, table, columns, postgresql_concurrently=True, **how)
        op.execute(f"SET lock_timeout = '{waits}'")
