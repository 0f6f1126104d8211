"""Holidays as they were published: China with its make-up working days, England and Wales with the substitute days.

China: the General Office of the State Council's notices of 2024-11-12 (for 2025) and 2025-11-04 (for 2026). England and Wales:
gov.uk/bank-holidays. What has not been published is not here; a calendar names the years that it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

DAY = [["09:00", "18:00"]]
# First day, last day, why
CHINA_OFF = (
    *(("2025-01-01", "2025-01-01", "元旦"), ("2025-01-28", "2025-02-04", "春节"), ("2025-04-04", "2025-04-06", "清明节")),
    *(("2025-05-01", "2025-05-05", "劳动节"), ("2025-05-31", "2025-06-02", "端午节")),
    ("2025-10-01", "2025-10-08", "国庆节、中秋节"),
    *(("2026-01-01", "2026-01-03", "元旦"), ("2026-02-15", "2026-02-23", "春节"), ("2026-04-04", "2026-04-06", "清明节")),
    *(("2026-05-01", "2026-05-05", "劳动节"), ("2026-06-19", "2026-06-21", "端午节")),
    *(("2026-09-25", "2026-09-27", "中秋节"), ("2026-10-01", "2026-10-07", "国庆节")),
)
CHINA_ON = (
    *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
    *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
)
ENGLAND_OFF = (
    *(("2026-01-01", "New Year's Day"), ("2026-04-03", "Good Friday"), ("2026-04-06", "Easter Monday")),
    *(("2026-05-04", "Early May bank holiday"), ("2026-05-25", "Spring bank holiday")),
    *(("2026-08-31", "Summer bank holiday"), ("2026-12-25", "Christmas Day"), ("2026-12-28", "Boxing Day (substitute)")),
    *(("2027-01-01", "New Year's Day"), ("2027-03-26", "Good Friday"), ("2027-03-29", "Easter Monday")),
    *(("2027-05-03", "Early May bank holiday"), ("2027-05-31", "Spring bank holiday")),
    *(("2027-08-30", "Summer bank holiday"), ("2027-12-27", "Christmas Day (substitute)")),
    ("2027-12-28", "Boxing Day (substitute)"),
)


def tables() -> list[dict[str, Any]]:
    """The calendars that come with the desk, as the rows of `Calendar` hold them."""
    china = {day: note for first, last, note in CHINA_OFF for day in _days(first, last)}
    on = dict.fromkeys(CHINA_ON, DAY)
    week: list[Any] = [*([DAY] * 5), [], []]
    return [
        {
            "key": "cn",
            "name": "Working days in China",
            "name_zh": "中国法定工作日",
            "zone": "Asia/Shanghai",
            "week": week,
            "holidays": sorted(china),
            "workdays": on,
            "years": [2025, 2026],
            "notes": {**china, **dict.fromkeys(on, "调休上班")},
        },
        {
            "key": "uk",
            "name": "Working days in England and Wales",
            "name_zh": "英格兰和威尔士工作日",
            "week": week,
            "zone": "Europe/London",
            "holidays": [day for day, _note in ENGLAND_OFF],
            "workdays": {},
            "years": [2026, 2027],
            "notes": dict(ENGLAND_OFF),
        },
    ]


def _days(first: str, last: str) -> Iterator[str]:
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        yield day.isoformat()
        day += timedelta(days=1)
