"""Special days as a table with a row for each: taken out, edited in a spreadsheet, and taken in again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask_babel import gettext

from desk.errors import Invalid
from desk.models import Calendar
from desk.web.admin.day_lists import Hours, read_hours, written_hours

DAY_HEADINGS = ("date", "kind", "hours", "note")
HOLIDAY, WORKDAY = "holiday", "workday"
KINDS = {HOLIDAY: HOLIDAY, WORKDAY: WORKDAY, "假期": HOLIDAY, "放假": HOLIDAY, "上班": WORKDAY, "调休": WORKDAY}
LARGEST_TABLE = 200_000
USUAL: Hours = [["09:00", "18:00"]]

Row = tuple[str, str, Hours, str]
"""Date as 2027-02-06, kind, hours (none on a holiday), note."""


def rows_of(calendar: Calendar) -> Iterator[list[str]]:
    """The special days in the order of their dates."""
    for day in sorted({*calendar.holidays, *calendar.workdays}):
        kind = WORKDAY if day in calendar.workdays else HOLIDAY
        note = calendar.notes.get(day, "")
        yield [day, kind, written_hours(calendar.workdays.get(day, [])), f"'{note}" if note.startswith(tuple("=+-@")) else note]


def read_table(data: bytes) -> list[Row]:
    """The rows of a CSV file in UTF-8 or GB 18030. Raises `Invalid` with the number of the first wrong line."""
    if not data or len(data) > LARGEST_TABLE:
        raise _wrong(gettext("Choose a table of at most 200 kB."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    rows = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
            if not any(cell.strip() for cell in cells) or (number == 1 and cells[0].strip() == DAY_HEADINGS[0]):
                continue
            rows.append(_row(number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise _wrong(gettext("This is no table of days.")) from error
    if not rows:
        raise _wrong(gettext("This is no table of days."))
    return rows


def merged(calendar: Calendar, rows: list[Row]) -> dict[str, Any]:
    """What the calendar has once the years of the table are the table's."""
    years = {row[0][:4] for row in rows}
    holidays = [day for day in calendar.holidays if day[:4] not in years] + [day for day, kind, *_ in rows if kind == HOLIDAY]
    workdays = {day: hours for day, hours in calendar.workdays.items() if day[:4] not in years}
    workdays |= {day: hours for day, kind, hours, _note in rows if kind == WORKDAY}
    notes = {day: note for day, note in calendar.notes.items() if day[:4] not in years}
    return {
        "holidays": holidays,
        "workdays": workdays,
        "notes": notes | {day: note for day, _kind, _hours, note in rows if note},
        "years": [*calendar.years, *map(int, years)],
    }


def _row(number: int, cells: list[str]) -> Row:
    day, kind, hours, note = (*cells, "", "", "", "")[:4]
    try:
        day = date.fromisoformat(day.replace("/", "-")).isoformat()
    except ValueError:
        raise _wrong(_line(number, gettext("it begins with no date. Write it like 2027-02-06."))) from None
    found = KINDS.get(kind.lower())
    if found is None:
        raise _wrong(_line(number, gettext("its kind is neither holiday nor workday.")))
    open_hours = read_hours(hours) if found == WORKDAY and hours else USUAL if found == WORKDAY else []
    if open_hours is None or (found == WORKDAY and not open_hours):
        raise _wrong(_line(number, gettext("its hours are none.")))
    return day, found, open_hours, note.removeprefix("'")


def _line(number: int, problem: str) -> str:
    return gettext("Line %(number)s: %(problem)s", number=number, problem=problem)


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, {"days": sentence})
