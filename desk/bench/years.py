"""Years of mail in a moment: what a batch of mails left in each table, copied again and again under other numbers and days."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Table, func, select, text
from sqlalchemy.engine import Connection

from desk.db import Base
from desk.events import Event
from desk.models import ContactPoint, Customer, Message, OutboxMail, OutboxRecipient, RawMail, Ticket, WorkItem

TABLES: tuple[Table, ...] = tuple(
    Base.metadata.tables[model.__tablename__]
    for model in (Customer, ContactPoint, Ticket, Message, WorkItem, RawMail, OutboxMail, OutboxRecipient, Event)
)
# What names a row elsewhere without being a foreign key.
NAMES = {("event", f"{name}_id"): name for name in ("ticket", "message", "customer")} | {("event", "item_id"): "work_item"}
# One of a kind, or one of each person: begins with the number of its copy.
OWN = {
    ("contact_point", "value"),
    ("message", "external_id"),
    ("message", "mail_message_id"),
    ("message", "from_address"),
    ("raw_mail", "identity"),
    ("raw_mail", "mail_message_id"),
    ("raw_mail", "from_address"),
    ("outbox_recipient", "address"),
}
# Mail of years ago has been dealt with.
OVER = {
    ("ticket", "status"): "'closed'",
    ("work_item", "state"): "'done'",
    ("work_item", "ended_at"): "enqueued_at",
    ("outbox_mail", "state"): "'sent'",
    ("outbox_mail", "sent_at"): "created_at",
    ("outbox_recipient", "state"): "'sent'",
}
APART_H = 6  # hours between one copy and the next older one


def marks(connection: Connection) -> dict[str, int]:
    """The highest id of each table; what comes after is what `grow` copies."""
    return {table.name: connection.scalar(select(func.max(table.c.id))) or 0 for table in TABLES}


def grow(connection: Connection, since: dict[str, int], copies: int) -> None:
    """Copy all rows after the `marks` so many times. SQLite only; not for a desk at work: it says nothing of what it does."""
    until = marks(connection)
    for table in TABLES:
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        values = ", ".join(_value(table, column, since, until) for column in table.columns)
        counter = f"WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {copies})"  # noqa: S608 - a number
        rows = f"FROM k CROSS JOIN {table.name} WHERE id > {since[table.name]} AND id <= {until[table.name]}"
        connection.execute(text(f"{counter} INSERT INTO {table.name} ({columns}) SELECT {values} {rows}"))
    days = "SELECT substr(received_at, 1, 10), mailbox, count(*) FROM raw_mail GROUP BY 1, 2"
    connection.execute(text(f"INSERT OR IGNORE INTO mail_tally (day, mailbox, received) {days}"))
    connection.execute(text("ANALYZE"))


def _value(table: Table, column: Column[object], since: dict[str, int], until: dict[str, int]) -> str:
    """What stands in this column of copy `n`."""
    place = (table.name, column.name)
    name = f'"{column.name}"'
    if place in OWN:
        return f"n || '.' || {name}"
    value = OVER.get(place, name)
    target = table.name if column.primary_key else NAMES.get(place)
    target = target or next((key.column.table.name for key in column.foreign_keys), None)
    if place == ("ticket", "number"):
        target = "ticket"
    if target in until:
        return f"CASE WHEN {name} > {since[target]} THEN {name} + n * {until[target] - since[target]} ELSE {name} END"
    if isinstance(column.type, DateTime) or getattr(column.type, "impl_instance", None).__class__ is DateTime:
        return f"strftime('%Y-%m-%d %H:%M:%f000', {value}, '-' || (n * {APART_H}) || ' hours')"
    return value
