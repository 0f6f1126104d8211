"""Who a visitor is by their site's word, transcripts that were asked for, and links by mail that let somebody in once.

Revision: 0021 after 0020. Rolling back forgets what it adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("chat") as change:
        change.add_column(sa.Column("identity", sa.String(), nullable=False, server_default=""))
        change.add_column(sa.Column("mailed", BIG, nullable=False, server_default="0"))
    with op.batch_alter_table("chat") as change:
        change.alter_column("identity", server_default=None)
        change.alter_column("mailed", server_default=None)
    op.create_table(
        "mailed_link",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("agent_id", BIG, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_mailed_link_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailed_link")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_mailed_link_key_hash")),
    )
    op.create_index("ix_mailed_link_email", "mailed_link", ["email", "created_at"])


def downgrade() -> None:
    op.drop_table("mailed_link")
    with op.batch_alter_table("chat") as change:
        change.drop_column("mailed")
        change.drop_column("identity")
