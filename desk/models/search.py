"""What is kept for searching: derived from the rows, never backed up, made again wherever it is missing.

These tables stand beside the models: their shape is each database's own (FTS5 on SQLite, `tsvector` on PostgreSQL).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, column, table

TICKETS, HEADS, CUSTOMERS, PROGRESS = "ticket_words", "ticket_heads", "customer_words", "search_progress"

# The words of a ticket's head (number, subject, customer's name) stand in `HEADS` once more: what half of all messages say is in
# few heads, and neither database finds these among the messages without reading all of them.

# `followed`: the event up to which changes are in the words. `…_left`: the rows up to this id were there before, and are still to
# be filled in; 0 when all of them are.
progress = table(PROGRESS, *(column(name, BigInteger) for name in ("id", "followed", "tickets_left", "customers_left")))


def is_derived(table_name: str) -> bool:
    """Whether a table of the database is one of these, FTS5's own ones beside them included."""
    return table_name.startswith((TICKETS, HEADS, CUSTOMERS, PROGRESS))
