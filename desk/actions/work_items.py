"""Work that waits for a person: into the queue, offered, accepted or not, finished. The only writer of items and offers.

Every change of an agent's load locks the agent's row first and the item's second, always in that order, and is a
compare-and-set; the database's own constraints (one holder per item, load within capacity) stand behind it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from desk.actions.agents import settle_idle
from desk.actions.calendars import calendar_of
from desk.errors import Conflict, NotFound
from desk.models import Agent, Customer, Offer, Queue, RouterLease, Ticket, WorkItem
from desk.models.agent import AVAILABLE, NOT_RESPONDING
from desk.models.work_item import (
    ABANDONED,
    ACCEPTED,
    ACTIVE,
    CANCELED,
    COMPLETED,
    DONE,
    HOLDING,
    OFFERED,
    REJECTED,
    RESCINDED,
    TIMEOUT,
    WAITING,
    WRAP_UP,
)
from desk.store import Tx
from routing.able import capacity_failure
from routing.order import HANDLING_S, LIVE_CHANNELS, TARGETS_S, band, due_at, promote_at, target_s
from routing.values import CHANNEL_RULES, load_of

COOL_OFF_S = 60  # an agent who said no is not asked for the same item for so long
QUIET_OFFER_S = 180  # a mail does not ring: several may be offered at once, and each deserves to be looked at
STICKY_S = {"voice": 15, "chat": 60, "email": 4 * 3600}
MISSED_OFFER = "missed_offer"  # why an agent is not responding
OPEN_STATES = (WAITING, OFFERED, ACTIVE, WRAP_UP)


def enqueue(
    tx: Tx,
    kind: str,
    channel: str,
    ticket: Ticket,
    queue: Queue,
    *,
    skills: tuple[tuple[str, int], ...] = (),
    sticky_agent_id: int | None = None,
    excluded_agent_ids: tuple[int, ...] = (),
) -> WorkItem:
    """Put work for this ticket into the queue. Its place is set once, by the customer's tier and the queue's targets.

    `skills` are asked for beside the queue's own; an agent already free for it is offered it as soon as this commits.
    """
    customer = tx.session.get_one(Customer, ticket.customer_id)
    target = target_s(channel, customer.tier, {channel: {**TARGETS_S[channel], **queue.targets.get(channel, {})}})
    hours = None if channel in LIVE_CHANNELS else calendar_of(tx.session, queue)
    due = due_at(tx.now.timestamp(), target, hours)
    needed = dict(map(tuple, queue.requires))
    for skill, level in skills:
        needed[skill] = max(level, needed.get(skill, 0))
    item = WorkItem(
        kind=kind,
        channel=channel,
        ticket_id=ticket.id,
        customer_id=customer.id,
        queue_id=queue.id,
        tier=customer.tier,
        requires=sorted([skill, level] for skill, level in needed.items()),
        band=band(channel),
        due_at=datetime.fromtimestamp(due, UTC),
        promote_at=None if hours is None else datetime.fromtimestamp(promote_at(due, HANDLING_S[channel]), UTC),
        enqueued_at=tx.now,
        excluded={str(agent_id): _FOREVER.isoformat() for agent_id in excluded_agent_ids},
        sticky_agent_id=sticky_agent_id,
        sticky_until=tx.now + timedelta(seconds=STICKY_S.get(channel, 0)) if sticky_agent_id else None,
    )
    tx.session.add(item)
    tx.emit("item.queued", **_about(item))
    return item


def offer(tx: Tx, item_id: int, agent_id: int, *, epoch: int, reason: dict[str, Any]) -> Offer | None:
    """Claim the item for the agent: all or nothing. None when either is no longer free, or another router has taken over."""
    if tx.session.scalar(select(RouterLease.epoch).where(RouterLease.id == 1)) != epoch:
        return None
    agent = _lock_agent(tx, agent_id)
    if agent is None or not agent.active or agent.presence != AVAILABLE:
        return None
    held = _held(tx, agent_id)
    item = tx.session.get_one(WorkItem, item_id)
    if capacity_failure(item.channel, agent.capacity, load_of(held, CHANNEL_RULES), CHANNEL_RULES):
        return None
    claimed = tx.session.execute(
        update(WorkItem)
        .where(WorkItem.id == item_id, WorkItem.state == WAITING)
        .values(state=OFFERED, offered_at=tx.now, agent_id=agent_id, attempts=WorkItem.attempts + 1, version=WorkItem.version + 1)
    )
    if claimed.rowcount != 1:
        return None
    rings = item.channel in LIVE_CHANNELS
    timeout = tx.session.get_one(Queue, item.queue_id).offer_timeout_s if rings else QUIET_OFFER_S
    made = Offer(
        item_id=item_id,
        agent_id=agent_id,
        channel=item.channel,
        weight=CHANNEL_RULES[item.channel].weight,
        offered_at=tx.now,
        deadline=tx.now + timedelta(seconds=timeout),
        epoch=epoch,
        reason=reason,
    )
    tx.session.add(made)
    agent.used = _used({**held, item_id: item.channel}, agent)
    tx.session.flush()
    tx.session.refresh(item)
    tx.emit("offer.made", agent=agent_id, data={"offer": made.id, "reason": reason}, **_about(item))
    return made


def take(tx: Tx, item_id: int, agent_id: int) -> Offer:
    """An agent or supervisor gives waiting work to an agent by hand; capacity is not asked, presence is not either.

    Raises `Conflict` when someone else already has it.
    """
    agent = _lock_agent(tx, agent_id)
    if agent is None or not agent.active:
        raise NotFound("There is no such agent.")
    item = tx.session.get(WorkItem, item_id)
    claimed = tx.session.execute(
        update(WorkItem)
        .where(WorkItem.id == item_id, WorkItem.state == WAITING)
        .values(state=ACTIVE, agent_id=agent_id, offered_at=tx.now, answered_at=tx.now, version=WorkItem.version + 1)
    )
    if item is None or claimed.rowcount != 1:
        raise Conflict("Somebody else has taken this work.")
    made = Offer(
        item_id=item_id,
        agent_id=agent_id,
        channel=item.channel,
        weight=CHANNEL_RULES[item.channel].weight,
        state=ACCEPTED,
        offered_at=tx.now,
        answered_at=tx.now,
        deadline=tx.now,
        epoch=0,
        reason={"by_hand": tx.actor.name},
    )
    tx.session.add(made)
    agent.used = _used({**_held(tx, agent_id), item_id: item.channel}, agent)
    tx.session.flush()
    tx.session.refresh(item)
    tx.emit("offer.accepted", agent=agent_id, data={"offer": made.id, "by_hand": True}, **_about(item))
    return made


def accept(tx: Tx, offer_id: int) -> WorkItem:
    """The agent takes what was offered. Exactly one of accept, timeout and withdrawal wins; the loser gets `Conflict`."""
    made = _answer(tx, offer_id, ACCEPTED, before_deadline=True)
    item = _move(tx, made.item_id, OFFERED, ACTIVE, answered_at=tx.now)
    tx.emit("offer.accepted", agent=made.agent_id, data={"offer": made.id}, **_about(item))
    return item


def decline(tx: Tx, offer_id: int, reason: str = "") -> WorkItem:
    """The agent says no: the item keeps its place, and this agent is not asked again for a while."""
    made = _answer(tx, offer_id, REJECTED)
    item = _return(tx, made, cool_off_s=COOL_OFF_S)
    tx.emit("offer.rejected", agent=made.agent_id, data={"offer": made.id, "reason": reason[:200]}, **_about(item))
    return item


def expire(tx: Tx, offer_id: int) -> bool:
    """The agent did not answer in time: the item goes back with its place, the agent is marked as not responding.

    There is no cool-off: nothing is offered until they say that they are back, and then the same caller may well be theirs.
    """
    made = tx.session.get(Offer, offer_id)
    if made is None or made.state != OFFERED or made.deadline > tx.now:
        return False
    try:
        made = _answer(tx, offer_id, TIMEOUT)
    except Conflict:
        return False  # the answer came at the very last moment
    agent = tx.session.get_one(Agent, made.agent_id)
    agent.presence, agent.presence_reason, agent.presence_since = NOT_RESPONDING, MISSED_OFFER, tx.now
    item = _return(tx, made, cool_off_s=0)
    tx.emit("offer.timed_out", agent=made.agent_id, data={"offer": made.id}, **_about(item))
    tx.emit("agent.presence_set", agent=made.agent_id, data={"presence": NOT_RESPONDING, "reason": MISSED_OFFER})
    return True


def rescind_offers(tx: Tx, agent_id: int, reason: str) -> int:
    """Take back what was offered to an agent who has gone. Returns how many offers; accepted work stays with them."""
    offers = tx.session.scalars(select(Offer.id).where(Offer.agent_id == agent_id, Offer.state == OFFERED)).all()
    for offer_id in offers:
        made = _answer(tx, offer_id, RESCINDED)
        item = _return(tx, made, cool_off_s=0)
        tx.emit("offer.rescinded", agent=agent_id, data={"offer": offer_id, "reason": reason}, **_about(item))
    return len(offers)


def hand_back(tx: Tx, item: WorkItem, *, queue: Queue | None = None, to_agent_id: int | None = None) -> None:
    """Put work that someone holds back into the line (into another queue, or for one agent first), keeping its due time.

    Raises `Conflict` when the work is over, its wrap-up included: a conversation that has ended cannot be taken up by another.
    """
    _lock_item(tx, item)
    if item.state in (DONE, ABANDONED, WRAP_UP):
        raise Conflict("This work has moved on.")
    made = _release(tx, item, RESCINDED)
    if made is not None and made.agent_id != to_agent_id:
        item.excluded = {**item.excluded, str(made.agent_id): (tx.now + timedelta(seconds=COOL_OFF_S)).isoformat()}
    if queue is not None and queue.id != item.queue_id:
        old = {skill for skill, _ in tx.session.get_one(Queue, item.queue_id).requires}
        kept = [need for need in item.requires if need[0] not in old]
        item.queue_id, item.requires = queue.id, sorted([*kept, *([list(need) for need in queue.requires])])
    item.sticky_agent_id = to_agent_id
    item.sticky_until = tx.now + timedelta(seconds=STICKY_S.get(item.channel, 60)) if to_agent_id else None
    item.state, item.agent_id, item.version = WAITING, None, item.version + 1
    tx.emit("item.returned", agent=made.agent_id if made else None, data={"to_agent": to_agent_id}, **_about(item))


def begin_wrap_up(tx: Tx, item: WorkItem) -> None:
    """The contact is over; the agent still holds the work until the wrap-up is done."""
    _lock_item(tx, item)
    if item.state == ACTIVE:
        item.state, item.wrap_up_at, item.version = WRAP_UP, tx.now, item.version + 1
        tx.emit("item.wrap_up_began", agent=item.agent_id, **_about(item))


def wrap_up_with(tx: Tx, item: WorkItem, agent_id: int) -> None:
    """The contact ended while the work was on its way back to somebody: whoever had it last does the wrap-up."""
    _lock_item(tx, item)
    if item.state in (WAITING, OFFERED):
        _release(tx, item, CANCELED)
        item.state, item.agent_id = WAITING, None
        tx.session.flush()
        if tx.session.get_one(Agent, agent_id).active:
            take(tx, item.id, agent_id)
        else:
            finish(tx, item)
    begin_wrap_up(tx, item)


def finish(tx: Tx, item: WorkItem) -> None:
    """The work is done; the agent's capacity is free again. Finishing twice has one effect."""
    _lock_item(tx, item)
    if item.state in (DONE, ABANDONED):
        return
    agent_id = item.agent_id
    _release(tx, item, COMPLETED)
    item.state, item.ended_at, item.version = DONE, tx.now, item.version + 1
    tx.emit("item.done", agent=agent_id, **_about(item))


