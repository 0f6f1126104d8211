"""Business time: the vectors of the glossary, days on which the clocks change, pauses, and the laws of the arithmetic."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.hours import Calendar

SHANGHAI, BERLIN, NEW_YORK = "Asia/Shanghai", "Europe/Berlin", "America/New_York"
DAY = (("09:00", "18:00"),)
WEEK = (DAY, DAY, DAY, DAY, DAY, (), ())
HOUR = 3600.0

OFFICE = Calendar(SHANGHAI, WEEK)
MONDAY_OFF = Calendar(SHANGHAI, WEEK, holidays=frozenset({date(2026, 11, 23)}))
SATURDAY_ON = Calendar(SHANGHAI, WEEK, workdays={date(2026, 11, 21): DAY})


def at(day, hour, minute=0, zone=SHANGHAI, month=11, year=2026):
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


FRIDAY_1730, SUNDAY_10 = at(20, 17, 30), at(22, 10)
MONDAY_PAUSE = ((at(23, 10), at(23, 11)),)


@pytest.mark.parametrize(
    ("calendar", "start", "pauses", "due"),
    [
        (OFFICE, FRIDAY_1730, (), at(23, 12, 30)),
        (MONDAY_OFF, FRIDAY_1730, (), at(24, 12, 30)),
        (SATURDAY_ON, FRIDAY_1730, (), at(21, 12, 30)),
        (OFFICE, SUNDAY_10, (), at(23, 13)),
        (OFFICE, SUNDAY_10, MONDAY_PAUSE, at(23, 14)),
        (OFFICE, FRIDAY_1730, MONDAY_PAUSE, at(23, 13, 30)),
        (OFFICE, at(20, 17), (), at(23, 12)),
    ],
)
def test_four_business_hours_end_where_the_glossary_says(calendar, start, pauses, due):
    assert calendar.add_business(start, 4 * HOUR, pauses) == due
    assert calendar.business_seconds(start, due, pauses) == 4 * HOUR


def test_answers_are_in_utc():
    assert OFFICE.add_business(FRIDAY_1730, HOUR).tzinfo is UTC
    assert OFFICE.next_open(SUNDAY_10).tzinfo is UTC


def test_the_calendar_is_open_from_the_first_to_before_the_last_moment():
    assert not OFFICE.is_open(at(20, 8, 59))
    assert OFFICE.is_open(at(20, 9))
    assert OFFICE.is_open(at(20, 17, 59))
    assert not OFFICE.is_open(at(20, 18))
    assert not OFFICE.is_open(at(21, 12))


def test_the_next_opening_is_now_if_open_and_skips_holidays():
    assert OFFICE.next_open(at(20, 12)) == at(20, 12)
    assert OFFICE.next_open(at(20, 18)) == at(23, 9)
    assert MONDAY_OFF.next_open(at(20, 18)) == at(24, 9)
    assert SATURDAY_ON.next_open(at(20, 18)) == at(21, 9)


def test_a_break_at_noon_is_not_counted():
    lunch = (("09:00", "12:00"), ("13:30", "18:00"))
    calendar = Calendar(SHANGHAI, (lunch,) * 7)
    assert calendar.add_business(at(20, 11), 2 * HOUR) == at(20, 14, 30)
    assert not calendar.is_open(at(20, 12, 30))


def test_a_target_that_fits_exactly_is_due_at_closing_time():
    assert OFFICE.add_business(FRIDAY_1730, HOUR / 2) == at(20, 18)
    assert OFFICE.add_business(SUNDAY_10, 0) == SUNDAY_10


def test_a_pause_that_ends_before_it_begins_is_none():
    assert OFFICE.add_business(SUNDAY_10, 4 * HOUR, [(at(23, 11), at(23, 10))]) == at(23, 13)


def test_pauses_may_overlap_and_come_in_any_order():
    pauses = [(at(23, 11), at(23, 12)), (at(23, 10), at(23, 11, 30)), (at(21, 0), at(22, 0))]
    assert OFFICE.add_business(SUNDAY_10, 4 * HOUR, pauses) == at(23, 15)


@pytest.mark.parametrize(
    ("sunday", "due_hour"),
    [
        (date(2026, 3, 29), 4 + 1),  # 02:00 becomes 03:00: the night is an hour short.
        (date(2026, 10, 25), 4 - 1),  # 03:00 becomes 02:00: the night is an hour long.
        (date(2026, 6, 7), 4),
    ],
)
def test_on_the_night_the_clocks_change_real_hours_are_counted(sunday, due_hour):
    calendar = Calendar.always(BERLIN)
    start = datetime(sunday.year, sunday.month, sunday.day, 0, 0, tzinfo=ZoneInfo(BERLIN))
    due = calendar.add_business(start, 4 * HOUR).astimezone(ZoneInfo(BERLIN))
    assert (due.date(), due.hour) == (sunday, due_hour)


def test_opening_hours_follow_the_wall_clock_across_a_change():
    calendar = Calendar(NEW_YORK, WEEK)
    before, after = at(6, 17, zone=NEW_YORK, month=3), at(9, 12, zone=NEW_YORK, month=3)
    assert before.utcoffset() != after.utcoffset()
    assert calendar.add_business(before, 4 * HOUR) == after


def test_an_interval_inside_the_skipped_hour_does_not_exist():
    night = Calendar(BERLIN, ((("02:00", "03:00"),),) * 7)
    assert night.business_seconds(at(29, 0, zone=BERLIN, month=3), at(30, 0, zone=BERLIN, month=3)) == 0.0
    assert night.business_seconds(at(25, 0, zone=BERLIN, month=10), at(26, 0, zone=BERLIN, month=10)) == 2 * HOUR


def test_an_opening_that_the_clocks_skip_is_not_the_next_one():
    night = Calendar(BERLIN, ((("02:30", "03:00"),),) * 7)
    assert night.next_open(at(29, 0, zone=BERLIN, month=3)) == at(30, 2, 30, zone=BERLIN, month=3)


def test_business_days_leave_out_holidays_and_count_make_up_days():
    assert OFFICE.add_business_days(date(2026, 11, 20), 1) == date(2026, 11, 23)
    assert MONDAY_OFF.add_business_days(date(2026, 11, 20), 1) == date(2026, 11, 24)
    assert SATURDAY_ON.add_business_days(date(2026, 11, 20), 1) == date(2026, 11, 21)
    assert OFFICE.add_business_days(date(2026, 11, 21), 0) == date(2026, 11, 21)


def test_a_make_up_day_overrules_a_holiday_on_the_same_date():
    day = date(2026, 10, 10)
    calendar = Calendar(SHANGHAI, WEEK, holidays=frozenset({day}), workdays={day: DAY})
    assert calendar.is_business_day(day)


def test_business_time_backwards_is_negative():
    assert OFFICE.business_seconds(at(20, 12), at(20, 10)) == -2 * HOUR


def test_a_calendar_that_never_opens_says_so():
    closed = Calendar(SHANGHAI, ((),) * 7)
    assert closed.next_open(FRIDAY_1730) is None
    with pytest.raises(ValueError, match="less open time"):
        closed.add_business(FRIDAY_1730, 1)
    with pytest.raises(ValueError, match="fewer than 2"):
        closed.add_business_days(date(2026, 11, 20), 2)


@pytest.mark.parametrize(
    ("zone", "week", "complaint"),
    [
        ("Mars/Olympus", WEEK, "time zone"),
        ("", WEEK, "time zone"),
        (SHANGHAI, WEEK[:5], "seven days"),
        (SHANGHAI, ((("18:00", "09:00"),), *WEEK[1:]), "ascend"),
        (SHANGHAI, ((("09:00", "12:00"), ("11:00", "18:00")), *WEEK[1:]), "ascend"),
        (SHANGHAI, ((("9:00", "12:00"),), *WEEK[1:]), "HH:MM"),
        (SHANGHAI, ((("09:00", "25:00"),), *WEEK[1:]), "HH:MM"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(zone, week, complaint):
    with pytest.raises(ValueError, match=complaint):
        Calendar(zone, week)


def test_a_moment_without_a_time_zone_is_refused():
    naive = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - the point of the test
    for ask in (OFFICE.is_open, OFFICE.next_open, lambda moment: OFFICE.add_business(moment, 1)):
        with pytest.raises(ValueError, match="time zone"):
            ask(naive)


def test_time_cannot_be_added_backwards():
    with pytest.raises(ValueError, match="-1"):
        OFFICE.add_business(FRIDAY_1730, -1)
    with pytest.raises(ValueError, match="-1"):
        OFFICE.add_business_days(date(2026, 11, 20), -1)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants it so


@given(start=moments, seconds=st.integers(0, 400_000), pause=moments, length=st.integers(0, 200_000))
def test_adding_open_time_and_measuring_it_agree(start, seconds, pause, length):
    calendar = Calendar(NEW_YORK, WEEK, holidays=frozenset({date(2026, 12, 25)}))
    pauses = [(pause, pause + timedelta(seconds=length))]
    due = calendar.add_business(start, seconds, pauses)
    assert calendar.business_seconds(start, due, pauses) == seconds
    assert due >= start


@settings(max_examples=40)
@given(a=moments, b=moments, c=moments)
def test_open_time_adds_up(a, b, c):
    by_way_of_b = OFFICE.business_seconds(a, b) + OFFICE.business_seconds(b, c)
    assert OFFICE.business_seconds(a, c) == pytest.approx(by_way_of_b, abs=1e-3)
