"""How the demo company has set its desk: holidays, a second office, and queues that ask for less the longer somebody waits."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.calls.menus import add_flow, publish, set_number
from desk.actions.opening_hours import add_calendar, set_calendar
from desk.actions.work.queues import set_queue
from desk.models import Calendar, Queue
from desk.store import Tx

LINE = "+862155501234"
OFFICE_DAY = [["09:00", "18:00"]]
EUROPE_DAY = [["09:00", "12:30"], ["13:30", "17:00"]]

# First day, last day, why. 2026 as the State Council announced it; 2027 as the statutory days fall, until it is announced.
HOLIDAYS = (
    ("2026-01-01", "2026-01-03", "元旦 New Year"),
    ("2026-02-15", "2026-02-23", "春节 Spring Festival"),
    ("2026-04-04", "2026-04-06", "清明节 Qingming"),
    ("2026-05-01", "2026-05-05", "劳动节 Labour Day"),
    ("2026-06-19", "2026-06-21", "端午节 Dragon Boat Festival"),
    ("2026-09-25", "2026-09-27", "中秋节 Mid-Autumn Festival"),
    ("2026-10-01", "2026-10-07", "国庆节 National Day"),
    ("2027-01-01", "2027-01-03", "元旦 New Year"),
    ("2027-02-05", "2027-02-13", "春节 Spring Festival"),
    ("2027-04-03", "2027-04-05", "清明节 Qingming"),
    ("2027-05-01", "2027-05-05", "劳动节 Labour Day"),
    ("2027-06-09", "2027-06-09", "端午节 Dragon Boat Festival"),
    ("2027-09-15", "2027-09-15", "中秋节 Mid-Autumn Festival"),
    ("2027-10-01", "2027-10-07", "国庆节 National Day"),
)
# Weekends that are worked instead (调休).
MAKE_UP_DAYS = {
    "2026-01-04": "元旦 New Year",
    "2026-02-14": "春节 Spring Festival",
    "2026-02-28": "春节 Spring Festival",
    "2026-05-09": "劳动节 Labour Day",
    "2026-09-20": "国庆节 National Day",
    "2026-10-10": "国庆节 National Day",
    "2027-01-31": "春节 Spring Festival",
    "2027-02-20": "春节 Spring Festival",
    "2027-05-08": "劳动节 Labour Day",
    "2027-09-26": "国庆节 National Day",
    "2027-10-09": "国庆节 National Day",
}
QUEUES: dict[str, dict[str, Any]] = {
    "general": {"overflow": [{"after_s": 120, "do": "also_team", "team": "care"}, {"after_s": 1200, "do": "raise_band"}]},
    "billing": {
        "requires": [["billing", 5]],
        "overflow": [
            {"after_s": 30, "do": "lower_level", "skill": "billing", "level": 3},
            {"after_s": 120, "do": "drop_skill", "skill": "billing"},
            {"after_s": 240, "do": "also_team", "team": "care"},
        ],
    },
    "technical": {
        "requires": [["technical", 5]],
        "overflow": [
            {"after_s": 45, "do": "lower_level", "skill": "technical", "level": 2},
            {"after_s": 180, "do": "also_team", "team": "care"},
        ],
    },
    "delivery": {
        "requires": [["delivery", 5]],
        "overflow": [
            {"after_s": 60, "do": "drop_skill", "skill": "delivery"},
            {"after_s": 240, "do": "also_team", "team": "care"},
        ],
        "sticky_s": {"chat": 90},
    },
    "complaints": {"overflow": [{"after_s": 3600, "do": "raise_band"}]},
}


def set_hours(tx: Tx) -> None:
    """Holidays and make-up days of the office, and the calendar of a second one."""
    office = tx.session.scalars(select(Calendar).where(Calendar.key == "office")).one()
    holidays = {day: why for first, last, why in HOLIDAYS for day in _days(first, last)}
    set_calendar(
        tx,
        office,
        holidays=list(holidays),
        workdays=dict.fromkeys(MAKE_UP_DAYS, OFFICE_DAY),
        notes={**holidays, **MAKE_UP_DAYS},
    )
    add_calendar(
        tx,
        "europe",
        name="Office in Europe",
        name_zh="欧洲办公室",
        zone="Europe/Berlin",
        week=[*([EUROPE_DAY] * 5), [], []],
        holidays=["2026-12-25", "2026-12-26", "2027-01-01", "2027-12-25", "2027-12-26"],
        workdays={},
        notes={"2026-12-25": "Christmas", "2026-12-26": "Christmas", "2027-12-25": "Christmas", "2027-12-26": "Christmas"},
    )


def set_queues(tx: Tx) -> None:
    """What each queue asks for, and how it asks for less the longer work waits."""
    for queue in tx.session.scalars(select(Queue)).all():
        set_queue(tx, queue, **QUEUES.get(queue.key, {}))


def set_telephone(tx: Tx) -> None:
    """The hotline's menus, as they are built in and published once, behind the number of the demo."""
    hotline = add_flow(tx, "Hotline 热线")
    publish(tx, hotline)
    set_number(tx, None, number=LINE, name="Hotline 热线", flow_id=hotline.id, locale="")


def _days(first: str, last: str) -> list[str]:
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    return [(begins + timedelta(days=n)).isoformat() for n in range((ends - begins).days + 1)]
