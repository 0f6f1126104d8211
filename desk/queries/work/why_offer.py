"""Why work was offered to somebody: the reason that was stored with the decision, and what became of the offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.errors import NotFound
from desk.models import Agent, Offer, Team, Ticket, WorkItem
from desk.models.work_item import offers_of_items
from desk.queries.work.why import names_for

MOST_OFFERS = 50


@dataclass(frozen=True)
class Chance:
    """Somebody who could have taken it, with the figures of that moment; `name` is empty where it is not to be told."""

    agent_id: int
    name: str
    chosen: bool
    scores: Mapping[str, float]


@dataclass(frozen=True)
class OfferWhy:
    """One offer. `chances` are the first of those who could, best first; `kept_away` counts the able ones by what kept them."""

    offer: Offer
    item: WorkItem
    agent_name: str
    reason: Mapping[str, Any]
    chances: list[Chance]
    kept_away: Mapping[str, int]

    @property
    def free(self) -> int:
        """How many could have taken it, the chosen one among them."""
        return int(self.reason.get("free", len(self.chances)))


def offers_of(session: Session, viewer: Viewer, items: Sequence[WorkItem], *, limit: int = MOST_OFFERS) -> list[OfferWhy]:
    """The offers made of these items, the latest first."""
    by_id = {item.id: item for item in items}
    offers = session.scalars(select(Offer).where(offers_of_items(by_id)).order_by(Offer.id.desc()).limit(limit)).all()
    return tell_offers(session, viewer, [(offer, by_id[offer.item_id]) for offer in offers])


def why_offered(session: Session, viewer: Viewer, offer_id: int) -> OfferWhy:
    """One offer of work whose ticket the viewer may read; raises `NotFound` otherwise."""
    query = (
        select(Offer, WorkItem)
        .join(WorkItem, WorkItem.id == Offer.item_id)
        .join(Ticket, Ticket.id == WorkItem.ticket_id)
        .where(Offer.id == offer_id, visible_tickets(viewer))
    )
    row = session.execute(query).first()
    if row is None:
        raise NotFound("There is no such offer.")
    return tell_offers(session, viewer, [(row[0], row[1])])[0]


def tell_offers(session: Session, viewer: Viewer, rows: Sequence[tuple[Offer, WorkItem]]) -> list[OfferWhy]:
    """These offers with their reasons; who is named in them depends on the viewer."""
    seen = {each["agent"] for offer, _ in rows for each in offer.reason.get("candidates", ())}
    query = select(Agent.id, Agent.name, Agent.team_id).where(Agent.id.in_(seen | {offer.agent_id for offer, _ in rows}))
    people = {agent_id: (name, team_id) for agent_id, name, team_id in session.execute(query)}
    may_name = names_for(viewer)

    def chance(offer: Offer, each: Mapping[str, Any]) -> Chance:
        agent_id = each["agent"]
        name, team_id = people.get(agent_id, ("", None))
        known = agent_id == offer.agent_id or may_name(team_id)
        return Chance(
            agent_id, name if known else "", agent_id == offer.agent_id, {k: v for k, v in each.items() if k != "agent"}
        )

    return [
        OfferWhy(
            offer=offer,
            item=item,
            agent_name=people[offer.agent_id][0],  # the ticket itself says to whom it was offered
            reason=offer.reason,
            chances=[chance(offer, each) for each in offer.reason.get("candidates", ())],
            kept_away=offer.reason.get("kept_away", {}),
        )
        for offer, item in rows
    ]


def teams_by_key(session: Session) -> dict[str, Team]:
    """All teams, for the words of steps that call them in."""
    return {team.key: team for team in session.scalars(select(Team))}
