"""Any history: whatever agents, customers, clocks and routers do, in any order, what must always hold holds after each step."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import select

from desk.actions.work import escalating, places, presence, work_items
from desk.errors import DeskError
from desk.events import Event
from desk.models import Agent, Offer, Queue, WorkItem
from desk.work import lease
from desk.work.picture import Changed, Picture, read
from desk.work.router import Router

CHANNELS = ("voice", "chat", "email", "complaint", "followup")
NEXT = {
    "waiting": {"offered", "active", "abandoned", "done"},
    "offered": {"waiting", "active", "abandoned", "done"},
    "active": {"wrap_up", "waiting", "done"},
    "wrap_up": {"done"},
    "done": set(),
    "abandoned": set(),
}
STEPS = [
    {"after_s": 20, "do": "drop_skill", "skill": "x"},
    {"after_s": 45, "do": "also_team", "team": "care"},
    {"after_s": 90, "do": "raise_band"},
]


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The database's clock runs while ours stands: nobody is replaced by it for giving no sign of life."""
    for name in ("STILL_S", "READING_S"):
        monkeypatch.setattr(lease, name, 3600.0)


@pytest.mark.parametrize("seed", [1])
def test_what_must_always_hold_holds_after_each_step_of_a_history(house, seed):
    History(house, seed).run(120)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 6))
def test_what_must_always_hold_holds_after_each_step_of_many_long_histories(house, seed):
    History(house, seed).run(600)


