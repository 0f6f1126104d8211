"""Asking the next support level: what it takes, who stays the customer's voice, and how the answer comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.actions.tickets import solving, tickets
from desk.actions.work import hand_ups, work_items
from desk.errors import Conflict, Invalid
from desk.models import Agent, HandUp, Message, Queue, Ticket, Timer, WorkItem
from desk.models.work_item import ACTIVE, DONE, WAITING
from desk.queries.work.matching import steps_for
from desk.work.due import ACTIONS
from routing.hours import Calendar

PACKET = {"problem": "Charged twice.", "tried": "Looked at order 77.", "question": "Was it charged twice?"}


class Desk:
    """A ticket in the hands of its owner, somebody of level 2 and somebody of level 3."""

    def __init__(self, house) -> None:
        self.house = house
        self.owner = house.agent("Maya")
        self.second = house.agent("Hannah", support=2)
        self.third = house.agent("Sumin", support=3)
        item = house.item()
        with house.tx() as tx:
            work_items.take(tx, item.id, self.owner.id)
            ticket = tx.session.get_one(Ticket, item.ticket_id)
            tickets.assign(tx, ticket, self.owner.id)
        self.ticket_id = item.ticket_id

    @property
    def ticket(self) -> Ticket:
        return self.house.one(select(Ticket).where(Ticket.id == self.ticket_id))

    @property
    def asked(self) -> HandUp:
        return self.house.one(select(HandUp).order_by(HandUp.id.desc()).limit(1))

    def ask(self, agent: Agent | None = None, **changes) -> HandUp:
        with self.house.tx() as tx:
            packet = {**PACKET, "needed_by": tx.now + timedelta(hours=4), **changes}
            return hand_ups.hand_up(tx, tx.session.get_one(Ticket, self.ticket_id), agent or self.owner, **packet)

    def take(self, agent: Agent) -> WorkItem:
        with self.house.tx() as tx:
            work_items.take(tx, self.asked.item_id, agent.id)
        return self.item(self.asked.item_id)

    def settle(self, verb, agent: Agent, *said: str) -> None:
        with self.house.tx() as tx:
            verb(tx, tx.session.get_one(HandUp, self.asked.id), agent, *said)

    def item(self, item_id: int) -> WorkItem:
        return self.house.one(select(WorkItem).where(WorkItem.id == item_id))

    def open_work(self) -> list[str]:
        return self.house.all(select(WorkItem.kind).where(WorkItem.ticket_id == self.ticket_id, WorkItem.state == WAITING))


@pytest.fixture
def desk(house):
    return Desk(house)


def test_a_question_waits_for_level_two_until_it_is_needed_and_the_customers_clock_runs_on(desk):
    due = desk.ticket.resolve_due_at
    asked = desk.ask()
    item = desk.item(asked.item_id)
    assert item.requires == [["support", 2]]
    assert item.due_at == asked.needed_by
    assert str(desk.owner.id) in item.excluded
    now = desk.ticket
    assert (now.owner_id, now.level, now.status) == (desk.owner.id, 2, "pending_internal")
    assert (now.resolve_due_at, now.paused_since) == (due, None)


def test_the_answer_is_a_note_and_gives_the_owner_the_work_again(desk, house):
    desk.ask()
    desk.take(desk.second)
    desk.settle(hand_ups.answer, desk.second, "Yes, twice. Refund one.")
    note = house.one(select(Message).order_by(Message.id.desc()).limit(1))
    assert (note.kind, note.text, note.agent_id) == ("note", "Yes, twice. Refund one.", desk.second.id)
    assert (desk.ticket.status, desk.ticket.level, desk.ticket.owner_id) == ("open", 1, desk.owner.id)
    assert desk.open_work() == ["ticket"]
    assert desk.asked.state == "answered"
    assert desk.item(desk.asked.item_id).state == DONE
    assert house.all(select(Timer).where(Timer.kind == hand_ups.DUE_TIMER, Timer.done_at.is_(None))) == []
    assert house.faults_in_load() == []


@pytest.mark.parametrize("missing", ["problem", "tried", "question", "needed_by"])
def test_a_question_without_what_was_tried_asked_or_when_is_refused_and_changes_nothing(desk, house, missing):
    before = house.kinds()
    with pytest.raises(Invalid) as refused:
        desk.ask(**{missing: None if missing == "needed_by" else "  "})
    assert list(refused.value.fields) == [missing]
    assert house.kinds() == before


@pytest.mark.parametrize("away", [timedelta(minutes=-1), timedelta(minutes=1), timedelta(days=365)])
def test_a_time_that_has_passed_or_is_far_away_is_refused(desk, house, away):
    with pytest.raises(Invalid):
        desk.ask(needed_by=house.clock.now() + away)


def test_whoever_is_asked_cannot_write_to_the_customer(desk, house):
    desk.ask()
    desk.take(desk.second)
    with pytest.raises(Conflict), house.tx() as tx:
        tickets.reply(tx, tx.session.get_one(Ticket, desk.ticket_id), desk.second, "We refund it.", channel="email")
    with house.tx() as tx:
        tickets.reply(tx, tx.session.get_one(Ticket, desk.ticket_id), desk.owner, "We are on it.", channel="email")


def test_a_second_question_waits_for_the_first(desk):
    desk.ask()
    with pytest.raises(Conflict):
        desk.ask()
    with pytest.raises(Conflict):
        desk.ask(desk.second)  # who has not taken it


def test_level_two_asks_level_three_and_its_own_part_ends(desk):
    first = desk.ask()
    desk.take(desk.second)
    second = desk.ask(desk.second, question="May we refund?")
    assert (second.from_level, second.to_level, desk.ticket.level) == (2, 3, 3)
    assert desk.item(first.item_id).state == DONE
    assert desk.ticket.owner_id == desk.owner.id
    desk.take(desk.third)
    with pytest.raises(Conflict):
        desk.ask(desk.third)
    desk.settle(hand_ups.answer, desk.third, "Yes.")
    assert (desk.ticket.level, desk.open_work()) == (1, ["ticket"])


def test_level_three_is_asked_at_once_only_for_what_is_most_urgent(desk, house):
    with pytest.raises(Conflict):
        desk.ask(to_level=3)
    with house.tx() as tx:
        tickets.set_fields(tx, tx.session.get_one(Ticket, desk.ticket_id), priority=1)
    assert desk.ask(to_level=3).to_level == 3


@pytest.mark.parametrize("level", [0, 1, 4])
def test_a_level_that_does_not_exist_or_is_not_higher_is_refused(desk, level):
    with pytest.raises(Invalid):
        desk.ask(to_level=level)


def test_a_question_that_is_sent_back_goes_to_the_owner_with_what_is_missing(desk):
    desk.ask()
    desk.take(desk.second)
    desk.settle(hand_ups.send_back, desk.second, "Which order?")
    assert (desk.asked.state, desk.asked.answer) == ("returned", "Which order?")
    assert desk.open_work() == ["ticket"]
    desk.ask()  # and may be asked again


def test_only_who_has_the_question_answers_it_and_only_once(desk):
    desk.ask()
    with pytest.raises(Conflict):
        desk.settle(hand_ups.answer, desk.second, "Yes.")
    desk.take(desk.second)
    with pytest.raises(Invalid):
        desk.settle(hand_ups.answer, desk.second, " ")
    desk.settle(hand_ups.answer, desk.second, "Yes.")
    with pytest.raises(Conflict):
        desk.settle(hand_ups.answer, desk.second, "Yes.")


def test_the_owner_takes_a_question_back_that_somebody_is_working_on(desk, house):
    desk.ask()
    desk.take(desk.second)
    with pytest.raises(Conflict):
        desk.settle(hand_ups.withdraw, desk.third)
    desk.settle(hand_ups.withdraw, desk.owner)
    assert (desk.asked.state, desk.ticket.status) == ("withdrawn", "open")
    assert house.faults_in_load() == []


def test_a_late_answer_goes_before_all_other_work(desk, house):
    asked = desk.ask()
    house.tick(4 * 3600)
    with house.tx() as tx:
        timer = tx.session.scalars(select(Timer).where(Timer.kind == hand_ups.DUE_TIMER)).one()
        ACTIONS[timer.kind](tx, timer.data)
    assert desk.item(asked.item_id).band == 0
    assert house.kinds("hand_up.") == ["hand_up.asked", "hand_up.overdue"]


def test_who_keeps_silent_a_day_longer_is_passed_over(desk, house):
    asked = desk.ask()

    def fire() -> None:
        with house.tx() as tx:
            timer = tx.session.scalars(select(Timer).where(Timer.kind == hand_ups.DUE_TIMER, Timer.done_at.is_(None))).one()
            assert timer.due_at <= tx.now
            timer.done_at = tx.now
            ACTIONS[timer.kind](tx, timer.data)

    house.tick(4 * 3600)
    fire()
    desk.take(desk.second)  # somebody has it, and says nothing
    house.tick(24 * 3600)
    fire()
    happened = [kind.removeprefix("hand_up.") for kind in house.kinds("hand_up.")]
    assert happened == ["asked", "overdue", "passed_up", "handed_on", "asked"]
    highest = house.one(select(HandUp).where(HandUp.state == "open"))
    assert (highest.to_level, highest.question, desk.ticket.level) == (3, asked.question, 3)
    assert house.faults_in_load() == []


def test_a_customer_who_writes_meanwhile_is_answered_by_the_owner(desk, house):
    desk.ask()
    with house.tx() as tx:
        tickets.customer_wrote(tx, tx.session.get_one(Ticket, desk.ticket_id))
    assert sorted(desk.open_work()) == ["hand_up", "ticket"]
    desk.take(desk.second)
    desk.settle(hand_ups.answer, desk.second, "Yes.")
    assert desk.open_work() == ["ticket"]


def test_a_ticket_is_not_solved_over_an_open_question(desk, house):
    desk.ask()
    with pytest.raises(Conflict), house.tx() as tx:
        solving.solve(
            tx,
            tx.session.get_one(Ticket, desk.ticket_id),
            desk.owner,
            category="billing",
            wrap_up_code="solved",
            resolution="Refunded.",
        )


def test_a_ticket_that_nobody_owns_becomes_the_askers(house, desk):
    with house.tx() as tx:
        tickets.assign(tx, tx.session.get_one(Ticket, desk.ticket_id), None)
    desk.ask()
    assert desk.ticket.owner_id == desk.owner.id


def test_taken_work_stays_taken_when_it_is_late(desk, house):
    asked = desk.ask()
    desk.take(desk.second)
    with house.tx() as tx:
        hand_ups.overdue(tx, asked.item_id)
    assert desk.item(asked.item_id).state == ACTIVE


def test_however_long_a_question_waits_it_goes_to_nobody_below_the_level_that_was_asked(desk, house):
    item = desk.item(desk.ask().item_id)
    queue = house.one(select(Queue).where(Queue.id == item.queue_id))
    queue.overflow = [{"after_s": 60, "do": "also_team", "team": "care"}, {"after_s": 90, "do": "raise_band"}]
    (last,) = steps_for(item, queue, Calendar.always())
    assert (last.requires, last.also, last.done["do"]) == ({("support", 2)}, frozenset(), "raise_band")
