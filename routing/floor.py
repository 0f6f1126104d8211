"""A floor of agents and the work that reaches it, moved on from event to event. The matcher decides, the same as in live routing.

The clock is simulated: seconds on any scale, given by the arrivals. Nothing here draws random numbers or counts anything; a
`Journal` is told what happens.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Protocol

from routing.matcher import Matcher
from routing.values import CHANNEL_RULES, Agent, ChannelRule, Item, load_of

ARRIVE, FINISH, LEAVE, DUTY, TIMER = range(5)


class Job:
    """A piece of work on its way: how long it takes, when it gives up, and under what kind (and `row`) it is counted."""

    __slots__ = ("agent_id", "began_at", "gives_up_at", "handle_s", "item", "kind", "left_s", "row", "stamp")

    def __init__(self, item: Item, handle_s: float, gives_up_at: float = inf, kind: int = 0) -> None:
        self.item = item
        self.handle_s = handle_s
        self.gives_up_at = gives_up_at
        self.kind = kind
        self.row: list[float] | None = None
        self.agent_id: int | None = None
        self.began_at = 0.0  # of the stretch of work that goes on now
        self.left_s = 0.0  # of the work, when that stretch began
        self.stamp = 0  # 1 more for each time it was parked or taken up again; who finishes another stretch is late


class Person:
    """An agent on the floor. `factor` is how many times longer than usual his work takes."""

    __slots__ = ("busy_since", "capacity", "factor", "held", "id", "idle_since", "on_duty", "skills", "version")

    def __init__(self, id: int, skills: Mapping[str, int], capacity: int = 100, factor: float = 1.0) -> None:
        self.id = id
        self.skills = skills
        self.capacity = capacity
        self.factor = factor
        self.on_duty = False
        self.idle_since = self.busy_since = -inf
        self.held: dict[int, Job] = {}
        self.version = 0


class Journal(Protocol):
    """Who is told what happens."""

    def served(self, job: Job, now: float) -> None:
        """Somebody takes the work; its wait is over."""

    def gave_up(self, job: Job, now: float) -> None:
        """The customer leaves before anybody took the work."""

    def worked(self, job: Job, since: float, until: float) -> None:
        """The work was worked on from `since` to `until` without a break."""

    def busy(self, person: Person, since: float, until: float) -> None:
        """The person had work in hand from `since` to `until` without a break."""

    def is_over(self, now: float) -> bool:
        """Whether all there is to know is known."""


class Floor:
    """Runs one course of events, once."""

    def __init__(self, people: Iterable[Person], journal: Journal, rules: Mapping[str, ChannelRule] = CHANNEL_RULES) -> None:
        self.people = {person.id: person for person in people}
        self.matcher = Matcher(rules)
        self._rules = rules
        self._parks = any(rule.interruptible for rule in rules.values())
        self._journal = journal
        self._waiting: dict[int, Job] = {}
        self._events: list[tuple[float, int, int, object]] = []
        self._count = 0
        self._timer = inf

    def set_duty(self, at: float, agent_id: int, on_duty: bool) -> None:
        """Plan that somebody comes on duty or goes off. Who goes off with work in hand finishes it."""
        self._plan(at, DUTY, (agent_id, on_duty))

    def run(self, jobs: Iterator[Job]) -> float:
        """Play all jobs, which come in order of time, until the journal knows all or nothing more can happen; that moment."""
        events, decide = self._events, self.matcher.decide
        self._next_arrival(jobs)
        now, undecided = -inf, False
        while events and not self._journal.is_over(now):
            now, _, what, about = heapq.heappop(events)
            undecided = undecided or what != LEAVE  # nobody can take more because somebody left
            if what == ARRIVE:
                self._arrive(about)
                self._next_arrival(jobs)
            elif what == FINISH:
                self._finish(about, now)
            elif what == LEAVE:
                self._leave(about, now)
            elif what == DUTY:
                self._duty(about, now)
            else:
                self._timer = inf
            if not undecided or (events and events[0][0] == now):
                continue  # what happens together is decided together
            undecided = False
            for decision in decide(now):
                self._take(decision.item_id, decision.agent_id, now)
            self._arm(now)
        self._close(now)
        return now

    def _next_arrival(self, jobs: Iterator[Job]) -> None:
        job = next(jobs, None)
        if job is not None:
            self._plan(job.item.enqueued_at, ARRIVE, job)

    def _arrive(self, job: Job) -> None:
        self._waiting[job.item.id] = job
        self.matcher.put_item(job.item)
        if job.gives_up_at < inf:
            self._plan(job.gives_up_at, LEAVE, job)

    def _take(self, item_id: int, agent_id: int, now: float) -> None:
        job, person = self._waiting.pop(item_id), self.people[agent_id]
        self.matcher.drop_item(item_id)
        self._journal.served(job, now)
        if not person.held:
            person.busy_since = now
        person.held[item_id] = job
        job.agent_id = agent_id
        job.left_s = job.handle_s * person.factor
        job.began_at = now
        self._plan(now + job.left_s, FINISH, (job, job.stamp))
        if self._parks:
            self._share(person, now)

    def _finish(self, about: tuple[Job, int], now: float) -> None:
        job, stamp = about
        if job.stamp != stamp:
            return
        person = self.people[job.agent_id]
        self._journal.worked(job, job.began_at, now)
        del person.held[job.item.id]
        if not person.held:
            person.idle_since = now
            self._journal.busy(person, person.busy_since, now)
        elif self._parks:
            self._share(person, now)
        self._put(person)

    def _leave(self, job: Job, now: float) -> None:
        if self._waiting.pop(job.item.id, None) is not None:
            self.matcher.drop_item(job.item.id)
            self._journal.gave_up(job, now)

    def _duty(self, about: tuple[int, bool], now: float) -> None:
        agent_id, on_duty = about
        person = self.people[agent_id]
        if on_duty and not person.on_duty and not person.held:
            person.idle_since = now
        person.on_duty = on_duty
        self._put(person)

    def _put(self, person: Person) -> None:
        held = {item_id: job.item.channel for item_id, job in person.held.items()}
        person.version += 1
        self.matcher.put_agent(
            Agent(person.id, person.on_duty, person.skills, person.capacity, held, person.idle_since, person.version)
        )

    def _share(self, person: Person, now: float) -> None:
        """Park interruptible work while live work leaves no room for it, and take it up again when it does."""
        load = load_of({item_id: job.item.channel for item_id, job in person.held.items()}, self._rules)
        crowded = load.live > 0 and (load.exclusive or load.total > person.capacity)
        for job in person.held.values():
            if not self._rules[job.item.channel].interruptible:
                continue
            parked = job.began_at == inf
            if crowded and not parked:
                self._journal.worked(job, job.began_at, now)
                job.left_s -= now - job.began_at
                job.began_at = inf
                job.stamp += 1
            elif parked and not crowded:
                job.began_at = now
                job.stamp += 1
                self._plan(now + job.left_s, FINISH, (job, job.stamp))

    def _arm(self, now: float) -> None:
        at = self.matcher.next_change_at()
        if at is not None and at < self._timer:
            self._timer = max(at, now)
            self._plan(self._timer, TIMER, None)

    def _plan(self, at: float, what: int, about: object) -> None:
        self._count += 1
        heapq.heappush(self._events, (at, self._count, what, about))

    def _close(self, now: float) -> None:
        """Tell the journal of what still goes on."""
        for person in self.people.values():
            for job in person.held.values():
                if job.began_at < now:
                    self._journal.worked(job, job.began_at, now)
            if person.held:
                self._journal.busy(person, person.busy_since, now)
