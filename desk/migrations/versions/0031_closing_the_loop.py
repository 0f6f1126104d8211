"""What closes the loop of a low mark: when the customer was told, who has seen an answer, and what customers read of it.

Revision: 0031 after 0030. Rolling back forgets all of that; the marks and what came of asking again stay.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NEW = {
    "survey": (("occasion", sa.String(), "'solved'"), ("seen_by", sa.String(), "''"), ("seen_at", MOMENT, None)),
    "follow_up": (("begun_at", MOMENT, None), ("told_customer_at", MOMENT, None)),
    "corrective_action": (("told", sa.JSON(), "'{}'"), ("told_at", MOMENT, None)),
}
TOLD = sa.text("told_at IS NOT NULL")


def upgrade() -> None:
    """Every sheet so far was about one matter, and no customer reads of any action yet."""
    for table, columns in NEW.items():
        with op.batch_alter_table(table) as change:
            for name, kind, filled in columns:
                default = sa.text(filled) if filled else None
                change.add_column(sa.Column(name, kind, nullable=filled is None, server_default=default))
        with op.batch_alter_table(table) as change:
            for name, _kind, filled in columns:
                if filled:
                    change.alter_column(name, server_default=None)
    op.create_index("ix_corrective_action_told", "corrective_action", ["told_at", "id"], sqlite_where=TOLD, postgresql_where=TOLD)


def downgrade() -> None:
    op.drop_index("ix_corrective_action_told", "corrective_action")
    for table, columns in NEW.items():
        with op.batch_alter_table(table) as change:
            for name, _kind, _filled in columns:
                change.drop_column(name)
