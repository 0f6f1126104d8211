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


def day_begins(day: str, zone: str) -> datetime | None:
    """The beginning of a day as a form gives it (2026-11-18), in this time zone; None for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), ZoneInfo(zone))
    except (ValueError, OverflowError):
        return None
