"""Files of articles belong to versions.

Revision: 0022 after 0021. Rolling back forgets what it adds, and the files that were taken away.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Files that are there belong to every version from the first on: nobody noted more."""
    with op.batch_alter_table("article_file") as change:
        change.add_column(sa.Column("added_in", BIG, nullable=False, server_default="1"))
        change.add_column(sa.Column("removed_in", BIG, nullable=True))
    with op.batch_alter_table("article_file") as change:
        change.alter_column("added_in", server_default=None)


def downgrade() -> None:
    op.execute("DELETE FROM article_file WHERE removed_in IS NOT NULL")
    with op.batch_alter_table("article_file") as change:
        change.drop_column("removed_in")
        change.drop_column("added_in")
