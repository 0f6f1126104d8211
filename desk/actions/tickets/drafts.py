"""What an agent has begun to write: kept while they write, gone when it is sent or cleared."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from desk.errors import Conflict, Invalid
from desk.models import Agent, Draft, Ticket
from desk.models.draft import KINDS
from desk.queries.mail.crossed import is_seen
from desk.store import Tx

MOST_RECIPIENTS = 100
LONGEST_ADDRESS = 320


def keep_draft(
    tx: Tx,
    ticket: Ticket,
    agent: Agent,
    text: str,
    *,
    kind: str,
    version: int,
    seen: str = "",
    to: Sequence[str] | None = None,
    cc: Sequence[str] | None = None,
) -> int:
    """Keep these words, or none for an empty text; returns the new version, 0 when nothing is kept.

    `version` is the one that the writer's window knows, 0 for none. Raises `Conflict` when another window of theirs has saved or
    sent since: its words are not overwritten.
    """
    if kind not in KINDS:
        raise Invalid("Choose whether to answer by mail or chat.")
    draft = _of(tx, ticket, agent)
    if draft is None and not text.strip():
        return 0  # cleared, and gone already: it was saved once more while it was being sent
    if version != (draft.version if draft else 0):
        raise _written_elsewhere()
    if not text.strip():
        _drop(tx, draft)
        return 0
    if draft is None:
        draft = Draft(ticket_id=ticket.id, agent_id=agent.id, version=0, began_at=tx.now)
        _add(tx, draft, kind, text)
        tx.emit("draft.begun", ticket=ticket, agent=agent)
    draft.kind, draft.text, draft.saved_at = kind, text, tx.now
    draft.seen = seen if is_seen(seen) else ""
    draft.to, draft.cc = _addresses(to), _addresses(cc)
    # Never the number of an earlier draft that was sent: a window that knew that one must see that this is another.
    draft.version = max(version + 1, int(tx.now.timestamp() * 1000))
    return draft.version


def sent(tx: Tx, ticket: Ticket, agent: Agent, version: int, text: str) -> None:
    """The draft of this version, or with these words, has become a message; what another window wrote since stays."""
    draft = _of(tx, ticket, agent)
    if draft is not None and (draft.version == version or draft.text.split() == text.split()):
        _drop(tx, draft)


def drop_draft(tx: Tx, ticket: Ticket, agent: Agent) -> str:
    """Throw it away, whatever its version; returns its words."""
    draft = _of(tx, ticket, agent)
    words = draft.text if draft else ""
    _drop(tx, draft)
    return words


def _of(tx: Tx, ticket: Ticket, agent: Agent) -> Draft | None:
    query = select(Draft).where(Draft.agent_id == agent.id, Draft.ticket_id == ticket.id)
    return tx.session.scalar(query.with_for_update())


def _add(tx: Tx, draft: Draft, kind: str, text: str) -> None:
    draft.kind, draft.text, draft.saved_at = kind, text, tx.now
    try:
        with tx.session.begin_nested():
            tx.session.add(draft)
    except IntegrityError as twice:  # another window began at the same moment
        raise _written_elsewhere() from twice


def _drop(tx: Tx, draft: Draft | None) -> None:
    if draft is None:
        return
    tx.session.delete(draft)
    tx.emit("draft.dropped", ticket=draft.ticket_id, agent=draft.agent_id)


def _addresses(chosen: Sequence[str] | None) -> list[str] | None:
    return None if chosen is None else [each[:LONGEST_ADDRESS] for each in chosen[:MOST_RECIPIENTS]]


def _written_elsewhere() -> Conflict:
    return Conflict("You have written on this ticket in another window meanwhile.")
