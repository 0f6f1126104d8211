"""Chats: what was agreed to, who may not chat, what was read first, coming back, and when an agent had one before their eyes.

Revision: 0028 after 0027. Rolling back forgets what it adds: also what people have agreed to, and who was kept out.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
ADDED = {"visitor": (sa.String(), ""), "network": (sa.String(), ""), "read_first": (sa.JSON(), "[]")}
VERBS = ("update", "delete")


def upgrade() -> None:
    """Nobody is kept out, and nothing was agreed to."""
    with op.batch_alter_table("chat") as change:
        for name, (kind, default) in ADDED.items():
            change.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        change.add_column(sa.Column("reopened_at", MOMENT, nullable=True))
    with op.batch_alter_table("chat") as change:
        for name in ADDED:
            change.alter_column(name, server_default=None)
    op.create_table(
        "chat_block",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("chat_id", BIG, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("made_by_id", BIG, nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("lifted_by", sa.String(), nullable=False),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["chat_id"], ["chat.id"], name=op.f("fk_chat_block_chat_id_chat")),
        sa.ForeignKeyConstraint(["made_by_id"], ["agent.id"], name=op.f("fk_chat_block_made_by_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_block")),
    )
    op.create_index("ix_chat_block_value", "chat_block", ["kind", "value", "until"])
    op.create_index("ix_chat_block_until", "chat_block", ["until", "id"])
    op.create_table(
        "chat_attention",
        sa.Column("id", BIG, nullable=False),
        sa.Column("chat_id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["chat_id"], ["chat.id"], name=op.f("fk_chat_attention_chat_id_chat")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_chat_attention_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_attention")),
    )
    op.create_index("ix_chat_attention_chat", "chat_attention", ["chat_id", "id"])
    op.create_index("ix_chat_attention_ended", "chat_attention", ["ended_at"])
    op.create_table(
        "consent",
        sa.Column("id", BIG, nullable=False),
        sa.Column("customer_id", BIG, nullable=False),
        sa.Column("ticket_id", BIG, nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("purpose", "channel", "action")),
        sa.Column("version", BIG, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("locale", "text", "evidence")),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_consent_customer_id_customer")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_consent_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_customer", "consent", ["customer_id", "purpose", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in VERBS:
            op.execute(
                f"CREATE TRIGGER consent_no_{verb} BEFORE {verb.upper()} ON consent "
                "BEGIN SELECT RAISE(ABORT, 'consents are append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION consent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'consents are append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE ON consent "
        "FOR EACH ROW EXECUTE FUNCTION consent_is_append_only()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in VERBS:
            op.execute(f"DROP TRIGGER consent_no_{verb}")
    else:
        op.execute("DROP TRIGGER consent_append_only ON consent")
        op.execute("DROP FUNCTION consent_is_append_only")
    for table in ("consent", "chat_attention", "chat_block"):
        op.drop_table(table)
    with op.batch_alter_table("chat") as change:
        for name in ("reopened_at", *reversed(ADDED)):
            change.drop_column(name)
