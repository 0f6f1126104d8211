"""Mail in full, the way out: each recipient's state, answers taken back, pictures seen, question sheets not wanted.

Revision: 0005 after 0004. Rolling back keeps the answer of the relay for each recipient, and forgets answers that have not left.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
GIVE_UP = timedelta(hours=48)

MAIL = sa.table(
    "outbox_mail",
    *(sa.column(name, BIG) for name in ("id", "message_id", "attempts")),
    *(sa.column(name, sa.JSON()) for name in ("payload", "results")),
    *(sa.column(name, sa.String()) for name in ("state", "last_error")),
    *(sa.column(name, MOMENT) for name in ("created_at", "sent_at", "give_up_at")),
    sa.column("automatic", sa.Boolean()),
)
MESSAGE = sa.table("message", sa.column("id", BIG), sa.column("to", sa.JSON()), sa.column("cc", sa.JSON()))
RECIPIENT = sa.table(
    "outbox_recipient",
    *(sa.column(name, BIG) for name in ("mail_id", "attempts", "code")),
    *(sa.column(name, sa.String()) for name in ("address", "state", "status", "said")),
    sa.column("came_back", sa.Boolean()),
    sa.column("changed_at", MOMENT),
)


def upgrade() -> None:
    op.add_column("outbox_mail", sa.Column("automatic", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("outbox_mail", sa.Column("give_up_at", MOMENT, nullable=True))
    op.add_column("agent", sa.Column("undo_s", BIG, nullable=False, server_default="10"))
    op.add_column("agent", sa.Column("signature", sa.String(), nullable=False, server_default=""))
    op.add_column("customer", sa.Column("surveys_declined_at", MOMENT, nullable=True))
    _make_recipients()
    _make_unsent()
    op.create_table(
        "picture_trust",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_picture_trust_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture_trust")),
    )
    op.create_index("uq_picture_trust", "picture_trust", ["agent_id", "address"], unique=True)
    _name_recipients()
    with op.batch_alter_table("agent") as change:
        change.alter_column("undo_s", server_default=None)
        change.alter_column("signature", server_default=None)
    with op.batch_alter_table("outbox_mail") as change:
        change.alter_column("automatic", server_default=None)
        change.alter_column("give_up_at", existing_type=MOMENT, nullable=False)
        change.drop_column("results")
        change.create_index("ix_outbox_mail_sent_at", ["sent_at"])


def downgrade() -> None:
    op.add_column("outbox_mail", sa.Column("results", sa.JSON(), nullable=False, server_default="{}"))
    _keep_answers()
    for table in ("picture_trust", "unsent_reply", "outbox_recipient"):
        op.drop_table(table)
    with op.batch_alter_table("outbox_mail") as change:
        change.alter_column("results", server_default=None)
        change.drop_index("ix_outbox_mail_sent_at")
        change.drop_column("give_up_at")
        change.drop_column("automatic")
    with op.batch_alter_table("customer") as change:
        change.drop_column("surveys_declined_at")
    with op.batch_alter_table("agent") as change:
        change.drop_column("signature")
        change.drop_column("undo_s")


def _make_recipients() -> None:
    op.create_table(
        "outbox_recipient",
        sa.Column("id", BIG, nullable=False),
        sa.Column("mail_id", BIG, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("code", BIG, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("said", sa.String(), nullable=False),
        sa.Column("came_back", sa.Boolean(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["mail_id"], ["outbox_mail.id"], name=op.f("fk_outbox_recipient_mail_id_outbox_mail")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_recipient")),
    )
    op.create_index("uq_outbox_recipient_address", "outbox_recipient", ["mail_id", "address"], unique=True)
    op.create_index("ix_outbox_recipient_address", "outbox_recipient", ["address", "changed_at"])
    op.create_index("ix_outbox_recipient_state", "outbox_recipient", ["state", "changed_at"])


def _make_unsent() -> None:
    op.create_table(
        "unsent_reply",
        sa.Column("id", BIG, nullable=False),
        sa.Column("ticket_id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("to", sa.JSON(), nullable=False),
        sa.Column("cc", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("then", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("send_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_unsent_reply_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_unsent_reply_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsent_reply")),
        sa.UniqueConstraint("client_id", name=op.f("uq_unsent_reply_client_id")),
    )
    op.create_index("ix_unsent_reply_due", "unsent_reply", ["state", "send_at"])
    op.create_index("ix_unsent_reply_ticket", "unsent_reply", ["ticket_id", "agent_id"])


def _name_recipients() -> None:
    """What stood in `results`, and for mail that has not been answered for, the addresses it goes to."""
    connection = op.get_bind()
    query = sa.select(MAIL, MESSAGE.c.to, MESSAGE.c.cc).outerjoin_from(MAIL, MESSAGE, MESSAGE.c.id == MAIL.c.message_id)
    for mail in connection.execute(query).mappings().all():
        addresses = [*(mail["to"] or mail["payload"].get("to", [])), *(mail["cc"] or mail["payload"].get("cc", []))]
        connection.execute(
            sa.update(MAIL)
            .where(MAIL.c.id == mail["id"])
            .values(give_up_at=mail["created_at"] + GIVE_UP, automatic=bool(mail["payload"].get("automatic")))
        )
        rows = [_recipient(mail, address) for address in dict.fromkeys(addresses)]
        if rows:
            connection.execute(sa.insert(RECIPIENT), rows)


def _recipient(mail: sa.RowMapping, address: str) -> dict[str, object]:
    code, said = mail["results"].get(address, (0, mail["last_error"]))
    state = "queued" if mail["state"] == "sending" else mail["state"]
    if state == "sent" and code >= 400:
        state = "failed"
    return {
        "mail_id": mail["id"],
        "address": address,
        "state": state,
        "attempts": mail["attempts"],
        "code": code,
        "status": "",
        "said": said,
        "came_back": False,
        "changed_at": mail["sent_at"] or mail["created_at"],
    }


def _keep_answers() -> None:
    connection = op.get_bind()
    results: dict[int, dict[str, list[object]]] = {}
    for row in connection.execute(sa.select(RECIPIENT)).mappings():
        if row["code"]:
            results.setdefault(row["mail_id"], {})[row["address"]] = [row["code"], row["said"]]
    for mail_id, answers in results.items():
        connection.execute(sa.update(MAIL).where(MAIL.c.id == mail_id).values(results=answers))
