"""A complaint about somebody here: handled by nobody who leads them, and decided only after they were heard."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Right, viewer_of
from desk.errors import Conflict, NotAllowed
from desk.models import Agent, Complaint, Interview, Recusal
from desk.models.complaint import NEXT
from desk.models.recusal import ABOUT
from desk.store import Tx

STAFF = "staff"  # the part of somebody heard


def check_outside_line(tx: Tx, complaint: Complaint, agent: Agent) -> None:
    """Raises `NotAllowed` for who leads the person complained about."""
    if leads_accused(tx.session, complaint.ticket_id, agent):
        raise NotAllowed("You lead the person complained about; somebody outside that line has to do this.")


def check_accused_heard(tx: Tx, complaint: Complaint) -> None:
    """Raises `Conflict` while a complaint about somebody here would be decided without having heard them."""
    about = select(Recusal.id).where(Recusal.ticket_id == complaint.ticket_id, Recusal.why == ABOUT).limit(1)
    said = select(Interview.id).where(Interview.complaint_id == complaint.id, Interview.part == STAFF).limit(1)
    if tx.session.scalar(about) is not None and tx.session.scalar(said) is None:
        raise Conflict(
            "Hear the person complained about first; if they cannot be heard, note that and why.", allowed=NEXT[complaint.stage]
        )


def leads_accused(session: Session, ticket_id: int, agent: Agent) -> bool:
    """Whether somebody of their own team, whom they look after, is complained about on this ticket."""
    if agent.team_id is None or not viewer_of(agent).can(Right.SUPERVISE):
        return False
    led = select(Recusal.id).join(Agent, Agent.id == Recusal.agent_id)
    about = led.where(Recusal.ticket_id == ticket_id, Recusal.why == ABOUT, Agent.team_id == agent.team_id)
    return session.scalar(about.limit(1)) is not None
