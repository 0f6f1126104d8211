"""Opening hours: the calendars, and everything about one; the month beside the form shows what is being typed."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, make_response, redirect, request, url_for
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions import opening_hours
from desk.actions.editing import fingerprint
from desk.errors import Conflict, Invalid
from desk.http.context import installation, is_fragment, reading, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import Calendar
from desk.queries import opening as seen
from desk.queries.calendars import to_calendar
from desk.queries.complaints.dates import years_missing
from desk.queries.work.queues import last_change, names
from desk.web.admin.day_lists import read_days, read_hours, written_days, written_hours
from desk.web.admin.day_tables import DAY_HEADINGS, LARGEST_TABLE, merged, read_table, rows_of
from desk.web.admin.page import field_errors, page
from desk.web.admin.words import WEEKDAYS, changes, hours_words, month_name

pages = Blueprint("admin_calendars", __name__)

USUAL_HOURS = [["09:00", "18:00"]]


@dataclass
class CalendarForm:
    """Everything as text, so that it can be shown again as it was typed."""

    key: str
    name: str
    name_zh: str
    zone: str
    week: list[str]
    holidays: str
    workdays: str
    years: str = ""

    def answers(self) -> tuple[dict[str, Any], dict[str, str]]:
        """What `actions.opening_hours` takes, and what cannot be read: field to sentence."""
        errors = {}
        week = [read_hours(text) for text in self.week]
        for day, hours in enumerate(week):
            if hours is None:
                errors[f"week-{day}"] = gettext("Hours are times from 00:00 to 24:00 in order, such as 09:00-12:00, 13:30-18:00.")
        closed = read_days(self.holidays)
        opened = read_days(self.workdays, next((hours for hours in week if hours), USUAL_HOURS))
        for name, days in (("holidays", closed), ("workdays", opened)):
            if days.problems:
                errors[name] = " ".join(days.problems[:3])
        years = [whole(each) for each in self.years.replace("，", ",").replace(",", " ").split()]
        if None in years:
            errors["years"] = gettext("Write years such as 2026, 2027.")
        values = {
            "years": [year for year in years if year is not None],
            "name": self.name,
            "name_zh": self.name_zh,
            "zone": self.zone,
            "week": [hours or [] for hours in week],
            "holidays": sorted(closed.hours),
            "workdays": opened.hours,
            "notes": {**closed.notes, **opened.notes},
        }
        return values, errors


@pages.get("/admin/calendars")
@needs(Right.READ_SETTINGS)
def all_calendars() -> str:
    with reading() as session:
        lines = seen.all_calendars(session, installation().clock.now())
    return page("admin/calendars.html", lines=lines, hours_words=hours_words, weekdays=WEEKDAYS)


@pages.get("/admin/calendars/new")
@needs(Right.ADMINISTER)
def new_calendar() -> str:
    return _form(CalendarForm("", "", "", installation().settings.timezone, [written_hours(USUAL_HOURS)] * 5 + ["", ""], "", ""))


@pages.post("/admin/calendars/new")
@needs(Right.ADMINISTER)
def add_calendar() -> Response | tuple[str, int]:
    typed = _typed()
    values, errors = typed.answers()
    if errors:
        return _form(typed, errors=errors), 422
    try:
        with writing() as tx:
            calendar = opening_hours.add_calendar(tx, typed.key.strip(), **values)
    except (Invalid, Conflict) as wrong:
        return _form(typed, errors=field_errors(wrong, "key")), wrong.status
    flash(gettext("The calendar is there. Queues can go by it now."), "good")
    return redirect(url_for("admin_calendars.one_calendar", calendar_id=calendar.id), 303)


@pages.post("/admin/calendars/draft")
@needs(Right.ADMINISTER)
def draft_new() -> str:
    return _draft(0)


@pages.get("/admin/calendars/<int:calendar_id>")
@needs(Right.READ_SETTINGS)
def one_calendar(calendar_id: int) -> str:
    with reading() as session:
        return _form(_form_of(seen.one_calendar(session, calendar_id)), calendar_id)


@pages.post("/admin/calendars/<int:calendar_id>")
@needs(Right.ADMINISTER)
def change_calendar(calendar_id: int) -> Response | tuple[str, int]:
    typed, was = _typed(), request.form.get("seen", "")
    values, errors = typed.answers()
    if errors:
        return _form(typed, calendar_id, errors=errors, seen_as=was), 422
    try:
        with writing() as tx:
            opening_hours.set_calendar(tx, seen.one_calendar(tx.session, calendar_id), seen=was, **values)
    except Invalid as wrong:
        return _form(typed, calendar_id, errors=field_errors(wrong), seen_as=was), wrong.status
    except Conflict as wrong:
        return _form(typed, calendar_id, conflict=True), wrong.status
    flash(gettext("Saved. It holds now; due times of what waits were reckoned again."), "good")
    return redirect(url_for("admin_calendars.one_calendar", calendar_id=calendar_id), 303)


@pages.post("/admin/calendars/<int:calendar_id>/draft")
@needs(Right.ADMINISTER)
def draft(calendar_id: int) -> str:
    """A month of what is being typed. Nothing is saved."""
    return _draft(calendar_id)


@pages.get("/admin/calendars/<int:calendar_id>/days.csv")
@needs(Right.READ_SETTINGS)
def days_csv(calendar_id: int) -> Response:
    """The special days as a table, in the form in which they are taken in again."""
    with reading() as session:
        calendar = seen.one_calendar(session, calendar_id)
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(DAY_HEADINGS)
    writer.writerows(rows_of(calendar))
    response = make_response("\ufeff" + lines.getvalue())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="days-{calendar.key}.csv"'
    return response


@pages.post("/admin/calendars/<int:calendar_id>/days")
@needs(Right.ADMINISTER)
def take_days(calendar_id: int) -> Response | tuple[str, int]:
    """Take in a table of special days: the years that it has are replaced by it, the others stay."""
    sent = request.files.get("days")
    try:
        table = read_table(sent.read(LARGEST_TABLE + 1) if sent else b"")
        with writing() as tx:
            calendar = seen.one_calendar(tx.session, calendar_id)
            opening_hours.set_calendar(tx, calendar, **merged(calendar, table))
    except Invalid as wrong:
        with reading() as session:
            calendar = seen.one_calendar(session, calendar_id)
            return _form(_form_of(calendar), calendar_id, errors=field_errors(wrong, "days")), wrong.status
    flash(gettext("Taken in: %(count)s days.", count=len(table)), "good")
    return redirect(url_for("admin_calendars.one_calendar", calendar_id=calendar_id), 303)


@pages.post("/admin/calendars/<int:calendar_id>/remove")
@needs(Right.ADMINISTER)
def remove_calendar(calendar_id: int) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            opening_hours.remove_calendar(tx, seen.one_calendar(tx.session, calendar_id))
    except Conflict as wrong:
        with reading() as session:
            return _form(
                _form_of(seen.one_calendar(session, calendar_id)), calendar_id, errors=field_errors(wrong, "remove")
            ), 409
    flash(gettext("The calendar is gone."), "good")
    return redirect(url_for("admin_calendars.all_calendars"), 303)


def _draft(calendar_id: int) -> str:
    typed = _typed()
    if not is_fragment():
        return _form(typed, calendar_id, seen_as=request.form.get("seen", ""))
    return page("admin/_month.html", calendar_id=calendar_id, errors={}, **_month(typed))


def _typed() -> CalendarForm:
    text = {name: request.form.get(name, "") for name in ("key", "name", "name_zh", "zone", "holidays", "workdays", "years")}
    return CalendarForm(week=[request.form.get(f"week-{day}", "") for day in range(7)], **text)


def _form_of(calendar: Calendar) -> CalendarForm:
    return CalendarForm(
        key=calendar.key,
        name=calendar.name or calendar.key,
        name_zh=calendar.name_zh,
        zone=calendar.zone,
        week=[written_hours(hours) for hours in calendar.week],
        holidays=written_days({day: [] for day in calendar.holidays}, calendar.notes),
        workdays=written_days(calendar.workdays, calendar.notes, USUAL_HOURS),
        years=", ".join(map(str, calendar.years)),
    )


def _form(
    form: CalendarForm,
    calendar_id: int = 0,
    *,
    errors: dict[str, str] | None = None,
    conflict: bool = False,
    seen_as: str = "",
) -> str:
    with reading() as session:
        calendar = seen.one_calendar(session, calendar_id) if calendar_id else None
        return page(
            "admin/calendar.html",
            calendar=calendar,
            calendar_id=calendar_id,
            form=form,
            seen=seen_as or (fingerprint(opening_hours.values_of(calendar)) if calendar else ""),
            errors=errors or {},
            conflict=conflict,
            others=_others(session, calendar, form) if conflict and calendar is not None else [],
            by=last_change(session, "calendar.changed", lambda event: event.data["calendar"] == calendar_id)
            if conflict
            else None,
            queues=seen.users(session, calendar_id) if calendar_id else [],
            missing=years_missing(calendar, installation().clock.now().date()) if calendar else [],
            zones=sorted(opening_hours.zones()),
            **_month(form),
        )


def _others(session: Session, calendar: Calendar, form: CalendarForm) -> list[tuple[str, str, str]]:
    """What is different by now from what is typed."""
    now, (typed, _errors) = opening_hours.values_of(calendar), form.answers()
    apart = [field for field in now if now[field] != typed[field]]
    told = {"old": {field: typed[field] for field in apart}, "new": {field: now[field] for field in apart}}
    return changes(told, names(session, str(get_locale())[:2]))


def _month(form: CalendarForm) -> dict[str, Any]:
    """The month to show, how the calendar stands now, and the months beside it; nothing of it while it cannot be read."""
    now = installation().clock.now()
    values, errors = form.answers()
    row = Calendar(key="", **values)
    try:
        calendar = None if errors or row.zone not in opening_hours.zones() else to_calendar(row)
    except ValueError:
        calendar = None
    if calendar is None:
        return {"weeks": None, "weekdays": WEEKDAYS}
    first = _first_of(request.values.get("month", "")) or calendar.local_day(now).replace(day=1)
    return {
        "weeks": seen.month(row, first),
        "month": first,
        "before": (first - timedelta(days=1)).replace(day=1),
        "after": (first + timedelta(days=32)).replace(day=1),
        "today": calendar.local_day(now),
        "opening": seen.opening(calendar, now),
        "zone": calendar.tz,
        "weekdays": WEEKDAYS,
        "hours_words": hours_words,
        "month_name": month_name,
    }


def _first_of(text: str) -> date | None:
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first if 2000 <= first.year <= 2200 else None
