"""Complaints as cases: who is kept out of one, the points complained of, the decision and its letter, and what is given.

Revision: 0011 after 0010. Rolling back forgets what it adds.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


COLUMNS = {"cause": sa.String(), "whys": sa.JSON(), "needs": sa.String(), "chain": sa.String(), "extended_for": sa.String()}


def upgrade() -> None:
    _make("recusal", {"ticket_id": "ticket", "agent_id": "agent"}, ("why", "note", "noted_by"), {"noted_at": False})
    with op.batch_alter_table("recusal") as change:
        change.create_unique_constraint(op.f("uq_recusal_ticket_id_agent_id"), ["ticket_id", "agent_id"])
        change.create_index("ix_recusal_agent", ["agent_id", "ticket_id"])
    of = {"complaint_id": "complaint"}
    _make("allegation", of, ("text", "standard", "finding", "reason", "found_by"), {"found_at": True})
    words = ("state", "outcome", "looked_into", "reasons", "apology", "changed", "rejected_for", "letter", "letter_sha256")
    moments = {"drafted_at": False, "sent_at": True}
    approvals = sa.Column("approvals", sa.JSON(), nullable=False)
    _make("complaint_decision", of | {"drafted_by_id": "agent"}, words, moments, approvals)
    cents = sa.Column("cents", BIG, nullable=False)
    _make("redress", of | {"added_by_id": "agent"}, ("kind", "note", "proof"), {"due_at": False, "done_at": True}, cents)
    op.create_index("ix_evidence_attachment", "evidence", ["attachment_id"])
    op.create_index(op.f("ix_allegation_complaint_id"), "allegation", ["complaint_id"])
    op.create_index("ix_complaint_decision_of", "complaint_decision", ["complaint_id", "id"])
    op.create_index(op.f("ix_redress_complaint_id"), "redress", ["complaint_id"])
    with op.batch_alter_table("follow_up") as change:
        change.add_column(sa.Column("channel", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("follow_up") as change:
        change.alter_column("channel", server_default=None)
    with op.batch_alter_table("complaint") as change:
        for name, kind in COLUMNS.items():
            default = "[]" if name == "whys" else ""
            change.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        change.add_column(sa.Column("extended_from", MOMENT, nullable=True))
    with op.batch_alter_table("complaint") as change:
        for name in COLUMNS:
            change.alter_column(name, server_default=None)


def downgrade() -> None:
    for old, new in (("awaiting_info", "investigating"), ("drafted", "investigating"), ("approval", "investigating")):
        op.execute(f"UPDATE complaint SET stage = '{new}' WHERE stage = '{old}'")  # noqa: S608 - written above
    op.execute("UPDATE complaint SET stage = 'decided' WHERE stage = 'redress'")
    op.execute("UPDATE complaint SET stage = 'closed' WHERE stage = 'archived'")
    op.execute("UPDATE complaint SET stage = 'withdrawn' WHERE stage = 'referred'")
    op.drop_index("ix_evidence_attachment", "evidence")
    with op.batch_alter_table("follow_up") as change:
        change.drop_column("channel")
    with op.batch_alter_table("complaint") as change:
        for name in ("extended_from", *COLUMNS):
            change.drop_column(name)
    for name in ("redress", "complaint_decision", "allegation", "recusal"):
        op.drop_table(name)


def _make(name: str, parts: dict[str, str], words: tuple[str, ...], moments: dict[str, bool], *more: sa.Column[Any]) -> None:
    """A table of parts (column to table; one that ends in `by_id` may be nobody), words, moments (whether they may be none)."""
    op.create_table(
        name,
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(column, BIG, nullable=column.endswith("by_id")) for column in parts),
        *(sa.Column(column, sa.String(), nullable=False) for column in words),
        *(sa.Column(column, MOMENT, nullable=nullable) for column, nullable in moments.items()),
        *more,
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}_{table}"))
            for column, table in parts.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
