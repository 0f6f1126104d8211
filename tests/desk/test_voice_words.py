"""Moments and hours as they are said aloud, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from desk.voice_words import digits_in_words, hours_in_words, moment_in_words
from routing.hours import Calendar

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday, eight in the evening in Shanghai


@pytest.mark.parametrize(
    ("day", "hour", "chinese", "english"),
    [
        (20, 14, "今天晚上十点", "today at 10 at night"),
        (21, 1, "明天上午九点", "tomorrow at 9 in the morning"),
        (22, 4.5, "后天中午十二点半", "on Sunday at 12:30 in the afternoon"),
        (23, 1, "下周一上午九点", "on Monday at 9 in the morning"),
        (27, 6, "下周五下午两点", "on Friday 27 November at 2 in the afternoon"),
        (30, 16.25, "十二月一日凌晨零点十五分", "on Tuesday 1 December at 12:15 in the morning"),
        (23, 4, "下周一中午十二点", "on Monday at noon"),
    ],
)
def test_a_moment_is_said_as_people_say_it(day, hour, chinese, english):
    at = datetime(2026, 11, day, int(hour), int(hour % 1 * 60), tzinfo=UTC)
    assert moment_in_words(at, NOW, "Asia/Shanghai", "zh") == chinese
    assert moment_in_words(at, NOW, "Asia/Shanghai", "en") == english


def test_a_day_of_this_week_is_said_to_be_of_this_week():
    tuesday, friday = datetime(2026, 11, 17, 1, tzinfo=UTC), datetime(2026, 11, 20, 1, tzinfo=UTC)
    assert moment_in_words(friday, tuesday, "Asia/Shanghai", "zh") == "本周五上午九点"


def test_a_week_is_said_with_equal_days_together():
    day, halves = (("09:00", "18:00"),), (("10:00", "12:00"), ("13:30", "24:00"))
    week = Calendar("Asia/Shanghai", (day, day, day, day, day, halves, ()))
    assert hours_in_words(week, "zh") == "周一至周五，上午九点到下午六点；周六，上午十点到中午十二点、下午一点半到午夜十二点"
    assert hours_in_words(week, "en") == (
        "Monday to Friday, 9 in the morning to 6 in the evening; "
        "Saturday, 10 in the morning to noon and 1:30 in the afternoon to midnight"
    )
    assert hours_in_words(Calendar.always(), "zh") == "每天，二十四小时"
    assert hours_in_words(Calendar.always(), "en") == "every day, day and night"


def test_a_short_number_is_said_digit_by_digit():
    assert digits_in_words("112", "zh") == "一一二"
    assert digits_in_words("+1 12", "en") == "1 1 2"
