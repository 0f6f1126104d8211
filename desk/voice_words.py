"""Moments and opening hours as they are said aloud, in both languages, on the clock of the place that they are about."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from routing.hours import Calendar, Intervals

_DIGITS = "零一二三四五六七八九十"
_CHINESE_DAYS = "一二三四五六日"
_ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def moment_in_words(at: datetime, now: datetime, zone: str, lang: str) -> str:
    """“下周一上午九点”, “on Monday at 9 in the morning”: as near to `now` as people say it."""
    place = ZoneInfo(zone)
    then, today = at.astimezone(place), now.astimezone(place)
    say = _chinese_day if lang == "zh" else _english_day
    return say(then, today) + _time_in_words(then.hour, then.minute, lang, at=True)


def hours_in_words(calendar: Calendar, lang: str) -> str:
    """The week in words, days with the same hours together: “周一至周五，上午九点到下午六点”. Empty for a week never open."""
    runs: list[tuple[int, int, Intervals]] = []
    for day, hours in enumerate(calendar.week):
        if hours and runs and runs[-1][1] == day - 1 and runs[-1][2] == hours:
            runs[-1] = (runs[-1][0], day, hours)
        elif hours:
            runs.append((day, day, hours))
    between = "；" if lang == "zh" else "; "
    return between.join(_run_in_words(*run, lang) for run in runs)


def digits_in_words(number: str, lang: str) -> str:
    """A short number digit by digit, so that it is not read as a sum."""
    digits = [digit for digit in number if digit.isdigit()]
    return "".join(_DIGITS[int(digit)] for digit in digits) if lang == "zh" else " ".join(digits)


def _run_in_words(first: int, last: int, hours: Intervals, lang: str) -> str:
    names = _CHINESE_DAYS if lang == "zh" else _ENGLISH_DAYS
    if (first, last) == (0, 6):
        days = "每天" if lang == "zh" else "every day"
    elif lang == "zh":
        days = f"周{names[first]}" + (f"至周{names[last]}" if last > first else "")
    else:
        days = names[first] + (f" to {names[last]}" if last > first else "")
    if hours == (("00:00", "24:00"),):
        return days + ("，二十四小时" if lang == "zh" else ", day and night")
    spans = [f"{_wall(start, lang)}{'到' if lang == 'zh' else ' to '}{_wall(end, lang)}" for start, end in hours]
    return days + ("，" if lang == "zh" else ", ") + ("、" if lang == "zh" else " and ").join(spans)


def _wall(time: str, lang: str) -> str:
    if time == "24:00":
        return "午夜十二点" if lang == "zh" else "midnight"
    hour, minute = map(int, time.split(":"))
    return _time_in_words(hour, minute, lang)


def _chinese_day(then: datetime, today: datetime) -> str:
    days = (then.date() - today.date()).days
    if 0 <= days < 3:
        return ("今天", "明天", "后天")[days]
    weeks = (_monday(then) - _monday(today)).days // 7
    if weeks in (0, 1):
        return f"{'下' if weeks else '本'}周{_CHINESE_DAYS[then.weekday()]}"
    return f"{_number(then.month)}月{_number(then.day)}日"


def _english_day(then: datetime, today: datetime) -> str:
    days = (then.date() - today.date()).days
    if 0 <= days < 2:
        return ("today ", "tomorrow ")[days]
    name = _ENGLISH_DAYS[then.weekday()]
    return f"on {name} " if days < 7 else f"on {name} {then.day} {_MONTHS[then.month - 1]} "


def _time_in_words(hour: int, minute: int, lang: str, *, at: bool = False) -> str:
    hour = hour % 24
    if lang == "zh":
        return _chinese_part(hour) + ("零点" if hour == 0 else f"{_hour_number(hour)}点") + _chinese_minutes(minute)
    before = "at " if at else ""
    if minute == 0 and hour in (0, 12):
        return before + ("midnight" if hour == 0 else "noon")
    clock = f"{hour % 12 or 12}" if minute == 0 else f"{hour % 12 or 12}:{minute:02}"
    part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening" if hour < 22 else "at night"
    return f"{before}{clock} {part}"


def _chinese_part(hour: int) -> str:
    for end, part in ((5, "凌晨"), (8, "早上"), (12, "上午"), (13, "中午"), (19, "下午"), (24, "晚上")):
        if hour < end:
            return part
    return ""


def _hour_number(hour: int) -> str:
    hour = hour if hour <= 12 else hour - 12
    return "两" if hour == 2 else _number(hour)


def _chinese_minutes(minute: int) -> str:
    if minute == 0:
        return ""
    return "半" if minute == 30 else f"{'零' if minute < 10 else ''}{_number(minute)}分"


def _number(value: int) -> str:
    """1 to 99 in Chinese."""
    tens, ones = divmod(value, 10)
    if tens == 0:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def _monday(moment: datetime) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return day - timedelta(days=day.weekday())
