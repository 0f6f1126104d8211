"""When a customer may be rung back, on the clock of the place where they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from routing.hours import Calendar
from routing.ring_back import TRIES, Hours, next_try

WORKDAYS = ((("09:00", "18:00"),),) * 5 + ((),) * 2
SHANGHAI = Hours(Calendar("Asia/Shanghai", WORKDAYS), "Asia/Shanghai")
ALWAYS = Calendar.always("Asia/Shanghai")


def at(text: str) -> datetime:
    """A moment on Shanghai's clocks; 2026-11-20 is a Friday."""
    return datetime.fromisoformat(f"2026-11-{text}:00+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("asked", "first"),
    [("20 10:00", "20 10:00"), ("20 08:30", "20 09:00"), ("20 18:00", "23 09:00"), ("21 12:00", "23 09:00")],
)
def test_it_rings_when_the_queue_is_open(asked, first):
    assert SHANGHAI.first(at(asked)) == at(first)


@pytest.mark.parametrize(
    ("asked", "first"), [("20 20:59", "20 20:59"), ("20 21:00", "21 08:00"), ("20 03:00", "20 08:00"), ("20 23:59", "21 08:00")]
)
def test_a_line_that_never_closes_lets_people_sleep(asked, first):
    assert Hours(ALWAYS, "Asia/Shanghai").first(at(asked)) == at(first)


def test_the_hour_is_that_of_the_customer():
    # 9 in Shanghai is 2 at night in Berlin; 15:00 there is 8 in the morning here.
    assert Hours(Calendar("Asia/Shanghai", WORKDAYS), "Europe/Berlin").first(at("20 09:00")) == at("20 15:00")


def test_hours_that_never_meet_give_no_moment():
    assert Hours(Calendar("Asia/Shanghai", ((("09:00", "10:00"),),) * 7), "Europe/Berlin").first(at("20 09:00")) is None
    assert Hours(Calendar("Asia/Shanghai", ((),) * 7), "Asia/Shanghai").first(at("20 09:00")) is None


@pytest.mark.parametrize(("hours", "last"), [(SHANGHAI, "20 18:00"), (Hours(ALWAYS, "Asia/Shanghai"), "20 21:00")])
def test_it_rings_no_longer_than_to_the_end_of_both(hours, last):
    assert abs((hours.last(at("20 10:00")) - at(last)).total_seconds()) <= 1


def test_midnight_can_be_the_end():
    late = Hours(ALWAYS, "Asia/Shanghai", "10:00", "24:00")
    assert late.first(at("20 23:59")) == at("20 23:59")
    assert late.last(at("20 12:00")) == at("21 00:00")


def test_day_and_night_is_no_end_at_midnight():
    always = Hours(ALWAYS, "Asia/Shanghai", "00:00", "24:00")
    assert always.last(at("20 12:00")) > at("21 12:00")
    assert (
        abs((Hours(SHANGHAI.calendar, "Asia/Shanghai", "00:00", "24:00").last(at("20 12:00")) - at("20 18:00")).total_seconds())
        <= 1
    )


def test_three_attempts_fall_into_two_more_business_days():
    first = at("20 16:00")
    second = next_try(1, first, SHANGHAI)
    third = next_try(2, second, SHANGHAI)
    assert (second, third) == (at("23 09:00"), at("24 09:00"))
    assert next_try(TRIES, third, SHANGHAI) is None


def test_a_morning_in_vain_is_tried_again_the_same_day():
    assert next_try(1, at("20 09:30"), SHANGHAI) == at("20 13:30")
