"""The caller's way as it is set: menus and their versions, our numbers, audio, closures, numbers that are refused.

Revision: 0007 after 0006. Rolling back forgets all of them: callers hear the built-in menus and texts again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "call_flow",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.Column("published", BIG, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_flow")),
        sa.UniqueConstraint("name", name=op.f("uq_call_flow_name")),
    )
    op.create_table(
        "call_flow_version",
        sa.Column("id", BIG, nullable=False),
        sa.Column("flow_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["call_flow.id"], name=op.f("fk_call_flow_version_flow_id_call_flow")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_flow_version")),
        sa.UniqueConstraint("flow_id", "number", name=op.f("uq_call_flow_version_flow_id_number")),
    )
    op.create_table(
        "our_number",
        sa.Column("id", BIG, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("flow_id", BIG, nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["call_flow.id"], name=op.f("fk_our_number_flow_id_call_flow")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_our_number")),
        sa.UniqueConstraint("number", name=op.f("uq_our_number_number")),
    )
    op.create_index("ix_our_number_flow_id", "our_number", ["flow_id"])
    _make_audio_and_refusals()


def downgrade() -> None:
    for table in ("blocked_number", "line_closure", "voice_audio", "our_number", "call_flow_version", "call_flow"):
        op.drop_table(table)


def _make_audio_and_refusals() -> None:
    op.create_table(
        "voice_audio",
        sa.Column("id", BIG, nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("attachment_id", BIG, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["attachment_id"], ["attachment.id"], name=op.f("fk_voice_audio_attachment_id_attachment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_audio")),
        sa.UniqueConstraint("token", name=op.f("uq_voice_audio_token")),
    )
    op.create_table(
        "line_closure",
        sa.Column("id", BIG, nullable=False),
        sa.Column("reason_zh", sa.String(), nullable=False),
        sa.Column("reason_en", sa.String(), nullable=False),
        sa.Column("expected_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("began_by", sa.String(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_closure")),
    )
    op.create_index("ix_line_closure_expires", "line_closure", ["expires_at"])
    op.create_table(
        "blocked_number",
        sa.Column("id", BIG, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocked_number")),
        sa.UniqueConstraint("number", name=op.f("uq_blocked_number_number")),
    )
