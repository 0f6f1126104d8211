"""Words of tickets, messages and customers, for the database's own full-text search; each person's own keys.

Revision: 0015 after 0014. The words are derived from the rows: they are filled in the background, and rolling back loses nothing that
could not be made again but the keys that people have chosen.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        kept = "tokenize = 'unicode61 remove_diacritics 0'"
        op.execute(f"CREATE VIRTUAL TABLE ticket_words USING fts5(head, body, scope, {kept})")
        op.execute(f"CREATE VIRTUAL TABLE customer_words USING fts5(name, contacts, {kept})")
    else:
        for name in ("ticket_words", "customer_words"):
            op.execute(f"CREATE TABLE {name} (id bigint PRIMARY KEY, words tsvector NOT NULL)")
            op.execute(f"CREATE INDEX ix_{name} ON {name} USING gin (words)")
    op.create_table(
        "search_progress",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in ("followed", "tickets_left", "customers_left")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_progress")),
    )
    with op.batch_alter_table("agent") as change:
        change.add_column(sa.Column("own_keys", sa.JSON(), nullable=False, server_default="{}"))
        change.add_column(sa.Column("single_keys", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("agent") as change:
        change.alter_column("own_keys", server_default=None)
        change.alter_column("single_keys", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("agent") as change:
        for name in ("own_keys", "single_keys"):
            change.drop_column(name)
    for name in ("search_progress", "customer_words", "ticket_words"):
        op.drop_table(name)
