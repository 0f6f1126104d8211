"""Customers are erased or restricted, and letters to those without mail are posted by hand.

An entry of the log may lose its words from now on, and nothing else, while an erasure that two people agreed on is carried out.

Revision: 0030 after 0029. Rolling back forgets what was asked and restricted, and which letters went to the post; what was erased
stays erased, and the restricted is shown again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
ADDED = (("customer", "restricted_at"), ("customer", "erased_at"), ("ticket", "erased_at"))
STANDING = sa.text("kind = 'customer' AND state IN ('asked', 'agreed', 'running', 'restricted')")
OF_CUSTOMER = sa.text("customer_id IS NOT NULL")
WAITING = sa.text("posted_on IS NULL")
# Columns of an entry that stay as they were written, whatever happens to its words.
FIXED = (
    *("id", "at", "kind", "actor_kind", "actor_id", "ticket_id", "message_id", "customer_id", "agent_id", "item_id", "queue_id"),
    *("complaint_id", "call_id", "chat_id", "article_id"),
)


def upgrade() -> None:
    for table, name in ADDED:
        op.add_column(table, sa.Column(name, MOMENT, nullable=True))
    op.create_table(
        "erasure",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "state", "reason", "asked_by", "judged_by")),
        *(sa.Column(name, BIG, nullable=True) for name in ("customer_id", "asked_by_id")),
        sa.Column("asked_at", MOMENT, nullable=False),
        *(sa.Column(name, MOMENT, nullable=True) for name in ("customer_since", "judged_at", "look_again_at", "done_at")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("duties", "counts")),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("repeated", "ended")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_erasure_customer_id_customer")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["agent.id"], name=op.f("fk_erasure_asked_by_id_agent")),
    )
    op.create_index("ix_erasure_state", "erasure", ["state", "id"])
    op.create_index(
        "uq_erasure_standing", "erasure", ["customer_id"], unique=True, sqlite_where=STANDING, postgresql_where=STANDING
    )
    op.create_index(
        "ix_erasure_customer", "erasure", ["customer_id", "id"], sqlite_where=OF_CUSTOMER, postgresql_where=OF_CUSTOMER
    )
    op.create_table(
        "restricted_ticket",
        sa.Column("ticket_id", BIG, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_restricted_ticket")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_restricted_ticket_ticket_id_ticket")),
    )
    op.create_table(
        "paper_letter",
        *(sa.Column(name, BIG, nullable=False) for name in ("id", "ticket_id", "message_id")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "address", "posted_by")),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_letter")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_paper_letter_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_paper_letter_message_id_message")),
    )
    op.create_index("ix_paper_letter_waiting", "paper_letter", ["id"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index("ix_paper_letter_ticket", "paper_letter", ["ticket_id", "id"])
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite(_sqlite_exception())
    else:
        _guard_postgresql(_postgresql_exception())


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite("")
    else:
        _guard_postgresql("")
    op.drop_table("paper_letter")
    op.drop_table("restricted_ticket")
    op.drop_table("erasure")
    for table, name in reversed(ADDED):
        op.drop_column(table, name)


def _sqlite_exception() -> str:
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in FIXED)
    chain = "json_extract(NEW.data, '$.chain') IS json_extract(OLD.data, '$.chain')"
    running = _running("json_extract(NEW.data, '$.erased')")
    return f"WHEN NOT ({same} AND {chain} AND json_extract(OLD.data, '$.erased') IS NULL AND {running}) "


def _postgresql_exception() -> str:
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in FIXED)
    chain = "NEW.data->>'chain' IS NOT DISTINCT FROM OLD.data->>'chain'"
    running = _running("(NEW.data->>'erased')::bigint")
    return f"IF TG_OP = 'UPDATE' AND {same} AND {chain} AND OLD.data->>'erased' IS NULL AND {running} THEN RETURN NEW; END IF; "


def _running(erasure_id: str) -> str:
    return f"EXISTS (SELECT 1 FROM erasure WHERE id = {erasure_id} AND state = 'running')"  # noqa: S608 - our own names


def _guard_sqlite(exception: str) -> None:
    op.execute("DROP TRIGGER event_no_update")
    op.execute(
        f"CREATE TRIGGER event_no_update BEFORE UPDATE ON event {exception}"
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
    )


def _guard_postgresql(exception: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {exception}RAISE EXCEPTION 'events are append-only'; END $$"
    )
