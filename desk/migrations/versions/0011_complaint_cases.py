"""Complaints as cases: who is kept out of one.

Revision: 0011 after 0010. Rolling back forgets what it adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _make("recusal", {"ticket_id": "ticket", "agent_id": "agent"}, ("why", "note", "noted_by"), moments=("noted_at",))
    with op.batch_alter_table("recusal") as change:
        change.create_unique_constraint(op.f("uq_recusal_ticket_id_agent_id"), ["ticket_id", "agent_id"])
        change.create_index("ix_recusal_agent", ["agent_id", "ticket_id"])


def downgrade() -> None:
    op.drop_table("recusal")


def _make(name: str, parts: dict[str, str], words: tuple[str, ...] = (), *, moments: tuple[str, ...] = ()) -> None:
    op.create_table(
        name,
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(column, BIG, nullable=False) for column in parts),
        *(sa.Column(column, sa.String(), nullable=False) for column in words),
        *(sa.Column(column, MOMENT, nullable=False) for column in moments),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}_{table}"))
            for column, table in parts.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
