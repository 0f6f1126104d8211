"""Whom a ticket touches and how urgent it is, of which its priority is made, and why somebody has set that otherwise.

Revision: 0035 after 0033. Rolling back forgets all three; the priority itself and the due times stay, and the events tell the rest.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every ticket so far touches one person as usual; a priority that this does not make was set by hand, and is shown so."""
    op.add_column("ticket", sa.Column("impact", sa.String(), nullable=False, server_default="one"))
    op.add_column("ticket", sa.Column("urgency", sa.String(), nullable=False, server_default="normal"))
    op.add_column("ticket", sa.Column("priority_reason", sa.String(), nullable=True))


def downgrade() -> None:
    for name in ("priority_reason", "urgency", "impact"):
        op.drop_column("ticket", name)
