"""A supervisor writes a few words to somebody of their team, who says that they have seen them."""

from __future__ import annotations

from desk.errors import Invalid
from desk.models import Agent, FloorNote
from desk.sentences import N_
from desk.store import Tx

LONGEST = 300


def write_to(tx: Tx, agent: Agent, author: Agent, text: str) -> FloorNote:
    """It stands on the agent's screens until they have seen it. Raises `Invalid` for no words or too many."""
    words = " ".join(text.split())
    if not words:
        raise Invalid("Write what they should know.", {"text": N_("Write what they should know.")})
    if len(words) > LONGEST:
        raise Invalid("At most 300 characters: it is read between two customers.", {"text": N_("At most 300 characters.")})
    note = FloorNote(agent_id=agent.id, author_id=author.id, author=author.name, text=words, sent_at=tx.now)
    tx.session.add(note)
    tx.session.flush()
    tx.emit("agent.note_written", agent=agent, data={"note": note.id})
    return note


def mark_seen(tx: Tx, note: FloorNote) -> None:
    """Its reader has seen it; its writer sees that they have."""
    if note.seen_at is not None:
        return
    note.seen_at = tx.now
    tx.emit("agent.note_seen", agent=note.agent_id, data={"note": note.id})
