"""Mail once more: how a sender greeted us; duplicates have an index of their own, without the other rows of the ledger.

Revision: 0009 after 0008. Rolling back puts all rows into it again, and forgets the greetings.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("spooled_mail", sa.Column("helo", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("spooled_mail") as change:
        change.alter_column("helo", server_default=None)
    _index(where=sa.text("duplicate_of_id IS NOT NULL"))


def downgrade() -> None:
    _index(where=None)
    with op.batch_alter_table("spooled_mail") as change:
        change.drop_column("helo")


def _index(where: sa.TextClause | None) -> None:
    name = op.f("ix_raw_mail_duplicate_of_id")
    op.drop_index(name, table_name="raw_mail")
    op.create_index(name, "raw_mail", ["duplicate_of_id"], sqlite_where=where, postgresql_where=where)
