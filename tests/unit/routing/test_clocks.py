"""Deadlines of complaints and tickets: the vectors of the glossary, start rules, rolling, time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.clocks import TICKET_TARGETS, add_months, deadline, ticket_due
from routing.hours import Calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = (("09:00", "18:00"),)
WEEK = (DAY, DAY, DAY, DAY, DAY, (), ())
OFFICE = Calendar("Asia/Shanghai", WEEK)
FRIDAY = datetime(2026, 11, 20, 16, 40, tzinfo=SHANGHAI)


def local(year, month, day, hour=0, minute=0):
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("n", "unit", "roll", "last"),
    [
        (3, "business_days", False, date(2026, 11, 25)),
        (8, "weeks", False, date(2027, 1, 15)),
        (6, "weeks", False, date(2027, 1, 1)),
        (15, "business_days", False, date(2026, 12, 11)),
        (35, "business_days", False, date(2027, 1, 8)),
        (15, "calendar_days", False, date(2026, 12, 5)),
        (15, "calendar_days", True, date(2026, 12, 7)),
        (60, "calendar_days", False, date(2027, 1, 19)),
        (1, "months", False, date(2026, 12, 20)),
        (1, "months", True, date(2026, 12, 21)),
    ],
)
def test_a_complaint_received_on_a_friday_is_due_when_the_policy_says(n, unit, roll, last):
    due = deadline(FRIDAY, n, unit, OFFICE, roll=roll)
    assert due.tzinfo is UTC
    assert due.astimezone(SHANGHAI) == datetime.combine(last, time(23, 59, 59), SHANGHAI)


def test_a_clock_that_counts_the_day_of_receipt_ends_a_day_earlier():
    assert deadline(FRIDAY, 15, "calendar_days", OFFICE, "receipt_day").astimezone(SHANGHAI).date() == date(2026, 12, 4)
    assert deadline(FRIDAY, 1, "business_days", OFFICE, "receipt_day").astimezone(SHANGHAI).date() == date(2026, 11, 20)
    saturday = FRIDAY + timedelta(days=1)
    assert deadline(saturday, 1, "business_days", OFFICE, "receipt_day").astimezone(SHANGHAI).date() == date(2026, 11, 23)


def test_hours_run_from_the_moment_of_receipt():
    assert deadline(FRIDAY, 24, "hours", OFFICE) == FRIDAY + timedelta(hours=24)


def test_what_comes_after_the_cutoff_counts_as_received_the_next_day():
    at_cutoff = deadline(local(2026, 11, 20, 17), 15, "calendar_days", OFFICE, cutoff=time(17))
    assert at_cutoff.astimezone(SHANGHAI).date() == date(2026, 12, 6)
    before = deadline(local(2026, 11, 20, 16, 59), 15, "calendar_days", OFFICE, cutoff=time(17))
    assert before.astimezone(SHANGHAI).date() == date(2026, 12, 5)


def test_the_day_of_receipt_is_that_of_the_policy_zone():
    late = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # already Saturday in Shanghai
    assert deadline(late, 1, "calendar_days", OFFICE).astimezone(SHANGHAI).date() == date(2026, 11, 22)
    assert deadline(late, 1, "calendar_days", Calendar("UTC", WEEK)) == datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)


def test_holidays_and_make_up_days_move_business_deadlines():
    golden_week = frozenset(date(2026, 10, day) for day in range(1, 8))
    calendar = Calendar("Asia/Shanghai", WEEK, golden_week, {date(2026, 10, 10): DAY})
    received = local(2026, 9, 30, 12)
    due = deadline(received, 3, "business_days", calendar)
    assert due.astimezone(SHANGHAI).date() == date(2026, 10, 10)
    assert deadline(received, 10, "calendar_days", calendar, roll=True) == due


def test_the_end_of_the_day_is_right_across_a_change_of_the_clocks():
    berlin = Calendar("Europe/Berlin", WEEK)
    due = deadline(datetime(2026, 3, 27, 12, tzinfo=UTC), 3, "calendar_days", berlin)
    assert due == datetime(2026, 3, 30, 21, 59, 59, tzinfo=UTC)


def test_a_month_ends_on_the_last_day_of_a_shorter_month():
    assert add_months(date(2027, 1, 31), 1) == date(2027, 2, 28)
    assert add_months(date(2027, 11, 30), 3) == date(2028, 2, 29)
    assert add_months(date(2026, 12, 1), 1) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((FRIDAY.replace(tzinfo=None), 1, "weeks", OFFICE), "time zone"),
        ((FRIDAY, 0, "weeks", OFFICE), "at least one"),
        ((FRIDAY, 1, "fortnights", OFFICE), "fortnights"),
        ((FRIDAY, 1, "weeks", OFFICE, "whenever"), "whenever"),
    ],
)
def test_a_clock_that_makes_no_sense_is_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        deadline(*arguments)


@pytest.mark.parametrize(
    ("priority", "clock", "start", "due"),
    [
        ("P1", "first_response", local(2026, 11, 20, 17, 30), local(2026, 11, 23, 9, 30)),
        ("P2", "next_response", local(2026, 11, 20, 17, 30), local(2026, 11, 23, 12, 30)),
        ("P3", "first_response", local(2026, 11, 20, 12), local(2026, 11, 23, 11)),
        ("P4", "first_response", local(2026, 11, 20, 12), local(2026, 11, 24, 10)),
        ("P1", "resolution", local(2026, 11, 22, 10), local(2026, 11, 23, 13)),
        ("P2", "resolution", local(2026, 11, 20, 17, 30), local(2026, 11, 23, 17, 30)),
        ("P3", "resolution", local(2026, 11, 20, 17, 30), local(2026, 11, 25, 17, 30)),
        ("P4", "resolution", local(2026, 11, 20, 10), local(2026, 11, 27, 10)),
        ("P2", "resolution", local(2026, 11, 22, 10), local(2026, 11, 23, 18)),
    ],
)
def test_a_ticket_is_due_after_its_business_time(priority, clock, start, due):
    assert ticket_due(priority, clock, start, OFFICE) == due


def test_only_the_resolution_clock_pauses():
    start = local(2026, 11, 22, 10)
    pauses = [(local(2026, 11, 23, 10), local(2026, 11, 23, 11))]
    assert ticket_due("P1", "resolution", start, OFFICE, pauses) == local(2026, 11, 23, 14)
    assert ticket_due("P2", "first_response", start, OFFICE, pauses) == local(2026, 11, 23, 13)


def test_every_priority_has_every_clock():
    assert set(TICKET_TARGETS) == {"P1", "P2", "P3", "P4"}
    assert all(set(clocks) == {"first_response", "next_response", "resolution"} for clocks in TICKET_TARGETS.values())
    with pytest.raises(ValueError, match="P9"):
        ticket_due("P9", "resolution", FRIDAY, OFFICE)
    with pytest.raises(ValueError, match="closed for good"):
        ticket_due("P2", "resolution", FRIDAY, Calendar("UTC", ((),) * 7))
