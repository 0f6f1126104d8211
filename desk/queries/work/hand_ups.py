"""Questions to the next support level, as a ticket shows them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from desk.access import Viewer
from desk.models import Agent, HandUp, Ticket, WorkItem
from desk.models.hand_up import OPEN
from desk.models.work_item import ACTIVE


@dataclass(frozen=True)
class AskedQuestion:
    """One question. `holder_name` has it in hand now; `mine` says that the viewer has."""

    hand_up: HandUp
    asker_name: str
    answerer_name: str
    holder_name: str
    mine: bool

    @property
    def is_open(self) -> bool:
        return self.hand_up.state == OPEN


def hand_ups_of(session: Session, viewer: Viewer, ticket: Ticket, *, limit: int = 20) -> list[AskedQuestion]:
    """The ticket's questions, the latest first."""
    asker, answerer, holder = aliased(Agent), aliased(Agent), aliased(Agent)
    query = (
        select(HandUp, WorkItem, asker.name, answerer.name, holder.name)
        .join(WorkItem, WorkItem.id == HandUp.item_id)
        .join(asker, asker.id == HandUp.created_by_id)
        .outerjoin(answerer, answerer.id == HandUp.answered_by_id)
        .outerjoin(holder, (holder.id == WorkItem.agent_id) & (WorkItem.state == ACTIVE))
        .where(HandUp.ticket_id == ticket.id)
        .order_by(HandUp.id.desc())
        .limit(limit)
    )
    return [
        AskedQuestion(
            hand_up=asked,
            asker_name=asker_name,
            answerer_name=answerer_name or "",
            holder_name=holder_name or "",
            mine=item.state == ACTIVE and item.agent_id == viewer.agent_id,
        )
        for asked, item, asker_name, answerer_name, holder_name in session.execute(query)
    ]


def is_only_asked(session: Session, ticket: Ticket, agent_id: int) -> bool:
    """Whether this person is here because a question was handed up to them: then the owner, not they, writes to the customer."""
    if ticket.owner_id == agent_id:
        return False
    query = select(HandUp.id).join(WorkItem, WorkItem.id == HandUp.item_id)
    held = query.where(HandUp.ticket_id == ticket.id, HandUp.state == OPEN, WorkItem.state == ACTIVE)
    return session.scalar(held.where(WorkItem.agent_id == agent_id).limit(1)) is not None
