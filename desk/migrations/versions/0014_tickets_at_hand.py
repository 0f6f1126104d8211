"""Snoozing, following, tags, links, merges and saved views of tickets.

Revision: 0014 after 0013. Rolling back forgets what it adds.
"""

from __future__ import annotations

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
