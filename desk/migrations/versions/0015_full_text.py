"""Words of tickets, messages and customers, for the database's own full-text search.

Revision: 0015 after 0014. Rolling back forgets what it adds.
"""

from __future__ import annotations

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
