"""A colleague's tickets by the time they came, and the mails that did not arrive and nobody has looked at.

Revision: 0033 after 0032. Two indexes: rolling back loses nothing.

Holds up whoever writes to a ticket or an outbox_recipient until it is through: PostgreSQL reads each of the two tables once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

UNSETTLED = sa.text("state = 'failed' AND settled_at IS NULL")


def upgrade() -> None:
    op.create_index("ix_ticket_owner_id", "ticket", ["owner_id", "id"])
    op.create_index(
        "ix_outbox_recipient_unsettled", "outbox_recipient", ["mail_id"], sqlite_where=UNSETTLED, postgresql_where=UNSETTLED
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_recipient_unsettled", "outbox_recipient")
    op.drop_index("ix_ticket_owner_id", "ticket")
