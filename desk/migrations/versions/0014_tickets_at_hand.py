"""Snoozing, following, tags, own fields, links, merges, acts on many and saved views of tickets.

Revision: 0014 after 0013. Rolling back forgets what it adds; tickets that were merged stay merged.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
SNOOZED = sa.text("snoozed_until IS NOT NULL")
MERGED = sa.text("kind = 'merge' AND undone_at IS NULL")
TABLES = ("ticket_field", "bulk_act", "saved_view", "ticket_move", "ticket_link", "ticket_follower", "ticket_tag", "tag")


def upgrade() -> None:
    op.add_column("ticket", sa.Column("snoozed_until", MOMENT, nullable=True))
    op.add_column("ticket", sa.Column("answers", sa.JSON(), nullable=True))
    op.create_index("ix_ticket_snoozed", "ticket", ["snoozed_until", "id"], sqlite_where=SNOOZED, postgresql_where=SNOOZED)
    _mark()
    _join()
    _look()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("ix_ticket_snoozed", "ticket")
    op.drop_column("ticket", "answers")
    op.drop_column("ticket", "snoozed_until")


def _mark() -> None:
    _make(
        "tag",
        {"merged_into_id": "tag"},
        (),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("word", "folded", "colour")),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.UniqueConstraint("folded", name=op.f("uq_tag_folded")),
    )
    _make(
        "ticket_tag", {"ticket_id": "ticket", "tag_id": "tag"}, ("ticket_id", "tag_id"), sa.Column("at", MOMENT, nullable=False)
    )
    op.create_index("uq_ticket_tag", "ticket_tag", ["ticket_id", "tag_id"], unique=True)
    op.create_index("ix_ticket_tag_tag", "ticket_tag", ["tag_id", "ticket_id"])
    _make(
        "ticket_follower",
        {"ticket_id": "ticket", "agent_id": "agent"},
        ("ticket_id", "agent_id"),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("seen_id", BIG, nullable=False),
    )
    op.create_index("uq_ticket_follower", "ticket_follower", ["ticket_id", "agent_id"], unique=True)
    op.create_index("ix_ticket_follower_agent", "ticket_follower", ["agent_id", "ticket_id"])
    _make(
        "ticket_field",
        {},
        (),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("key", "kind")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("labels", "choices")),
        sa.Column("needed", sa.Boolean(), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.UniqueConstraint("key", name=op.f("uq_ticket_field_key")),
    )


def _join() -> None:
    both = {"from_id": "ticket", "to_id": "ticket", "agent_id": "agent"}
    _make(
        "ticket_link",
        both,
        ("from_id", "to_id"),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("uq_ticket_link", "ticket_link", ["from_id", "to_id", "kind"], unique=True)
    op.create_index("ix_ticket_link_to", "ticket_link", ["to_id", "from_id"])
    _make(
        "ticket_move",
        both,
        ("from_id", "to_id"),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    op.create_index(
        "uq_ticket_move_merged", "ticket_move", ["from_id"], unique=True, sqlite_where=MERGED, postgresql_where=MERGED
    )
    op.create_index("ix_ticket_move_from", "ticket_move", ["from_id", "id"])
    op.create_index("ix_ticket_move_to", "ticket_move", ["to_id", "id"])


def _look() -> None:
    _make(
        "saved_view",
        {"owner_id": "agent", "team_id": "team"},
        ("owner_id",),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "sort")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("filters", "columns")),
        sa.Column("changed_at", MOMENT, nullable=False),
    )
    op.create_index(op.f("ix_saved_view_owner_id"), "saved_view", ["owner_id"])
    op.create_index(op.f("ix_saved_view_team_id"), "saved_view", ["team_id"])
    _make(
        "bulk_act",
        {"agent_id": "agent"},
        ("agent_id",),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("key", "verb")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("value", "done", "refused")),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
    )
    op.create_index("uq_bulk_act_key", "bulk_act", ["agent_id", "key"], unique=True)
    op.create_index("ix_bulk_act_agent", "bulk_act", ["agent_id", "id"])


def _make(name: str, nouns: dict[str, str], needed: tuple[str, ...], *columns: sa.Column) -> None:
    op.create_table(
        name,
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(noun, BIG, nullable=noun not in needed) for noun in nouns),
        *columns,
        *(
            sa.ForeignKeyConstraint([noun], [f"{table}.id"], name=op.f(f"fk_{name}_{noun}_{table}"))
            for noun, table in nouns.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
