"""Supervisors write a few words to their people.

Revision: 0029 after 0028. Rolling back forgets these words; that some were written stays in the events.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
UNSEEN = sa.text("seen_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "floor_note",
        *(sa.Column(name, BIG, nullable=False) for name in ("id", "agent_id", "author_id")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("author", "text")),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floor_note")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_floor_note_agent_id_agent")),
        sa.ForeignKeyConstraint(["author_id"], ["agent.id"], name=op.f("fk_floor_note_author_id_agent")),
    )
    op.create_index("ix_floor_note_agent", "floor_note", ["agent_id", "id"])
    op.create_index("ix_floor_note_unseen", "floor_note", ["agent_id", "id"], sqlite_where=UNSEEN, postgresql_where=UNSEEN)


def downgrade() -> None:
    op.drop_table("floor_note")
