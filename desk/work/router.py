"""The router: keeps the matcher's picture in step with the rows, by events, and makes its decisions durable.

The database is the truth and the matcher an index of it. After every commit the rows that an event names are read again and
put into the matcher; nothing polls. A decision is a claim that the database may refuse; then the rows are read again.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.actions import work_items
from desk.events import SYSTEM, Event
from desk.installation import Installation
from desk.models import Agent, Offer, Queue, RouterLease, WorkItem
from desk.models.agent import AVAILABLE
from desk.models.work_item import IS_HOLDING, OFFERED, WAITING
from desk.queries.skills import skills_at
from routing.matcher import Matcher
from routing.values import Agent as Seat
from routing.values import Decision, Explanation, Item

log = logging.getLogger(__name__)

LEASE_S = 15


class Router:
    """One per process; only the one that holds the lease decides. `turn` does everything that is due."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{id(self)}"
        self._epoch: int | None = None
        self._matcher = Matcher()
        self._lock = threading.Lock()  # the matcher has one user at a time: the router's thread, or a reader asking why
        self._changed_lock = threading.Lock()
        self._items: set[int] = set()
        self._agents: set[int] = set()
        self._all = True

    def follow(self, events: Sequence[Event]) -> bool:
        """Note which rows have changed. True when the router has something to look at."""
        items = {event.item_id for event in events if event.item_id is not None}
        agents = {event.agent_id for event in events if event.agent_id is not None}
        with self._changed_lock:
            self._items |= items
            self._agents |= agents
            if any(event.kind.startswith("queue.") for event in events):
                self._all = True
        return bool(items or agents) or self._all

    def turn(self) -> float | None:
        """Keep the lease, catch up with the rows, end offers that ran out, decide. Returns the seconds until the next thing."""
        if not self._hold_lease():
            self._epoch, self._all = None, True
            return 1.0
        self._catch_up()
        self._expire()
        return self._until_next() if self._decide() else 1.0

    def explain(self, item_id: int) -> Explanation | None:
        """Why this item is where it is, as the matcher sees it now; None when it does not wait here."""
        with self._lock:
            try:
                return self._matcher.explain(item_id, self._desk.clock.now().timestamp())
            except KeyError:
                return None

    def release(self) -> None:
        """Let another router take over at once."""
        if self._epoch is None:
            return
        with self._desk.store.tx(SYSTEM) as tx:
            lease = tx.session.get(RouterLease, 1)
            if lease is not None and lease.epoch == self._epoch:
                lease.until = tx.now
        self._epoch = None

    def _hold_lease(self) -> bool:
        now = self._desk.clock.now()
        with self._desk.store.read() as reading:
            lease = reading.get(RouterLease, 1)
        mine = lease is not None and lease.holder == self._holder and lease.epoch == self._epoch
        if mine and lease.until - now > timedelta(seconds=LEASE_S / 2):
            return True
        if lease is not None and not mine and lease.until > now:
            return False
        with self._desk.store.tx(SYSTEM) as tx:
            lease = tx.session.get(RouterLease, 1, with_for_update=True)
            if lease is None:
                lease = RouterLease(id=1, epoch=0, holder="", until=tx.now)
                tx.session.add(lease)
            if lease.holder != self._holder or lease.epoch != self._epoch:
                if lease.until > tx.now and lease.holder:
                    return False
                lease.epoch += 1
                lease.holder = self._holder
                self._epoch, self._all = lease.epoch, True
                tx.emit("router.took_over", data={"epoch": lease.epoch})
            lease.until = tx.now + timedelta(seconds=LEASE_S)
        return True

    def _catch_up(self) -> None:
        with self._changed_lock:
            items, agents, everything = self._items, self._agents, self._all
            self._items, self._agents, self._all = set(), set(), False
        if not (items or agents or everything):
            return
        try:
            now = self._desk.clock.now()
            with self._desk.store.read() as reading:
                if everything:
                    seats = _seats(reading, None, now)
                    waiting = _waiting(reading, None)
                else:
                    seats = _seats(reading, agents | _holders(reading, items), now)
                    waiting = _waiting(reading, items)
        except Exception:
            with self._changed_lock:  # what could not be read is still to be read
                self._items |= items
                self._agents |= agents
                self._all = self._all or everything
            raise
        with self._lock:
            if everything:
                self._matcher = Matcher()
            for item_id in items - {item.id for item in waiting}:
                self._matcher.drop_item(item_id)
            for item in waiting:
                self._matcher.put_item(item)
            for seat in seats:
                self._matcher.put_agent(seat)

    def _expire(self) -> None:
        with self._desk.store.read() as reading:
            late = select(Offer.id).where(Offer.state == OFFERED, Offer.deadline <= self._desk.clock.now())
            offers = reading.scalars(late.order_by(Offer.deadline).limit(200)).all()
        for offer_id in offers:
            with self._desk.store.tx(SYSTEM) as tx:
                work_items.expire(tx, offer_id)
        if offers:
            self._catch_up()

    def _decide(self) -> bool:
        """Claim until nothing more fits. False when the rows refuse what the matcher keeps deciding: then a pause is due."""
        refused: set[tuple[int, int]] = set()
        while True:
            with self._lock:
                decisions = self._matcher.decide(self._desk.clock.now().timestamp())
            if not decisions:
                return True
            for decision in decisions:
                pair = (decision.item_id, decision.agent_id)
                if pair in refused:
                    log.error("item %s is refused to agent %s again and again; looking anew in a moment", *pair)
                    self._all = True
                    return False
                if not self._claim(decision):
                    refused.add(pair)
            self._catch_up()

    def _claim(self, decision: Decision) -> bool:
        """Make a decision durable. Won or lost, both rows are read again: the matcher then knows what is."""
        assert self._epoch is not None
        with self._changed_lock:
            self._items.add(decision.item_id)
            self._agents.add(decision.agent_id)
        with self._desk.store.tx(SYSTEM) as tx:
            made = work_items.offer(tx, decision.item_id, decision.agent_id, epoch=self._epoch, reason=dict(decision.reason))
        if made is None:
            log.info("item %s was no longer free for agent %s", decision.item_id, decision.agent_id)
        return made is not None

    def _until_next(self) -> float:
        now = self._desk.clock.now()
        with self._desk.store.read() as reading:
            deadline = reading.scalar(select(func.min(Offer.deadline)).where(Offer.state == OFFERED))
        with self._lock:
            change = self._matcher.next_change_at()
        moments = [LEASE_S / 3]
        if deadline is not None:
            moments.append((deadline - now).total_seconds())
        if change is not None:
            moments.append(change - now.timestamp())
        return max(0.0, min(moments))


