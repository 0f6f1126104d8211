"""One reminder and no more; who is disappointed twice, or says that they complain, has a complaint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from desk.actions.complaints import complaints, file
from desk.actions.surveys import recovery, surveys
from desk.actions.tickets import tickets
from desk.models import Complaint, Survey, Ticket, Timer
from desk.models.survey import CSAT
from tests.desk.care_world import World, agent, ask_at_once, letters, mail_in


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        with world.tx() as tx:
            ask_at_once(tx)
        yield world


def asked(tx, number: int = 1) -> Survey:
    """A ticket that was solved, and the question sheet about it."""
    ticket = mail_in(tx, external_id=f"mail-{number}", message_id=f"{number}@example.com", subject=f"Router {number}")
    ticket.status, ticket.solved_at, ticket.owner_id = "solved", tx.now, agent(tx, "Lin").id
    survey = surveys.send_survey(tx, ticket, "email")
    assert survey is not None
    return survey


def remind(world: World, survey: Survey) -> int:
    """Have what is due be done; how many reminders have left so far."""
    with world.tx() as tx:
        due = select(Timer).where(Timer.kind == surveys.REMIND_TIMER, Timer.done_at.is_(None), Timer.due_at <= tx.now)
        for timer in tx.session.scalars(due).all():
            timer.done_at = tx.now
            surveys.remind(tx, tx.session.get_one(Survey, timer.data["survey_id"]))
        surveys.remind(tx, tx.session.get_one(Survey, survey.id))  # and by another worker
        return sum("A reminder" in each.get("subject", "") for each in letters(tx))


def test_who_has_not_answered_is_reminded_once_after_three_days(world):
    with world.tx() as tx:
        survey = asked(tx)
        (timer,) = tx.session.scalars(select(Timer).where(Timer.kind == surveys.REMIND_TIMER)).all()
        assert (timer.due_at - survey.sent_at).days == 3
    world.days(3)
    assert remind(world, survey) == 1
    world.days(1)
    assert remind(world, survey) == 1
    with world.tx() as tx:
        reminder = letters(tx)[-1]
        assert f"/survey/{survey.access_key}/leave" in dict(reminder["headers"])["List-Unsubscribe"]


@pytest.mark.parametrize("why", ["answered", "declined", "open again", "special needs", "over"])
def test_nobody_is_reminded_who_should_be_left_alone(world, why):
    with world.tx() as tx:
        survey = asked(tx)
        ticket = tx.session.get_one(Ticket, survey.ticket_id)
        if why == "answered":
            surveys.answer_survey(tx, survey, 5, True)
        elif why == "declined":
            surveys.decline(tx, survey)
        elif why == "open again":
            tickets.reopen(tx, ticket, reason="customer_wrote")
        elif why == "special needs":
            complaint = complaints.register_from_ticket(tx, ticket, "Nobody answers me.")
            file.set_needs(tx, complaint, "A slower call.")
            complaints.withdraw(tx, complaint, "Never mind.")
            ticket.status = "solved"
    world.days(8 if why == "over" else 3)
    assert remind(world, survey) == 0


def recover(world: World) -> int:
    """How many complaints there are, once what low answers lead to has been done."""
    with world.tx() as tx:
        due = select(Timer).where(Timer.kind == surveys.RECOVER_TIMER, Timer.done_at.is_(None), Timer.due_at <= tx.now)
        for timer in tx.session.scalars(due).all():
            timer.done_at = tx.now
            recovery.consider(tx, tx.session.get_one(Survey, timer.data["survey_id"]))
            recovery.consider(tx, tx.session.get_one(Survey, timer.data["survey_id"]))
    with world.tx() as tx:
        return len(tx.session.scalars(select(Complaint)).all())


def test_a_second_low_mark_within_ninety_days_is_a_complaint(world):
    with world.tx() as tx:
        surveys.answer_survey(tx, asked(tx), 2, True)
    assert recover(world) == 0
    world.days(31)
    with world.tx() as tx:
        second = asked(tx, 2)
        surveys.answer_survey(tx, second, 1, True, "Slow again.")
    assert recover(world) == 1
    with world.tx() as tx:
        complaint = tx.session.scalars(select(Complaint)).one()
        assert (complaint.ticket_id, complaint.statement, complaint.received_at) == (
            second.ticket_id,
            "Slow again.",
            second.answered_at,
        )


def test_low_marks_further_apart_are_none(world):
    with world.tx() as tx:
        surveys.answer_survey(tx, asked(tx), 1, True)
    world.days(91)
    with world.tx() as tx:
        surveys.answer_survey(tx, asked(tx, 2), 1, True)
    assert recover(world) == 0


@pytest.mark.parametrize(("comment", "count"), [("我要投诉！", 1), ("I want to complain.", 1), ("Compliments to all.", 0)])
def test_who_says_that_they_complain_does(world, comment, count):
    with world.tx() as tx:
        survey = asked(tx)
        assert survey.kind == CSAT
        surveys.answer_survey(tx, survey, 2, True, comment)
    assert recover(world) == count
