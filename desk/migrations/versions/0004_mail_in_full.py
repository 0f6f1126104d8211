"""Mail in full, the way in: the spool, our addresses, mailboxes to fetch from, participants, and a ledger with every delivery.

Revision: 0004 after 0003. Rolling back forgets repeated deliveries, what the spool still held, addresses and accounts.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
NEW_COLUMNS = {
    "door": "smtp",
    "mailbox": "",
    "peer": "",
    "from_address": "",
    "subject": "",
    "mail_message_id": "",
    "settled_by": "",
    "settled_why": "",
}
NEW_INDEXES = {
    "ix_raw_mail_outcome": ["outcome", "received_at", "id"],
    "ix_raw_mail_mailbox": ["mailbox", "received_at", "id"],
    "ix_raw_mail_sender": ["from_address", "received_at"],
    "ix_raw_mail_duplicate_of_id": ["duplicate_of_id"],
}
FIRST_ONLY = sa.text("duplicate_of_id IS NULL")


def upgrade() -> None:
    _widen_ledger()
    _make_spool()
    _make_addresses()
    _make_accounts()
    op.create_table(
        "mail_silence",
        sa.Column("id", BIG, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("mails", BIG, nullable=False),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_mail_silence"),
    )
    op.create_index("ix_mail_silence_address", "mail_silence", ["address", "until"])
    op.create_table(
        "ticket_participant",
        sa.Column("id", BIG, nullable=False),
        sa.Column("ticket_id", BIG, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_ticket_participant_ticket_id_ticket"),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_participant"),
    )
    op.create_index("uq_ticket_participant", "ticket_participant", ["ticket_id", "address"], unique=True)


def downgrade() -> None:
    for table in ("ticket_participant", "mail_silence", "mail_account", "mail_address", "mail_tally", "spooled_mail"):
        op.drop_table(table)
    op.execute("DELETE FROM raw_mail WHERE duplicate_of_id IS NOT NULL")
    op.execute("UPDATE raw_mail SET outcome = 'kept' WHERE outcome IN ('quarantined', 'refused')")
    for name in ("uq_raw_mail_identity", *NEW_INDEXES):
        op.drop_index(name, table_name="raw_mail")
    with op.batch_alter_table("raw_mail") as change:
        change.drop_constraint("fk_raw_mail_duplicate_of_id_raw_mail", type_="foreignkey")
        for column in ("duplicate_of_id", "read_at", "settled_at", *NEW_COLUMNS):
            change.drop_column(column)
        change.create_unique_constraint("uq_raw_mail_identity", ["identity"])


def _widen_ledger() -> None:
    with op.batch_alter_table("raw_mail") as change:
        change.drop_constraint("uq_raw_mail_identity", type_="unique")
        for column, empty in NEW_COLUMNS.items():
            change.add_column(sa.Column(column, sa.String(), nullable=False, server_default=empty))
        for column in ("read_at", "settled_at"):
            change.add_column(sa.Column(column, MOMENT, nullable=True))
        change.add_column(sa.Column("duplicate_of_id", BIG, nullable=True))
        change.create_foreign_key("fk_raw_mail_duplicate_of_id_raw_mail", "raw_mail", ["duplicate_of_id"], ["id"])
    with op.batch_alter_table("raw_mail") as change:
        for column in NEW_COLUMNS:
            change.alter_column(column, server_default=None)
    for name, columns in NEW_INDEXES.items():
        op.create_index(name, "raw_mail", columns)
    op.create_index(
        "uq_raw_mail_identity", "raw_mail", ["identity"], unique=True, sqlite_where=FIRST_ONLY, postgresql_where=FIRST_ONLY
    )
    op.execute("UPDATE raw_mail SET read_at = received_at")
    op.execute("UPDATE raw_mail SET outcome = 'quarantined' WHERE outcome = 'kept' AND verdict = 'loop'")
    op.execute("UPDATE raw_mail SET outcome = 'noted' WHERE outcome = 'kept'")


def _make_spool() -> None:
    op.create_table(
        "spooled_mail",
        sa.Column("id", BIG, nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("envelope_from", sa.String(), nullable=False),
        sa.Column("envelope_to", sa.JSON(), nullable=False),
        sa.Column("peer", sa.String(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("raw_mail_id", BIG, nullable=True),
        sa.Column("as_person", sa.Boolean(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["raw_mail_id"], ["raw_mail.id"], name="fk_spooled_mail_raw_mail_id_raw_mail"),
        sa.PrimaryKeyConstraint("id", name="pk_spooled_mail"),
    )
    op.create_index("ix_spooled_mail_raw_mail_id", "spooled_mail", ["raw_mail_id"])
    op.create_table(
        "mail_tally",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("received", BIG, nullable=False),
        sa.PrimaryKeyConstraint("day", "mailbox", name="pk_mail_tally"),
    )


def _make_addresses() -> None:
    op.create_table(
        "mail_address",
        sa.Column("id", BIG, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("queue_id", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name="fk_mail_address_queue_id_queue"),
        sa.PrimaryKeyConstraint("id", name="pk_mail_address"),
        sa.UniqueConstraint("address", name="uq_mail_address_address"),
    )
    op.create_index("ix_mail_address_queue_id", "mail_address", ["queue_id"])


def _make_accounts() -> None:
    words = ("name", "host", "tls", "user", "auth", "secret", "folder", "after", "after_folder", "address", "last_error")
    op.create_table(
        "mail_account",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in words),
        *(sa.Column(name, BIG, nullable=False) for name in ("port", "uid_validity", "last_uid", "fetched")),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fetched_at", MOMENT, nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mail_account"),
    )
