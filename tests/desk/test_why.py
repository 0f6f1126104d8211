"""Why work waits: who fails which rule with which figures, in which order the able are chosen, what comes next, what helps."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.access import Viewer
from desk.models import Agent, Queue, WorkItem
from desk.queries.why import MOST_NAMED, Why, why_waits
from tests.desk.house import House

BOSS = Viewer(99, "Priya", ("admin", "supervisor"), None)


def explained(house: House, item: WorkItem, viewer: Viewer = BOSS) -> Why:
    with house.store.read() as session:
        return why_waits(session, viewer, session.get_one(WorkItem, item.id), house.clock.now())


def set_queue(house: House, key: str = "billing", **values) -> None:
    with house.tx() as tx:
        queue = tx.session.scalars(select(Queue).where(Queue.key == key)).one()
        for name, value in values.items():
            setattr(queue, name, value)


def rules(why: Why) -> dict[str, str | None]:
    return {person.name: person.rule for person in why.people}


def test_each_person_is_told_the_first_rule_that_keeps_them_from_the_work(house):
    set_queue(house, requires=[["billing", 5]])
    house.agent("Able", billing=7)
    house.agent("Away", presence="away", billing=7)
    house.agent("Gone", presence="offline")
    house.agent("Low", billing=3)
    house.agent("Other", technical=9)
    busy = house.agent("Busy", billing=9)
    house.offer(house.item("voice", queue="general"), busy)
    item = house.item("voice", queue="billing")
    why = explained(house, item)
    assert rules(why) == {
        "Able": None,
        "Busy": "channel_maximum",
        "Away": "not_available",
        "Gone": "not_available",
        "Low": "level_too_low",
        "Other": "skill_missing",
    }
    assert [person.name for person in why.people] == ["Able", "Busy", "Away", "Gone", "Low", "Other"]
    details = {person.name: person for person in why.people}
    assert dict(details["Low"].detail) == {"skill": "billing", "needs": 5, "has": 3}
    assert (details["Away"].otherwise, details["Gone"].otherwise) == (None, "skill_missing")
    assert why.helps == []
    assert (why.place.position, why.place.size) == (1, 1)