def abandon(tx: Tx, item: WorkItem) -> bool:
    """The customer left before an agent answered. False when the work was already answered or over."""
    _lock_item(tx, item)
    if item.state not in (WAITING, OFFERED):
        return False
    made = _release(tx, item, CANCELED)
    item.state, item.ended_at, item.version = ABANDONED, tx.now, item.version + 1
    tx.emit("item.abandoned", agent=made.agent_id if made else None, **_about(item))
    return True


def open_item(tx: Tx, ticket_id: int, kinds: tuple[str, ...]) -> WorkItem | None:
    """The ticket's work of these kinds that is not over yet."""
    query = select(WorkItem).where(WorkItem.ticket_id == ticket_id, WorkItem.kind.in_(kinds), WorkItem.state.in_(OPEN_STATES))
    return tx.session.scalar(query.order_by(WorkItem.id.desc()).limit(1))


_FOREVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


def _lock_agent(tx: Tx, agent_id: int) -> Agent | None:
    """Bump the agent's version, which takes the row's lock on either database, and read the row as it is now."""
    tx.session.execute(update(Agent).where(Agent.id == agent_id).values(version=Agent.version + 1))
    agent = tx.session.get(Agent, agent_id)
    if agent is not None:
        tx.session.refresh(agent)
    return agent


