"""Nothing: a step at which desks of an earlier release stand.

Revision: 0023 after 0022. It changes nothing, so rolling back loses nothing.
"""

from __future__ import annotations

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing to do."""


def downgrade() -> None:
    """Nothing to undo."""
