"""Since when a chat's customer is silent, until when its agent counts as writing an answer, and the last chats of each agent.

Revision: 0036 after 0035. Rolling back forgets who is silent or writes just now: each chat counts whole again.

Holds up whoever opens or changes a chat until it is through: PostgreSQL reads the table chat once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("chat", sa.Column("idle_since", MOMENT, nullable=True))
    op.add_column("chat", sa.Column("composing_until", MOMENT, nullable=True))
    op.create_index("ix_chat_agent", "chat", ["agent_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_chat_agent", "chat")
    for name in ("composing_until", "idle_since"):
        op.drop_column("chat", name)
