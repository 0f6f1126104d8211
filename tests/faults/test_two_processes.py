"""Two desks on one PostgreSQL: what one commits, the other hears of; only one routes; the other takes over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from desk.actions import intake
from desk.actions.articles import gaps
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.actions.timers import set_timer
from desk.app import install, prepare
from desk.events import SYSTEM
from desk.models import Offer, Timer
from desk.work.background import Background
from tests.world import running, settings_for


def test_what_another_process_commits_reaches_our_listeners_once_and_our_own_is_not_told_twice(tmp_path, postgres_url):
    ours, theirs = (install(settings_for(tmp_path / name, DESK_DATABASE_URL=postgres_url)) for name in ("a", "b"))
    prepare(ours)
    heard: list[str] = []
    told = threading.Condition()

    def listen(events) -> None:
        with told:
            heard.extend(event.kind for event in events)
            told.notify_all()

    background = Background(ours, frozenset({"web"}))
    background.start()
    ours.store.subscribe(listen)
    try:
        for desk, kind in ((ours, "test.ours"), (theirs, "test.theirs"), (ours, "test.last")):
            with desk.store.tx(SYSTEM) as tx:
                tx.emit(kind)
            if desk is theirs:
                with told:
                    assert told.wait_for(lambda: "test.theirs" in heard, timeout=60)
        with theirs.store.tx(SYSTEM) as tx:
            tx.emit("test.end")
        with told:
            assert told.wait_for(lambda: "test.end" in heard, timeout=60)
        assert [kind for kind in heard if kind.startswith("test.")] == ["test.ours", "test.theirs", "test.last", "test.end"]
    finally:
        background.stop()
        for desk in (ours, theirs):
            desk.store.engine.dispose()


def test_work_queued_by_one_process_is_offered_by_the_router_of_another(tmp_path, postgres_url):
    settings = settings_for(tmp_path / "web", DESK_DATABASE_URL=postgres_url)
    with running(settings, roles=frozenset({"web"})) as world:
        maya = world.agent(available=True)
        router = install(settings_for(tmp_path / "router", DESK_DATABASE_URL=postgres_url))
        apart = Background(router, frozenset({"router"}))
        apart.start()
        try:
            with world.tx() as tx:
                customer = customers.identify(tx, "email", "li.na@customers.example", locale="en")
                queue = intake.find_queue(tx, "general")
                ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject="Who takes this?", channel="email")
                tickets.queue_work(tx, ticket, queue)
            offer = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered")))
            assert offer.agent_id == maya.id
        finally:
            apart.stop()
            router.store.engine.dispose()


def test_two_workers_that_begin_at_the_same_moment_both_work(tmp_path, postgres_url, monkeypatch):
    desks = [install(settings_for(tmp_path / name, DESK_DATABASE_URL=postgres_url)) for name in ("a", "b")]
    prepare(desks[0])
    both = threading.Barrier(2, timeout=60)
    monkeypatch.setattr(gaps, "set_timer", lambda *given: (both.wait(), set_timer(*given)))
    workers = [Background(desk, frozenset({"worker"})) for desk in desks]
    try:
        with ThreadPoolExecutor(2) as at_once:
            list(at_once.map(Background.start, workers))
        with desks[0].store.read() as reading:
            waiting = select(func.count()).where(Timer.kind == gaps.LOOK_TIMER, Timer.done_at.is_(None))
            assert reading.scalar(waiting) == 1
    finally:
        for worker, desk in zip(workers, desks, strict=True):
            worker.stop()
            desk.knowledge.close()
            desk.store.engine.dispose()


def test_what_another_process_commits_while_our_parts_begin_is_heard_too(tmp_path, postgres_url):
    """Between the router's first look at the rows and the feed's first look at the events nothing may fall."""
    ours, theirs = (install(settings_for(tmp_path / name, DESK_DATABASE_URL=postgres_url)) for name in ("a", "b"))
    prepare(ours)
    heard = threading.Event()
    ours.store.subscribe(lambda events: heard.set() if any(event.kind == "test.meanwhile" for event in events) else None)
    background = Background(ours, frozenset({"router"}))
    feed = background.parts["feed"]
    start = feed.start

    def commit_elsewhere_then_start() -> None:
        with theirs.store.tx(SYSTEM) as tx:
            tx.emit("test.meanwhile")
        start()

    feed.start = commit_elsewhere_then_start  # type: ignore[method-assign]
    background.start()
    try:
        assert heard.wait(timeout=60)
    finally:
        background.stop()
        for desk in (ours, theirs):
            desk.store.engine.dispose()
