"""Calls in full: legs and their parts in the room, segments, recordings, what was announced, asking for help.

Revision: 0006 after 0005. Each call that an agent had before becomes one segment. Rolling back forgets what this adds; calls in
states that are new stay in them and count as they stand.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

OF_CALLS = ("note_for_agent", "flow_out", "recording", "announcement")
TIMES_OF_CALLS = ("flow_out_at", "announced_at", "recording_pause_until", "lost_until", "checked_at")
OF_LEGS = ("label", "to", "mode")
SWITCHES = ("held", "muted", "unwanted")

CALL = sa.table(
    "call",
    *(sa.column(name, BIG) for name in ("id", "agent_id", "item_id")),
    *(sa.column(name, sa.String()) for name in ("state", "wrap_up_code")),
    *(sa.column(name, MOMENT) for name in ("offered_at", "answered_at", "ended_at", "wrap_ended_at")),
)
SEGMENT = sa.table(
    "call_segment",
    *(sa.column(name, BIG) for name in ("call_id", "agent_id", "item_id", "hold_s")),
    *(sa.column(name, sa.String()) for name in ("kind", "state", "wrap_up_code", "outcome", "ended_by", "transferred_to")),
    *(sa.column(name, MOMENT) for name in ("offered_at", "started_at", "ended_at", "wrap_ended_at")),
)


def upgrade() -> None:
    _add("call", *(sa.Column(name, sa.String(), nullable=False, server_default="") for name in OF_CALLS))
    _add("call_leg", *(sa.Column(name, sa.String(), nullable=False, server_default="") for name in OF_LEGS))
    _add("call_leg", *(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()) for name in SWITCHES))
    with op.batch_alter_table("call") as change:
        change.add_column(sa.Column("previous_call_id", BIG, nullable=True))
        for name in TIMES_OF_CALLS:
            change.add_column(sa.Column(name, MOMENT, nullable=True))
        change.create_foreign_key(op.f("fk_call_previous_call_id_call"), "call", ["previous_call_id"], ["id"])
        change.create_index("ix_call_previous", ["previous_call_id"])
    where = sa.text("ended_at IS NULL")
    op.create_index("ix_call_live", "call", ["id"], sqlite_where=where, postgresql_where=where)
    for name in ("joined_at", "left_at"):
        op.add_column("call_leg", sa.Column(name, MOMENT, nullable=True))
    _make_segments()
    _make_recordings()
    _make_help_requests()
    _cut_segments()


def downgrade() -> None:
    for table in ("help_request", "call_recording", "call_segment"):
        op.drop_table(table)
    op.drop_index("ix_call_live", "call")
    with op.batch_alter_table("call") as change:
        change.drop_index("ix_call_previous")
        change.drop_constraint(op.f("fk_call_previous_call_id_call"), type_="foreignkey")
        for name in ("previous_call_id", *TIMES_OF_CALLS, *OF_CALLS):
            change.drop_column(name)
    with op.batch_alter_table("call_leg") as change:
        for name in (*OF_LEGS, *SWITCHES, "joined_at", "left_at"):
            change.drop_column(name)


def _add(table: str, *columns: sa.Column) -> None:
    """New columns that have a value in the old rows; the default itself is not kept, because the models give one."""
    with op.batch_alter_table(table) as change:
        for column in columns:
            change.add_column(column)
    with op.batch_alter_table(table) as change:
        for column in columns:
            change.alter_column(column.name, server_default=None)


def _make_segments() -> None:
    op.create_table(
        "call_segment",
        sa.Column("id", BIG, nullable=False),
        sa.Column("call_id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("item_id", BIG, nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("offered_at", MOMENT, nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("hold_s", BIG, nullable=False),
        sa.Column("wrap_until", MOMENT, nullable=True),
        sa.Column("wrap_ended_at", MOMENT, nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("wrap_up_code", "outcome", "ended_by", "transferred_to")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_segment_call_id_call")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_call_segment_agent_id_agent")),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_call_segment_item_id_work_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_segment")),
    )
    op.create_index(op.f("ix_call_segment_call_id"), "call_segment", ["call_id"])
    op.create_index("ix_call_segment_agent", "call_segment", ["agent_id", "id"])
    op.create_index("ix_call_segment_ended", "call_segment", ["ended_at"])
    op.create_index("ix_call_segment_item", "call_segment", ["item_id"])
    still = sa.text("state <> 'done'")
    op.create_index("ix_call_segment_open", "call_segment", ["agent_id"], sqlite_where=still, postgresql_where=still)


def _make_recordings() -> None:
    op.create_table(
        "call_recording",
        sa.Column("id", BIG, nullable=False),
        sa.Column("call_id", BIG, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("sid", "kind", "state")),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("duration_s", BIG, nullable=True),
        sa.Column("pauses", sa.JSON(), nullable=False),
        sa.Column("attachment_id", BIG, nullable=True),
        sa.Column("fetched_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_recording_call_id_call")),
        sa.ForeignKeyConstraint(["attachment_id"], ["attachment.id"], name=op.f("fk_call_recording_attachment_id_attachment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_recording")),
        sa.UniqueConstraint("sid", name=op.f("uq_call_recording_sid")),
    )
    op.create_index(op.f("ix_call_recording_call_id"), "call_recording", ["call_id"])
    due = sa.text("next_at IS NOT NULL")
    op.create_index("ix_call_recording_due", "call_recording", ["next_at"], sqlite_where=due, postgresql_where=due)
    kept = sa.text("attachment_id IS NOT NULL")
    op.create_index("ix_call_recording_kept", "call_recording", ["started_at"], sqlite_where=kept, postgresql_where=kept)


def _make_help_requests() -> None:
    op.create_table(
        "help_request",
        sa.Column("id", BIG, nullable=False),
        sa.Column("call_id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("answered_by", BIG, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_help_request_call_id_call")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_help_request_agent_id_agent")),
        sa.ForeignKeyConstraint(["answered_by"], ["agent.id"], name=op.f("fk_help_request_answered_by_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_help_request")),
    )
    op.create_index(op.f("ix_help_request_call_id"), "help_request", ["call_id"])
    still = sa.text("ended_at IS NULL")
    op.create_index("uq_help_request_open", "help_request", ["call_id"], unique=True, sqlite_where=still, postgresql_where=still)


def _cut_segments() -> None:
    """Until now a call had one agent, whose part it was from the answer on."""
    had = sa.select(
        CALL.c.id,
        CALL.c.agent_id,
        CALL.c.item_id,
        sa.literal(0),
        sa.literal("handle"),
        sa.case(
            (CALL.c.wrap_ended_at.is_not(None), "done"),
            (CALL.c.state.in_(("talking", "hold", "wrap_up")), CALL.c.state),
            (CALL.c.state == "offered", "ringing"),
            else_="done",
        ),
        CALL.c.wrap_up_code,
        sa.case((CALL.c.wrap_ended_at.is_not(None), CALL.c.wrap_up_code), else_=""),
        sa.case((CALL.c.ended_at.is_not(None), "caller"), else_=""),
        sa.literal(""),
        CALL.c.offered_at,
        CALL.c.answered_at,
        CALL.c.ended_at,
        CALL.c.wrap_ended_at,
    ).where(CALL.c.agent_id.is_not(None), CALL.c.state != "abandoned")
    op.execute(SEGMENT.insert().from_select([column.name for column in SEGMENT.columns], had))
