"""Alarms of complaints' clocks, one matter behind many complaints, reminders of surveys.

Revision: 0019 after 0018. Rolling back forgets what it adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
UNSEEN = sa.text("seen_at IS NULL")
NOTICE = ("complaint_id", "agent_id", "clock", "share", "due_at")


def upgrade() -> None:
    with op.batch_alter_table("complaint") as change:
        change.add_column(sa.Column("alarms", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    with op.batch_alter_table("complaint") as change:
        change.alter_column("alarms", server_default=None)
    op.create_table(
        "complaint_notice",
        sa.Column("id", BIG, nullable=False),
        sa.Column("complaint_id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("share", BIG, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_complaint_notice_complaint_id_complaint")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_complaint_notice_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_notice")),
        sa.UniqueConstraint(*NOTICE, name=op.f(f"uq_complaint_notice_{'_'.join(NOTICE)}")),
    )
    op.create_index(
        "ix_complaint_notice_unseen", "complaint_notice", ["agent_id", "id"], sqlite_where=UNSEEN, postgresql_where=UNSEEN
    )
    op.add_column("survey", sa.Column("reminded_at", MOMENT, nullable=True))
    # Of the cases that are open now somebody is told at once how far their time has run.
    about = "'{\"complaint_id\": ' || CAST(id AS VARCHAR) || '}'"
    if op.get_bind().dialect.name == "postgresql":
        about = f"CAST({about} AS JSON)"
    columns = f"'complaint.alarm', CAST(id AS VARCHAR), received_at, {about}, 0, ''"
    running = "FROM complaint WHERE decided_at IS NULL AND closed_at IS NULL"
    op.execute(f"INSERT INTO timer (kind, key, due_at, data, attempts, last_error) SELECT {columns} {running}")


def downgrade() -> None:
    op.execute("DELETE FROM timer WHERE kind = 'complaint.alarm'")
    op.drop_column("survey", "reminded_at")
    op.drop_table("complaint_notice")
    with op.batch_alter_table("complaint") as change:
        change.drop_column("alarms")
