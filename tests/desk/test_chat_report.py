"""The measures of chats against what was counted by hand, and the rows that each is made of."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from desk.access import viewer_of
from desk.actions.chats import chats
from desk.actions.work import supervising
from desk.models import Agent, Chat, Message, Ticket, WorkItem
from desk.queries.chats import report
from desk.queries.chats.report import FIGURES, Scope, chat_report
from tests.desk.house import MORNING
from tests.desk.test_composing import taken
from tests.desk.test_silent_customers import ENGLISH, answer, asked, say, talking

BEGAN = MORNING + timedelta(days=7)


@pytest.fixture
def day(house):
    """Two chats of the service team, one of them passed on, one of another team, one that nobody took, and one a week before."""
    maya, tom = house.agent("Maya", **ENGLISH), house.agent("Tom", **ENGLISH)
    sam = house.agent("Sam", team="care", **ENGLISH)
    old = talking(house, maya)
    house.tick(5)
    answer(house, old, maya)
    end(house, old)
    house.tick((BEGAN - house.clock.now()).total_seconds())
    alone = talking(house, maya)
    at(house, 20, lambda: answer(house, alone, maya))
    at(house, 30, lambda: say(house, alone))
    at(house, 35, lambda: say(house, alone))
    at(house, 70, lambda: answer(house, alone, maya))
    passed = asked(house)
    at(house, 100, lambda: taken(house, passed, maya))
    at(house, 110, lambda: the_desk_says(house, passed))
    at(house, 130, lambda: answer(house, passed, maya))
    at(house, 140, lambda: say(house, passed))
    at(house, 150, lambda: send_back(house, passed))
    at(house, 160, lambda: taken(house, passed, tom))
    at(house, 200, lambda: answer(house, passed, tom))
    at(house, 220, lambda: end(house, alone))
    at(house, 260, lambda: end(house, passed))
    theirs = talking(house, sam)
    at(house, 269, lambda: answer(house, theirs, sam))
    end(house, theirs)
    end(house, asked(house), "customer")
    return SimpleNamespace(house=house, maya=maya, tom=tom, sam=sam, alone=alone, passed=passed, theirs=theirs)


def at(house, seconds, act):
    house.tick((BEGAN - house.clock.now()).total_seconds() + seconds)
    act()


def end(house, chat, by="agent"):
    with house.tx() as tx:
        chats.end_chat(tx, tx.session.get_one(Chat, chat.id), by)


def send_back(house, chat):
    with house.tx() as tx:
        supervising.send_back(tx, tx.session.get_one(WorkItem, chat.item_id))


def the_desk_says(house, chat):
    """A line of nobody's, as the question how it was is one."""
    with house.tx() as tx:
        words = {"text": "How was it?", "meta": {"system": "survey"}, "created_at": tx.now}
        tx.session.add(Message(ticket_id=chat.ticket_id, channel="chat", direction="out", customer_id=chat.customer_id, **words))


def supervisor(house, role="supervisor"):
    boss = house.agent("Boss")
    with house.tx() as tx:
        tx.session.get_one(Agent, boss.id).roles = [role]
    return viewer_of(house.again(boss))


def counted(house, viewer, **others):
    scope = Scope(**{"since": BEGAN, "until": BEGAN + timedelta(days=1)} | others)
    with house.store.read() as reading:
        return chat_report(reading, viewer, scope, house.clock.now())


def values(found):
    return {key: (figure.value, figure.high, [row.value for row in figure.rows]) for key, figure in found.figures.items()}


def test_each_measure_is_what_was_counted_by_hand(day):
    found = counted(day.house, supervisor(day.house))
    assert values(found) == {
        "chats": (2, None, [1, 1]),
        "visitor_messages": (2.5, None, [3, 2]),
        "our_messages": (2, None, [2, 2]),
        "first_reply": (40, 60, [60, 20]),
        "reply_gap": (35, 60, [60, 40, 30, 20]),
        "at_once": (370 / 320, 2, [220, 50, 100]),
    }
    at_once = found.figures["at_once"]
    assert [(row.agent_name, row.alone) for row in at_once.rows] == [("Maya", 220), ("Maya", 0), ("Tom", 100)]
    assert (at_once.total, at_once.union) == (370, 320)
    assert not found.is_cut


