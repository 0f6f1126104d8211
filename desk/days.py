"""Days as people write them, in letters and on pages."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from babel.dates import format_date


def day_in_words(at: datetime, zone: str, locale: str) -> str:
    """The day in the time zone of the promise: “Friday, 11 December 2026”, or “2026年12月11日（星期五）” for `zh`."""
    day = at.astimezone(ZoneInfo(zone)).date()
    if locale == "zh":
        return f"{format_date(day, 'y年M月d日', locale='zh')}（{format_date(day, 'EEEE', locale='zh')}）"
    return format_date(day, "EEEE, d MMMM y", locale="en")


def day_of(text: str) -> date | None:
    """The day as a form gives it (2026-11-18); None for what is no day, or one that lies outside the calendar elsewhere."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1 < day.year < 9999 else None


def day_begins(text: str, zone: str) -> datetime | None:
    """The beginning of such a day in this time zone; None for what is no day."""
    return at_time(text, time(), zone)


def day_ends(text: str, zone: str) -> datetime | None:
    """The last second of such a day, by which a promise of that day is kept; None for what is no day."""
    return at_time(text, time(23, 59, 59), zone)


def at_time(text: str, clock: time, zone: str) -> datetime | None:
    """A moment of such a day; None for what is no day."""
    day = day_of(text)
    return None if day is None else datetime.combine(day, clock, ZoneInfo(zone))