def _holders(session: Session, items: set[int]) -> set[int]:
    """The agents of offers on these items: what they hold may have changed with the item."""
    if not items:
        return set()
    return set(session.scalars(select(Offer.agent_id).where(Offer.item_id.in_(items))))


def _waiting(session: Session, ids: set[int] | None) -> list[Item]:
    query = select(WorkItem, Queue.choice).join(Queue, Queue.id == WorkItem.queue_id).where(WorkItem.state == WAITING)
    if ids is not None:
        query = query.where(WorkItem.id.in_(ids))
    return [_item(row, choice) for row, choice in session.execute(query)]


def _item(row: WorkItem, choice: str) -> Item:
    return Item(
        id=row.id,
        channel=row.channel,
        requires=frozenset((skill, level) for skill, level in row.requires),
        band=row.band,
        due_at=row.due_at.timestamp(),
        enqueued_at=row.enqueued_at.timestamp(),
        tier=row.tier,
        promote_at=row.promote_at.timestamp() if row.promote_at else None,
        excluded={int(agent): datetime.fromisoformat(until).timestamp() for agent, until in row.excluded.items()},
        sticky_agent=row.sticky_agent_id,
        sticky_until=row.sticky_until.timestamp() if row.sticky_until else None,
        choice=choice,  # type: ignore[arg-type]
        version=row.version,
    )


def _seats(session: Session, ids: set[int] | None, now: datetime) -> list[Seat]:
    agents, held = select(Agent), select(Offer).where(IS_HOLDING)
    if ids is not None:
        agents = agents.where(Agent.id.in_(ids))
        held = held.where(Offer.agent_id.in_(ids))
    skill_of = skills_at(session, now, ids)
    held_by: dict[int, dict[int, str]] = {}
    for offer in session.scalars(held):
        held_by.setdefault(offer.agent_id, {})[offer.item_id] = offer.channel
    return [
        Seat(
            id=agent.id,
            available=agent.active and agent.presence == AVAILABLE,
            skills=skill_of.get(agent.id, {}),
            capacity=agent.capacity,
            held=held_by.get(agent.id, {}),
            idle_since=agent.idle_since.timestamp(),
            version=agent.version,
        )
        for agent in session.scalars(agents)
    ]
