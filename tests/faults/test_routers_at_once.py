"""Several routers on one PostgreSQL while all work: one decides, whatever is done to it, and nothing is given twice or lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from itertools import pairwise

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url

from desk.actions.defaults import ensure_defaults
from desk.actions.work.holding import lock_agent
from desk.clock import Clock
from desk.migrate import upgrade
from desk.models import Agent, Offer, RouterLease, WorkItem
from desk.store import StoreAway
from desk.work.lease import WATCHES, Lease
from tests.desk.house import House
from tests.faults.hands import careful, quick
from tests.services.postgres import new_database
from tests.shape.source import ROOT

AGENTS, RESUMES_WITHIN_S = 40, 5.0
PATIENCE_S = 180  # a process that starts beside many others takes its time
KILL = None  # a blow is the number of seconds for which the leader stands still, or this
LIFE = "(made (rejected|timed_out|rescinded) )*made accepted done"  # what happens to each item, in its events

WATCHING = text(f"""
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND objid = {WATCHES} AND granted AND datname = current_database()
""")
WRONG_NOW = """
WITH held AS (SELECT item_id, agent_id, weight FROM offer WHERE state IN ('offered', 'accepted'))
SELECT 'item ' || item_id || ' is held ' || count(*) || ' times' FROM held GROUP BY item_id HAVING count(*) > 1
UNION ALL
SELECT 'agent ' || id || ' has ' || used || ' of ' || capacity || ' in use, and offers of ' || coalesce(sum(weight), 0)
FROM agent LEFT JOIN held ON agent_id = id GROUP BY id HAVING used > capacity OR used <> coalesce(sum(weight), 0)
"""
WRONG_LIVES = """
SELECT item_id, life FROM (
  SELECT item_id, string_agg(split_part(kind, '.', 2), ' ' ORDER BY id) AS life FROM event
  WHERE item_id IS NOT NULL AND kind <> 'item.queued' GROUP BY item_id
) AS lives WHERE life !~ %s
"""


@pytest.fixture
def busy(tmp_path, postgres_server):
    with new_database(postgres_server) as url:
        house = House(url, tmp_path, Clock())
        upgrade(house.store.engine)
        with house.tx() as tx:
            ensure_defaults(tx)
        yield house
        house.close()


@pytest.mark.timeout(900)
def test_two_routers_of_which_the_first_is_stopped_and_the_next_is_killed(busy, tmp_path):
    torture(busy, tmp_path, routers=2, items=800, hands=[careful, quick], blows=(0, KILL))


def test_a_router_that_stands_still_while_it_writes_keeps_nobody_waiting(busy):
    (maya, *_), _items = busy.crowd(1, 0)
    lease = Lease(busy)
    lease.hold()
    with ExitStack() as afterwards:
        afterwards.enter_context(pytest.raises(StoreAway))
        lock_agent(afterwards.enter_context(lease.writing()), maya)
        with busy.tx() as other:  # waits until the first, which says nothing more, is ended
            lock_agent(other, maya)
    lease.release()


@pytest.mark.nightly
@pytest.mark.timeout(3000)
def test_four_routers_and_forty_thousand_items_with_stops_and_kills_all_along(busy, tmp_path):
    resumed = torture(busy, tmp_path, routers=4, items=40_000, hands=[careful, quick, quick], blows=(30, KILL, 5, KILL, 10, KILL))
    assert max(resumed) <= RESUMES_WITHIN_S, resumed


def torture(house, folder, *, routers, items, hands, blows):
    """Let routers give out all items while their leader is stopped and killed in turn: the seconds until the next resumed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.faults.hands", "desk.actions.work.presence"])
    agents, _ids = house.crowd(AGENTS, items)
    resumed = []
    with ExitStack() as afterwards:
        running = [Running(house, folder, afterwards) for _ in range(routers)]
        wait_for(house, lambda: leading(house, running) and house.one(WATCHING) == routers - 1, PATIENCE_S)
        start = house.clock.monotonic()
        over = context.Event()
        workers = [
            context.Process(target=work, args=(house.url, str(folder), agents[number :: len(hands)], over))
            for number, work in enumerate(hands)
        ]
        for worker in workers:
            worker.start()
            afterwards.callback(worker.join, PATIENCE_S)
        afterwards.callback(over.set)  # before they are joined: what is registered last is called first
        watch = afterwards.enter_context(Watch(house.url))
        for blow, still_s in enumerate(blows):
            left = items * (1 - (blow + 1) / (len(blows) + 1))
            wait_for(house, lambda left=left: count(house, "waiting") <= left, 600)
            struck, seconds = strike(house, running, still_s)
            resumed.append(round(seconds, 2))
            running.remove(struck)
            running.append(struck if struck.process.poll() is None else Running(house, folder, afterwards))
        wait_for(house, lambda: count(house, "done") == items, 1200)
        assert [each.log.name for each in running if each.process.poll() is not None] == []
    took_s = house.clock.monotonic() - start
    print(f"{items} items in {took_s:.0f} s, resumed after {resumed} s, looked {watch.looks} times")  # noqa: T201 - seen with -s
    assert watch.found == []
    assert watch.looks
    check(house, items)
    return resumed


