"""Mail once more: duplicates have an index of their own, in which the other rows of the ledger are not.

Revision: 0009 after 0008. Rolling back puts all rows into it again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index(where=sa.text("duplicate_of_id IS NOT NULL"))


def downgrade() -> None:
    _index(where=None)


def _index(where: sa.TextClause | None) -> None:
    name = op.f("ix_raw_mail_duplicate_of_id")
    op.drop_index(name, table_name="raw_mail")
    op.create_index(name, "raw_mail", ["duplicate_of_id"], sqlite_where=where, postgresql_where=where)
