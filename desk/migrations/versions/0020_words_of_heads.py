"""The words of tickets' heads once more, by themselves.

Revision: 0020 after 0019. They are derived from the words that are there: rolling back loses nothing.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE ticket_heads USING fts5(head, scope, tokenize = 'unicode61 remove_diacritics 0')")
        op.execute("INSERT INTO ticket_heads (rowid, head, scope) SELECT rowid, head, scope FROM ticket_words")
    else:
        op.execute("CREATE TABLE ticket_heads (id bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("INSERT INTO ticket_heads (id, words) SELECT id, ts_filter(words, '{a,b}') FROM ticket_words")
        op.execute("CREATE INDEX ix_ticket_heads ON ticket_heads USING gin (words)")


def downgrade() -> None:
    op.drop_table("ticket_heads")
