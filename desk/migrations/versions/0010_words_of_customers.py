"""The words that customers use for an article, and a sentence about it.

Revision: 0010 after 0009. Rolling back forgets both.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = ("question", "summary")


def upgrade() -> None:
    for table in ("article", "article_revision"):
        for name in COLUMNS:
            op.add_column(table, sa.Column(name, sa.String(), nullable=False, server_default=""))
        with op.batch_alter_table(table) as change:
            for name in COLUMNS:
                change.alter_column(name, server_default=None)


def downgrade() -> None:
    for table in ("article", "article_revision"):
        with op.batch_alter_table(table) as change:
            for name in COLUMNS:
                change.drop_column(name)
