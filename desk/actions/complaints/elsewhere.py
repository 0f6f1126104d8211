"""Somebody outside has the matter, too: an ombudsman, an authority, a court. It moves neither stage nor clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.actions.complaints.record import tell
from desk.days import day_of
from desk.errors import Conflict, Invalid
from desk.events import Event
from desk.models import Agent, Complaint
from desk.models.complaint import ANSWERED_STAGES, NEXT, OPEN_STAGES
from desk.sentences import N_
from desk.store import Tx

REFERRED_OUT = "complaint.referred_out"
LONGEST = 200
OLDEST = timedelta(days=3660)


def refer_out(tx: Tx, complaint: Complaint, agent: Agent, *, body: str, reference: str, day: str) -> None:
    """Note who has it under which number since when. The same again changes nothing.

    Raises `Invalid` with `fields`, `Conflict` for a case that is over.
    """
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if complaint.stage not in (*OPEN_STAGES, *ANSWERED_STAGES):
        raise Conflict("This complaint is over.", allowed=NEXT[complaint.stage])
    fields = {}
    if not body.strip() or len(body) > LONGEST:
        fields["body"] = N_("Say who has it.")
    if not reference.strip() or len(reference) > LONGEST:
        fields["reference"] = N_("Write the number that it has there.")
    since = day_of(day)
    # A day further west may have begun here already, and the other way round.
    if since is None or not tx.now.date() - OLDEST <= since <= tx.now.date() + timedelta(days=1):
        fields["day"] = N_("Choose a day that has been.")
    if fields or since is None:
        raise Invalid("Something is missing in this record.", fields)
    about = {"body": body.strip(), "reference": reference.strip(), "since": since.isoformat()}
    noted = select(Event.data).where(Event.ticket_id == complaint.ticket_id, Event.kind == REFERRED_OUT)
    if any(about.items() <= each.items() for each in tx.session.scalars(noted)):
        return
    tell(tx, complaint, REFERRED_OUT, agent=agent, data={**about, "reason": " · ".join(about.values())})