def strike(house, running, still_s):
    """Stop or kill the leader: who it was, and the seconds until another had made an offer. Whoever was stopped goes on then."""
    leader = wait_for(house, lambda: house.one(WATCHING) and leading(house, running), PATIENCE_S)
    epoch = house.one(select(RouterLease.epoch))
    start = house.clock.monotonic()
    leader.process.send_signal(signal.SIGKILL if still_s is KILL else signal.SIGSTOP)
    wait_for(house, lambda: house.one(select(Offer.id).where(Offer.epoch > epoch).limit(1)), PATIENCE_S)
    resumed_s = house.clock.monotonic() - start
    if still_s is KILL:
        leader.process.wait(PATIENCE_S)
    else:
        wait_for(house, lambda: house.clock.monotonic() - start >= still_s, still_s + 1)
        leader.process.send_signal(signal.SIGCONT)
        wait_for(house, lambda: f"lease of epoch {epoch} is lost" in leader.log.read_text(), PATIENCE_S)
    return leader, resumed_s


def check(house, items):
    assert house.faults() == []
    assert house.all(select(WorkItem.state).distinct()) == ["done"]
    assert house.one(select(func.count()).select_from(WorkItem)) == items
    assert len(house.all(select(Offer.id).where(Offer.state == "completed"))) == items
    assert house.one(select(func.count(Offer.item_id.distinct())).where(Offer.state == "completed")) == items
    assert len(house.kinds("offer.accepted")) == len(house.kinds("item.done")) == items
    assert house.one(select(func.max(Agent.used))) == 0
    with connect(house.url) as connection:
        assert connection.execute(WRONG_LIVES, [f"^{LIFE}$"]).fetchall() == []
    with house.store.read() as reading:
        spans = reading.execute(select(func.min(Offer.id), func.max(Offer.id)).group_by(Offer.epoch).order_by(Offer.epoch)).all()
    assert all(last < first for (_, last), (first, _) in pairwise(spans)), "a router acted after its time"


class Running:
    """A router in a process of its own, and what it tells."""

    count = 0

    def __init__(self, house, folder, afterwards):
        Running.count += 1
        env = {
            **os.environ,
            "DESK_DATABASE_URL": house.url,
            "DESK_DATA_DIR": str(folder),
            "DESK_SECRET_KEY": "a secret that only this test knows, long enough",
        }
        self.log = folder / f"router{Running.count}.log"
        into = afterwards.enter_context(self.log.open("w"))
        self.process = subprocess.Popen([sys.executable, "-m", "desk", "router"], cwd=ROOT, env=env, stdout=into, stderr=into)
        afterwards.callback(self.process.wait, PATIENCE_S)
        afterwards.callback(self.process.kill)


class Watch:
    """Looks once a second, over a connection of its own, whether anything is wrong just then."""

    def __init__(self, url):
        self.found, self.looks = [], 0
        self._url, self._over = url, threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(60)

    def _look(self):
        with connect(self._url) as connection:
            while not self._over.wait(1.0 if self.looks else 0.0):
                self.found += connection.execute(WRONG_NOW).fetchall()
                self.looks += 1


def connect(url):
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True)


def leading(house, running):
    """The one of these that routes now."""
    holder = house.one(select(RouterLease.holder))
    return next((each for each in running if holder and each.process.pid == int(holder.split(":")[1])), None)


def count(house, state):
    return house.one(select(func.count()).select_from(WorkItem).where(WorkItem.state == state))


def wait_for(house, look, seconds):
    """Other processes do it: ask the database until it is so."""
    end, pause = house.clock.monotonic() + seconds, threading.Event()
    while house.clock.monotonic() < end:
        found = look()
        if found:
            return found
        pause.wait(0.05)
    raise AssertionError("it did not come to that")
