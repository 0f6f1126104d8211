"""What agents have begun to write, canned replies, macros that are run when an answer leaves, and colleagues named in notes.

Revision: 0012 after 0011. Rolling back forgets drafts, canned replies and mentions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("id", BIG, nullable=False),
        sa.Column("ticket_id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("seen", sa.String(), nullable=False),
        sa.Column("to", sa.JSON(), nullable=True),
        sa.Column("cc", sa.JSON(), nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_draft_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_draft_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
    )
    op.create_index("uq_draft_agent_ticket", "draft", ["agent_id", "ticket_id"], unique=True)
    op.create_table(
        "canned_reply",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner_id", BIG, nullable=True),
        sa.Column("team_id", BIG, nullable=True),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["agent.id"], name=op.f("fk_canned_reply_owner_id_agent")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_canned_reply_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
    )
    op.create_index(op.f("ix_canned_reply_owner_id"), "canned_reply", ["owner_id"])
    parts = {"agent_id": "agent", "ticket_id": "ticket", "message_id": "message"}
    op.create_table(
        "mention",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in parts),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=True),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_mention_{name}_{table}"))
            for name, table in parts.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention")),
    )
    unseen = sa.text("seen_at IS NULL")
    op.create_index("ix_mention_unseen", "mention", ["agent_id", "id"], sqlite_where=unseen, postgresql_where=unseen)
    with op.batch_alter_table("unsent_reply") as change:
        change.add_column(sa.Column("macro", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("unsent_reply") as change:
        change.alter_column("macro", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("unsent_reply") as change:
        change.drop_column("macro")
    op.drop_table("mention")
    op.drop_table("canned_reply")
    op.drop_table("draft")
