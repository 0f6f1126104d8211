"""What only kept something working is forgotten after its time, a bounded batch a turn; the rest stays."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from desk.actions import forgetting
from desk.actions.forgetting import KINDS, forget_some
from desk.app import install
from desk.events import SYSTEM
from desk.models import Agent, ApiToken, IdempotentAnswer, MailedLink, SearchLog, SignIn, StaffSession, Timer, Webhook
from desk.work.forgetting import EVERY_S, FIRST_S, Forgetting
from tests.desk.house import House


@pytest.fixture(autouse=True)
def two_at_a_time(monkeypatch):
    monkeypatch.setattr(forgetting, "BATCH", 2)


@pytest.fixture
def desk(house):
    desk = install(house.settings, clock=house.clock)
    with closing(desk.knowledge):
        yield desk
    desk.store.engine.dispose()


def rows_of_each(house: House, ages: list[int]) -> None:
    """A row of each kind for each age in days."""
    agent = house.agent().id
    with house.tx() as tx:
        tx.session.add(ApiToken(id=1, name="shop", role="agent", token_hash="t", created_at=tx.now))
        tx.session.flush()
        for n, days in enumerate(ages):
            at = tx.now - timedelta(days=days)
            tx.session.add_all(
                [
                    StaffSession(token_hash=f"s{n}", agent_id=agent, created_at=at, expires_at=at),
                    SignIn(at=at, email="maya@desk.example", agent_id=agent, outcome="ok"),
                    MailedLink(kind="visit", key_hash=f"k{n}", email="li@customers.example", created_at=at, expires_at=at),
                    IdempotentAnswer(token_id=1, key=f"i{n}", request_hash="h", status=200, body={}, at=at),
                    Webhook(key=f"w{n}", at=at),
                    Timer(kind="ring", key=f"t{n}", due_at=at, done_at=at),
                    SearchLog(at=at, place="console", query="router", lang="en", hits=1),
                ]
            )


def left(house: House) -> dict[str, int]:
    return {name: house.one(select(func.count()).select_from(kind.model)) for name, kind in KINDS.items()}


def begun(house: House, desk) -> Forgetting:
    """One that has been there for so long that it begins."""
    job = Forgetting(desk)
    assert job.turn() == FIRST_S
    house.tick(FIRST_S)
    return job


def until_done(job: Forgetting) -> None:
    while job.turn() != EVERY_S:
        pass


def test_what_is_old_goes_a_batch_at_a_time_and_what_is_not_stays(house, desk):
    rows_of_each(house, [500] * 5 + [0] * 3)
    job = begun(house, desk)
    job.turn()
    first = next(iter(KINDS))
    assert left(house) == {name: 6 if name == first else 8 for name in KINDS}  # two of one kind, and nothing else
    until_done(job)
    assert left(house) == dict.fromkeys(KINDS, 3)


def test_each_kind_is_kept_for_its_own_time(house, desk):
    rows_of_each(house, [KINDS["searches"].days + 1, 31, 8, 6])
    until_done(begun(house, desk))
    expected = {7: 1, 30: 2, 400: 3}
    assert left(house) == {name: expected[kind.days] for name, kind in KINDS.items()}


def test_another_process_goes_on_where_one_has_ended(house, desk):
    rows_of_each(house, [500] * 5)
    begun(house, desk).turn()
    until_done(begun(house, desk))
    assert left(house) == dict.fromkeys(KINDS, 0)


def test_it_looks_again_after_a_day_and_not_before(house, desk):
    job = begun(house, desk)
    until_done(job)
    rows_of_each(house, [500])
    assert job.turn() > 0
    assert left(house) == dict.fromkeys(KINDS, 1)
    house.tick(EVERY_S)
    until_done(job)
    assert left(house) == dict.fromkeys(KINDS, 0)


def test_what_is_still_to_do_stays_however_old_and_hides_nothing_behind_it(house, desk):
    with house.tx() as tx:
        old = tx.now - timedelta(days=500)
        tx.session.add_all([Timer(kind="ring", key=f"waits{n}", due_at=old) for n in range(5)])
        tx.session.add(Timer(kind="ring", key="done", due_at=old, done_at=old))
    until_done(begun(house, desk))
    assert sorted(house.all(select(Timer.key).where(Timer.kind == "ring"))) == [f"waits{n}" for n in range(5)]


def test_rows_of_one_moment_are_walked_through_to_the_last(house):
    rows_of_each(house, [500] * 5)
    kind, after, walked = KINDS["the carrier's messages"], None, []
    with house.store.tx(SYSTEM) as tx:
        while True:
            found = forget_some(tx, kind, after)
            walked.append(found.rows)
            after = found.after
            if after is None:
                break
    assert walked == [2, 2, 1]


def test_no_row_points_to_what_is_forgotten():
    kept = {table for model in Agent.registry.mappers for table in (model.local_table,)}
    forgotten = {kind.model.__table__ for kind in KINDS.values()}
    pointing = {key.column.table for table in kept for key in table.foreign_keys}
    assert pointing & forgotten == set()
