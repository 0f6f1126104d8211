"""Two complaints under the British rules for finance over Christmas: one settled on the spot, one beyond eight weeks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.complaints import clocks, complaints, decisions, early, file
from desk.actions.surveys import follow_ups
from desk.actions.surveys.follow_up_work import open_one
from desk.errors import Conflict, Invalid, NotAllowed
from desk.events import Event
from desk.models import Calendar, Complaint, ComplaintDecision, Queue, Setting, Timer
from desk.models.complaint import ACKNOWLEDGED, ARCHIVED, CLOSED, FOLLOW_UP, INVESTIGATING, REDRESS
from desk.queries import doctor
from desk.queries.complaints.figures import Scope, figure
from desk.queries.complaints.policies import CHOSEN, early_until
from tests.desk.care_world import World, agent, letters, looked_into, mail_in

LONDON = ZoneInfo("Europe/London")
WITHIN_SIX_MONTHS = "within six months of the date of this letter"


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        with world.tx() as tx:
            british = tx.session.scalars(select(Calendar).where(Calendar.key == "uk")).one()
            for queue in tx.session.scalars(select(Queue)):
                queue.calendar_id = british.id
            tx.session.merge(Setting(key=CHOSEN, value=["UK-FCA"]))
        at(world, 2026, 12, 24, 15)  # Thursday, Christmas Eve
        yield world


def at(world: World, year: int, month: int, day: int, hour: int = 10, minute: int = 0, second: int = 0) -> None:
    """Go on to this moment in London."""
    wanted = datetime(year, month, day, hour, minute, second, tzinfo=LONDON)
    world.clock.tick((wanted - world.clock.now()).total_seconds())


def closes(year: int, month: int, day: int) -> datetime:
    """The last second of a day in London."""
    return datetime(year, month, day, 23, 59, 59, tzinfo=LONDON)


def received(tx, **others: object) -> Complaint:
    ticket = mail_in(tx, "The fee was taken twice.", **others)
    return complaints.register_from_ticket(tx, ticket, "The fee was taken twice.", category="billing")


def asked_on(tx) -> date:
    timer = tx.session.scalars(select(Timer).where(Timer.kind == "complaint.follow_up", Timer.done_at.is_(None))).one()
    return timer.due_at.astimezone(LONDON).date()


def test_settled_by_the_close_of_the_third_business_day_with_a_summary_and_its_rights(world):
    with world.tx() as tx:
        complaint, second = received(tx), received(tx, external_id="mail-2", message_id="2@example.com")
        case, other = complaint.id, second.id
        assert (complaint.stage, complaint.policy, complaint.zone) == (ACKNOWLEDGED, "UK-FCA", "Europe/London")
        # Friday is Christmas, Monday stands in for Boxing Day: Tuesday, Wednesday and Thursday are the three.
        assert early_until(tx.session, complaint) == complaint.acknowledge_due_at == closes(2026, 12, 31)
        assert complaint.decide_due_at == closes(2027, 2, 18)
        assert "Thursday, 18 February 2027" in letters(tx)[-1]["text"]

    at(world, 2026, 12, 31, 23, 59, 59)  # the last second of it
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        early.settle(tx, complaint, agent(tx, "Lin"), "We pay the second fee back today.", "Fine, thank you.")
        assert (complaint.stage, complaint.outcome, complaint.decided_at) == (FOLLOW_UP, "resolved_early", tx.now)
        summary = letters(tx)[-1]
        assert summary["subject"].startswith("What we agreed on your complaint")
        for told in ("We pay the second fee back today.", "Thursday, 24 December 2026", "Financial Ombudsman", WITHIN_SIX_MONTHS):
            assert told in summary["text"]
        assert asked_on(tx) == date(2027, 1, 6)  # New Year, a weekend, then three business days

    at(world, 2027, 1, 1, 0)
    with world.tx() as tx:
        late = tx.session.get_one(Complaint, other)
        with pytest.raises(Conflict, match="settled on the spot"):
            early.settle(tx, late, agent(tx, "Lin"), "We pay.", "Fine.")
        assert late.stage == ACKNOWLEDGED

    at(world, 2027, 1, 6)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.follow_up_due(tx, complaint)
        asked = open_one(tx, complaint.ticket_id)
        assert asked.due_at == closes(2027, 1, 8)
        with pytest.raises(NotAllowed):  # who settled it does not ask
            follow_ups.record(tx, asked, agent(tx, "Lin"), "satisfied")
        follow_ups.record(tx, asked, agent(tx, "Dan"), "satisfied", "The money is there.")
        assert complaint.stage == CLOSED


def test_what_takes_longer_than_eight_weeks_has_its_letter_then_and_a_final_response_with_its_rights(world):
    with world.tx() as tx:
        complaint = received(tx)
        case, due = complaint.id, closes(2027, 2, 18)
        officer = agent(tx, "He Yan")
        complaints.advance(tx, complaint, "assessed", agent=officer, category="billing")
        complaints.advance(tx, complaint, INVESTIGATING, agent=officer)
        with pytest.raises(Conflict, match="its policy allows no more"):
            clocks.extend(tx, complaint, agent(tx, "Ruth"), "It is complex.")

    at(world, 2027, 2, 18, 9)  # the last day of the eight weeks
    with world.tx() as tx:
        complaint, officer = tx.session.get_one(Complaint, case), agent(tx, "He Yan")
        for reason, until, wrong in ((" ", closes(2027, 3, 5), {"reason"}), ("The bank is silent.", tx.now, {"until"})):
            with pytest.raises(Invalid) as refused:
                clocks.tell_delay(tx, complaint, officer, reason, until)
            assert set(refused.value.fields) == wrong
        with pytest.raises(NotAllowed):
            clocks.tell_delay(tx, complaint, agent(tx, "Dan"), "The bank is silent.", closes(2027, 3, 5))
        clocks.tell_delay(tx, complaint, officer, "The bank has not answered.", closes(2027, 3, 5))
        letter = letters(tx)[-1]
        assert letter["subject"].startswith("We have not decided on your complaint yet")
        for told in ("The bank has not answered.", "Friday, 5 March 2027", "Financial Ombudsman", WITHIN_SIX_MONTHS):
            assert told in letter["text"]
        assert complaint.decide_due_at == due  # told, not moved

    at(world, 2027, 3, 3)  # Wednesday
    with world.tx() as tx:
        complaint, officer = tx.session.get_one(Complaint, case), agent(tx, "He Yan")
        looked_into(tx, complaint)
        file.add_redress(tx, complaint, officer, "refund", "40", closes(2027, 3, 12))
        words = {"looked_into": "We read the ledger.", "reasons": "It was taken twice.", "apology": "We are sorry."}
        decisions.draft(tx, complaint, officer, outcome="upheld", **words)
        decisions.send(tx, complaint, officer)
        assert (complaint.stage, complaint.decided_at) == (REDRESS, tx.now)
        final = tx.session.scalars(select(ComplaintDecision)).one()
        for told in ("Wednesday, 3 March 2027", "Financial Ombudsman Service", WITHIN_SIX_MONTHS):
            assert told in final.letter
        assert final.letter_sha256
        assert final.pdf_sha256
        with pytest.raises(Conflict):
            clocks.tell_delay(tx, complaint, officer, "Still more.", closes(2027, 4, 1))

    at(world, 2027, 3, 25)  # the Thursday before Easter: Friday and Monday are holidays, and the clocks go forward between
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.given(tx, complaint, file.redress_of(tx, complaint)[0].id, "Payment 12.")
        assert asked_on(tx) == date(2027, 4, 1)

    at(world, 2027, 4, 1)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.follow_up_due(tx, complaint)
        follow_ups.record(tx, open_one(tx, complaint.ticket_id), agent(tx, "Dan"), "satisfied", "Thank you.")
        assert (complaint.stage, complaint.closed_at) == (CLOSED, tx.now)

    world.days(30)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.archive_due(tx, complaint)
        assert (complaint.stage, complaint.dispose_after.astimezone(LONDON).date()) == (ARCHIVED, date(2030, 4, 1))
    with world.tx() as tx:
        kept = figure(tx.session, viewer_of(agent(tx, "Ruth")), Scope(due - timedelta(days=1), tx.now), tx.now, "on_time")
        assert (kept.part, kept.whole) == (0, 1)
        told = list(tx.session.scalars(select(Event.kind).where(Event.complaint_id == case).order_by(Event.id)))
        assert told.index("complaint.delay_told") < told.index("complaint.decided")
        assert [finding.level for finding in doctor.complaints(tx.session)] == ["ok"]
