"""Complaints of one cause belong to one event.

Revision: 0026 after 0025. Rolling back forgets the events and what was found out in them; what was entered in the cases stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
SOME = sa.text("mass_event_id IS NOT NULL")
WORDS = ("title", "opened_by", "finding", "reason", "looked_into", "cause", "notice", "notice_by")


def upgrade() -> None:
    """No complaint belongs to an event yet."""
    op.create_table(
        "mass_event",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in WORDS),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("whys", "steps")),
        sa.Column("notices_sent", BIG, nullable=False),
        sa.Column("notice_by_id", BIG, nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        *(sa.Column(name, MOMENT, nullable=True) for name in ("found_at", "noticed_at", "closed_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mass_event")),
        sa.ForeignKeyConstraint(["notice_by_id"], ["agent.id"], name=op.f("fk_mass_event_notice_by_id_agent")),
    )
    with op.batch_alter_table("complaint") as change:
        change.add_column(sa.Column("mass_event_id", BIG, nullable=True))
        change.create_foreign_key(op.f("fk_complaint_mass_event_id_mass_event"), "mass_event", ["mass_event_id"], ["id"])
    op.create_index("ix_complaint_mass_event", "complaint", ["mass_event_id", "id"], sqlite_where=SOME, postgresql_where=SOME)


def downgrade() -> None:
    op.drop_index("ix_complaint_mass_event", "complaint")
    with op.batch_alter_table("complaint") as change:
        change.drop_constraint(op.f("fk_complaint_mass_event_id_mass_event"), type_="foreignkey")
        change.drop_column("mass_event_id")
    op.drop_table("mass_event")
