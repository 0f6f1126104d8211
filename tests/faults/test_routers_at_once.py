"""Several routers on one PostgreSQL while all work: one decides, whatever is done to it, and nothing is given twice or lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

from desk.actions import work_items
from desk.actions.defaults import ensure_defaults
from desk.clock import Clock
from desk.errors import DeskError
from desk.migrate import upgrade
from desk.models import Agent, Offer, RouterLease, WorkItem
from tests.desk.house import House
from tests.services.postgres import new_database
from tests.shape.source import ROOT

AGENTS, RESUMES_WITHIN_S = 40, 5.0


@pytest.fixture
def busy(tmp_path, postgres_server):
    with new_database(postgres_server) as url:
        house = House(url, tmp_path, Clock())
        upgrade(house.store.engine)
        with house.tx() as tx:
            ensure_defaults(tx)
        yield house
        house.close()


def test_two_routers_of_which_the_first_is_stopped_and_the_next_is_killed(busy, tmp_path):
    torture(busy, tmp_path, routers=2, items=800, hands=1, blows=2)


@pytest.mark.nightly
@pytest.mark.timeout(3000)
def test_four_routers_and_forty_thousand_items_with_stops_and_kills_all_along(busy, tmp_path):
    torture(busy, tmp_path, routers=4, items=40_000, hands=3, blows=8)


def torture(house, folder, *, routers, items, hands, blows):
    """Let routers give out all items while their leader is stopped and killed in turn. Returns the seconds until each resumed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.desk.house", "desk.actions.presence"])
    agents, _ids = house.crowd(AGENTS, items)
    resumed = []
    with ExitStack() as afterwards:
        running = [start_router(house, folder, afterwards) for _ in range(routers)]
        over = context.Event()
        afterwards.callback(over.set)
        workers = [context.Process(target=work, args=(house.url, str(folder), agents[n::hands], over)) for n in range(hands)]
        for worker in workers:
            worker.start()
            afterwards.callback(worker.join, 30)
        for blow in range(blows):
            done = wait_for(house, lambda blow=blow: finished(house) >= items * (blow + 1) / (blows + 2) and leader(house), 600)
            how = signal.SIGSTOP if blow % 2 == 0 else signal.SIGKILL
            resumed.append(strike(house, done, how))
            if how == signal.SIGSTOP:
                os.kill(done, signal.SIGCONT)
            else:
                next(each for each in running if each.pid == done).wait(30)
                running.append(start_router(house, folder, afterwards))
        wait_for(house, lambda: finished(house) == items, 1200)
    check(house, items)
    assert max(resumed) <= RESUMES_WITHIN_S, resumed
    return [round(seconds, 2) for seconds in resumed]


def strike(house, pid, how):
    """Stop or kill the leader; returns the seconds until another has made an offer."""
    epoch = house.one(select(RouterLease.epoch))
    start = house.clock.monotonic()
    os.kill(pid, how)
    wait_for(house, lambda: house.one(select(Offer.id).where(Offer.epoch > epoch).limit(1)), 30)
    return house.clock.monotonic() - start


def check(house, items):
    assert house.faults() == []
    assert house.all(select(WorkItem.state).distinct()) == ["done"]
    assert len(house.all(select(Offer.id).where(Offer.state == "completed"))) == items
    assert house.one(select(func.count(Offer.item_id.distinct())).where(Offer.state == "completed")) == items
    assert len(house.kinds("offer.accepted")) == len(house.kinds("item.done")) == items
    assert house.one(select(func.max(Agent.used))) == 0
    with house.store.read() as reading:
        spans = reading.execute(select(func.min(Offer.id), func.max(Offer.id)).group_by(Offer.epoch).order_by(Offer.epoch)).all()
    assert all(last < first for (_, last), (first, _) in pairwise(spans)), "a router acted after its time"


def work(url, folder, agents, over):
    """Forty pairs of hands: whatever is offered is taken and done, in the order in which it was offered."""
    house = House(url, Path(folder), Clock())
    offered = select(Offer.id).where(Offer.state == "offered", Offer.agent_id.in_(agents)).order_by(Offer.id).limit(20)
    while not over.is_set():
        offers = house.all(offered)
        if not offers:
            over.wait(0.02)
        for offer_id in offers:
            with suppress(DeskError), house.tx() as tx:
                work_items.finish(tx, work_items.accept(tx, offer_id))
    house.close()


def start_router(house, folder, afterwards):
    env = {
        **os.environ,
        "DESK_DATABASE_URL": house.url,
        "DESK_DATA_DIR": str(folder),
        "DESK_SECRET_KEY": "a secret that only this test knows, long enough",
    }
    log = afterwards.enter_context((folder / "routers.log").open("a"))
    router = subprocess.Popen([sys.executable, "-m", "desk", "router"], cwd=ROOT, env=env, stdout=log, stderr=log)
    afterwards.callback(router.wait, 30)
    afterwards.callback(router.kill)
    return router


def leader(house):
    """The process that routes now."""
    holder = house.one(select(RouterLease.holder))
    return int(holder.split(":")[1]) if holder else None


def finished(house):
    return house.one(select(func.count()).select_from(WorkItem).where(WorkItem.state == "done"))


def wait_for(house, look, seconds):
    """Other processes do it: ask the database until it is so."""
    end, pause = house.clock.monotonic() + seconds, multiprocessing.get_context("forkserver").Event()
    while house.clock.monotonic() < end:
        found = look()
        if found:
            return found
        pause.wait(0.05)
    raise AssertionError("it did not come to that")
