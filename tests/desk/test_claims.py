"""A claim of the router: one commit, all or nothing, by the versions it was decided by; what breaks off leaves no trace."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, select, update

from desk.actions.work import claims, work_items
from desk.clock import FrozenClock
from desk.db import connect, to_json
from desk.events import SYSTEM, Event
from desk.models import Agent, Offer, RouterLease, WorkItem
from desk.queries.event_data import whole_data
from desk.work.picture import Changed, Picture, read
from desk.work.router import Router
from tests.desk.house import EPOCH, MORNING, House


@pytest.fixture
def line(house):
    line = connect(house.settings.database_url)
    yield line
    line.close()


def decided(house, epoch=EPOCH):
    """What is to be claimed now, by the rows as they are."""
    now, picture = house.clock.now(), Picture()
    with house.store.read() as reading:
        picture.take(read(reading, Changed(all=True), now), now, house.clock.monotonic())
    return picture.claims(picture.matcher.decide(now.timestamp()), epoch)


def claim(house, line, asked):
    with house.store.direct(line, SYSTEM) as unit:
        return claims.claim(unit, asked)


def test_a_claim_writes_both_rows_the_offer_and_the_event_and_tells_it_once(house, line):
    maya, item = house.agent(), house.item("chat")
    told = []
    house.store.subscribe(told.extend)
    (won,) = claim(house, line, decided(house))
    now = house.again(item)
    assert (now.state, now.agent_id, now.attempts, now.version) == ("offered", maya.id, 1, item.version + 1)
    assert now.offered_at == house.clock.now()
    made = house.one(select(Offer))
    assert (made.id, made.state, made.weight, made.epoch, made.deadline) == (won.offer_id, "offered", 33, EPOCH, won.deadline)
    assert (house.again(maya).used, house.again(maya).version) == (33, maya.version + 1)
    stored = house.one(select(Event).order_by(Event.id.desc()).limit(1))
    assert stored.kind == "offer.made"
    assert stored.data == {"offer": made.id}
    assert made.reason["mode"] == "least_flexible"
    nouns = ("ticket_id", "customer_id", "agent_id", "item_id", "queue_id", "actor_name", "at", "kind", "id")
    assert [[getattr(each, noun) for noun in nouns] for each in told] == [[getattr(stored, noun) for noun in nouns]]
    house.store.publish_foreign([stored])
    assert len(told) == 1


def test_an_event_of_an_offer_is_told_whole_with_the_reason_that_its_offer_holds(house, line):
    house.agent(), house.item("chat")
    claim(house, line, decided(house))
    made, stored = house.one(select(Offer)), house.one(select(Event).where(Event.kind == "offer.made"))
    older = Event(kind="offer.made", data={"offer": made.id, "reason": {"mode": "as it was written then"}})
    with house.store.read() as reading:
        assert whole_data(reading, [stored, older]) == [{"offer": made.id, "reason": made.reason}, older.data]


@pytest.mark.parametrize("said", ["plain", "中文", "half \ud83d", "nul \x00", "back\\u0000slash", 2**70])
def test_a_reason_is_kept_as_every_other_json_is(house, line, said):
    house.agent(), house.item("chat")
    (asked,) = decided(house)
    assert claim(house, line, [replace(asked, reason={"said": said, "at": MORNING})])[0]
    assert house.one(select(Offer)).reason == json.loads(to_json({"said": said, "at": MORNING}))


def test_many_claims_of_one_round_are_one_commit_and_each_agent_may_have_several(house, line):
    house.crowd(6, 25)
    asked = decided(house)
    assert len(asked) == 25
    assert all(claim(house, line, asked))
    assert house.faults() == []
    assert house.kinds("offer.made") == ["offer.made"] * 25
    agents = house.all(select(Agent))
    got = [len(house.all(select(Offer).where(Offer.agent_id == agent.id))) for agent in agents]
    assert [agent.version for agent in agents] == got
    assert decided(house) == []


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize(
    "meanwhile",
    [
        update(Agent).values(version=Agent.version + 1),
        update(Agent).values(presence="away"),
        update(Agent).values(active=False),
        update(Agent).values(capacity=10),
        update(WorkItem).values(version=WorkItem.version + 1),
        update(WorkItem).values(state="abandoned"),
        update(RouterLease).values(epoch=EPOCH + 1),
    ],
)
def test_a_claim_whose_ground_has_changed_changes_nothing(house, line, meanwhile, count):
    house.crowd(2, count)
    asked = decided(house)
    with house.tx() as tx:
        tx.session.execute(meanwhile)
    before = [(each.used, each.version) for each in house.all(select(Agent).order_by(Agent.id))]
    assert claim(house, line, asked) == [None] * count
    assert house.all(select(Offer)) == []
    assert "offer.made" not in house.kinds()
    assert [(each.used, each.version) for each in house.all(select(Agent).order_by(Agent.id))] == before


def test_of_a_round_in_which_one_is_lost_the_others_are_won(house, line):
    house.crowd(3, 3, "voice")
    asked = decided(house)
    with house.tx() as tx:
        work_items.abandon(tx, tx.session.get_one(WorkItem, asked[1].item_id))
    won = claim(house, line, asked)
    assert [each is None for each in won] == [False, True, False]
    assert house.faults() == []
    assert len(house.kinds("offer.made")) == 2


# Killed between each pair of statements: the one that dies is a process of its own, with a cursor that counts.


def claim_and_die(url, folder, after):
    house = House(url, Path(folder), FrozenClock(MORNING))
    line = connect(url)
    unit_cursor = line.cursor
    line_with_fuse = Fused(line, unit_cursor, after)
    claim(house, line_with_fuse, decided(house))
    os._exit(0)


class Fused:
    """A connection whose cursor kills the process when so many statements are done."""

    def __init__(self, line, make, after):
        self._line, self._make, self._after = line, make, after

    def cursor(self):
        after = self._after
        base = sqlite3.Cursor if isinstance(self._line, sqlite3.Connection) else psycopg.Cursor

        class Burning(base):
            done = 0

            def execute(self, *arguments, **more):
                if Burning.done == after:
                    os.kill(os.getpid(), signal.SIGKILL)
                result = base.execute(self, *arguments, **more)
                Burning.done += 1
                if Burning.done == after:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

        return Burning(self._line)


def test_a_claim_killed_after_any_of_its_statements_is_there_whole_or_not_at_all(house, tmp_path):
    """BEGIN, agent, item, offer, event, COMMIT on SQLite; one statement on PostgreSQL. Then a new router goes on."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.desk.house", "tests.desk.test_claims"])
    house.agent()
    for _ in range(3):
        house.item("voice")
    order = [item.id for item in house.all(select(WorkItem).order_by(WorkItem.band, WorkItem.due_at, WorkItem.id))]
    statements = 6 if house.settings.on_sqlite else 1
    for after in range(statements + 1):
        child = context.Process(target=claim_and_die, args=(house.url, str(tmp_path), after))
        child.start()
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
        assert house.faults() == [], after
        assert len(house.all(select(Offer))) == (after == statements), after
    router = Router(house)
    router.turn()
    made = house.all(select(Offer).where(Offer.state == "offered"))
    assert [offer.item_id for offer in made] == order[:1]
    assert len(router._picture.deadlines) == 1
    waiting = select(WorkItem.id).where(WorkItem.state == "waiting").order_by(WorkItem.band, WorkItem.due_at, WorkItem.id)
    assert house.all(waiting) == order[1:]
    assert [item.id for item in router._picture.matcher.waiting()] == order[1:]
    router.release()


