"""What a new installation needs before the first contact: opening hours, a team and queues. Made once, then the admin's."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions.complaints.policy import ensure_policies
from desk.holiday_tables import tables
from desk.models import Calendar, ComplaintPolicy, Queue, Setting, Team
from desk.store import Tx

_DAY = [["09:00", "18:00"]]
_ROUND_THE_CLOCK = [["00:00", "24:00"]]
QUEUES = (
    # key, name, Chinese name, skills asked for, calendar
    ("general", "General", "综合服务", [], "always"),
    ("billing", "Billing", "账单", [["billing", 1]], "always"),
    ("technical", "Technical", "技术支持", [["technical", 1]], "always"),
    ("delivery", "Delivery", "配送", [["delivery", 1]], "always"),
    ("complaints", "Complaints", "投诉", [["complaints", 1]], "office"),
)


def ensure_defaults(tx: Tx) -> bool:
    """Add the defaults to an empty desk. False when it has queues already; complaint policies it lacks are added to any desk."""
    made = _ensure_queues(tx)
    if tx.session.scalar(select(ComplaintPolicy.id).where(ComplaintPolicy.calendar != "").limit(1)) is None:
        there = set(tx.session.scalars(select(Calendar.key)))
        tx.session.add_all(Calendar(**table) for table in tables() if table["key"] not in there)
    ensure_policies(tx)
    return made


def _ensure_queues(tx: Tx) -> bool:
    if tx.session.scalar(select(Queue.id).limit(1)) is not None:
        return False
    zone = tx.settings.timezone
    calendars = {
        "office": Calendar(key="office", name="Office hours", name_zh="办公时间", zone=zone, week=[*([_DAY] * 5), [], []]),
        "always": Calendar(key="always", name="Day and night", name_zh="全天", zone=zone, week=[_ROUND_THE_CLOCK] * 7),
    }
    service = Team(key="service", name="Customer service", name_zh="客户服务")
    care = Team(key="care", name="Complaints and care", name_zh="投诉与关怀")
    tx.session.add_all([*calendars.values(), service, care])
    tx.session.flush()
    for position, (key, name, name_zh, requires, calendar) in enumerate(QUEUES):
        tx.session.add(
            Queue(
                key=key,
                name=name,
                name_zh=name_zh,
                team_id=(care if key == "complaints" else service).id,
                calendar_id=calendars[calendar].id,
                requires=requires,
                position=position,
            )
        )
    if tx.session.get(Setting, "company") is None:
        tx.session.add(Setting(key="company", value={"en": "Service Desk", "zh": "服务台"}))
    tx.emit("setting.defaults_made")
    return True
