"""How long tickets are kept: past that they lose their words, by themselves, and stay as figures.

Cases are kept by their policies (see `disposal`), recordings by the rules for calls, the carrier's messages for thirty days.
"""

from __future__ import annotations

from collections.abc import Sequence

from desk.access import Right, viewer_of
from desk.actions import search_words
from desk.actions.privacy import blanking, erasing, redaction
from desk.errors import Invalid
from desk.models import Agent, Setting
from desk.models.erasure import DONE, TICKETS
from desk.models.search import TICKETS as TICKET_WORDS
from desk.queries.privacy.keeping import SETTING, Keeping, keeping
from desk.sentences import N_
from desk.store import Tx

SHORTEST, LONGEST = 30, 3650
WRONG = N_("Between 30 and 3650 days.")


def set_keeping(tx: Tx, agent: Agent, *, on: bool, written: int, others: int) -> bool:
    """Say after how many days tickets that were written (mail, chat) and all others lose their words, and whether they do.

    False when nothing was different. Raises `Invalid` with `fields`.
    """
    viewer_of(agent).require(Right.ADMINISTER)
    fields = {name: WRONG for name, days in (("written", written), ("others", others)) if not SHORTEST <= days <= LONGEST}
    if fields:
        raise Invalid(WRONG, fields)
    old, new = keeping(tx.session), Keeping(on, written, others)
    if old == new:
        return False
    tx.session.merge(Setting(key=SETTING, value=new.to_dict()))
    tx.emit("keeping.changed", agent=agent, data={"old": old.to_dict(), "new": new.to_dict()})
    return True


def let_go(tx: Tx, ticket_ids: Sequence[int]) -> set[str]:
    """Take the words out of these tickets. Answers the SHA-256 of files that no row names any more."""
    erasure = erasing.begin(tx, TICKETS, "", "")
    events = redaction.events_of_tickets(tx.session, ticket_ids)
    files = blanking.blank(tx, ticket_ids)
    search_words.put(tx, TICKET_WORDS, list(ticket_ids), [])
    erasing.count(erasure, tickets=len(ticket_ids), entries=redaction.redact(tx, erasure, events), files=len(files))
    erasure.state, erasure.done_at = DONE, tx.now
    tx.emit("keeping.let_go", data={"erasure": erasure.id, "tickets": len(ticket_ids)})
    return files