def _lock_item(tx: Tx, item: WorkItem) -> None:
    """Read the item as it is now and keep it so: its agent's row is locked first, as everywhere, then its own."""
    tx.session.flush()
    while True:
        with suppress(_ChangedHands), tx.session.begin_nested():
            agent_id = item.agent_id
            if agent_id is not None:
                _lock_agent(tx, agent_id)
            tx.session.refresh(item, with_for_update=True)
            if item.agent_id != agent_id:
                raise _ChangedHands  # lets go of both, so that its new agent is locked first
            return


class _ChangedHands(Exception):
    """The item got another agent while its lock was waited for."""


def _held(tx: Tx, agent_id: int) -> dict[int, str]:
    """Everything the agent holds: item id to channel."""
    rows = tx.session.execute(select(Offer.item_id, Offer.channel).where(Offer.agent_id == agent_id, Offer.state.in_(HOLDING)))
    return dict(map(tuple, rows))


def _used(held: dict[int, str], agent: Agent) -> int:
    """The capacity in use; work given by hand may go beyond it, and then counts as full."""
    return min(load_of(held, CHANNEL_RULES).used(agent.capacity), agent.capacity)


def _answer(tx: Tx, offer_id: int, state: str, *, before_deadline: bool = False) -> Offer:
    made = tx.session.get(Offer, offer_id)
    if made is None:
        raise NotFound("There is no such offer.")
    _lock_agent(tx, made.agent_id)
    change = update(Offer).where(Offer.id == offer_id, Offer.state == OFFERED)
    if before_deadline:
        change = change.where(Offer.deadline > tx.now)
    values: dict[str, Any] = {"state": state, "answered_at": tx.now}
    if state != ACCEPTED:
        values["ended_at"] = tx.now
    if tx.session.execute(change.values(**values)).rowcount != 1:
        raise Conflict("This offer has gone: it was answered, ran out, or was taken back.")
    tx.session.refresh(made)
    return made


