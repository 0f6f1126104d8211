"""Cases settled on the spot, people heard, holds, what is deleted in the end, and what stays of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.complaints import complainant, complaints, early, elsewhere, holds, people_heard, policy
from desk.actions.complaints import disposal as complaint_disposal
from desk.actions.surveys.follow_up_work import open_one
from desk.errors import Conflict, Invalid, NotAllowed
from desk.events import Event
from desk.models import (
    Allegation,
    Attachment,
    Complaint,
    ComplaintDecision,
    Disposal,
    Evidence,
    Interview,
    Message,
    OutboxMail,
    Setting,
)
from desk.models.complaint import ARCHIVED, CLOSED, DISPOSED, FOLLOW_UP, WITHDRAWN
from desk.models.complaint_keeping import CONFIRMED, DONE
from desk.queries import doctor
from desk.queries.complaints.policies import CHOSEN
from desk.queries.complaints.register import HEADINGS, register
from tests.desk.care_world import FRIDAY, World, agent, decide, letters, ticket_of

SIX_YEARS = 6 * 366


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        yield world


def under(tx, *codes: str) -> None:
    tx.session.merge(Setting(key=CHOSEN, value=list(codes)))
    tx.session.flush()


def archived(world: World, *files: tuple[str, bytes], token: str = "one-filling-of-the-form") -> int:
    """A case decided, closed and archived, with everything that a case may hold."""
    with world.tx() as tx:
        complaint, officer = world.complain(tx, *files, token=token), agent(tx, "He Yan")
        complaints.advance(tx, complaint, "assessed", agent=officer, category="billing")
        complaints.advance(tx, complaint, "investigating", agent=officer)
        heard(tx, complaint)
        decide(tx, complaint)
        complaints.advance(tx, complaint, FOLLOW_UP)
        complainant.answers(tx, complaint, True)
    world.days(31)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        complaints.archive_due(tx, complaint)
        assert complaint.stage == ARCHIVED
    return complaint.id


def heard(tx, complaint: Complaint, **others: object) -> Interview:
    given = {"person": "Wu Gang", "part": "staff", "how": "phone", "heard_at": tx.now, "summary": "He saw the second charge."}
    return people_heard.hear(tx, complaint, agent(tx, "He Yan"), **given | others)


def test_what_is_agreed_on_the_spot_is_written_down_with_the_customers_yes(world):
    with world.tx() as tx:
        under(tx, "DEFAULT", "UK-FCA")
        complaint = world.complain(tx)
        early.settle(tx, complaint, agent(tx, "Dan"), "We pay it back today.", "“That is fine with me.”")
        assert (complaint.stage, complaint.outcome, complaint.decided_at) == (FOLLOW_UP, "resolved_early", tx.now)
        assert "We pay it back today." in letters(tx)[-1]["text"]
        assert ticket_of(tx, complaint).status == "solved"
    world.days(5)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        complaints.follow_up_due(tx, complaint)
        assert open_one(tx, complaint.ticket_id).excluded_agent_id == agent(tx, "Dan").id
        complainant.answers(tx, complaint, False, "Nothing has come.")
        assert complaint.stage == "reopened"
    with world.tx() as tx:
        assert [finding.level for finding in doctor.complaints(tx.session)] == ["ok"]


def test_it_is_refused_after_the_days_of_the_policy_without_words_and_when_critical(world):
    with world.tx() as tx:
        plain = world.complain(tx)
        with pytest.raises(Conflict, match="are over"):  # our own promise knows no such days
            early.settle(tx, plain, agent(tx, "Dan"), "We pay.", "Yes.")
        under(tx, "UK-FCA")
        complaint = world.complain(tx, token="another-filling-of-it")
        for agreed, words in (("", "Yes."), ("We pay.", " ")):
            with pytest.raises(Invalid):
                early.settle(tx, complaint, agent(tx, "Dan"), agreed, words)
        complaint.severity = 1
        with pytest.raises(Conflict, match="critical"):
            early.settle(tx, complaint, agent(tx, "Dan"), "We pay.", "Yes.")
        complaint.severity = 3
        policy.classify(tx, plain, "UK-FCA", "A British account.")
        early.settle(tx, plain, agent(tx, "Dan"), "We pay.", "Yes.")
    world.days(6)  # Thursday; Wednesday was the third working day after receipt
    with world.tx() as tx:
        late = tx.session.get_one(Complaint, complaint.id)
        with pytest.raises(Conflict, match="are over"):
            early.settle(tx, late, agent(tx, "Dan"), "We pay.", "Yes.")
        with pytest.raises(Conflict):
            complaints.advance(tx, late, FOLLOW_UP)


def test_that_somebody_outside_has_it_too_is_noted_whole_and_moves_nothing(world):
    with world.tx() as tx:
        complaint, officer = world.complain(tx), agent(tx, "He Yan")
        before = (complaint.stage, complaint.decide_due_at, complaint.acknowledge_due_at)
        given = {"body": "Financial Ombudsman Service", "reference": "FOS-4711", "day": "2026-11-19"}
        for field, wrong in (("body", " "), ("reference", ""), ("day", "soon"), ("day", "2026-11-23")):
            with pytest.raises(Invalid) as refused:
                elsewhere.refer_out(tx, complaint, officer, **given | {field: wrong})
            assert set(refused.value.fields) == {field}
        with pytest.raises(NotAllowed):
            elsewhere.refer_out(tx, complaint, agent(tx, "Dan"), **given)
        elsewhere.refer_out(tx, complaint, officer, **given)
        assert (complaint.stage, complaint.decide_due_at, complaint.acknowledge_due_at) == before
    with world.tx() as tx:
        complaint, officer = tx.session.get_one(Complaint, complaint.id), agent(tx, "He Yan")
        elsewhere.refer_out(tx, complaint, officer, **given)  # pressed twice
        complaints.withdraw(tx, complaint, "Never mind.", agent=officer)
        with pytest.raises(Conflict):
            elsewhere.refer_out(tx, complaint, officer, **given)
    with world.tx() as tx:
        (told,) = tx.session.scalars(select(Event).where(Event.kind == "complaint.referred_out"))
        assert told.data["reason"] == "Financial Ombudsman Service · FOS-4711 · 2026-11-19"


def test_who_was_heard_is_noted_whole_or_not_at_all(world):
    with world.tx() as tx:
        complaint, officer = world.complain(tx), agent(tx, "He Yan")
        with pytest.raises(Conflict):
            heard(tx, complaint)
        complaints.advance(tx, complaint, "assessed", agent=officer, category="billing")
        for field, wrong in (("person", ""), ("part", "judge"), ("how", "dream"), ("summary", " ")):
            with pytest.raises(Invalid) as refused:
                heard(tx, complaint, **{field: wrong})
            assert set(refused.value.fields) == {field}
        for wrong in (None, tx.now + timedelta(days=1)):
            with pytest.raises(Invalid):
                heard(tx, complaint, heard_at=wrong)
        with pytest.raises(NotAllowed):
            people_heard.hear(
                tx, complaint, agent(tx, "Dan"), person="X", part="staff", how="phone", heard_at=tx.now, summary="Y"
            )
        assert heard(tx, complaint).noted_by == "He Yan"


def test_a_hold_is_lifted_by_somebody_else(world):
    with world.tx() as tx:
        complaint, officer, ruth = world.complain(tx), agent(tx, "He Yan"), agent(tx, "Ruth")
        with pytest.raises(Invalid):
            holds.hold(tx, complaint, officer, " ")
        with pytest.raises(NotAllowed):
            holds.hold(tx, complaint, agent(tx, "Dan"), "The court asks.")
        holds.hold(tx, complaint, officer, "The court asks.")
        with pytest.raises(Conflict):
            holds.hold(tx, complaint, ruth, "Once more.")
        with pytest.raises(NotAllowed):
            holds.lift(tx, complaint, officer, "It is over.")
        holds.lift(tx, complaint, ruth, "It is over.")
        with pytest.raises(Conflict):
            holds.lift(tx, complaint, ruth, "Again.")


def test_a_case_is_deleted_after_its_time_and_its_line_stays(world):
    case = archived(world, ("bill.pdf", b"%PDF-1.4 twice"))
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        assert complaint.dispose_after.year == complaint.closed_at.year + 5
        with pytest.raises(Conflict):
            complaint_disposal.list_due(tx, agent(tx, "He Yan"))
    world.days(SIX_YEARS)
    with world.tx() as tx:
        officer, ruth = agent(tx, "He Yan"), agent(tx, "Ruth")
        disposal = complaint_disposal.list_due(tx, officer)
        assert disposal.cases == [case]
        assert complaint_disposal.work_off(tx, disposal) == []
        with pytest.raises(NotAllowed):
            complaint_disposal.confirm(tx, disposal, officer)
        with pytest.raises(NotAllowed):
            complaint_disposal.confirm(tx, disposal, agent(tx, "Dan"))
        with pytest.raises(Conflict):
            complaint_disposal.list_due(tx, ruth)
        complaint_disposal.confirm(tx, disposal, ruth)
        assert disposal.state == CONFIRMED
    with world.tx() as tx:
        disposal = tx.session.scalars(select(Disposal)).one()
        file = tx.session.scalars(select(Attachment.sha256)).one()
        assert complaint_disposal.work_off(tx, disposal) == [file]
        complaint = tx.session.get_one(Complaint, case)
        assert (disposal.state, disposal.disposed, complaint.stage) == (DONE, 1, DISPOSED)
        for part in (Allegation, ComplaintDecision, Interview, Evidence, Attachment):
            assert tx.session.scalars(select(part)).all() == []
        left = [complaint.statement, complaint.decision, complaint.remedy_wanted, complaint.order_number]
        left += [f"{each.text}{each.html}{each.from_address}{each.subject}" for each in tx.session.scalars(select(Message))]
        left += [each.payload["text"] for each in tx.session.scalars(select(OutboxMail))]
        assert set(left) == {""}
        assert len(complaint.disposed_sha256) == 64
    with world.tx() as tx:
        rows = list(register(tx.session, viewer_of(agent(tx, "Ruth")), FRIDAY, FRIDAY + timedelta(days=1)))
        (row,) = [dict(zip(HEADINGS, row, strict=True)) for row in rows]
        assert (row["stage"], row["outcome"], row["category"], row["decided_in_time"]) == (
            "disposed",
            "upheld",
            "billing",
            "true",
        )
        assert [finding.level for finding in doctor.complaints(tx.session)] == ["ok"]
        gone = tx.session.scalars(select(Event).where(Event.kind == "complaint.disposed")).one()
        assert gone.data["sha256"] == tx.session.get_one(Complaint, case).disposed_sha256


def test_what_is_held_or_left_out_is_not_deleted(world):
    held, kept, gone = (archived(world, token=f"filling-number-{number}-of-it") for number in range(3))
    world.days(SIX_YEARS)
    with world.tx() as tx:
        officer, ruth = agent(tx, "He Yan"), agent(tx, "Ruth")
        holds.hold(tx, tx.session.get_one(Complaint, held), officer, "The court asks.")
        disposal = complaint_disposal.list_due(tx, officer)
        assert disposal.cases == [kept, gone]
        with pytest.raises(Invalid):
            complaint_disposal.leave_out(tx, disposal, ruth, kept, " ")
        complaint_disposal.confirm(tx, disposal, ruth)
        with pytest.raises(Conflict):
            complaint_disposal.leave_out(tx, disposal, ruth, kept, "Too late to say so.")
        holds.hold(tx, tx.session.get_one(Complaint, kept), officer, "The court asks for this too.")
        complaint_disposal.work_off(tx, disposal)
        assert (disposal.state, disposal.disposed, disposal.left_out) == (DONE, 1, {str(kept): "held"})
        stages = {each: tx.session.get_one(Complaint, each).stage for each in (held, kept, gone)}
        assert stages == {held: ARCHIVED, kept: ARCHIVED, gone: DISPOSED}
        holds.lift(tx, tx.session.get_one(Complaint, kept), ruth, "It is over.")
        again = complaint_disposal.list_due(tx, officer)
        complaint_disposal.leave_out(tx, again, officer, kept, "A study needs it.")
        complaint_disposal.drop(tx, again, officer)
        with pytest.raises(Conflict):
            complaint_disposal.confirm(tx, again, ruth)


def test_a_withdrawn_case_is_archived_and_kept_as_long_as_its_longest_policy_says(world):
    with world.tx() as tx:
        under(tx, "UK-FCA", "DEFAULT")
        complaint = complaints.withdraw(tx, world.complain(tx), "Never mind.")
        british = world.complain(tx, token="another-filling-of-it")
        policy.declassify(tx, british, "DEFAULT", "Only British law.")
        complaints.withdraw(tx, british, "Never mind.")
        assert complaint.stage == WITHDRAWN
    world.days(31)
    with world.tx() as tx:
        for case, years in ((complaint.id, 5), (british.id, 3)):
            row = tx.session.get_one(Complaint, case)
            complaints.archive_due(tx, row)
            assert (row.stage, row.dispose_after.year - row.closed_at.year) == (ARCHIVED, years)


def test_a_closed_case_is_not_deleted(world):
    with world.tx() as tx:
        under(tx, "UK-FCA")
        complaint = world.complain(tx)
        early.settle(tx, complaint, agent(tx, "Dan"), "We pay.", "Yes.")
        complainant.answers(tx, complaint, True)
        assert complaint.stage == CLOSED
    world.days(SIX_YEARS)
    with world.tx() as tx, pytest.raises(Conflict):
        complaint_disposal.list_due(tx, agent(tx, "He Yan"))
