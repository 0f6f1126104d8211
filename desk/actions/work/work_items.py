"""Work that waits for a person: into the queue, offered, accepted or not, finished. The only writer of items and offers.

Every change of an agent's load locks the agent's row first and the item's second, always in that order, and is a
compare-and-set; the database's own constraints (one holder per item, load within capacity) stand behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import NotNullViolation
from sqlalchemy import select

from desk.actions.work.claims import Claim, claim_within
from desk.actions.work.holding import answer, held_by, lock_agent, lock_item, move, release, unload, used_by
from desk.actions.work.places import needed, place
from desk.errors import Conflict, NotFound
from desk.models import Agent, Customer, Offer, Queue, Recusal, Ticket, WorkItem
from desk.models.agent import NOT_RESPONDING
from desk.models.work_item import (
    ABANDONED,
    ACCEPTED,
    ACTIVE,
    CANCELED,
    COMPLETED,
    DONE,
    IS_HOLDING,
    OFFERED,
    REJECTED,
    RESCINDED,
    TIMEOUT,
    WAITING,
    WRAP_UP,
)
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.eligible import cool_off_of
from desk.store import Tx
from routing.able import capacity_failure
from routing.order import LIVE_CHANNELS, band
from routing.values import load_of

QUIET_OFFER_S = 180  # a mail does not ring: several may be offered at once, and each deserves to be looked at
STICKY_S = {"voice": 15, "chat": 60, "email": 4 * 3600}
MEANT_S = 60  # what a person meant for somebody is kept for them so long where the queue itself keeps nothing
MISSED_OFFER = "missed_offer"  # why an agent is not responding
OPEN_STATES = (WAITING, OFFERED, ACTIVE, WRAP_UP)

# What else happens, by the kind of work, when whoever was asked did not take it: work that was meant for one person ends there.
REFUSED: dict[str, Callable[[Tx, WorkItem, Offer], None]] = {}


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
    """Put work for this ticket into the queue. Its place is set by the customer's tier and the queue's targets.

    `skills` are asked for beside the queue's own; an agent already free for it is offered it as soon as this commits.
    """
    if ticket.type == "complaint":
        excluded_agent_ids = (*excluded_agent_ids, *kept_out(tx, ticket.id))
    customer = tx.session.get_one(Customer, ticket.customer_id)
    asked = sorted([skill, level] for skill, level in skills)
    due, promote = place(tx.session, queue, channel, customer.tier, tx.now)
    item = WorkItem(
        kind=kind,
        channel=channel,
        ticket_id=ticket.id,
        customer_id=customer.id,
        queue_id=queue.id,
        tier=customer.tier,
        requires=needed(queue, asked),
        asked=asked,
        band=band(channel),
        due_at=due,
        promote_at=promote,
        enqueued_at=tx.now,
        excluded={str(agent_id): _FOREVER.isoformat() for agent_id in excluded_agent_ids},
        sticky_agent_id=sticky_agent_id,
        sticky_until=tx.now + timedelta(seconds=hold_s(queue, channel)) if sticky_agent_id else None,
    )
    tx.session.add(item)
    tx.emit("item.queued", **_about(item))
    return item


def hold_s(queue: Queue, channel: str) -> int:
    """For how many seconds returning work is kept for the agent who knows it."""
    return queue.sticky_s.get(channel, STICKY_S.get(channel, 0))


def ring_s(channel: str, offer_timeout_s: int) -> int:
    """For how many seconds an offer stands."""
    return offer_timeout_s if channel in LIVE_CHANNELS else QUIET_OFFER_S


def offer(tx: Tx, item_id: int, agent_id: int, *, epoch: int, reason: dict[str, Any]) -> Offer | None:
    """Claim the item for the agent: all or nothing. None when either is no longer free, or another router has taken over.

    What the router does by the picture that it keeps (see `claims`), from the rows as they are now.
    """
    tx.session.flush()
    fresh = {"populate_existing": True}
    agent = tx.session.get(Agent, agent_id, **fresh)
    item = tx.session.get_one(WorkItem, item_id, **fresh)
    if agent is None:
        return None
    held, rules = held_by(tx, agent_id), rules_of(tx.session)
    if capacity_failure(item.channel, agent.capacity, load_of(held, rules), rules):
        return None
    asked = Claim(
        item_id=item_id,
        item_version=item.version,
        agent_id=agent_id,
        agent_version=agent.version,
        channel=item.channel,
        weight=rules[item.channel].weight,
        used=used_by(tx, {**held, item_id: item.channel}, agent.capacity),
        timeout_s=ring_s(item.channel, tx.session.get_one(Queue, item.queue_id).offer_timeout_s),
        epoch=epoch,
        reason=reason,
    )
    try:
        with tx.session.begin_nested():
            cursor = tx.session.connection().connection.cursor()
            offer_id = claim_within(cursor, asked, tx.now)
    except NotNullViolation:
        return None
    if offer_id is None:
        return None
    tx.session.refresh(agent)
    tx.session.refresh(item)
    made = tx.session.get_one(Offer, offer_id)
    tx.emit("offer.made", agent=agent_id, data={"offer": made.id}, **_about(item))
    return made


def take(tx: Tx, item_id: int, agent_id: int) -> Offer:
    """An agent or supervisor gives waiting work to an agent by hand; capacity is not asked, presence is not either.

    Raises `Conflict` when someone else already has it.
    """
    agent = lock_agent(tx, agent_id)
    if agent is None or not agent.active:
        raise NotFound("There is no such agent.")
    wanted = tx.session.get(WorkItem, item_id)
    if wanted is not None and agent_id in kept_out(tx, wanted.ticket_id):
        raise Conflict("This person must not deal with this complaint.")
    try:
        item = move(tx, item_id, WAITING, ACTIVE, agent_id=agent_id, offered_at=tx.now, answered_at=tx.now)
    except Conflict as conflict:
        raise Conflict("Somebody else has taken this work.") from conflict
    made = Offer(
        item_id=item_id,
        agent_id=agent_id,
        channel=item.channel,
        weight=rules_of(tx.session)[item.channel].weight,
        state=ACCEPTED,
        offered_at=tx.now,
        answered_at=tx.now,
        deadline=tx.now,
        epoch=0,
        reason={"by_hand": tx.actor.name},
    )
    tx.session.add(made)
    agent.used = used_by(tx, {**held_by(tx, agent_id), item_id: item.channel}, agent.capacity)
    tx.session.flush()
    tx.emit("offer.accepted", agent=agent_id, data={"offer": made.id, "by_hand": True}, **_about(item))
    return made


def accept(tx: Tx, offer_id: int) -> WorkItem:
    """The agent takes what was offered. Exactly one of accept, timeout and withdrawal wins; the loser gets `Conflict`."""
    made = answer(tx, offer_id, ACCEPTED, before_deadline=True)
    item = move(tx, made.item_id, OFFERED, ACTIVE, answered_at=tx.now)
    tx.emit("offer.accepted", agent=made.agent_id, data={"offer": made.id}, **_about(item))
    return item


def decline(tx: Tx, offer_id: int, reason: str = "") -> WorkItem:
    """The agent says no: the item keeps its place, and this agent is not asked again for a while."""
    item = _return(tx, made := answer(tx, offer_id, REJECTED))
    _leave_out(tx, item, made.agent_id)
    tx.emit("offer.rejected", agent=made.agent_id, data={"offer": made.id, "reason": reason[:200]}, **_about(item))
    return item


def expire(tx: Tx, offer_id: int, *, ran_out: bool = False) -> bool:
    """The agent did not answer in time: the item goes back with its place, the agent is marked as not responding.

    What else was offered to them is taken back too. There is no cool-off: nothing is offered until they say that they are back,
    and then the same caller may well be theirs. `ran_out` says that its time is over whatever the wall clock says.
    """
    made = tx.session.get(Offer, offer_id)
    if made is None or made.state != OFFERED or not (ran_out or made.deadline <= tx.now):
        return False
    try:
        made = answer(tx, offer_id, TIMEOUT)
    except Conflict:
        return False  # the answer came at the very last moment
    agent = tx.session.get_one(Agent, made.agent_id)
    agent.presence, agent.presence_reason, agent.presence_since = NOT_RESPONDING, MISSED_OFFER, tx.now
    item = _return(tx, made)
    tx.emit("offer.timed_out", agent=made.agent_id, data={"offer": made.id}, **_about(item))
    rescind_offers(tx, made.agent_id, NOT_RESPONDING)
    tx.emit("agent.presence_set", agent=made.agent_id, data={"presence": NOT_RESPONDING, "reason": MISSED_OFFER})
    return True


def rescind_offers(tx: Tx, agent_id: int, reason: str) -> int:
    """Take back what was offered to an agent who has gone. Returns how many offers; accepted work stays with them."""
    offers = tx.session.scalars(select(Offer.id).where(Offer.agent_id == agent_id, Offer.state == OFFERED)).all()
    for offer_id in offers:
        item = _return(tx, answer(tx, offer_id, RESCINDED))
        tx.emit("offer.rescinded", agent=agent_id, data={"offer": offer_id, "reason": reason}, **_about(item))
    return len(offers)


def extend_offers(tx: Tx, seconds: float) -> int:
    """Time stood still, or seemed to leap: every open offer stands for so much longer. Returns how many there are."""
    standing = select(Offer, WorkItem).join(WorkItem, WorkItem.id == Offer.item_id).where(IS_HOLDING, Offer.state == OFFERED)
    offers = tx.session.execute(standing.with_for_update(of=Offer)).all()
    for made, _item in offers:
        made.deadline += timedelta(seconds=seconds)
    for made, item in offers:
        tx.emit("offer.extended", agent=made.agent_id, data={"offer": made.id, "seconds": round(seconds)}, **_about(item))
    return len(offers)


def hand_back(
    tx: Tx, item: WorkItem, *, queue: Queue | None = None, to_agent_id: int | None = None, cool_off: bool = True
) -> None:
    """Put work that someone holds back into the line (into another queue, or for one agent first), keeping its due time.

    With `cool_off` whoever held it is not asked for a while. Raises `Conflict` when the work is over, its wrap-up included: a
    conversation that has ended cannot be taken up by another.
    """
    lock_item(tx, item)
    if item.state in (DONE, ABANDONED, WRAP_UP):
        raise Conflict("This work has moved on.")
    made = release(tx, item, RESCINDED)
    queue, old_id = queue or tx.session.get_one(Queue, item.queue_id), item.queue_id
    if queue.id != old_id:
        item.queue_id, item.requires = queue.id, needed(queue, item.asked)
    item.sticky_agent_id = to_agent_id
    item.sticky_until = tx.now + timedelta(seconds=hold_s(queue, item.channel) or MEANT_S) if to_agent_id else None
    item.state, item.agent_id, item.version = WAITING, None, item.version + 1
    if made is not None and cool_off and made.agent_id != to_agent_id:
        _leave_out(tx, item, made.agent_id)
    tx.emit("item.returned", agent=made.agent_id if made else None, data={"to_agent": to_agent_id}, **_about(item))


def keep_from(tx: Tx, item: WorkItem, agent_id: int) -> None:
    """Never give this work to that person; if they have it, it goes back into the line (or is over, when it is wrapped up)."""
    lock_item(tx, item)
    if item.agent_id == agent_id and item.state == WRAP_UP:
        finish(tx, item)
        return
    if item.agent_id == agent_id and item.state in (OFFERED, ACTIVE):
        hand_back(tx, item, cool_off=False)
    item.excluded = {**item.excluded, str(agent_id): _FOREVER.isoformat()}
    if item.sticky_agent_id == agent_id:
        item.sticky_agent_id = item.sticky_until = None
    item.version += 1
    tx.emit("item.kept_from", data={"agent": agent_id}, **_about(item))


def begin_wrap_up(tx: Tx, item: WorkItem) -> None:
    """The contact is over; the agent still holds the work until the wrap-up is done."""
    lock_item(tx, item)
    if item.state == ACTIVE:
        item.state, item.wrap_up_at, item.version = WRAP_UP, tx.now, item.version + 1
        tx.emit("item.wrap_up_began", agent=item.agent_id, **_about(item))


def wrap_up_with(tx: Tx, item: WorkItem, agent_id: int) -> None:
    """The contact ended while the work was on its way back to somebody: whoever had it last does the wrap-up."""
    lock_item(tx, item, also_agent_id=agent_id)
    if item.state in (WAITING, OFFERED):
        made = release(tx, item, CANCELED)
        if made is not None:
            tx.emit("offer.rescinded", agent=made.agent_id, data={"offer": made.id, "reason": "ended"}, **_about(item))
        item.state, item.agent_id = WAITING, None
        tx.session.flush()
        if tx.session.get_one(Agent, agent_id).active:
            take(tx, item.id, agent_id)
        else:
            finish(tx, item)
    begin_wrap_up(tx, item)


def take_up_again(tx: Tx, item: WorkItem, agent_id: int) -> None:
    """Work that was over had not been: the agent who had it holds it for its wrap-up."""
    lock_item(tx, item, also_agent_id=agent_id)
    if item.state not in (DONE, ABANDONED):
        return
    answered_at, wrap_up_at = item.answered_at, item.ended_at
    item.state, item.agent_id, item.ended_at = WAITING, None, None
    tx.session.flush()
    take(tx, item.id, agent_id)
    begin_wrap_up(tx, item)
    item.answered_at, item.wrap_up_at = answered_at or item.answered_at, wrap_up_at


def finish(tx: Tx, item: WorkItem) -> None:
    """The work is done; the agent's capacity is free again. Finishing twice has one effect."""
    lock_item(tx, item)
    if item.state in (DONE, ABANDONED):
        return
    agent_id = item.agent_id
    release(tx, item, COMPLETED)
    item.state, item.ended_at, item.version = DONE, tx.now, item.version + 1
    tx.emit("item.done", agent=agent_id, **_about(item))


