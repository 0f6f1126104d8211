"""Who holds what: the locks, in their one order, and the load that follows from the offers.

The agent's row is locked first and the item's second, always; of two agents the one with the smaller number first. Where the work
is a call, its row comes before both (see `calls.locks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import select, update

from desk.actions.calls.locks import lock_calls_of_item
from desk.actions.people.agents import settle_idle
from desk.errors import Conflict, NotFound
from desk.models import Agent, Offer, WorkItem
from desk.models.work_item import ACCEPTED, HOLDING, IS_HOLDING, OFFERED
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.matching import HELD_AS
from desk.store import Tx
from routing.values import load_of

_FRESH = {"populate_existing": True, "synchronize_session": False}


def lock_agent(tx: Tx, agent_id: int) -> Agent | None:
    """Bump the agent's version, which takes the row's lock on either database, and read the row as it is now."""
    tx.session.flush()
    bump = update(Agent).where(Agent.id == agent_id).values(version=Agent.version + 1).returning(Agent)
    return tx.session.scalar(bump, execution_options=_FRESH)


def lock_item(tx: Tx, item: WorkItem, *, also_agent_id: int | None = None) -> None:
    """Read the item as it is now and keep it so: its agent's row (and the other agent's) is locked first, then its own."""
    tx.session.flush()
    while True:
        with suppress(_ChangedHands), tx.session.begin_nested():
            agent_id = item.agent_id
            for each in sorted({agent_id, also_agent_id} - {None}):  # type: ignore[type-var]
                lock_agent(tx, each)  # type: ignore[arg-type]
            tx.session.refresh(item, with_for_update=True)
            if item.agent_id != agent_id:
                raise _ChangedHands  # lets go of both, so that its new agent is locked first
            return


def held_by(tx: Tx, agent_id: int) -> dict[int, str]:
    """Everything the agent holds: item id to channel, or to what it is held as where it weighs half."""
    rows = tx.session.execute(select(Offer.item_id, HELD_AS).where(Offer.agent_id == agent_id, Offer.state.in_(HOLDING)))
    return dict(map(tuple, rows))


def used_by(tx: Tx, held: Mapping[int, str], capacity: int) -> int:
    """The capacity in use; work given by hand, and customers who speak again, may go beyond it, and it then counts as full."""
    return min(load_of(held, rules_of(tx.session)).used(capacity), capacity) if held else 0


def unload(tx: Tx, agent_id: int, *, worked: bool) -> None:
    """The agent, whose row is locked, holds less than before. Whoever was only asked has been idle all the time."""
    agent = weigh(tx, agent_id)
    if worked:
        settle_idle(tx, agent)


def weigh(tx: Tx, agent_id: int) -> Agent:
    """What the agent holds, whose row is locked, is no longer what it was, or no longer weighs what it did."""
    agent = tx.session.get_one(Agent, agent_id)
    agent.used = used_by(tx, held_by(tx, agent_id), agent.capacity)
    return agent


def recount(tx: Tx, agent_id: int) -> bool:
    """Set the agent's load to what their offers add up to. False when it was that already."""
    agent = lock_agent(tx, agent_id)
    if agent is None:
        return False
    used = used_by(tx, held_by(tx, agent_id), agent.capacity)
    if used == agent.used:
        return False
    tx.emit("agent.load_recounted", agent=agent, data={"old": {"used": agent.used}, "new": {"used": used}})
    agent.used = used
    return True


def answer(tx: Tx, offer_id: int, state: str, *, before_deadline: bool = False) -> Offer:
    """End the open offer with this answer; of several at the same moment one wins. Raises `Conflict` for the others."""
    made = tx.session.get(Offer, offer_id)
    if made is None:
        raise NotFound("There is no such offer.")
    lock_calls_of_item(tx, made.item_id, made.agent_id)
    lock_agent(tx, made.agent_id)
    change = update(Offer).where(Offer.id == offer_id, Offer.state == OFFERED)
    if before_deadline:
        change = change.where(Offer.deadline > tx.now)
    values: dict[str, Any] = {"state": state, "answered_at": tx.now}
    if state != ACCEPTED:
        values["ended_at"] = tx.now
    won = tx.session.scalar(change.values(**values).returning(Offer), execution_options=_FRESH)
    if won is None:
        raise Conflict("This offer has gone: it was answered, ran out, or was taken back.")
    return won


def move(tx: Tx, item_id: int, old: str, new: str, **values: Any) -> WorkItem:
    """Bring the item from one state into the next. Raises `Conflict` when it is not in the first."""
    change = update(WorkItem).where(WorkItem.id == item_id, WorkItem.state == old)
    change = change.values(state=new, version=WorkItem.version + 1, **values)
    item = tx.session.scalar(change.returning(WorkItem), execution_options=_FRESH)
    if item is None:
        raise Conflict("This work has moved on.")
    return item


def release(tx: Tx, item: WorkItem, state: str) -> Offer | None:
    """End the offer that holds the item, whose lock is held, and give the capacity back."""
    if item.agent_id is None:
        return None
    change = update(Offer).where(Offer.item_id == item.id, IS_HOLDING).values(state=state, ended_at=tx.now)
    made = tx.session.scalar(change.returning(Offer), execution_options=_FRESH)
    if made is not None:
        unload(tx, made.agent_id, worked=made.answered_at is not None)
    return made


class _ChangedHands(Exception):
    """The item got another agent while its lock was waited for."""
