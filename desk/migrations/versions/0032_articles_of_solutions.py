"""A queue may ask for the article that helped, or for the reason why there is none.

Revision: 0032 after 0031. Rolling back forgets which queues ask and the reasons given; the events keep those.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No queue asks, as before."""
    with op.batch_alter_table("queue") as change:
        change.add_column(sa.Column("asks_article", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("queue") as change:
        change.alter_column("asks_article", server_default=None)
    op.add_column("ticket", sa.Column("no_article", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("ticket", "no_article")
    with op.batch_alter_table("queue") as change:
        change.drop_column("asks_article")
