"""Calendars of opening hours: adding, changing and removing them. Waiting work of their queues is reckoned anew at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select

from desk.actions.editing import check_same, differences
from desk.actions.work import places
from desk.errors import Conflict, Invalid
from desk.models import Calendar, Queue
from desk.queries.calendars import to_calendar
from desk.sentences import N_
from desk.store import Tx

FIELDS = ("name", "name_zh", "zone", "week", "holidays", "workdays", "notes", "years")
MOST_SPECIAL_DAYS = 1500
LONGEST_NOTE = 60
MOST_YEARS = 50
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HOURS = {"zone", "week", "holidays", "workdays"}


@cache
def zones() -> frozenset[str]:
    """The time zones that there are."""
    return frozenset(available_timezones())


def values_of(calendar: Calendar) -> dict[str, Any]:
    """Everything about the calendar that can be changed."""
    return {field: getattr(calendar, field) for field in FIELDS}


def add_calendar(tx: Tx, key: str, **values: Any) -> Calendar:
    """Add a calendar. Raises `Invalid` with the fields that are wrong, `Conflict` when there is one with this key."""
    new = _cleaned(values)
    wrong = _wrong(new)
    if not _KEY.fullmatch(key):
        wrong = {"key": N_("A short name has small letters, digits and “-”, at most 40."), **wrong}
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    if tx.session.scalar(select(Calendar.id).where(Calendar.key == key)) is not None:
        raise Conflict("There is already a calendar with this short name.")
    calendar = Calendar(key=key, **new)
    tx.session.add(calendar)
    tx.session.flush()
    tx.emit("calendar.added", data={"calendar": calendar.id, "key": key, "new": new})
    return calendar


def set_calendar(tx: Tx, calendar: Calendar, *, seen: str | None = None, **values: Any) -> bool:
    """Change the calendar; the due times of what waits in its queues follow, reckoned from when the work came.

    `week` has seven lists of ["09:00", "18:00"], `holidays` are ISO dates, `workdays` {ISO date: hours} overrule both, `notes`
    {ISO date: why}, `years` those whose holidays are published and all there. False when nothing was different. Raises as
    `queues.set_queue` does.
    """
    tx.session.refresh(calendar, with_for_update=True)
    old = values_of(calendar)
    check_same(old, seen)
    new = _cleaned({**old, **values})
    wrong = _wrong(new)
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    data = differences(old, new)
    if not data:
        return False
    for field, value in data["new"].items():
        setattr(calendar, field, value)
    tx.emit("calendar.changed", data={"calendar": calendar.id, "key": calendar.key, **data})
    if _HOURS & data["new"].keys():
        for queue in tx.session.scalars(select(Queue).where(Queue.calendar_id == calendar.id).order_by(Queue.id)).all():
            tx.emit("queue.hours_changed", queue=queue, data={"calendar": calendar.id})  # steps come at other moments too
            places.requeue_by(tx, queue)
    return True


def remove_calendar(tx: Tx, calendar: Calendar) -> None:
    """Remove a calendar that no queue uses; raises `Conflict` for one that is used."""
    tx.session.refresh(calendar, with_for_update=True)
    if tx.session.scalar(select(Queue.id).where(Queue.calendar_id == calendar.id).limit(1)) is not None:
        raise Conflict("A queue goes by this calendar. Give the queue another one first.")
    tx.emit("calendar.removed", data={"calendar": calendar.id, "key": calendar.key, "old": values_of(calendar)})
    tx.session.delete(calendar)


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values in one form, whoever wrote them: dates in order, notes only of special days."""
    special = {*values["holidays"], *values["workdays"]}
    notes = {day: note.strip()[:LONGEST_NOTE] for day, note in sorted(values["notes"].items()) if day in special and note.strip()}
    return {
        "name": values["name"].strip(),
        "name_zh": values["name_zh"].strip(),
        "zone": values["zone"].strip(),
        "week": values["week"],
        "holidays": sorted(set(values["holidays"])),
        "workdays": dict(sorted(values["workdays"].items())),
        "notes": notes,
        "years": sorted(set(values.get("years", ()))),
    }


def _wrong(new: dict[str, Any]) -> dict[str, str]:
    wrong = {}
    if not new["name"] or len(new["name"]) > 60 or len(new["name_zh"]) > 60:
        wrong["name"] = N_("A calendar needs a name of at most 60 characters.")
    if new["zone"] not in zones():
        wrong["zone"] = N_("Choose a time zone that there is, such as Asia/Shanghai.")
    for day, hours in enumerate(new["week"]):
        if not _are_hours(hours):
            wrong[f"week-{day}"] = _BAD_HOURS
    if not any(new["week"]) and not new["workdays"]:
        wrong["week-0"] = N_("A calendar must be open at some time.")
    if len(new["years"]) > MOST_YEARS or any(not 2000 <= year <= 2100 for year in new["years"]):
        wrong["years"] = N_("Write years such as 2026, 2027.")
    if len(new["holidays"]) > MOST_SPECIAL_DAYS or not _are_days(new["holidays"]):
        wrong["holidays"] = N_("Holidays are dates such as 2027-02-06, at most 1500 of them.")
    if len(new["workdays"]) > MOST_SPECIAL_DAYS or not _are_days(new["workdays"]):
        wrong["workdays"] = N_("Make-up working days are dates with hours, at most 1500 of them.")
    elif not all(hours and _are_hours(hours) for hours in new["workdays"].values()):
        wrong["workdays"] = _BAD_HOURS
    return wrong


_BAD_HOURS = N_("Hours are times from 00:00 to 24:00 in order, such as 09:00-12:00, 13:30-18:00.")


def _are_hours(hours: list[Any]) -> bool:
    try:
        to_calendar(Calendar(zone="UTC", week=[hours] * 7, holidays=[], workdays={}))
    except (ValueError, TypeError):
        return False
    return True


def _are_days(days: Any) -> bool:
    try:
        return all(date.fromisoformat(day).isoformat() == day for day in days)
    except (ValueError, TypeError):
        return False
