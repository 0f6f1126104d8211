"""Opening hours, as actions ask for them."""

from __future__ import annotations

from desk.queries.calendars import calendar_of, to_calendar

__all__ = ["calendar_of", "to_calendar"]
