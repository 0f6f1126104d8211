"""Notes of patterns over a customer's complaints. Each complaint is registered and judged by its facts all the same.

Only complaint officers know of them: neither the case's record nor the customer's page says that there is one, and of who wrote
and read it only the audit log knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.errors import Invalid
from desk.models import Agent, Customer, PatternNote
from desk.sentences import N_
from desk.store import Tx

LONGEST, MOST_SHOWN = 4000, 100


def read(tx: Tx, customer: Customer, agent: Agent) -> Sequence[PatternNote]:
    """The notes, the latest first; that they were read is recorded."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    query = select(PatternNote).where(PatternNote.customer_id == customer.id).order_by(PatternNote.id.desc())
    found = tx.session.scalars(query.limit(MOST_SHOWN)).all()
    tx.emit("pattern_note.read", agent=agent, data={"customer": customer.id, "notes": len(found)})
    return found


def write(tx: Tx, customer: Customer, agent: Agent, text: str) -> PatternNote:
    """One more; none is ever changed. Raises `Invalid` without words."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if not text.strip() or len(text) > LONGEST:
        raise Invalid("Write what the complaints have in common, as facts.", {"text": N_("Write it as facts.")})
    made = PatternNote(customer_id=customer.id, text=text.strip(), noted_by=agent.name, noted_at=tx.now)
    tx.session.add(made)
    tx.session.flush()
    tx.emit("pattern_note.written", agent=agent, data={"customer": customer.id, "note": made.id})
    return made
