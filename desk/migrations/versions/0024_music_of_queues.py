"""A queue may have music of its own.

Revision: 0024 after 0023. Rolling back forgets which queue plays what; the sound itself stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Every queue plays what the menus of the caller have, as before."""
    with op.batch_alter_table("queue") as change:
        change.add_column(sa.Column("music", BIG, nullable=False, server_default="0"))
    with op.batch_alter_table("queue") as change:
        change.alter_column("music", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("queue") as change:
        change.drop_column("music")
