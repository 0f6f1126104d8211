"""A double charge from the angry call on a Friday to the archive: every step, every date, and every leap that is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from desk.actions.complaints import alerts, complainant, complaints, corrective_actions, decisions, file
from desk.actions.surveys import follow_ups
from desk.actions.surveys.follow_up_work import open_one
from desk.actions.tickets import solving
from desk.actions.work import hand_ups, work_items
from desk.errors import Conflict, DeskError, NotAllowed
from desk.events import Event
from desk.models import Agent, Complaint, ComplaintDecision, CorrectiveAction, HandUp, Timer
from desk.models.complaint import (
    ACKNOWLEDGED,
    ARCHIVED,
    ASSESSED,
    CLOSED,
    FOLLOW_UP,
    INVESTIGATING,
    NEXT,
    REDRESS,
    REOPENED,
)
from desk.queries import doctor
from tests.desk.care_world import World, agent, decide, hold, mail_in, ticket_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        yield world


def at(world: World, month: int, day: int, hour: int = 10, minute: int = 0) -> None:
    """Go on to this moment in Shanghai."""
    wanted = datetime(2026 if month > 3 else 2027, month, day, hour, minute, tzinfo=SHANGHAI)
    world.clock.tick((wanted - world.clock.now()).total_seconds())


def leaps_refused(tx, complaint: Complaint) -> None:
    """Nothing but what comes next is taken, and the refusal says what does."""
    before = complaint.stage
    for stage in set(NEXT) - set(NEXT[before]):
        with pytest.raises(Conflict) as refused:
            complaints.advance(tx, complaint, stage, agent=agent(tx, "He Yan"), category="billing", reason="x")
        assert refused.value.allowed == NEXT[before]
    assert complaint.stage == before


def test_a_double_charge_from_the_call_to_the_archive(world):
    with world.tx() as tx:  # Friday 20 November 2026, 16:40
        agent(tx, "Lin").roles = ["supervisor"]
        ticket = mail_in(tx, "I was charged twice!")
        complaint = complaints.register_from_ticket(
            tx, ticket, "Order 77 was charged twice.", order_number="77", category="billing", told_by_voice=True
        )
        case, due = complaint.id, complaint.decide_due_at
        assert complaint.stage == ACKNOWLEDGED
        assert due == datetime(2026, 12, 11, 15, 59, 59, tzinfo=UTC)  # fifteen business days, to the end of the day
        leaps_refused(tx, complaint)
        officer = agent(tx, "He Yan")
        hold(tx, ticket, "He Yan")
        complaints.advance(tx, complaint, ASSESSED, agent=officer, category="billing", severity=2)
        complaints.advance(tx, complaint, INVESTIGATING, agent=officer)
        leaps_refused(tx, complaint)
        packet = {"problem": "Charged twice", "tried": "Read the log", "question": "Was order 77 charged twice?"}
        hand_ups.hand_up(tx, ticket, officer, **packet, needed_by=datetime(2026, 11, 24, 18, tzinfo=SHANGHAI))

    at(world, 11, 25)  # Wednesday: the answer was due on Tuesday
    with world.tx() as tx:
        complaint, asked = tx.session.get_one(Complaint, case), tx.session.scalars(select(HandUp)).one()
        hand_ups.overdue(tx, asked.item_id)
        work_items.take(tx, asked.item_id, agent(tx, "Ruth").id)
        hand_ups.answer(tx, asked, agent(tx, "Ruth"), "Yes, twice.")
        assert asked.answered_at > asked.needed_by
        assert complaint.decide_due_at == due  # the customer's clock is not the next level's
        point = file.allegations_of(tx, complaint)[0]
        file.record_finding(tx, complaint, point.id, "proven", "Two charges within a second.")
        whys = ["Charged twice.", "The payment was sent again.", "A retry has no key of its own."]
        file.set_cause(tx, complaint, "technology_fault", whys)
        officer = agent(tx, "He Yan")
        file.add_redress(tx, complaint, officer, "refund", "1500", datetime(2026, 12, 4, 12, tzinfo=UTC))
        words = {"looked_into": "We asked billing.", "reasons": "You paid twice.", "apology": "We are sorry."}
        decisions.draft(tx, complaint, officer, outcome="upheld", **words)
        leaps_refused(tx, complaint)
        with pytest.raises(Conflict):
            decisions.send(tx, complaint, officer)
        decisions.submit(tx, complaint, officer)
        for nobody in ("He Yan", "Dan"):  # wrote it; an agent
            with pytest.raises(NotAllowed):
                decisions.approve(tx, complaint, agent(tx, nobody))

    at(world, 11, 30)  # Monday
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        assert decisions.approve(tx, complaint, agent(tx, "Lin"))
        assert complaint.stage == REDRESS
        leaps_refused(tx, complaint)
        first = tx.session.scalars(select(ComplaintDecision)).one()
        assert first.letter_sha256
        assert complaint.decided_at <= complaint.decide_due_at

    at(world, 12, 2)  # Wednesday: the money is there; three business days later somebody asks
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.given(tx, complaint, file.redress_of(tx, complaint)[0].id, "Bank receipt 4711.")
        timer = tx.session.scalars(select(Timer).where(Timer.kind == "complaint.follow_up", Timer.done_at.is_(None))).one()
        assert timer.due_at.astimezone(SHANGHAI).date() == date(2026, 12, 7)

    at(world, 12, 7)  # Monday: Dan, who had nothing to do with it, calls
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.follow_up_due(tx, complaint)
        assert complaint.stage == FOLLOW_UP
        leaps_refused(tx, complaint)
        follow_up = open_one(tx, complaint.ticket_id)
        with pytest.raises(NotAllowed):
            follow_ups.record(tx, follow_up, agent(tx, "He Yan"), "satisfied")
        follow_ups.record(tx, follow_up, agent(tx, "Dan"), "dissatisfied", "The money is here, but nobody said sorry.")
        ticket = ticket_of(tx, complaint)
        assert (complaint.stage, ticket.level, ticket.reopened) == (REOPENED, 2, 1)
        assert complaint.decide_due_at == due
        complaints.advance(tx, complaint, INVESTIGATING, agent=agent(tx, "Ruth"))
        decide(tx, complaint, reasons="We are sorry, and should have said so at once.", by="Ruth")
        complaints.advance(tx, complaint, FOLLOW_UP)
        follow_ups.record(tx, open_one(tx, complaint.ticket_id), agent(tx, "Dan"), "satisfied", "Thank you.")
        assert complaint.stage == CLOSED
        leaps_refused(tx, complaint)
        assert solving.close_quiet(tx, ticket) is False
        for number in (2, 3):  # the third of the same cause this week: somebody is to end that
            like = world.complain(tx, token=f"filling-{number}-of-the-form", email=f"li{number}@example.com")
            like.cause, like.cause_found_at = complaint.cause, tx.now
        (alert,) = [each for each in alerts.find_alerts(tx) if each.dimension == "cause"]
        assert complaint.id in alert.complaint_ids
        action = corrective_actions.open_action(
            tx, agent(tx, "He Yan"), alert=alert, owner_id=agent(tx, "Dan").id, due_at=tx.now + timedelta(days=14),
            kind="corrective", title="A key for each order", change="Sent twice is one order.", method="None in thirty days.",
        )  # fmt: skip

    world.days(29)
    with world.tx() as tx:
        agent(tx, "Dan").active = False  # who was to see to it has left
        complaints.archive_due(tx, tx.session.get_one(Complaint, case))
        assert tx.session.get_one(Complaint, case).stage == CLOSED
    world.days(1)
    with world.tx() as tx:
        complaint, action = tx.session.get_one(Complaint, case), tx.session.get_one(CorrectiveAction, action.id)
        complaints.archive_due(tx, complaint)
        assert complaint.stage == CLOSED  # not before somebody else has taken the action over
        again = tx.session.scalars(select(Timer).where(Timer.kind == complaints.ARCHIVE_TIMER, Timer.due_at > tx.now)).all()
        assert [each.data["complaint_id"] for each in again] == [case]
        due_at = tx.now + timedelta(days=7)
        corrective_actions.hand_over(tx, action, agent(tx, "He Yan"), agent(tx, "Lin").id, due_at, "Dan has left.")
        corrective_actions.done(tx, action, agent(tx, "Lin"), "Release 4.2.")
        assert action.check_due_at == tx.now + timedelta(days=30)
        complaints.archive_due(tx, complaint)
        assert complaint.stage == ARCHIVED
        with pytest.raises(DeskError):
            complainant.answers(tx, complaint, False, "Once more.")
    with world.tx() as tx:
        told = list(tx.session.scalars(select(Event.kind).where(Event.complaint_id == case).order_by(Event.id)))
        assert len(told) >= 14
        assert (told.count("complaint.reopened"), told.count("complaint.decided")) == (1, 2)
        assert tx.session.scalars(select(Event.kind).where(Event.kind == "hand_up.overdue")).one()
        complaint = tx.session.get_one(Complaint, case)
        assert complaint.outcome == "upheld"
        assert complaint.decided_at == first.sent_at <= complaint.decide_due_at  # on time, by the first decision
        assert [finding.level for finding in doctor.complaints(tx.session)] == ["ok"]
        assert tx.session.scalars(select(Agent.used).where(Agent.used > 0)).all() == []