def test_in_a_chat_that_was_passed_on_each_has_what_they_did(day):
    boss = supervisor(day.house)
    assert values(counted(day.house, boss, agent_id=day.tom.id)) == {
        "chats": (1, None, [1]),
        "visitor_messages": (2, None, [2]),
        "our_messages": (1, None, [1]),
        "first_reply": (None, None, []),
        "reply_gap": (60, 60, [60]),
        "at_once": (1, 1, [100]),
    }
    hers = counted(day.house, boss, agent_id=day.maya.id).figures
    assert [row.value for row in hers["reply_gap"].rows] == [40, 30, 20]
    assert {row.agent_name for figure in hers.values() for row in figure.rows} == {"Maya"}


def test_supervisors_see_their_own_team_and_administrators_everybody(day):
    numbers = {name: number_of(day, getattr(day, name)) for name in ("alone", "passed", "theirs")}
    boss, admin = supervisor(day.house), supervisor(day.house, "admin")
    assert {row.number for row in counted(day.house, boss).figures["chats"].rows} == {numbers["alone"], numbers["passed"]}
    assert {row.number for row in counted(day.house, admin).figures["chats"].rows} == set(numbers.values())
    others = counted(day.house, boss, agent_id=day.sam.id)
    assert {len(figure.rows) for figure in others.figures.values()} == {0}


def number_of(day, chat):
    return day.house.one(select(Ticket.number).where(Ticket.id == chat.ticket_id))


def test_the_time_and_the_queue_narrow_it(day):
    boss = supervisor(day.house)
    queue_id = day.house.one(select(WorkItem.queue_id).where(WorkItem.id == day.alone.item_id))
    assert len(counted(day.house, boss, queue_id=queue_id).figures["chats"].rows) == 2
    assert counted(day.house, boss, queue_id=queue_id + 1000).figures["chats"].rows == ()
    later = counted(day.house, boss, since=BEGAN + timedelta(seconds=1)).figures["chats"].rows
    assert [row.number for row in later] == [number_of(day, day.passed)]
    before = Scope(BEGAN, BEGAN + timedelta(days=7)).before()
    week_before = counted(day.house, boss, since=before.since, until=before.until)
    assert values(week_before)["first_reply"] == (5, 5, [5])


def test_nothing_to_measure_is_no_figure(house):
    found = counted(house, supervisor(house))
    assert {key for key, figure in found.figures.items() if figure.value is not None} == {"chats"}
    assert set(found.figures) == set(FIGURES)


def test_a_chat_that_runs_is_in_hand_until_now(house):
    maya, boss = house.agent("Maya", **ENGLISH), supervisor(house)
    talking(house, maya)
    house.tick(90)
    found = counted(house, boss, since=MORNING, until=MORNING + timedelta(days=1)).figures["at_once"]
    assert [row.value for row in found.rows] == [90]


def test_who_is_erased_is_counted_as_before(day):
    boss = supervisor(day.house)
    before = values(counted(day.house, boss))
    with day.house.tx() as tx:
        for chat in (day.alone, day.passed):
            tx.session.execute(update(Message).where(Message.ticket_id == chat.ticket_id).values(external_id=None))
            tx.session.execute(update(Chat).where(Chat.id == chat.id).values(token_hash=f"erased:{chat.id}"))
    assert values(counted(day.house, boss)) == before


def test_of_two_chats_on_one_ticket_each_has_its_own_messages(day):
    with day.house.tx() as tx:
        moved = {"ticket_id": day.alone.ticket_id}
        tx.session.execute(update(Message).where(Message.ticket_id == day.passed.ticket_id).values(**moved))
        tx.session.execute(update(Chat).where(Chat.id == day.passed.id).values(**moved))
    assert values(counted(day.house, supervisor(day.house)))["visitor_messages"] == (2.5, None, [3, 2])


def test_of_too_many_the_latest_are_counted_and_it_says_so(day, monkeypatch):
    monkeypatch.setattr(report, "MOST_CHATS", 1)
    found = counted(day.house, supervisor(day.house))
    assert found.is_cut
    assert [row.number for row in found.figures["chats"].rows] == [number_of(day, day.passed)]
    assert values(found)["visitor_messages"] == (2, None, [2])
