"""Complaint policies in versions, pauses of clocks and legal holds.

Revision: 0016 after 0015. Rolling back forgets what it adds.
"""

from __future__ import annotations

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
