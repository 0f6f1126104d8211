"""Reading a day of the desk for playing it again, and making one up."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from desk.actions.work import work_items
from desk.actions.work.presence import set_presence
from desk.errors import Conflict
from desk.models import Agent, Queue, WorkItem
from desk.queries.board.model_day import made_up_history, model_day
from desk.queries.board.recorded_day import latest_day, recorded_day
from desk.queries.board.staffing import staffing_day
from routing.recorded import Shift
from routing.replay import replay

ZONE = "Asia/Shanghai"


def record(house, on=date(2026, 11, 20)):
    with house.store.read() as reading:
        return recorded_day(reading, on, ZONE, house.clock.now())


def handle(house, item, agent, *, after_s, for_s):
    house.tick(after_s)
    with house.tx() as tx:
        work_items.take(tx, item.id, agent.id)
    house.tick(for_s)
    with house.tx() as tx:
        work_items.finish(tx, tx.session.get_one(WorkItem, item.id))


def be(house, agent, presence):
    with house.tx() as tx:
        set_presence(tx, tx.session.get_one(Agent, agent.id), presence)


def test_a_day_is_read_as_it_was_and_can_be_played(house):
    maya = house.agent(en=5)
    begins = house.clock.now().timestamp()
    be(house, maya, "away")
    be(house, maya, "available")
    served, lost = house.item("voice"), house.item("voice")
    handle(house, served, maya, after_s=30, for_s=300)
    with house.tx() as tx:
        work_items.abandon(tx, tx.session.get_one(WorkItem, lost.id))
    house.tick(3600)
    be(house, maya, "offline")
    house.tick(3600)
    found = record(house)
    first, second = found.day.arrivals
    assert (first.waited_s, first.handle_s, first.gave_up) == (30, 300, False)
    assert (second.waited_s, second.handle_s, second.gave_up) == (330, None, True)
    assert found.day.shifts == (Shift(maya.id, begins, begins + 330 + 3600),)
    assert found.was == {"voice": (1, 1, 30)}
    assert replay(found.day, found.rules, runs=2).overall.n == 2


def test_who_left_no_word_was_there_from_the_first_work_to_the_last(house):
    maya = house.agent()
    began = house.clock.now().timestamp()
    handle(house, house.item("voice"), maya, after_s=10, for_s=100)
    handle(house, house.item("voice"), maya, after_s=10, for_s=100)
    house.tick(3600)
    assert record(house).day.shifts == (Shift(maya.id, began + 10, began + 220),)


def test_work_that_waited_overnight_is_there_in_the_morning(house):
    item = house.item("email")
    house.tick(24 * 3600)
    house.item("email")
    house.tick(3600)
    found = record(house, date(2026, 11, 21))
    assert found.day.arrivals[0].id == item.id
    assert found.day.arrivals[0].at < found.day.since


@pytest.mark.parametrize("on", [date(2026, 1, 1), date(2027, 1, 1)])
def test_a_day_without_work_says_so(house, on):
    with pytest.raises(Conflict):
        record(house, on)


def test_the_latest_day_is_the_last_before_today_on_which_anything_came(house):
    house.item()
    house.tick(3 * 24 * 3600)
    house.item()
    with house.store.read() as reading:
        assert latest_day(reading, ZONE, house.clock.now()) == date(2026, 11, 20)


def test_a_made_up_day_keeps_the_desks_own_people_busy_and_is_the_same_each_time(house):
    for name in ("Maya", "Li", "Tom", "Xue"):
        house.agent(name, **{"lang:en": 5, "lang:zh": 5})
    days = []
    for _ in range(2):
        with house.store.read() as reading:
            days.append(model_day(reading, ZONE, house.clock.now()))
    assert days[0].day == days[1].day
    outcome = replay(days[0].day, days[0].rules, runs=2)
    assert outcome.overall.n > 200
    assert outcome.overall.occupancy is not None
    assert 0.5 < outcome.overall.occupancy < 0.98
    assert set(outcome.channels) == {"voice", "chat", "email"}


def test_a_desk_where_nobody_can_do_anything_has_no_made_up_day(house):
    with house.store.read() as reading, pytest.raises(Conflict):
        model_day(reading, ZONE, house.clock.now())
    assert house.one(select(WorkItem.id)) is None


def test_made_up_weeks_are_enough_for_a_forecast_of_the_queue(house):
    for name in ("Maya", "Li", "Tom", "Xue"):
        house.agent(name, **{"lang:en": 5, "lang:zh": 5})
    with house.store.read() as reading:
        queue = reading.scalars(select(Queue).where(Queue.key == "general")).one()
        history = made_up_history(reading, queue, "voice", ZONE, house.clock.now())
        found = staffing_day(reading, queue, date(2026, 11, 20), house.clock.now(), history=dict(history))
    assert found.weeks == 6
    assert sum(half.mean or 0 for half in found.half_hours) > 20
    assert max(half.needed or 0 for half in found.half_hours) >= 1
    assert all(not any(counts) for day, counts in history.items() if day.weekday() >= 5)