def abandon(tx: Tx, item: WorkItem) -> bool:
    """The customer left before an agent answered. False when the work was already answered or over."""
    lock_item(tx, item)
    if item.state not in (WAITING, OFFERED):
        return False
    made = release(tx, item, CANCELED)
    item.state, item.ended_at, item.version = ABANDONED, tx.now, item.version + 1
    tx.emit("item.abandoned", agent=made.agent_id if made else None, **_about(item))
    return True


def open_item(tx: Tx, ticket_id: int, kinds: tuple[str, ...]) -> WorkItem | None:
    """The ticket's work of these kinds that is not over yet."""
    query = select(WorkItem).where(WorkItem.ticket_id == ticket_id, WorkItem.kind.in_(kinds), WorkItem.state.in_(OPEN_STATES))
    return tx.session.scalar(query.order_by(WorkItem.id.desc()).limit(1))


def kept_out(tx: Tx, ticket_id: int) -> tuple[int, ...]:
    """Those who must have nothing to do with this ticket."""
    return tuple(tx.session.scalars(select(Recusal.agent_id).where(Recusal.ticket_id == ticket_id)))


_FOREVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


def _return(tx: Tx, made: Offer) -> WorkItem:
    """Back to waiting with the same key."""
    item = move(tx, made.item_id, OFFERED, WAITING, agent_id=None)
    if item.sticky_agent_id == made.agent_id:
        item.sticky_agent_id = item.sticky_until = None
    unload(tx, made.agent_id, worked=False)
    if item.kind in REFUSED:
        REFUSED[item.kind](tx, item, made)
    return item


def _leave_out(tx: Tx, item: WorkItem, agent_id: int) -> None:
    """Do not ask this agent again for a while, which is short when nobody else could take it now."""
    until = tx.now + timedelta(seconds=cool_off_of(tx.session, item, agent_id, tx.now))
    item.excluded = {**item.excluded, str(agent_id): until.isoformat()}


def _about(item: WorkItem) -> dict[str, Any]:
    return {"item": item, "ticket": item.ticket_id, "customer": item.customer_id, "queue": item.queue_id}
