"""Routing in full: overflow and holds of queues, dated skills, what work itself asks for, hand-ups, the lease, lighter indexes.

Revision: 0003 after 0002. Rolling back keeps the level that each skill was last given and forgets when it was given, and
forgets hand-ups.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
BEFORE_DATES = datetime(2020, 1, 1, tzinfo=UTC)
"""Since when the skills hold that were given before skills had dates."""

# Index: table, columns, and the condition where it is partial.
BEFORE = {
    "ix_event_ticket": ("event", ["ticket_id", "id"], None),
    "ix_event_customer": ("event", ["customer_id", "id"], None),
    "ix_event_item": ("event", ["item_id", "id"], None),
    "ix_event_agent": ("event", ["agent_id", "id"], None),
    "ix_event_actor": ("event", ["actor_id", "id"], None),
    "ix_work_item_agent": ("work_item", ["agent_id", "state"], None),
    "ix_work_item_ticket": ("work_item", ["ticket_id", "state"], None),
    "ix_work_item_line": ("work_item", ["queue_id", "channel", "state", "ended_at"], None),
    "ix_work_item_state": ("work_item", ["state", "id"], None),
    "ix_offer_item": ("offer", ["item_id", "id"], None),
    "ix_offer_deadline": ("offer", ["deadline"], "state = 'offered'"),
}
AFTER = {
    "ix_event_ticket": ("event", ["ticket_id", "id"], "ticket_id IS NOT NULL"),
    "ix_event_agent": ("event", ["agent_id", "id"], "agent_id IS NOT NULL"),
    "ix_event_actor": ("event", ["actor_id", "id"], "actor_id IS NOT NULL"),
    "ix_work_item_active": ("work_item", ["agent_id"], "state = 'active'"),
    "ix_work_item_ticket": ("work_item", ["ticket_id", "id"], None),
    "ix_work_item_line": ("work_item", ["queue_id", "channel", "ended_at"], "ended_at IS NOT NULL"),
    "ix_work_item_queued": ("work_item", ["queue_id", "id"], "ended_at IS NULL"),
    "ix_work_item_open": ("work_item", ["id"], "ended_at IS NULL"),
    "ix_work_item_ended": ("work_item", ["state", "id"], "ended_at IS NOT NULL"),
    "ix_offer_item": ("offer", ["item_id", "id"], "ended_at IS NOT NULL"),
}
OF_QUEUES = {"overflow": "[]", "sticky_s": "{}"}


def upgrade() -> None:
    for column, empty in OF_QUEUES.items():
        _add("queue", sa.Column(column, sa.JSON(), nullable=False, server_default=empty))
    _add("queue", sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false()))
    _add("calendar", sa.Column("notes", sa.JSON(), nullable=False, server_default="{}"))
    for column in ("name", "name_zh"):
        _add("calendar", sa.Column(column, sa.String(), nullable=False, server_default=""))
    _add("work_item", sa.Column("asked", sa.JSON(), nullable=False, server_default="[]"))
    _add("work_item", sa.Column("steps_done", BIG, nullable=False, server_default="0"))
    op.add_column("router_lease", sa.Column("backend", BIG, nullable=True))
    op.create_index("ix_work_item_enqueued", "work_item", ["enqueued_at"])
    _date_skills()
    _make_hand_up()
    _note_what_was_asked()
    _change_indexes(BEFORE, AFTER)


def downgrade() -> None:
    _change_indexes(AFTER, BEFORE)
    op.drop_table("hand_up")
    _undate_skills()
    op.drop_index("ix_work_item_enqueued", "work_item")
    _drop("router_lease", "backend")
    _drop("work_item", "asked", "steps_done")
    _drop("calendar", "name", "name_zh", "notes")
    _drop("queue", "closed", *OF_QUEUES)


def _add(table: str, column: sa.Column) -> None:
    """A new column that has a value in the old rows; the default itself is not kept, because the models give one."""
    op.add_column(table, column)
    with op.batch_alter_table(table) as change:
        change.alter_column(column.name, server_default=None)


def _drop(table: str, *columns: str) -> None:
    with op.batch_alter_table(table) as change:
        for column in columns:
            change.drop_column(column)


def _change_indexes(old: dict[str, Any], new: dict[str, Any]) -> None:
    for name, (table, _columns, _where) in old.items():
        op.drop_index(name, table)
    for name, (table, columns, where) in new.items():
        only = None if where is None else sa.text(where)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)


def _note_what_was_asked() -> None:
    """Work that is not over: what it asks for beyond its queue, which so far stood only in what both ask for together."""
    item, queue = (sa.table(name, sa.column("id"), sa.column("requires", sa.JSON)) for name in ("work_item", "queue"))
    columns = (sa.column("queue_id"), sa.column("ended_at"), sa.column("asked", sa.JSON))
    for column in columns:
        item.append_column(column)
    connection = op.get_bind()
    by_queue = {row.id: row.requires for row in connection.execute(sa.select(queue))}
    rows = connection.execute(sa.select(item.c.id, item.c.queue_id, item.c.requires).where(item.c.ended_at.is_(None))).all()
    asked = [
        {"item": row.id, "own": own}
        for row in rows
        if (own := [each for each in row.requires if each not in by_queue[row.queue_id]])
    ]
    if asked:
        change = sa.update(item).where(item.c.id == sa.bindparam("item"))
        connection.execute(change.values(asked=sa.bindparam("own", type_=sa.JSON)), asked)


def _date_skills() -> None:
    rows = op.get_bind().execute(sa.text("SELECT agent_id, skill, level FROM agent_skill ORDER BY agent_id, skill")).mappings()
    levels = [dict(row) for row in rows]
    op.drop_table("agent_skill")
    dated = op.create_table(
        "agent_skill",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("level", BIG, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.CheckConstraint("level BETWEEN 1 AND 10", name=op.f("ck_agent_skill_level_in_range")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_agent_skill_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_skill")),
    )
    op.create_index("uq_agent_skill_since", "agent_skill", ["agent_id", "skill", "since"], unique=True)
    _fill(dated, [{**level, "since": BEFORE_DATES} for level in levels])


def _undate_skills() -> None:
    rows = op.get_bind().execute(sa.text("SELECT agent_id, skill, level FROM agent_skill ORDER BY since")).mappings()
    last = {(row["agent_id"], row["skill"]): dict(row) for row in rows}
    op.drop_table("agent_skill")
    plain = op.create_table(
        "agent_skill",
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("level", BIG, nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 10", name=op.f("ck_agent_skill_level_in_range")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_agent_skill_agent_id_agent")),
        sa.PrimaryKeyConstraint("agent_id", "skill", name=op.f("pk_agent_skill")),
    )
    _fill(plain, list(last.values()))


def _fill(table: sa.Table, rows: list[dict[str, object]]) -> None:
    if rows:
        op.bulk_insert(table, rows)


def _make_hand_up() -> None:
    def foreign(column: str, table: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_hand_up_{column}_{table}"))

    op.create_table(
        "hand_up",
        sa.Column("id", BIG, nullable=False),
        sa.Column("ticket_id", BIG, nullable=False),
        sa.Column("item_id", BIG, nullable=False),
        sa.Column("from_level", BIG, nullable=False),
        sa.Column("to_level", BIG, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("tried", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("needed_by", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by_id", BIG, nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("answered_by_id", BIG, nullable=True),
        foreign("ticket_id", "ticket"),
        foreign("item_id", "work_item"),
        foreign("created_by_id", "agent"),
        foreign("answered_by_id", "agent"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_up")),
    )
    op.create_index("ix_hand_up_ticket", "hand_up", ["ticket_id", "id"])
    op.create_index("ix_hand_up_item", "hand_up", ["item_id"])
    still_open = sa.text("state = 'open'")
    op.create_index(
        "uq_hand_up_one_open", "hand_up", ["ticket_id"], unique=True, sqlite_where=still_open, postgresql_where=still_open
    )