class History:
    """A house with a few people and two queues, and everything that may happen to it."""

    def __init__(self, house, seed):
        self.house, self.dice = house, random.Random(seed)
        self.people = [house.agent(f"A{n}", team=team, x=5, billing=4) for n, team in enumerate(("service", "service", "care"))]
        self.people += [house.agent("B", billing=2), house.agent("C", team="care")]
        with house.tx() as tx:
            general = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
            general.requires, general.overflow = [["x", 3]], STEPS
            tx.emit("queue.changed", queue=general)
        self.routers = [self._router(), self._router()]
        self.states, self.made = {}, 0

    def run(self, steps):
        for _ in range(steps):
            verb = self.dice.choice(VERBS)
            with suppress(DeskError):
                verb(self)
            self.check_rows(verb.__name__)
            if self.dice.random() < 0.7:
                for router in self.routers:
                    router.turn()
                self.check_rows("turn")
                self.check_picture()
        for router in self.routers:
            router.release()

    def check_rows(self, what):
        """I1, I2, I3 and I7."""
        assert self.house.faults() == [], what
        now = {item.id: item for item in self.house.all(select(WorkItem))}
        assert len(now) == self.made
        for item_id, item in now.items():
            enqueued, old = self.states.get(item_id, (item.enqueued_at, "waiting"))
            assert item.enqueued_at == enqueued
            assert item.state == old or item.state in NEXT[old] or self.passed_through(item_id, old, item.state), (what, old)
            self.states[item_id] = (item.enqueued_at, item.state)

    def passed_through(self, item_id, old, new):
        """Several changes at once: what was offered came back and was offered anew, or ended."""
        reached = {old}
        for _ in self.house.all(select(Event.id).where(Event.item_id == item_id).order_by(Event.id.desc()).limit(4)):
            reached |= {after for state in reached for after in NEXT[state]}
        return new in reached

    def check_picture(self):
        """I4 and I6: nobody who is free has anything to do, by the matcher's own check of a picture that is what the rows say."""
        (active,) = [router for router in self.routers if router.epoch is not None]
        clock, picture = self.house.clock, Picture()
        with self.house.store.read() as reading:
            news = read(reading, Changed(all=True), clock.now())
        picture._leaps = active._picture._leaps  # who routes knows for how long nobody has waited; the rows do not
        picture.take(news, clock.now(), clock.monotonic())
        assert picture.matcher.decide(clock.now().timestamp()) == []
        active._picture.matcher.check(clock.now().timestamp())
        # A lock that changed nothing leaves a version behind that nobody is told of: the next claim is lost, and made again.
        ours, theirs = ({each.id: replace(each, version=0) for each in of._seats.values()} for of in (active._picture, picture))
        assert ours == theirs
        assert active._picture._waiting.keys() == picture._waiting.keys()
        offers = {made.id: made.deadline for made in self.house.all(select(Offer).where(Offer.state == "offered"))}
        assert {each.offer_id: each.deadline for each in active._picture.deadlines._offers.values()} == offers
        assert all(each.at >= clock.monotonic() for each in active._picture.deadlines._offers.values())

    def _router(self):
        router = Router(self.house)
        self.house.store.subscribe(router.follow)
        return router

    def _some(self, query):
        found = self.house.all(query)
        return self.dice.choice(found) if found else None

    def _with_item(self, act, *states):
        item_id = self._some(select(WorkItem.id).where(WorkItem.state.in_(states)))
        if item_id is not None:
            with self.house.tx() as tx:
                act(tx, tx.session.get_one(WorkItem, item_id))

    def _with_offer(self, act):
        offer_id = self._some(select(Offer.id).where(Offer.state == "offered"))
        if offer_id is not None:
            with self.house.tx() as tx:
                act(tx, offer_id)

    def queue(self):
        self.house.item(self.dice.choice(CHANNELS), queue=self.dice.choice(("general", "billing")), tier=self.dice.choice(TIERS))
        self.made += 1

    def tick(self):
        self.house.tick(self.dice.choice((0.5, 5, 12, 25)))

    def leap(self):
        self.house.clock.set_wall(self.dice.choice((-600, 900)))

    def accept(self):
        self._with_offer(work_items.accept)

    def decline(self):
        self._with_offer(work_items.decline)

    def wrap_up(self):
        self._with_item(work_items.begin_wrap_up, "active")

    def finish(self):
        self._with_item(work_items.finish, "active", "wrap_up", "offered")

    def abandon(self):
        self._with_item(work_items.abandon, "waiting", "offered", "active")

    def hand_back(self):
        to = self.dice.choice([None, *[each.id for each in self.people]])
        self._with_item(lambda tx, item: work_items.hand_back(tx, item, to_agent_id=to), "active", "offered")

    def take(self):
        who = self.dice.choice(self.people)
        self._with_item(lambda tx, item: work_items.take(tx, item.id, who.id), "waiting")

    def wrap_up_with(self):
        who = self.dice.choice(self.people)
        self._with_item(lambda tx, item: work_items.wrap_up_with(tx, item, who.id), "waiting", "offered")

    def escalate(self):
        self._with_item(lambda tx, item: escalating.put_first(tx, item, "now"), "waiting")

    def move_about(self):
        with self.house.tx() as tx:
            agent = tx.session.get_one(Agent, self.dice.choice(self.people).id)
            verb = self.dice.choice(("available", "available", "away", "lose", "regain"))
            if verb in ("lose", "regain"):
                getattr(presence, f"{verb}_connection")(tx, agent)
            else:
                presence.set_presence(tx, agent, verb)

    def change_queue(self):
        with self.house.tx() as tx:
            general = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
            general.requires = [["x", self.dice.randint(1, 6)]]
            general.targets = {"chat": {"vip": self.dice.randint(10, 60)}}
            tx.emit("queue.changed", queue=general)
            places.requeue_by(tx, general)

    def change_routers(self):
        for router in self.routers:
            router.release()
        self.dice.shuffle(self.routers)


TIERS = ("vip", "standard", "standard")
VERBS = (
    *[History.queue] * 6,
    *[History.accept] * 4,
    *[History.finish] * 3,
    *[History.move_about] * 3,
    *[History.tick] * 3,
    *(History.decline, History.wrap_up, History.abandon, History.hand_back, History.take, History.wrap_up_with),
    *(History.escalate, History.change_queue, History.change_routers, History.leap),
)
