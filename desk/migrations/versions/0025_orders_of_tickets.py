"""Lists of tickets in the order of what is due, of how urgent it is, and of since when it is there.

Revision: 0025 after 0024. All of it is derived: rolling back loses nothing.

Holds up whoever writes to a ticket until it is through: PostgreSQL reads the table once for each of its five indexes, and only
what is not settled is written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

LIVE = sa.text("status IN ('new', 'open', 'pending_customer', 'pending_internal')")
ORDERS = {
    "ix_ticket_due": ["status", "due_order", "id"],
    "ix_ticket_team_due": ["team_id", "status", "due_order", "id"],
    "ix_ticket_urgent": ["status", "priority", "due_order", "id"],
    "ix_ticket_team_urgent": ["team_id", "status", "priority", "due_order", "id"],
    "ix_ticket_team_id": ["team_id", "status", "id"],
}


def upgrade() -> None:
    """What is settled has nothing due: only what is not, which is little, is reckoned."""
    never = "9999-01-01 00:00:00.000000"
    op.add_column("ticket", sa.Column("due_order", sa.DateTime(timezone=True), nullable=False, server_default=never))
    first = f"CASE WHEN first_human_reply_at IS NULL THEN coalesce(first_due_at, '{never}') ELSE '{never}' END"
    least = "min" if op.get_bind().dialect.name == "sqlite" else "least"
    following, solution = (f"coalesce({name}, '{never}')" for name in ("next_due_at", "resolve_due_at"))
    op.execute(
        f"UPDATE ticket SET due_order = CASE WHEN type = 'complaint' THEN {solution}"  # noqa: S608 - our own words
        f" ELSE {least}({first}, {following}, {solution}) END WHERE {LIVE}"
        " AND (type = 'complaint' OR status <> 'pending_customer')"
    )
    for name, columns in ORDERS.items():
        op.create_index(name, "ticket", columns, sqlite_where=LIVE, postgresql_where=LIVE)


def downgrade() -> None:
    for name in ORDERS:
        op.drop_index(name, "ticket")
    op.drop_column("ticket", "due_order")
