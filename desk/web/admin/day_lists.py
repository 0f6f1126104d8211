"""Opening hours and lists of days as people type and paste them: "9-12, 13:30-18", "2027-02-06 2027-02-12 Spring Festival"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from flask_babel import gettext

Hours = list[list[str]]

LONGEST_RANGE = timedelta(days=366)
ALL_DAY: Hours = [["00:00", "24:00"]]
_ALL_DAY_WORDS = {"24h", "24 h", "all day", "全天", "24小时", "0-24"}
_CLOSED_WORDS = {"", "-", "closed", "休", "休息", "不营业"}
_TO = r"\s*(?:-|–|—|~|至|到)\s*"
_TIME = r"(\d{1,2})(?:[:.](\d{2}))?"
_SPAN = re.compile(rf"{_TIME}{_TO}{_TIME}(?![\d:./-])")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_BETWEEN = re.compile(r"^(?:[\s,;\t\"']|\.\.+|to\b|[-–—~至到])+", re.IGNORECASE)


@dataclass
class Days:
    """What a list of days says: date to hours (none on holidays), date to note, and the lines that say nothing."""

    hours: dict[str, Hours] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_hours(text: str) -> Hours | None:
    """The open hours of a day; None for what says none. Whether they are in order is the action's to check."""
    plain = _plain(text).lower()
    if plain in _ALL_DAY_WORDS:
        return ALL_DAY
    if plain in _CLOSED_WORDS:
        return []
    spans = list(_SPAN.finditer(plain))
    rest = _SPAN.sub("", plain)
    if not spans or re.sub(r"[\s,;、和and]+", "", rest):
        return None
    return [[_clock(found[1], found[2]), _clock(found[3], found[4])] for found in spans]


def written_hours(hours: Iterable[Iterable[str]]) -> str:
    """Hours as `read_hours` reads them."""
    return ", ".join("-".join(pair) for pair in hours)


def read_days(text: str, usual: Hours | None = None) -> Days:
    """A line for each day or range of days, with hours where `usual` hours are given, and a note; as text or as CSV.

    A line without hours has the usual ones. A first line without any digit is a heading.
    """
    days = Days()
    for number, line in enumerate(text.splitlines(), 1):
        plain = _plain(line)
        if not plain or (number == 1 and not re.search(r"\d", plain)):
            continue
        problem = _read_line(days, plain, usual)
        if problem:
            days.problems.append(gettext("Line %(number)s: %(problem)s", number=number, problem=problem))
    return days


def written_days(days: Mapping[str, Hours], notes: Mapping[str, str], usual: Hours | None = None) -> str:
    """The list as `read_days` reads it; neighbouring days that are alike share a line."""
    lines = []
    for first, last in _runs(days, notes):
        parts = [first] if first == last else [first, last]
        if usual is not None:
            parts.append(written_hours(days[first]))
        lines.append(" ".join([*parts, notes.get(first, "")]).strip())
    return "\n".join(lines)


def _read_line(days: Days, line: str, usual: Hours | None) -> str:
    first = _DATE.match(line)
    if first is None:
        return gettext("it begins with no date. Write it like 2027-02-06.")
    rest = _BETWEEN.sub("", line[first.end() :])
    last = _DATE.match(rest)
    if last is not None:
        rest = _BETWEEN.sub("", rest[last.end() :])
    begins, ends = _day(first), _day(last or first)
    if begins is None or ends is None:
        return gettext("there is no such day.")
    if ends < begins or ends - begins > LONGEST_RANGE:
        return gettext("the second day must come after the first, within a year.")
    hours: Hours = []
    if usual is not None:
        rest, hours = _take_hours(rest, usual)
    note = rest.strip(" ,;\t\"'")
    for n in range((ends - begins).days + 1):
        day = (begins + timedelta(days=n)).isoformat()
        days.hours[day] = hours
        if note:
            days.notes[day] = note
    return ""


def _take_hours(text: str, usual: Hours) -> tuple[str, Hours]:
    """The hours at the beginning of the text, and what follows them."""
    found: Hours = []
    while span := _SPAN.match(text):
        found.append([_clock(span[1], span[2]), _clock(span[3], span[4])])
        text = re.sub(r"^[\s,;、]+", "", text[span.end() :])
    return text, found or usual


def _runs(days: Mapping[str, Hours], notes: Mapping[str, str]) -> list[tuple[str, str]]:
    """First and last of each row of neighbouring days with the same hours and note."""
    runs: list[tuple[str, str]] = []
    ordered = sorted(days)
    for before, day in pairwise(["", *ordered]):
        follows = before and date.fromisoformat(day) - date.fromisoformat(before) == timedelta(days=1)
        if follows and days[day] == days[before] and notes.get(day, "") == notes.get(before, ""):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _plain(text: str) -> str:
    """The text with full-width letters and digits as plain ones."""
    return unicodedata.normalize("NFKC", text).strip()


def _clock(hour: str, minute: str | None) -> str:
    return f"{int(hour):02}:{minute or '00'}"


def _day(found: re.Match[str]) -> date | None:
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
