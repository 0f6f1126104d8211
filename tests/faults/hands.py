"""Processes that take whatever is offered to some agents: by the desk's own verbs or, where thousands wait, by few statements."""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from pathlib import Path

from sqlalchemy import select, text

from desk.actions.work import work_items
from desk.clock import Clock
from desk.errors import DeskError
from desk.models import Offer
from tests.desk.house import House

DECLINED = 20  # one of so many offers is, by those who use the verbs

LOCK = text("SELECT id FROM agent WHERE id = ANY(:agents) ORDER BY id FOR UPDATE")
ACCEPT = text("""
WITH answered AS (
  UPDATE offer SET state = 'accepted', answered_at = :now
  WHERE id = ANY(:offers) AND agent_id = ANY(:agents) AND state = 'offered' AND deadline > :now RETURNING id, item_id, agent_id
), seen AS (
  UPDATE agent SET version = version + 1 WHERE id IN (SELECT agent_id FROM answered)
)
UPDATE work_item SET state = 'active', answered_at = :now, version = version + 1
FROM answered WHERE work_item.id = item_id AND state = 'offered' AND work_item.agent_id = answered.agent_id
RETURNING answered.id, item_id, answered.agent_id, ticket_id, customer_id, queue_id
""")
FINISH = text("""
WITH ended AS (
  UPDATE offer SET state = 'completed', ended_at = :now WHERE agent_id = ANY(:agents) AND state = 'accepted'
  RETURNING id, item_id, agent_id, weight
), seen AS (
  UPDATE agent SET version = version + 1, used = used - weights, idle_since = CASE used WHEN weights THEN :now ELSE idle_since END
  FROM (SELECT agent_id, sum(weight) AS weights FROM ended GROUP BY agent_id) AS freed WHERE agent.id = agent_id
)
UPDATE work_item SET state = 'done', ended_at = :now, version = version + 1
FROM ended WHERE work_item.id = item_id AND state = 'active' AND work_item.agent_id = ended.agent_id
RETURNING ended.id, item_id, ended.agent_id, ticket_id, customer_id, queue_id
""")


def careful(url, folder, agents, over):
    """What one agent was offered is accepted and done, or now and then declined, by the desk's own verbs in one commit."""
    house = House(url, Path(folder), Clock())
    while not over.is_set():
        offers = offered(house, agents)
        if not offers:
            over.wait(0.02)
        for _agent_id, theirs in groupby(offers, lambda each: each.agent_id):
            with suppress(DeskError), house.tx() as tx:
                for made in theirs:
                    if made.id % DECLINED == 0:
                        work_items.decline(tx, made.id)
                    else:
                        work_items.finish(tx, work_items.accept(tx, made.id))
    house.close()


def quick(url, folder, agents, over):
    """What all of them were offered is accepted in one commit and done in the next: the same rows, locks, versions and events."""
    house = House(url, Path(folder), Clock())
    while not over.is_set():
        offers = offered(house, agents)
        if not offers:
            over.wait(0.02)
            continue
        whose = sorted({made.agent_id for made in offers})
        with suppress(DeskError):
            change(house, "offer.accepted", ACCEPT, whose, offers=[made.id for made in offers])
            change(house, "item.done", FINISH, whose)
    house.close()


def change(house, kind, statement, agents, **values):
    with house.tx() as tx:
        tx.session.execute(LOCK, {"agents": agents})
        rows = tx.session.execute(statement, {"agents": agents, "now": tx.now, **values}).all()
        for offer, item, agent, ticket, customer, queue in rows:
            tx.emit(kind, item=item, agent=agent, ticket=ticket, customer=customer, queue=queue, data={"offer": offer})


def offered(house, agents):
    query = select(Offer.agent_id, Offer.id).where(Offer.state == "offered", Offer.agent_id.in_(agents))
    with house.store.read() as reading:
        return reading.execute(query.order_by(Offer.agent_id, Offer.id)).all()
