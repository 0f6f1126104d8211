"""Callbacks that keep their place, and voicemail.

Revision: 0008 after 0007. Rolling back forgets what it adds; work of a callback that waits stays in the line as a call's.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
PARTS = {"customer_id": "customer", "ticket_id": "ticket", "queue_id": "queue", "item_id": "work_item"}


def upgrade() -> None:
    _make_callbacks()
    with op.batch_alter_table("call") as change:
        change.add_column(sa.Column("callback_id", BIG, nullable=True))
        change.add_column(sa.Column("aside", sa.String(), nullable=False, server_default=""))
        change.add_column(sa.Column("told", sa.JSON(), nullable=False, server_default="{}"))
        change.create_foreign_key(op.f("fk_call_callback_id_callback"), "callback", ["callback_id"], ["id"])
        change.create_index(op.f("ix_call_callback_id"), ["callback_id"])
    with op.batch_alter_table("call") as change:
        change.alter_column("aside", server_default=None)
        change.alter_column("told", server_default=None)
    messages = sa.text("kind = 'voicemail'")
    op.create_index("ix_call_recording_voicemail", "call_recording", ["id"], sqlite_where=messages, postgresql_where=messages)


def downgrade() -> None:
    op.drop_index("ix_call_recording_voicemail", "call_recording")
    op.execute("UPDATE work_item SET kind = 'call' WHERE kind = 'callback'")
    with op.batch_alter_table("call") as change:
        change.drop_index(op.f("ix_call_callback_id"))
        change.drop_constraint(op.f("fk_call_callback_id_callback"), type_="foreignkey")
        for name in ("callback_id", "aside", "told"):
            change.drop_column(name)
    op.drop_table("callback")


def _make_callbacks() -> None:
    times = {"requested_at": False, "promised_by": False, "waiting_since": False, "due_at": False, "next_at": True}
    op.create_table(
        "callback",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("source", "state", "number", "name", "locale")),
        *(sa.Column(name, BIG, nullable=name == "item_id") for name in PARTS),
        *(sa.Column(name, MOMENT, nullable=nullable) for name, nullable in times.items()),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("first_attempt_at", MOMENT, nullable=True),
        sa.Column("last_outcome", sa.String(), nullable=False),
        sa.Column("late_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_callback_{name}_{table}"))
            for name, table in PARTS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback")),
    )
    still = sa.text("ended_at IS NULL")
    op.create_index("uq_callback_open_number", "callback", ["number"], unique=True, sqlite_where=still, postgresql_where=still)
    op.create_index("ix_callback_open", "callback", ["promised_by", "id"], sqlite_where=still, postgresql_where=still)
    op.create_index("ix_callback_requested", "callback", ["requested_at", "id"])
    op.create_index("ix_callback_item", "callback", ["item_id"])
    op.create_index("ix_callback_ticket", "callback", ["ticket_id"])