class Broken(Exception):
    pass


VERBS = {
    "offer": lambda tx, made, agent, free: work_items.offer(tx, free.id, agent.id, epoch=EPOCH, reason={}),
    "accept": lambda tx, made, agent, free: work_items.accept(tx, made.id),
    "decline": lambda tx, made, agent, free: work_items.decline(tx, made.id),
    "expire": lambda tx, made, agent, free: work_items.expire(tx, made.id, ran_out=True),
    "abandon": lambda tx, made, agent, free: work_items.abandon(tx, tx.session.get_one(WorkItem, made.item_id)),
    "hand_back": lambda tx, made, agent, free: work_items.hand_back(tx, tx.session.get_one(WorkItem, made.item_id)),
    "take": lambda tx, made, agent, free: work_items.take(tx, free.id, agent.id),
}


@pytest.mark.parametrize("verb", VERBS)
def test_whatever_verb_breaks_off_before_any_of_its_statements_leaves_everything_as_it_was(house, verb):
    maya = house.agent()
    made, free = house.offer(house.item("email"), maya), house.item("email")
    seen = {"at": 0, "stop": None}

    def count(_connection, _cursor, _statement, _values, _context, _many):
        seen["at"] += 1
        if seen["at"] == seen["stop"]:
            raise Broken

    def rows():
        return [
            [
                tuple(getattr(row, column.key) for column in noun.__table__.columns)
                for row in house.all(select(noun).order_by(noun.id))
            ]
            for noun in (Agent, WorkItem, Offer, Event)
        ]

    before = rows()
    event.listen(house.store.engine, "before_cursor_execute", count)
    try:
        for stop in range(1, 40):
            seen.update(at=0, stop=stop)
            try:
                with house.tx() as tx:
                    VERBS[verb](tx, made, maya, free)
            except Broken:
                seen["stop"] = None
                assert rows() == before, stop
            else:
                break
    finally:
        event.remove(house.store.engine, "before_cursor_execute", count)
    assert stop > 5
    assert rows() != before
    assert house.faults() == []
