"""Complaint policies in versions with the clocks and pauses of each case, people heard, holds, disposal, the letter as PDF.

Revision: 0016 after 0015. A case from before keeps its dates under the first version of DEFAULT. Rolling back forgets the rest.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
DEFAULT = {
    "acknowledge": {"n": 1, "unit": "business_days"},
    "early": None,
    "decide": {"n": 15, "unit": "business_days"},
    "extensions": [{"n": 15, "approver": "other"}],
    "start_rule": "next_day",
    "roll": False,
    "pause_reasons": ["customer_evidence", "court", "appraisal"],
    "restart_on_new_facts": False,
    "years": 5,
    "rights": None,
}
WHEN_OPEN = ("zone", "week", "holidays", "workdays")


def _known(name: str, words: str, moments: str = "", numbers: str = "id", values: str = "") -> sa.TableClause:
    """A table as far as rows of it are read or written here."""
    kinds = ((words, sa.String()), (moments, MOMENT), (numbers, BIG), (values, sa.JSON()))
    return sa.table(name, *(sa.column(column, kind) for columns, kind in kinds for column in columns.split()))


COMPLAINT = _known("complaint", "", "received_at acknowledge_due_at decide_due_at extended_from", "id ticket_id")
TICKET = _known("ticket", "", numbers="id queue_id")
QUEUE = _known("queue", "", numbers="id calendar_id")
CALENDAR = _known("calendar", "zone", values="week holidays workdays")
POLICY = _known(
    "complaint_policy", "code name name_zh calendar source state proposed_by judged_by", "proposed_at", "id version", "rules"
)
POLICY.append_column(sa.column("valid_from", sa.Date()))
CLOCK = _known(
    "complaint_clock",
    "reference",
    "started_at acknowledge_due_at decide_due_at",
    "complaint_id policy_id extended",
    "calendar",
)


def upgrade() -> None:
    _make(
        "complaint_policy",
        {"proposed_by_id": "agent"},
        ("code", "name", "name_zh", "calendar", "source", "state", "proposed_by", "judged_by"),
        {"proposed_at": False, "judged_at": True},
        sa.Column("version", BIG, nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.UniqueConstraint("code", "version", name=op.f("uq_complaint_policy_code_version")),
    )
    due = {"acknowledge_due_at": True, "early_until": True, "decide_due_at": True}
    _make(
        "complaint_clock",
        {"complaint_id": "complaint", "policy_id": "complaint_policy"},
        ("reference",),
        {"started_at": False, **due, "ended_at": True},
        sa.Column("calendar", sa.JSON(), nullable=False),
        sa.Column("extended", BIG, nullable=False),
    )
    of = {"complaint_id": "complaint"}
    moments = {"began_at": False, "until": False, "ended_at": True}
    _make("complaint_pause", of, ("reason", "needed", "began_by", "ended_by"), moments)
    words = ("person", "part", "how", "summary", "noted_by")
    _make("interview", of, words, {"heard_at": False, "noted_at": False})
    words = ("reason", "set_by", "lifted_by", "lifted_for")
    _make("complaint_hold", {**of, "set_by_id": "agent"}, words, {"set_at": False, "lifted_at": True})
    _make(
        "disposal",
        {"made_by_id": "agent"},
        ("state", "made_by", "judged_by"),
        {"made_at": False, "judged_at": True, "done_at": True},
        sa.Column("cases", sa.JSON(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("listed", BIG, nullable=False),
        sa.Column("disposed", BIG, nullable=False),
    )
    for table in ("complaint_clock", "complaint_pause", "complaint_hold"):
        op.create_index(f"ix_{table}_of", table, ["complaint_id", "id"])
    op.create_index(op.f("ix_interview_complaint_id"), "interview", ["complaint_id"])
    _index_where("ix_complaint_hold_open", "complaint_hold", ["complaint_id"], "lifted_at IS NULL")
    _add("complaint", sa.Column("zone", sa.String(), nullable=False, server_default=""))
    _add("complaint", sa.Column("disposed_sha256", sa.String(), nullable=False, server_default=""))
    _add("complaint", sa.Column("dispose_after", MOMENT, nullable=True))
    _index_where("ix_complaint_dispose", "complaint", ["dispose_after", "id"], "dispose_after IS NOT NULL")
    _add("complaint_decision", sa.Column("pdf", sa.LargeBinary(), nullable=True))
    _add("complaint_decision", sa.Column("pdf_sha256", sa.String(), nullable=False, server_default=""))
    _add("calendar", sa.Column("years", sa.JSON(), nullable=False, server_default="[]"))
    _give_clocks()


def downgrade() -> None:
    op.execute("UPDATE complaint SET stage = 'archived' WHERE stage = 'disposed'")
    op.drop_index("ix_complaint_dispose", "complaint")
    for table, names in (
        ("calendar", ("years",)),
        ("complaint_decision", ("pdf", "pdf_sha256")),
        ("complaint", ("zone", "disposed_sha256", "dispose_after")),
    ):
        with op.batch_alter_table(table) as change:
            for name in names:
                change.drop_column(name)
    for table in ("disposal", "complaint_hold", "interview", "complaint_pause", "complaint_clock", "complaint_policy"):
        op.drop_table(table)


def _give_clocks() -> None:
    """Each case from before runs under the first version of DEFAULT, with the dates that it was promised."""
    bind = op.get_bind()
    query = (
        sa.select(*(COMPLAINT.c[name] for name in ("id", "received_at", "acknowledge_due_at", "decide_due_at", "extended_from")))
        .add_columns(*(CALENDAR.c[name] for name in WHEN_OPEN))
        .join(TICKET, TICKET.c.id == COMPLAINT.c.ticket_id)
        .join(QUEUE, QUEUE.c.id == TICKET.c.queue_id)
        .join(CALENDAR, CALENDAR.c.id == QUEUE.c.calendar_id)
        .order_by(COMPLAINT.c.id)
    )
    cases = bind.execute(query).mappings().all()
    if not cases:
        return
    first = {
        **dict.fromkeys(("calendar", "source", "proposed_by", "judged_by"), ""),
        "code": "DEFAULT",
        "version": 1,
        "name": "Our own promise",
        "name_zh": "本公司承诺",
        "state": "agreed",
        "rules": DEFAULT,
        "valid_from": date(2000, 1, 1),
        "proposed_at": cases[0]["received_at"],
    }
    bind.execute(POLICY.insert().values(first))
    policy_id = bind.execute(sa.select(POLICY.c.id)).scalar_one()
    for case in cases:
        clock = {
            "complaint_id": case["id"],
            "policy_id": policy_id,
            "started_at": case["received_at"],
            "reference": "",
            "acknowledge_due_at": case["acknowledge_due_at"],
            "decide_due_at": case["decide_due_at"],
            "calendar": {name: case[name] for name in WHEN_OPEN},
            "extended": int(case["extended_from"] is not None),
        }
        bind.execute(CLOCK.insert().values(clock))


def _add(table: str, column: sa.Column[Any]) -> None:
    """A column for the rows that are there; new ones get theirs from the models."""
    with op.batch_alter_table(table) as change:
        change.add_column(column)
    if column.server_default is not None:
        with op.batch_alter_table(table) as change:
            change.alter_column(column.name, server_default=None)


def _index_where(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _make(name: str, parts: dict[str, str], words: tuple[str, ...], moments: dict[str, bool], *more: Any) -> None:
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
