"""Where the weeks before today are played: the desk's own verbs, at the times at which they would have been used.

A plot is a generator. It does something with `stage.acting(actor)` and yields how many seconds pass until it goes on. The stage
keeps all plots in step, so that ids, numbers and events grow in the order of time, as if it all had happened.
"""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import select

from desk.actions.work import work_items
from desk.actions.work.presence import set_presence
from desk.events import SYSTEM, Actor
from desk.models import Agent, Calendar, Customer, Offer, Queue, RouterLease, WorkItem
from desk.models.agent import AVAILABLE, OFFLINE
from desk.models.work_item import OFFERED, WAITING, WRAP_UP
from desk.queries.people.skills import skills_at
from desk.store import Tx

Plot = Iterator[float]
OPENS, CLOSES = 9, 21  # local hours in which people read mail
EPOCH = 1  # of the router that these weeks had; the one that starts afterwards takes the next


class Stage:
    """One transaction, many moments. `agents` are those who take work, `chance` is the same in every run."""

    def __init__(self, tx: Tx, begins: datetime) -> None:
        self._tx = tx
        self.ends = tx.now
        self.now = begins
        self.chance = Random(20_260_726)
        self._plots: list[tuple[datetime, int, Plot]] = []
        self._count = 0
        self.agents: list[Agent] = []
        self._kept: list[object] = []
        self._skills: dict[int, dict[str, int]] = {}
        self._browsers: dict[int, str] = {}
        self._zone = ZoneInfo(tx.settings.timezone)

    def acting(self, actor: Actor = SYSTEM) -> Tx:
        """The transaction as it would have been at this moment, for this actor."""
        tx = Tx(self._tx.session, self.now, actor, self._tx.settings)
        tx.pending = self._tx.pending
        return tx

    def put_on(self, plot: Plot, at: datetime) -> None:
        """Have a plot begin at a moment; one that lies after the end is never begun."""
        heapq.heappush(self._plots, (at.astimezone(UTC), self._count, plot))  # as every clock of the desk says it
        self._count += 1

    def play(self) -> None:
        """Play everything up to the end, then let people go home and leave nothing in their hands."""
        self._open()
        while self._plots and self._plots[0][0] <= self.ends:
            self.now, turn, plot = heapq.heappop(self._plots)
            rest = next(plot, None)
            if rest is not None:
                heapq.heappush(self._plots, (self.now + timedelta(seconds=rest), turn, plot))
        self.now = self.ends
        self._close()
        self._tx.pending.sort(key=lambda event: event["at"])

    def until_morning(self) -> float:
        """Seconds until somebody reads mail again: none by day. Today people work at any hour, whenever the demo is tried."""
        local = self.now.astimezone(self._zone)
        if OPENS <= local.hour < CLOSES or self.now > self.ends - timedelta(hours=14):
            return 0.0
        opens = local.replace(hour=OPENS, minute=0, second=0, microsecond=0) + timedelta(days=local.hour >= CLOSES)
        return (opens - local).total_seconds() + self.chance.uniform(0, 3600)

    def give(self, item: WorkItem) -> Agent | None:
        """Offer waiting work to somebody who can and may take it; None when nobody is free now."""
        needed = dict(item.requires)
        able = [agent for agent in self.agents if all(self._level(agent, skill) >= level for skill, level in needed.items())]
        first = item.sticky_agent_id
        self.chance.shuffle(able)
        team = self._tx.session.get_one(Queue, item.queue_id).team_id
        able.sort(key=lambda agent: (agent.id != first, agent.team_id != team, "supervisor" in agent.roles, agent.used))
        for agent in able:
            if str(agent.id) not in item.excluded:
                reason = self._reason(item, len(able), agent)
                if work_items.offer(self.acting(), item.id, agent.id, epoch=EPOCH, reason=reason) is not None:
                    return agent
        return None

    def accepted(self, item: WorkItem, agent: Agent) -> None:
        """The agent takes what was offered to them."""
        tx = self.acting(actor_of(agent))
        made = select(Offer.id).where(Offer.item_id == item.id, Offer.state == OFFERED)
        work_items.accept(tx, tx.session.scalars(made).one())
        tx.session.refresh(item)

    def browser_of(self, customer: Customer) -> str:
        """A new chat's secret, from the one browser that the customer has."""
        browser = self._browsers.setdefault(customer.id, secrets.token_urlsafe(32))
        return f"{browser}.{secrets.token_urlsafe(9)}"

    def _reason(self, item: WorkItem, able: int, agent: Agent) -> dict[str, object]:
        """What the router notes with its decision."""
        needed = [skill for skill, _ in item.requires]
        level = min((self._level(agent, skill) for skill in needed), default=0)
        return {
            "mode": "sticky" if agent.id == item.sticky_agent_id else "least_loaded",
            "key": [item.band, item.due_at.timestamp(), item.id],
            "promoted": False,
            "channel": item.channel,
            "requires": item.requires,
            "waited_s": round((self.now - item.enqueued_at).total_seconds(), 3),
            "passed_over": 0,
            "waiting": 1,
            "able": able,
            "free": able,
            "scores": {
                "proficiency": 2 if level >= 8 else 1 if level >= 5 else 0,
                "load": agent.used / agent.capacity,
                "flexibility": len(self._skills[agent.id]),
                "idle_since": agent.idle_since.timestamp(),
            },
        }

    def _level(self, agent: Agent, skill: str) -> int:
        return self._skills[agent.id].get(skill, 0)

    def _open(self) -> None:
        tx = self.acting()
        # Rows that everybody asks for stay loaded; the session itself keeps nothing that nobody holds.
        self._kept = [row for noun in (Queue, Calendar) for row in tx.session.scalars(select(noun))]
        tx.session.add(RouterLease(id=1, epoch=EPOCH, holder="", until=self.now))
        self._skills = skills_at(tx.session, self.now)
        self.agents = [agent for agent in tx.session.scalars(select(Agent).order_by(Agent.id)) if agent.id in self._skills]
        for agent in self.agents:
            set_presence(self.acting(actor_of(agent)), agent, AVAILABLE)

    def _close(self) -> None:
        tx = self.acting()
        held = select(WorkItem).where(WorkItem.agent_id.is_not(None), WorkItem.state.in_(work_items.OPEN_STATES))
        for item in tx.session.scalars(held).all():
            if item.state == WRAP_UP:
                work_items.finish(tx, item)
            else:
                work_items.hand_back(tx, item)
        for item in tx.session.scalars(select(WorkItem).where(WorkItem.state == WAITING)):
            item.excluded = {who: until for who, until in item.excluded.items() if until.startswith("9999")}
        for agent in self.agents:
            set_presence(self.acting(actor_of(agent)), agent, OFFLINE)


def actor_of(person: Agent | Customer) -> Actor:
    """Whoever acts: an agent, or a customer."""
    return Actor("agent" if isinstance(person, Agent) else "customer", person.id, person.name)
