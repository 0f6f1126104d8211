"""Complaints out of the ordinary: without a name, by somebody else, after abuse, no complaint after all, opened again.

Revision: 0027 after 0026. Rolling back forgets who speaks for whom, warnings, limits and notes of patterns, that a complaint came
without a name, and by whom a token was made.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
RETYPED, LASTING, SPEAKING = "outcome = 'retyped'", "ended_at IS NULL", "state IN ('waiting', 'accepted')"
TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "representative": {
        "words": ("relation", "name", "email", "letters", "state", "noted_by", "judged_by", "judged_for"),
        "moments": ("noted_at",),
        "unknown": ("judged_at",),
        "of": ("complaint",),
    },
    "conduct_warning": {
        "words": ("happened", "said", "given_by"),
        "moments": ("given_at",),
        "unknown": (),
        "of": ("customer", "ticket"),
    },
    "contact_limit": {
        "words": ("kind", "reason", "set_by", "reviewed_by", "ended_by", "ended_for"),
        "moments": ("set_at", "review_at", "until"),
        "unknown": ("reviewed_at", "ended_at"),
        "of": ("customer",),
    },
    "pattern_note": {
        "words": ("text", "noted_by"),
        "moments": ("noted_at",),
        "unknown": (),
        "of": ("customer",),
    },
}


def upgrade() -> None:
    """Who made a token, and how often a case was opened again, is told by the events."""
    for table, parts in TABLES.items():
        op.create_table(
            table,
            sa.Column("id", BIG, nullable=False),
            *(sa.Column(name, sa.String(), nullable=False) for name in parts["words"]),
            *(sa.Column(name, MOMENT, nullable=False) for name in parts["moments"]),
            *(sa.Column(name, MOMENT, nullable=True) for name in parts["unknown"]),
            *(sa.Column(f"{name}_id", BIG, nullable=False) for name in parts["of"]),
            *_only_in(table),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            *(_points(table, f"{name}_id", name) for name in parts["of"]),
        )
    _index("ix_representative_of", "representative", ["complaint_id", "id"])
    _index("uq_representative_now", "representative", ["complaint_id"], SPEAKING, unique=True)
    _index("ix_conduct_warning_of", "conduct_warning", ["customer_id", "id"])
    _index("ix_contact_limit_of", "contact_limit", ["customer_id", "id"])
    _index("uq_contact_limit_now", "contact_limit", ["customer_id"], LASTING, unique=True)
    _index("ix_contact_limit_review", "contact_limit", ["review_at", "id"], LASTING)
    _index("ix_pattern_note_of", "pattern_note", ["customer_id", "id"])
    with op.batch_alter_table("complaint") as change:
        change.add_column(sa.Column("anonymous", sa.Boolean(), nullable=False, server_default=sa.false()))
        change.add_column(sa.Column("reopened", BIG, nullable=False, server_default="0"))
    with op.batch_alter_table("complaint") as change:
        change.alter_column("anonymous", server_default=None)
        change.alter_column("reopened", server_default=None)
    _index("ix_complaint_retyped", "complaint", ["ticket_id"], RETYPED)
    with op.batch_alter_table("api_token") as change:
        for name in ("made_by_id", "held_by_id"):
            change.add_column(sa.Column(name, BIG, nullable=True))
            change.create_foreign_key(op.f(f"fk_api_token_{name}_agent"), "agent", [name], ["id"])
    op.execute(
        "UPDATE complaint SET reopened = (SELECT count(*) FROM event WHERE event.kind = 'complaint.reopened' "
        "AND event.ticket_id = complaint.ticket_id) "
        "WHERE ticket_id IN (SELECT ticket_id FROM event WHERE kind = 'complaint.reopened')"
    )
    op.execute(
        "UPDATE api_token SET made_by_id = (SELECT min(event.actor_id) FROM event WHERE event.kind = 'token.created' "
        "AND event.actor_kind = 'agent' AND event.at = api_token.created_at)"
    )


def downgrade() -> None:
    with op.batch_alter_table("api_token") as change:
        for name in ("made_by_id", "held_by_id"):
            change.drop_constraint(op.f(f"fk_api_token_{name}_agent"), type_="foreignkey")
            change.drop_column(name)
    op.drop_index("ix_complaint_retyped", "complaint")
    with op.batch_alter_table("complaint") as change:
        change.drop_column("anonymous")
        change.drop_column("reopened")
    for table in reversed(TABLES):
        op.drop_table(table)


def _only_in(table: str) -> list[Any]:
    """What one table has and the others do not."""
    if table == "representative":
        wrote = sa.Column("wrote", sa.Boolean(), nullable=False)
        return [wrote, sa.Column("proof_id", BIG, nullable=True), _points(table, "proof_id", "evidence")]
    if table == "contact_limit":
        return [sa.Column("person_id", BIG, nullable=True), _points(table, "person_id", "agent")]
    return []


def _points(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _index(name: str, table: str, columns: list[str], where: str = "", *, unique: bool = False) -> None:
    only: dict[str, Any] = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)} if where else {}
    op.create_index(name, table, columns, unique=unique, **only)