def _move(tx: Tx, item_id: int, old: str, new: str, **values: Any) -> WorkItem:
    change = update(WorkItem).where(WorkItem.id == item_id, WorkItem.state == old)
    if tx.session.execute(change.values(state=new, version=WorkItem.version + 1, **values)).rowcount != 1:
        raise Conflict("This work has moved on.")
    item = tx.session.get_one(WorkItem, item_id)
    tx.session.refresh(item)
    return item


def _return(tx: Tx, made: Offer, *, cool_off_s: int) -> WorkItem:
    """Back to waiting with the same key; the agent who had the offer may be left out for a while."""
    item = _move(tx, made.item_id, OFFERED, WAITING, agent_id=None)
    if cool_off_s:
        item.excluded = {**item.excluded, str(made.agent_id): (tx.now + timedelta(seconds=cool_off_s)).isoformat()}
    if item.sticky_agent_id == made.agent_id:
        item.sticky_agent_id = item.sticky_until = None
    _unload(tx, made.agent_id)
    return item


def _release(tx: Tx, item: WorkItem, state: str) -> Offer | None:
    """End the offer that holds the item, if any, and give the capacity back."""
    made = tx.session.scalar(select(Offer).where(Offer.item_id == item.id, Offer.state.in_(HOLDING)))
    if made is None:
        return None
    _lock_agent(tx, made.agent_id)
    tx.session.refresh(made)
    if made.state in HOLDING:
        made.state, made.ended_at = state, tx.now
        tx.session.flush()
        _unload(tx, made.agent_id)
    return made


def _unload(tx: Tx, agent_id: int) -> None:
    agent = tx.session.get_one(Agent, agent_id)
    agent.used = _used(_held(tx, agent_id), agent)
    settle_idle(tx, agent)


def _about(item: WorkItem) -> dict[str, Any]:
    return {"item": item, "ticket": item.ticket_id, "customer": item.customer_id, "queue": item.queue_id}
