"""Corrective and preventive actions, alerts, and surveys in full.

Revision: 0017 after 0016. Rolling back forgets what it adds.
"""

from __future__ import annotations

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
