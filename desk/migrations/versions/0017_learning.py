"""Corrective and preventive actions, alerts, and surveys in full.

Revision: 0017 after 0016. Rolling back forgets what it adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
OPEN = sa.text("closed_at IS NULL")
ASKED = {"customer_id": "customer", "agent_id": "agent", "queue_id": "queue"}
INDEXES = {
    "ix_complaint_received": ("complaint", ["received_at", "id"]),
    "ix_complaint_decided": ("complaint", ["decided_at", "id"]),
    "ix_complaint_decide_due": ("complaint", ["decide_due_at", "id"]),
    "ix_complaint_acknowledge_due": ("complaint", ["acknowledge_due_at", "id"]),
    "ix_complaint_cause_found": ("complaint", ["cause_found_at", "id"]),
    "ix_survey_sent": ("survey", ["sent_at", "id"]),
    "ix_survey_customer": ("survey", ["customer_id", "sent_at"]),
    "ix_follow_up_due": ("follow_up", ["due_at", "id"]),
    "ix_follow_up_done": ("follow_up", ["done_at", "id"]),
}


def upgrade() -> None:
    op.add_column("complaint", sa.Column("cause_found_at", MOMENT, nullable=True))
    op.execute("UPDATE complaint SET cause_found_at = COALESCE(decided_at, received_at) WHERE cause <> ''")
    op.add_column("follow_up", sa.Column("due_at", MOMENT, nullable=True))
    _ask_in_full()
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
    _make_tables()


def downgrade() -> None:
    for table in ("corrective_action_case", "corrective_action", "complaint_alert"):
        op.drop_table(table)
    for name, (table, _columns) in INDEXES.items():
        op.drop_index(name, table)
    with op.batch_alter_table("survey") as change:
        for name, table in ASKED.items():
            change.drop_constraint(op.f(f"fk_survey_{name}_{table}"), type_="foreignkey")
        for name in ("kind", "expected", "version", "answered_how", *ASKED):
            change.drop_column(name)
    op.drop_column("follow_up", "due_at")
    op.drop_column("complaint", "cause_found_at")


def _ask_in_full() -> None:
    with op.batch_alter_table("survey") as change:
        change.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="csat"))
        change.add_column(sa.Column("expected", BIG, nullable=True))
        change.add_column(sa.Column("version", BIG, nullable=False, server_default="1"))
        change.add_column(sa.Column("answered_how", sa.String(), nullable=False, server_default=""))
        for name, table in ASKED.items():
            change.add_column(sa.Column(name, BIG, nullable=True))
            change.create_foreign_key(op.f(f"fk_survey_{name}_{table}"), table, [name], ["id"])
    with op.batch_alter_table("survey") as change:
        for name in ("kind", "version", "answered_how"):
            change.alter_column(name, server_default=None)
    op.execute("UPDATE survey SET answered_how = 'page' WHERE answered_at IS NOT NULL")
    op.execute(
        "UPDATE survey SET customer_id = (SELECT customer_id FROM ticket WHERE ticket.id = survey.ticket_id), "
        "agent_id = (SELECT owner_id FROM ticket WHERE ticket.id = survey.ticket_id), "
        "queue_id = (SELECT queue_id FROM ticket WHERE ticket.id = survey.ticket_id)"
    )


def _make_tables() -> None:
    _make(
        "complaint_alert",
        {"acknowledged_by_id": "agent", "closed_by_id": "agent"},
        (),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("dimension", "about", "product", "outcome", "reason")),
        *(sa.Column(name, BIG, nullable=False) for name in ("seen", "most")),
        sa.Column("expected", sa.Double(), nullable=False),
        sa.Column("complaint_ids", sa.JSON(), nullable=False),
        *(sa.Column(name, MOMENT, nullable=name != "found_at") for name in ("found_at", "acknowledged_at", "closed_at")),
    )
    op.create_index(
        "uq_complaint_alert_open",
        "complaint_alert",
        ["dimension", "about", "product"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_complaint_alert_closed", "complaint_alert", ["closed_at", "id"])
    op.create_index("ix_complaint_alert_of", "complaint_alert", ["about", "product", "id"])
    people = {f"{name}_id": "agent" for name in ("owner", "opened_by", "done_by", "checked_by")}
    texts = ("kind", "state", "title", "change", "method", "cause", "product", "evidence", "result", "check_note")
    moments = ("opened_at", "due_at", "done_at", "check_due_at", "checked_at")
    _make(
        "corrective_action",
        {**people, "alert_id": "complaint_alert", "previous_id": "corrective_action"},
        ("owner_id",),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        *(sa.Column(name, MOMENT, nullable=name not in ("opened_at", "due_at")) for name in moments),
        *(sa.Column(name, BIG, nullable=name == "like_after") for name in ("check_after_days", "like_before", "like_after")),
    )
    for name, columns in {
        "state": ["state", "due_at", "id"],
        "owner": ["owner_id", "state", "id"],
        "done": ["done_at", "id"],
    }.items():
        op.create_index(f"ix_corrective_action_{name}", "corrective_action", columns)
    op.create_index("ix_corrective_action_alert_id", "corrective_action", ["alert_id"])
    _make(
        "corrective_action_case",
        {"action_id": "corrective_action", "complaint_id": "complaint"},
        ("action_id", "complaint_id"),
        sa.UniqueConstraint("action_id", "complaint_id", name=op.f("uq_corrective_action_case_action_id_complaint_id")),
    )
    op.create_index("ix_corrective_action_case_complaint_id", "corrective_action_case", ["complaint_id"])


def _make(name: str, nouns: dict[str, str], needed: tuple[str, ...], *columns: sa.Column | sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(noun, BIG, nullable=noun not in needed) for noun in nouns),
        *columns,
        *(
            sa.ForeignKeyConstraint([noun], [f"{table}.id"], name=op.f(f"fk_{name}_{noun}_{table}"))
            for noun, table in nouns.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
