"""Calendars: what a change does to waiting work, days on which clocks change, and what cannot be saved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from desk.actions import opening_hours
from desk.actions.editing import fingerprint
from desk.actions.work.queues import set_queue
from desk.errors import Conflict, Invalid
from desk.models import Calendar, Queue
from desk.queries.calendars import to_calendar
from desk.queries.opening import Opening, month, opening
from tests.desk.house import MORNING, House

NINE_TO_SIX = [["09:00", "18:00"]]


def change(house: House, key: str = "office", **values: object) -> bool:
    with house.tx() as tx:
        return opening_hours.set_calendar(tx, calendar(tx.session, key), **values)


def calendar(session, key: str = "office") -> Calendar:
    return session.scalars(select(Calendar).where(Calendar.key == key)).one()


def test_waiting_work_is_due_by_the_new_hours_from_when_it_came(house):
    with house.tx() as tx:
        queue = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
        set_queue(tx, queue, calendar_id=calendar(tx.session).id)
    item = house.item()  # Friday 10:00, four open hours
    assert item.due_at == MORNING + timedelta(hours=4)
    house.tick(3600)
    assert change(house, week=[[["09:00", "11:00"]]] * 7)
    again = house.again(item)
    assert (again.due_at, again.enqueued_at) == (datetime(2026, 11, 22, 2, 0, tzinfo=UTC), item.enqueued_at)
    assert house.kinds("queue.hours_changed") == ["queue.hours_changed"] * 2  # complaints go by it too
    assert not change(house, week=[[["09:00", "11:00"]]] * 7)


def test_holidays_close_and_make_up_days_open_whatever_the_week_says(house):
    workdays = {"2026-11-21": NINE_TO_SIX, "2026-11-23": [["13:00", "14:00"]]}
    change(house, holidays=["2026-11-23"], workdays=workdays, notes={"2026-11-21": "调休"})
    row = house.one(select(Calendar).where(Calendar.key == "office"))
    value = to_calendar(row)
    days = {day.day.isoformat(): day for week in month(row, date(2026, 11, 1)) for day in week}
    assert (days["2026-11-21"].special, days["2026-11-21"].note) == ("workday", "调休")
    assert days["2026-11-23"].hours == (("13:00", "14:00"),)
    assert not value.is_open(datetime(2026, 11, 23, 2, 0, tzinfo=UTC))
    assert opening(value, datetime(2026, 11, 21, 2, 0, tzinfo=UTC)) == Opening(True, datetime(2026, 11, 21, 10, 0, tzinfo=UTC))


def test_hours_stay_on_the_wall_clock_when_the_clocks_change(sqlite_house):
    change(sqlite_house, zone="Europe/Berlin", week=[NINE_TO_SIX] * 7)
    value = to_calendar(sqlite_house.one(select(Calendar).where(Calendar.key == "office")))
    before, after = datetime(2027, 3, 27, 12, 0, tzinfo=UTC), datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
    assert opening(value, before).changes_at == datetime(2027, 3, 27, 17, 0, tzinfo=UTC)
    assert opening(value, after).changes_at == datetime(2027, 3, 28, 16, 0, tzinfo=UTC)


def test_what_is_always_open_says_no_end_and_what_never_opens_no_beginning(sqlite_house):
    always = to_calendar(sqlite_house.one(select(Calendar).where(Calendar.key == "always")))
    assert opening(always, MORNING) == Opening(True, None)
    change(sqlite_house, week=[[]] * 7, workdays={"2020-01-01": NINE_TO_SIX})
    never = to_calendar(sqlite_house.one(select(Calendar).where(Calendar.key == "office")))
    assert opening(never, MORNING) == Opening(False, None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"week": [[["18:00", "09:00"]], *[[]] * 6]}, "week-0"),
        ({"week": [[], [["09:00", "12:00"], ["11:00", "13:00"]], *[[]] * 5]}, "week-1"),
        ({"week": [[["9:00", "25:00"]], *[[]] * 6]}, "week-0"),
        ({"week": [[]] * 7, "workdays": {}}, "week-0"),
        ({"holidays": ["2026-02-30"]}, "holidays"),
        ({"workdays": {"2026-02-28": []}}, "workdays"),
    ],
)
def test_what_is_no_calendar_is_refused_with_its_field(sqlite_house, wrong, field):
    with pytest.raises(Invalid) as refused:
        change(sqlite_house, **wrong)
    assert field in refused.value.fields
    assert sqlite_house.kinds("calendar.") == []


def test_a_calendar_that_a_queue_goes_by_stays(house):
    with house.tx() as tx:
        spare = opening_hours.add_calendar(
            tx, "spare", name="Spare", name_zh="", zone="UTC", week=[NINE_TO_SIX] * 7, holidays=[], workdays={}, notes={}
        )
        with pytest.raises(Conflict):
            opening_hours.remove_calendar(tx, calendar(tx.session))
        opening_hours.remove_calendar(tx, spare)
    assert house.one(select(Calendar.id).where(Calendar.key == "spare")) is None


def test_the_second_of_two_editors_is_refused(house):
    with house.store.read() as session:
        seen = fingerprint(opening_hours.values_of(calendar(session)))
    assert change(house, seen=seen, name="Office")
    with pytest.raises(Conflict):
        change(house, seen=seen, name="Bureau")
