"""Why work waits: who fails which rule with which figures, in which order the able are chosen, what comes next, what helps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, insert, select

from desk.access import Viewer
from desk.actions.work import work_items
from desk.models import Agent, Calendar, Offer, Queue, WorkItem
from desk.queries.board.estimates import KEPT_S
from desk.queries.board.waits import Lines, minutes_to_tell, wait_of
from desk.queries.work.line import place_of
from desk.queries.work.why import MOST_NAMED, Why, why_waits
from desk.queries.work.why_offer import offers_of, why_offered
from tests.desk.house import EPOCH, House

BOSS = Viewer(99, "Priya", ("admin", "supervisor"))


def explained(house: House, item: WorkItem, viewer: Viewer = BOSS) -> Why:
    with house.store.read() as session:
        return why_waits(session, viewer, session.get_one(WorkItem, item.id), house.clock.now())


def set_queue(house: House, key: str = "billing", **values) -> Queue:
    with house.tx() as tx:
        queue = tx.session.scalars(select(Queue).where(Queue.key == key)).one()
        for name, value in values.items():
            setattr(queue, name, value)
    return queue


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
    why = explained(house, house.item("voice", queue="billing"))
    assert list(rules(why).items()) == [
        ("Able", None),
        ("Busy", "channel_maximum"),
        ("Away", "not_available"),
        ("Gone", "not_available"),
        ("Low", "level_too_low"),
        ("Other", "skill_missing"),
    ]
    person = {each.name: each for each in why.people}
    assert dict(person["Low"].detail) == {"skill": "billing", "needs": 5, "has": 3}
    assert (person["Away"].otherwise, person["Gone"].otherwise) == (None, "skill_missing")
    assert why.helps == []
    assert (why.place.position, why.place.size) == (1, 1)


def test_those_who_are_able_stand_in_the_order_of_choice_with_their_figures(house):
    set_queue(house, choice="least_flexible")
    house.agent("Generalist", billing=9, technical=9, delivery=9)
    house.tick(60)
    house.agent("Newcomer", billing=2)
    why = explained(house, house.item("voice", queue="billing"))
    assert [person.name for person in why.able] == ["Newcomer", "Generalist"]
    assert [person.scores["flexibility"] for person in why.able] == [1, 3]
    set_queue(house, choice="longest_idle")
    assert [person.name for person in explained(house, why.item).able] == ["Generalist", "Newcomer"]


def test_what_would_help_is_said_when_nobody_can_take_it(house):
    set_queue(house, requires=[["billing", 5]])
    item = house.item("voice", queue="billing")
    assert [(each.code, each.detail) for each in explained(house, item).helps] == [
        ("nobody_has", {"skill": "billing", "level": 5})
    ]
    house.agent("Away", presence="away", billing=5)
    house.agent("Gone", presence="offline", billing=6)
    house.agent("Low", billing=4)
    assert {each.code: each.count for each in explained(house, item).helps} == {"come_back": 2, "raise_level": 1}
    refuser = house.agent("Refuser", billing=8)
    made = house.offer(item, refuser)
    with house.tx() as tx:
        work_items.decline(tx, made.id)
    helps = {each.code: each for each in explained(house, item).helps}
    assert helps["ask_again"].count == 1
    assert house.clock.now() < helps["ask_again"].detail["at"] <= house.clock.now() + timedelta(seconds=60)
    assert explained(house, item).next_change_at == helps["ask_again"].detail["at"]


def test_overflow_steps_are_told_before_and_after_they_are_taken(house):
    steps = [
        {"after_s": 30, "do": "lower_level", "skill": "billing", "level": 3},
        {"after_s": 60, "do": "also_team", "team": "care"},
    ]
    set_queue(house, requires=[["billing", 5]], overflow=steps)
    house.agent("Low", billing=3)
    house.agent("Carer", team="care")
    item = house.item("voice", queue="billing")
    why = explained(house, item)
    assert (why.requires, why.next_step.done, why.next_change_at) == ([("billing", 5)], steps[0], why.next_step.at)
    assert why.next_step.at == house.clock.now() + timedelta(seconds=30)
    house.tick(30)
    why = explained(house, item)
    assert (why.requires, [step.taken for step in why.steps]) == ([("billing", 3)], [True, False])
    assert rules(why) == {"Low": None, "Carer": "skill_missing"}
    house.tick(30)
    why = explained(house, item)
    assert (rules(why), why.next_step) == ({"Low": None, "Carer": None}, None)
    assert why.also == [[("team:care", 1)]]


def test_a_step_is_counted_in_open_hours_only(house):
    with house.tx() as tx:  # the office closes at 18:00, eight hours from now; the next day is a Saturday
        office = tx.session.scalars(select(Calendar).where(Calendar.key == "office")).one()
    set_queue(house, calendar_id=office.id, overflow=[{"after_s": 8 * 3600 + 60, "do": "raise_band"}])
    item = house.item("voice", queue="billing")
    assert explained(house, item).next_step.at == house.clock.now() + timedelta(days=2, hours=23, seconds=60)


def test_work_kept_for_somebody_is_said_to_be_so(house):
    keeper, other = house.agent("Keeper", billing=5), house.agent("Other", billing=5)
    for _ in range(3):
        house.offer(house.item("chat"), keeper)
    item = house.item("chat", queue="billing")
    until = house.clock.now() + timedelta(seconds=60)
    with house.tx() as tx:
        row = tx.session.get_one(WorkItem, item.id)
        row.sticky_agent_id, row.sticky_until = keeper.id, until
    why = explained(house, item)
    assert (why.held_for, why.held_until, why.next_change_at) == ("Keeper", until, until)
    assert rules(why) == {"Keeper": "channel_maximum", "Other": "sticky_hold"}
    house.tick(60)
    why = explained(house, item)
    assert (why.held_for, why.held_until) == ("", None)
    assert rules(why)[other.name] is None


def test_people_of_other_teams_are_counted_and_not_named(house):
    house.agent("Maya", billing=5)
    house.agent("Carer", team="care", billing=5)
    house.agent("Gone", team="care", presence="offline")
    item = house.item("voice", queue="billing")
    with house.store.read() as session:
        home = session.scalars(select(Agent.team_id).where(Agent.name == "Maya")).one()
    why = explained(house, item, Viewer(99, "Su", ("supervisor",), home))
    assert rules(why) == {"Maya": None}
    assert dict(why.unnamed) == {"": 1, "not_available": 1}
    assert dict(why.totals) == {"": 2, "not_available": 1}
    assert len(explained(house, item, Viewer(None, "program", ("supervisor",), token_id=1)).people) == 3


def test_of_many_people_the_first_are_named_and_the_others_counted_in_as_many_queries(house):
    item = house.item("voice", queue="billing")
    house.agent("Maya", billing=5)

    def asked() -> int:
        said: list[str] = []
        with house.store.read() as session:
            event.listen(session.connection(), "before_cursor_execute", lambda *args: said.append(args[2]))
            why_waits(session, BOSS, session.get_one(WorkItem, item.id), house.clock.now())
        return len(said)

    asked()  # rates are measured now and kept for some seconds
    few = asked()
    with house.store.engine.begin() as connection:
        row = {"password_hash": "", "roles": ["agent"], "presence": "available", "desired": "available"}
        now = {"presence_since": house.clock.now(), "idle_since": house.clock.now()}
        connection.execute(insert(Agent), [{**row, **now, "email": f"a{n}@x", "name": f"A {n:03}"} for n in range(300)])
    assert asked() == few
    why = explained(house, item)
    assert [person.name for person in why.people[:2]] == ["Maya", "A 000"]
    assert len(why.people) == MOST_NAMED
    assert dict(why.unnamed) == {"skill_missing": 301 - MOST_NAMED}


def test_the_place_follows_promotion_steps_and_a_supervisors_word(house):
    set_queue(house, overflow=[{"after_s": 60, "do": "raise_band"}])
    first = house.item("voice", queue="billing")
    house.tick(61)
    vip = house.item("voice", tier="vip", queue="billing")
    with house.store.read() as session:  # the first is due in 19 s, the VIP in 20; and has been raised besides
        places = [place_of(session, session.get_one(WorkItem, each.id), house.clock.now()).position for each in (first, vip)]
    assert places == [1, 2]
    with house.tx() as tx:
        tx.session.get_one(WorkItem, vip.id).band = 0
        tx.session.get_one(WorkItem, vip.id).due_at = first.due_at - timedelta(seconds=1)
    assert [explained(house, each).place.position for each in (first, vip)] == [2, 1]
    assert [explained(house, each).band for each in (first, vip)] == [0, 0]


def finished(house: House, agent: Agent, count: int, handle_s: int = 40, waited_s: int = 10) -> None:
    """So many calls for billing that this agent finished, one after another, up to now."""
    item = house.item("voice", queue="billing")
    with house.tx() as tx:
        row = tx.session.get_one(WorkItem, item.id)
        about = {"ticket_id": row.ticket_id, "customer_id": row.customer_id, "queue_id": row.queue_id, "agent_id": agent.id}
        for number in range(count):
            ended = tx.now - timedelta(seconds=number * handle_s)
            answered = ended - timedelta(seconds=handle_s)
            tx.session.add(
                WorkItem(
                    kind="call",
                    channel="voice",
                    state="done",
                    requires=row.requires,
                    band=1,
                    due_at=ended,
                    ended_at=ended,
                    answered_at=answered,
                    enqueued_at=answered - timedelta(seconds=waited_s),
                    **about,
                )
            )
        tx.session.delete(row)


def test_a_wait_is_estimated_by_the_measured_speed_of_those_who_are_there(house):
    maya = house.agent("Maya", billing=5)
    finished(house, maya, 22)
    items = [house.item("voice", queue="billing") for _ in range(3)]
    house.offer(house.item("voice"), maya)
    with house.store.read() as session:
        _, expected = wait_of(Lines(session, house.clock.now()), session.get_one(WorkItem, items[2].id))
    line = expected.line
    assert (line.ahead, line.agents, line.completions, line.busy_s) == (2, 1.0, 22, pytest.approx(880, abs=25))
    assert expected.estimate.method == "QLm"
    assert expected.estimate.mean_s == pytest.approx(3 * 40, rel=0.05)
    why = explained(house, items[2])
    assert why.expected.line == line
    house.tick(KEPT_S + 1)
    with house.tx() as tx:
        tx.session.get_one(Agent, maya.id).presence = "away"
    assert explained(house, items[2]).expected.estimate is None


def test_nobody_is_told_a_longer_wait_without_a_cause(house):
    for name in ("Maya", "Bo"):
        agent = house.agent(name, billing=5)
        house.offer(house.item("voice"), agent)
    items = [house.item("voice", queue="billing") for _ in range(4)]

    def told() -> int | None:
        with house.store.read() as session:
            return minutes_to_tell(Lines(session, house.clock.now()), session.get_one(WorkItem, items[3].id))[1]

    before = told()
    for _ in range(2):
        house.item("voice", tier="vip", queue="billing")
    assert explained(house, items[3]).expected.estimate.minutes[1] > before
    assert told() == before
    with house.tx() as tx:
        tx.session.scalars(select(Agent).where(Agent.name == "Bo")).one().presence = "away"
    assert told() > before


def test_an_offer_keeps_the_reason_it_was_made_for(house):
    chosen, runner, stranger = house.agent("Chosen"), house.agent("Runner"), house.agent("Stranger", team="care")
    item = house.item("voice")
    reason = {
        "mode": "longest_idle",
        "requires": [["billing", 1]],
        "waited_s": 12.5,
        "able": 4,
        "free": 3,
        "scores": {"idle_since": 1.0},
        "candidates": [{"agent": each.id, "idle_since": 1.0, "flexibility": 1} for each in (chosen, runner, stranger)],
        "kept_away": {"capacity": 1},
    }
    with house.tx() as tx:
        made = work_items.offer(tx, item.id, chosen.id, epoch=EPOCH, reason=reason)
    supervisor = Viewer(99, "Su", ("supervisor",), chosen.team_id)
    with house.store.read() as session:
        found = why_offered(session, supervisor, made.id)
    assert (found.agent_name, found.free, dict(found.kept_away)) == ("Chosen", 3, {"capacity": 1})
    assert [(each.name, each.chosen) for each in found.chances] == [("Chosen", True), ("Runner", False), ("", False)]
    with house.tx() as tx:
        work_items.decline(tx, made.id)
    again = house.offer(item, runner)
    with house.store.read() as session:
        history = offers_of(session, supervisor, [session.get_one(WorkItem, item.id)])
    assert [(each.offer.id, each.offer.state) for each in history] == [(again.id, "offered"), (made.id, "rejected")]
    assert explained(house, item).people == []
    assert house.one(select(Offer.answered_at).where(Offer.id == made.id)) == house.clock.now()
