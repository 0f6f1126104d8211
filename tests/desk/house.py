"""A desk without its doors: one prepared database, a clock that moves when told, and quick ways to fill it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from desk.actions.defaults import ensure_defaults
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.clock import Clock, FrozenClock
from desk.config import Settings
from desk.db import make_engine
from desk.events import SYSTEM, Actor, Event
from desk.migrate import upgrade
from desk.models import Agent, AgentSkill, Chat, Offer, Queue, RouterLease, Team, WorkItem
from desk.models.agent import AVAILABLE
from desk.models.work_item import HOLDING
from desk.queries.work.channel_rules import rules_of
from desk.store import Store, Tx
from routing.values import CHAT_IDLE, load_of

MORNING = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a Friday
EPOCH = 1
KIND_OF = {"voice": "call", "chat": "chat", "email": "ticket", "complaint": "complaint", "followup": "follow_up"}


def prepare(url: str, folder: Path) -> None:
    """Migrate an empty database and add what a new desk has, with a router's lease."""
    house = House(url, folder)
    upgrade(house.store.engine)
    with house.tx() as tx:
        ensure_defaults(tx)
        tx.session.add(RouterLease(id=1, epoch=EPOCH, holder="test", until=tx.now))
    house.close()


class House:
    """The store of one test."""

    def __init__(self, url: str, folder: Path, clock: Clock | None = None) -> None:
        self.url = url
        self.settings = Settings.from_env({"DESK_DATA_DIR": str(folder), "DESK_DATABASE_URL": url})
        self.clock = clock or FrozenClock(MORNING)
        self.store = Store(make_engine(self.settings.database_url), self.clock, self.settings)
        self._count = 0

    def close(self) -> None:
        self.store.engine.dispose()

    def tick(self, seconds: float) -> None:
        assert isinstance(self.clock, FrozenClock)
        self.clock.tick(seconds)

    @contextmanager
    def tx(self, actor: Actor = SYSTEM) -> Iterator[Tx]:
        with self.store.tx(actor) as tx:
            yield tx

    def one(self, query: Any) -> Any:
        with self.store.read() as reading:
            return reading.scalar(query)

    def all(self, query: Any) -> list[Any]:
        with self.store.read() as reading:
            return list(reading.scalars(query))

    def kinds(self, prefix: str = "") -> list[str]:
        """The kinds of the events that begin so, oldest first."""
        return self.all(select(Event.kind).where(Event.kind.startswith(prefix)).order_by(Event.id))

    def agent(self, name: str = "Maya", *, presence: str = AVAILABLE, team: str = "service", **skills: int) -> Agent:
        """Somebody who takes work; without a password that would cost time."""
        self._count += 1
        with self.tx() as tx:
            home = tx.session.scalars(select(Team).where(Team.key == team)).one()
            agent = Agent(
                email=f"{name.lower()}{self._count}@desk.example",
                name=name,
                password_hash="",
                roles=["agent"],
                team_id=home.id,
                presence=presence,
                desired=presence,
                presence_since=tx.now,
                idle_since=tx.now,
            )
            tx.session.add(agent)
            tx.session.flush()
            for skill, level in skills.items():
                tx.session.add(AgentSkill(agent_id=agent.id, skill=skill, level=level, since=tx.now))
            tx.emit("agent.added", agent=agent)
        return agent

    def item(self, channel: str = "email", *, tier: str = "standard", queue: str = "general") -> WorkItem:
        """A new customer's new ticket with work of this channel, waiting."""
        self._count += 1
        with self.tx() as tx:
            customer = customers.identify(tx, "email", f"customer{self._count}@customers.example", locale="en")
            customers.set_tier(tx, customer, tier)
            row = tx.session.scalars(select(Queue).where(Queue.key == queue)).one()
            ticket = tickets.open_ticket(tx, customer=customer, queue=row, subject="Help", channel="email")
            item = work_items.enqueue(tx, KIND_OF[channel], channel, ticket, row)
            tx.session.flush()
        return item

    def crowd(self, people: int, pieces: int, channel: str = "email", **skills: int) -> tuple[list[int], list[int]]:
        """So many available agents and so much waiting work of one customer, quickly: the ids of both."""
        self._count += 1
        with self.tx() as tx:
            queue = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
            about = {"name": "Somebody", "password_hash": "", "roles": ["agent"], "team_id": queue.team_id}
            here = {"presence": AVAILABLE, "desired": AVAILABLE, "presence_since": tx.now, "idle_since": tx.now}
            agents = [Agent(email=f"{self._count}.{number}@desk.example", **about, **here) for number in range(people)]
            customer = customers.identify(tx, "email", f"crowd{self._count}@customers.example", locale="en")
            ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject="Help", channel="email")
            place = {"due_at": tx.now, "promote_at": None, "enqueued_at": tx.now, "requires": [], "band": 1}
            about = {"ticket_id": ticket.id, "customer_id": customer.id, "queue_id": queue.id, "tier": "standard"}
            kind = {"kind": KIND_OF[channel], "channel": channel}
            items = [WorkItem(**kind, **about, **place) for _ in range(pieces)]
            tx.session.add_all([*agents, *items])
            tx.session.flush()
            for skill, level in skills.items():
                tx.session.add_all(AgentSkill(agent_id=each.id, skill=skill, level=level, since=tx.now) for each in agents)
            tx.emit("setting.crowd_came")
        return [agent.id for agent in agents], [item.id for item in items]

    def offer(self, item: WorkItem, agent: Agent, epoch: int = EPOCH) -> Offer | None:
        with self.tx() as tx:
            return work_items.offer(tx, item.id, agent.id, epoch=epoch, reason={"test": True})

    def again(self, row: Any) -> Any:
        """The same row as it is now."""
        with self.store.read() as reading:
            return reading.get(type(row), row.id)

    def faults(self) -> list[str]:
        """Where the rows break what must always hold: loads, one holder each, states that belong together, nothing lost."""
        found = self.faults_in_load()
        now = self.clock.now()
        with self.store.read() as reading:
            holding = {offer.item_id: offer for offer in reading.scalars(select(Offer).where(Offer.state.in_(HOLDING)))}
            for item in reading.scalars(select(WorkItem)):
                made = holding.pop(item.id, None)
                state = {"offered": "offered", "active": "accepted", "wrap_up": "accepted"}.get(item.state)
                holder = item.agent_id if item.ended_at is None else None  # what is over remembers who had it
                if (made.state if made else None) != state or (made.agent_id if made else None) != holder:
                    found.append(f"item {item.id} is {item.state} with {item.agent_id}, its offer {made and made.state}")
                if (item.ended_at is None) != (item.state in ("waiting", "offered", "active", "wrap_up")):
                    found.append(f"item {item.id} is {item.state} and ended at {item.ended_at}")
                if item.enqueued_at > now:
                    found.append(f"item {item.id} has waited {now - item.enqueued_at}")
            found += [f"offer {made.id} holds item {item_id}, which is not there" for item_id, made in holding.items()]
        return found

    def faults_in_load(self) -> list[str]:
        """Where an agent's load is not what their offers add up to, or goes beyond what is allowed."""
        found = []
        with self.store.read() as reading:
            for agent in reading.scalars(select(Agent)):
                offers = reading.scalars(select(Offer).where(Offer.agent_id == agent.id, Offer.state.in_(HOLDING))).all()
                idle = set(reading.scalars(select(Chat.item_id).where(Chat.idle_since.is_not(None), Chat.agent_id == agent.id)))
                held = {made.item_id: CHAT_IDLE if made.item_id in idle else made.channel for made in offers}
                load = load_of(held, rules_of(reading))
                if not 0 <= agent.used <= agent.capacity or agent.used != min(load.used(agent.capacity), agent.capacity):
                    found.append(f"{agent.name}: used is {agent.used}, offers make {load.used(agent.capacity)}")
                held = reading.scalars(
                    select(WorkItem.id).where(WorkItem.agent_id == agent.id, WorkItem.state.in_(("offered", "active", "wrap_up")))
                ).all()
                if sorted(held) != sorted(offer.item_id for offer in offers):
                    found.append(f"{agent.name}: items say {sorted(held)}, offers {sorted(o.item_id for o in offers)}")
        return found
