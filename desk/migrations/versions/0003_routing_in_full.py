"""Routing in full: overflow steps and holds of queues, dated skills, what work itself asks for, hand-ups, the lease's backend.

Revision: 0003 after 0002. Rolling back keeps the level that each skill was last given and forgets when it was given, and
forgets hand-ups.
"""

from __future__ import annotations

from datetime import UTC, datetime

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


def downgrade() -> None:
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
