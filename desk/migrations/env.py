"""Alembic's way in: a connection is always handed over by `desk.migrate`, never opened here."""

from alembic import context

import desk.models

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=desk.models.Event.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=context.config.attributes.get("render_item", lambda *_: False),
)
with context.begin_transaction():  # within one of the caller's, if there is one
    context.run_migrations()
