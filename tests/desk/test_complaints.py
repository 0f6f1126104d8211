from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from desk.actions.complaints import complainant, complaints
from desk.actions.complaints.letters import mail_status_link
from desk.actions.complaints.policy import promise
from desk.actions.complaints.record import EVENTS
from desk.actions.surveys import follow_ups
from desk.actions.surveys.follow_up_work import open_one, try_again
from desk.actions.tickets.solving import close_quiet
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import (
    Attachment,
    Calendar,
    Complaint,
    ContactPoint,
    Customer,
    Evidence,
    FollowUp,
    Message,
    Ticket,
    Timer,
    WorkItem,
)
from desk.models.complaint import (
    ACKNOWLEDGED,
    ASSESSED,
    AWAITING_INFO,
    CLOSED,
    FOLLOW_UP,
    INVESTIGATING,
    NEXT,
    RECEIVED,
    REFERRED,
    REOPENED,
    WITHDRAWN,
)
from tests.desk.care_world import World, agent, decide, happened, hold, letters, mail_in, queue, ticket_of


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


@pytest.fixture
def on_both(tmp_path, database_url) -> Iterator[World]:
    """The same on SQLite and on PostgreSQL, for the stories that go through everything."""
    with World(tmp_path, database_url) as world:
        yield world


def decided(world: World, tx, **answers: str) -> Complaint:
    """A complaint that He Yan has decided."""
    complaint, officer = world.complain(tx, **answers), agent(tx, "He Yan")
    hold(tx, ticket_of(tx, complaint), "He Yan")
    complaints.advance(tx, complaint, ASSESSED, agent=officer, category="billing", severity=2)
    complaints.advance(tx, complaint, INVESTIGATING, agent=officer)
    decide(tx, complaint, reasons="We pay 328 yuan back.")
    return complaint


def test_a_complaint_has_a_number_promised_dates_and_a_place_in_the_queue_at_once(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        ticket = ticket_of(tx, complaint)
        assert ticket.number > 10_000
        assert (ticket.type, ticket.channel, ticket.queue_id) == ("complaint", "form", queue(tx, "complaints").id)
        assert complaint.stage == ACKNOWLEDGED
        assert complaint.acknowledge_due_at == datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC)
        assert complaint.decide_due_at == datetime(2026, 12, 11, 15, 59, 59, tzinfo=UTC)
        assert ticket.resolve_due_at == complaint.decide_due_at
        item = work_items.open_item(tx, ticket.id, ("complaint",))
        assert (item.channel, item.state) == ("complaint", "waiting")
        assert ["complaints", 1] in item.requires
    with world.tx() as tx:
        assert happened(tx, "complaint.") == ["complaint.received", "complaint.acknowledged"]


def test_a_holiday_moves_the_promise(world):
    with world.tx() as tx:
        complaint_queue = queue(tx, "complaints")
        hours = tx.session.get_one(Calendar, complaint_queue.calendar_id)
        hours.holidays = ["2026-11-23"]
        hours.workdays = {"2026-11-28": [["09:00", "18:00"]]}
        due = promise(tx.session, complaint_queue, tx.now)
    assert due.acknowledge_by.date() == date(2026, 11, 24)
    assert due.decide_by.date() == date(2026, 12, 11)


def test_the_acknowledgement_names_number_date_and_link_in_the_customers_language(world):
    with world.tx() as tx:
        complaint = world.complain(tx, locale="zh", statement="三月份重复扣费。")
        letter = letters(tx)[-1]
        assert letter["kind"] == "letter"
        assert letter["to"] == ["li@example.com"]
        assert letter["automatic"] is True
        assert str(ticket_of(tx, complaint).number) in letter["subject"]
        assert "2026年12月11日（星期五）" in letter["text"]
        assert f"/track/{complaint.access_key}" in letter["text"]
        assert "三月份重复扣费" in letter["text"]


def test_an_english_complaint_is_acknowledged_in_english(world):
    with world.tx() as tx:
        world.complain(tx)
        assert "Friday, 11 December 2026" in letters(tx)[-1]["text"]


def test_the_same_form_sent_twice_is_one_complaint(on_both):
    with on_both.tx() as tx:
        first = on_both.complain(tx).id
    with on_both.tx() as tx:
        assert on_both.complain(tx).id == first
        assert tx.session.scalar(select(func.count()).select_from(Ticket)) == 1
        assert len(letters(tx)) == 1


def test_two_fillings_are_two_complaints(world):
    with world.tx() as tx:
        assert world.complain(tx).id != world.complain(tx, token="another-filling-of-it").id


def test_a_complaint_that_names_another_ticket_does_not_join_it(world):
    with world.tx() as tx:
        first = mail_in(tx, sender=filled_sender())
        complaint = world.complain(tx, statement=f"[#{first.number}] was not answered well")
        assert complaint.ticket_id != first.id


def filled_sender():
    from channels.message import Contact

    return Contact("email", "li@example.com", "Li Na")


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"statement": "  "}, "statement"),
        ({"email": "", "phone": ""}, "email"),
        ({"email": "li at example"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"category": "weather"}, "category"),
        ({"statement": "x" * 20_001}, "statement"),
        ({"product": "x" * 201}, "product"),
    ],
)
def test_a_complaint_that_cannot_be_taken_says_where_and_changes_nothing(world, answers, field):
    with pytest.raises(Invalid) as wrong, world.tx() as tx:
        world.complain(tx, **answers)
    assert field in wrong.value.fields
    with world.tx() as tx:
        assert tx.session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_a_phone_number_alone_is_enough(world):
    with world.tx() as tx:
        complaint = world.complain(tx, email="", phone="138 0013 8000")
        point = tx.session.scalars(select(ContactPoint)).one()
        assert (point.kind, point.value) == ("phone", "+8613800138000")
        assert complaint.stage == ACKNOWLEDGED
        assert letters(tx) == []


def test_the_phone_number_is_noted_for_a_new_customer_but_never_hung_on_a_known_one(world):
    with world.tx() as tx:
        complaint = world.complain(tx, phone="+8613800138000")
        points = tx.session.scalars(select(ContactPoint.value).order_by(ContactPoint.value)).all()
        assert points == ["+8613800138000", "li@example.com"]
    world.days(1)
    with world.tx() as tx:
        again = world.complain(tx, token="somebody-elses-filling", phone="+8613900139000")
        assert ticket_of(tx, again).customer_id == ticket_of(tx, complaint).customer_id
        assert tx.session.scalar(select(ContactPoint.id).where(ContactPoint.value == "+8613900139000")) is None


def test_files_become_evidence_with_their_hash(world):
    with world.tx() as tx:
        complaint = world.complain(tx, ("bill.pdf", b"%PDF-1.4 twice"), ("photo.png", b"\x89PNG\r\n\x1a\n"))
        files = select(Evidence, Attachment).join(Attachment, Attachment.id == Evidence.attachment_id)
        rows = tx.session.execute(files.order_by(Evidence.id)).all()
        assert [(file.name, evidence.added_by) for evidence, file in rows] == [
            ("bill.pdf", "customer"),
            ("photo.png", "customer"),
        ]
        assert all(world.files.get(evidence.sha256) for evidence, _ in rows)
        message = tx.session.scalars(select(Message).where(Message.ticket_id == complaint.ticket_id)).first()
        assert complaints.add_evidence(tx, complaint, message, "agent") == 0


def test_a_complaint_goes_its_whole_way(on_both):
    with on_both.tx() as tx:
        complaint = decided(on_both, tx)
        ticket = ticket_of(tx, complaint)
        assert (ticket.status, ticket.resolution) == ("solved", "We pay 328 yuan back.")
        assert work_items.open_item(tx, ticket.id, ("complaint",)) is None
        assert agent(tx, "He Yan").used == 0
        letter = letters(tx)[-1]
        assert "We pay 328 yuan back." in letter["text"]
        assert "You were right" in letter["text"]
        assert letter["automatic"] is False
        assert not [mail for mail in letters(tx) if "/survey/" in mail["text"]]
    with on_both.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        complaints.advance(tx, complaint, FOLLOW_UP)
        follow_up = open_one(tx, complaint.ticket_id)
        item = tx.session.get_one(WorkItem, follow_up.item_id)
        assert (item.kind, item.channel) == ("follow_up", "followup")
        assert list(item.excluded) == [str(agent(tx, "He Yan").id)]
        follow_ups.record(tx, follow_up, agent(tx, "Ruth Adler"), "satisfied", "The money is there.")
        assert complaint.stage == CLOSED
        assert item.state == "done"
        assert ticket_of(tx, complaint).status == "closed"
    with on_both.tx() as tx:
        stages = set(EVENTS.values())
        assert [kind for kind in happened(tx, "complaint.") if kind in stages] == [
            "complaint.received",
            "complaint.acknowledged",
            "complaint.assessed",
            "complaint.investigation_began",
            "complaint.decision_drafted",
            "complaint.approval_asked",
            "complaint.decided",
            "complaint.follow_up_began",
            "complaint.closed",
        ]


@pytest.mark.parametrize("old", NEXT)
def test_a_forbidden_move_is_refused_with_what_is_allowed(tmp_path, old):
    with World(tmp_path) as world, world.tx() as tx:
        complaint = world.complain(tx)
        complaint.stage = old
        for new in set(NEXT) - set(NEXT[old]):
            with pytest.raises(Conflict) as refused:
                complaints.advance(tx, complaint, new, category="billing", reason="x")
            assert refused.value.allowed == NEXT[old]
            assert complaint.stage == old


@pytest.mark.parametrize(
    ("stage", "details", "field"),
    [
        (ASSESSED, {"category": "weather"}, "category"),
        (ASSESSED, {"category": "billing", "severity": 9}, "severity"),
        (AWAITING_INFO, {"reason": " "}, "reason"),
        (REFERRED, {"reason": ""}, "reason"),
        (WITHDRAWN, {"reason": ""}, "reason"),
    ],
)
def test_a_step_without_what_it_needs_says_what_is_missing(world, stage, details, field):
    before = {ASSESSED: ACKNOWLEDGED, AWAITING_INFO: INVESTIGATING, REFERRED: ASSESSED, WITHDRAWN: ACKNOWLEDGED}[stage]
    with world.tx() as tx:
        complaint = world.complain(tx)
        complaint.stage = before
        with pytest.raises(Invalid) as wrong:
            complaints.advance(tx, complaint, stage, **details)
        assert field in wrong.value.fields
        assert complaint.stage == before
        assert len(letters(tx)) == 1


def test_only_an_officer_decides(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        with pytest.raises(NotAllowed):
            complaints.advance(tx, complaint, ASSESSED, agent=agent(tx, "Lin"), category="billing")
        assert (complaint.stage, complaint.handler_id) == (ACKNOWLEDGED, None)


def test_silence_does_not_end_a_complaint(world):
    with world.tx() as tx:
        complaint = decided(world, tx)
    world.days(30)
    with world.tx() as tx:
        assert close_quiet(tx, ticket_of(tx, complaint)) is False


def test_the_handler_does_not_ask_back_himself(world):
    with world.tx() as tx:
        complaint = decided(world, tx)
        complaints.advance(tx, complaint, FOLLOW_UP)
        with pytest.raises(NotAllowed):
            follow_ups.record(tx, open_one(tx, complaint.ticket_id), agent(tx, "He Yan"), "satisfied")


def test_dissatisfied_in_the_follow_up_opens_the_complaint_again_for_somebody_else(world):
    with world.tx() as tx:
        complaint = decided(world, tx)
        complaints.advance(tx, complaint, FOLLOW_UP)
        follow_ups.record(tx, open_one(tx, complaint.ticket_id), agent(tx, "Ruth Adler"), "dissatisfied", "Nobody said sorry.")
        ticket = ticket_of(tx, complaint)
        assert complaint.stage == REOPENED
        assert (ticket.status, ticket.reopened, ticket.level) == ("open", 1, 2)
        item = work_items.open_item(tx, ticket.id, ("complaint",))
        assert list(item.excluded) == [str(agent(tx, "He Yan").id)]
        complaints.advance(tx, complaint, INVESTIGATING, agent=agent(tx, "Ruth Adler"))
        decide(tx, complaint, reasons="We are sorry.", by="Ruth")
        assert complaint.handler_id == agent(tx, "Ruth Adler").id


def test_a_second_decision_does_not_change_whether_the_promise_was_kept(world):
    with world.tx() as tx:
        complaint = decided(world, tx)
        complaints.advance(tx, complaint, FOLLOW_UP)
        complainant.answers(tx, complaint, False, "Still open.")
        first = complaint.decided_at
    world.days(40)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        complaints.advance(tx, complaint, INVESTIGATING, agent=agent(tx, "Ruth Adler"))
        decide(tx, complaint, reasons="Sorry.", by="Ruth")
        assert complaint.decided_at == first


def test_nobody_reached_three_times_closes_the_complaint_and_says_how_to_go_on(world):
    with world.tx() as tx:
        complaint = decided(world, tx)
        complaints.advance(tx, complaint, FOLLOW_UP)
    days = []
    for way in ("phone", "phone", "phone", "email"):  # the third try came by no second way, so that a fourth is needed
        with world.tx() as tx:
            complaint = tx.session.get_one(Complaint, complaint.id)
            assert complaint.stage == FOLLOW_UP
            follow_up = open_one(tx, complaint.ticket_id)
            try_again(tx, follow_up)
            assert follow_up.item_id is not None
            with pytest.raises(Invalid):
                follow_ups.record(tx, follow_up, agent(tx, "Ruth Adler"), "not_reached", channel="pigeon")
            follow_ups.record(tx, follow_up, agent(tx, "Ruth Adler"), "not_reached", channel=way)
            days.append(world.clock.now().date())
            after = open_one(tx, complaint.ticket_id)
            timer = tx.session.scalar(
                select(Timer).where(Timer.kind == "follow_up.try_again", Timer.key == str(after.id if after else 0))
            )
        if timer is not None:
            world.days((timer.due_at - world.clock.now()).total_seconds() / 86_400)
    assert days == [date(2026, 11, 20), date(2026, 11, 24), date(2026, 11, 26), date(2026, 11, 30)]
    with world.tx() as tx:
        assert tx.session.get_one(Complaint, complaint.id).stage == CLOSED
        assert "three times" in letters(tx)[-1]["text"]


def test_the_customer_confirms_on_the_status_page(world):
    with world.tx() as tx:
        complaint = decided(world, tx)
        complaints.advance(tx, complaint, FOLLOW_UP)
        follow_up = open_one(tx, complaint.ticket_id)
        complainant.answers(tx, complaint, True)
        assert complaint.stage == CLOSED
        assert (follow_up.state, follow_up.outcome) == ("done", "satisfied")
        assert tx.session.get_one(WorkItem, follow_up.item_id).state == "done"
        complainant.answers(tx, complaint, True)
        assert complaint.stage == CLOSED


def test_the_customer_can_have_a_closed_complaint_looked_at_again_for_thirty_days(world):
    with world.tx() as tx:
        early, late = decided(world, tx), decided(world, tx, token="a-second-filling-of-it")
        for complaint in (early, late):
            complaints.advance(tx, complaint, FOLLOW_UP)
            complainant.answers(tx, complaint, True)
    world.days(29)
    with world.tx() as tx:
        early = tx.session.get_one(Complaint, early.id)
        complainant.answers(tx, early, False, "The charge is back.")
        assert early.stage == REOPENED
        assert tx.session.scalars(select(Message.text).where(Message.text == "The charge is back.")).one()
    world.days(2)
    with pytest.raises(Conflict), world.tx() as tx:
        complainant.answers(tx, tx.session.get_one(Complaint, late.id), False, "Mine too.")
    with world.tx() as tx:
        assert tx.session.scalar(select(Message.id).where(Message.text == "Mine too.")) is None


def test_there_is_nothing_to_answer_before_a_decision(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        with pytest.raises(Conflict):
            complainant.answers(tx, complaint, True)


def test_some_days_after_the_decision_the_customer_is_asked(world):
    with world.tx() as tx:
        complaint = decided(world, tx)
        timer = tx.session.scalars(select(Timer).where(Timer.kind == "complaint.follow_up")).one()
        assert timer.due_at == datetime(2026, 11, 25, 15, 59, 59, tzinfo=UTC)
        complaints.follow_up_due(tx, complaint)
        assert complaint.stage == FOLLOW_UP
        complaints.follow_up_due(tx, complaint)
        assert tx.session.scalar(select(func.count()).select_from(FollowUp)) == 1
        assert timer.done_at is not None


def test_what_the_customer_adds_reaches_the_ticket_and_wakes_the_work(on_both):
    with on_both.tx() as tx:
        complaint = decided(on_both, tx)
        ticket = ticket_of(tx, complaint)
        assert work_items.open_item(tx, ticket.id, ("complaint",)) is None
        file = on_both.files.keep(b"%PDF-1.4", "second bill.pdf")
        message = complainant.adds(tx, complaint, "Here is the second bill.", [file], token="one-addition-to-it")
        assert complainant.adds(tx, complaint, "Here is the second bill.", [file], token="one-addition-to-it") is message
        assert (message.direction, message.held, message.customer_id) == ("in", False, ticket.customer_id)
        assert work_items.open_item(tx, ticket.id, ("complaint",)) is not None
        assert tx.session.scalar(select(func.count()).select_from(Evidence)) == 1
        assert ticket.status == "open"


def test_nothing_is_added_to_a_closed_complaint(world):
    with world.tx() as tx:
        complaint = complaints.withdraw(tx, world.complain(tx), "It has settled itself.")
        assert (complaint.stage, complaint.outcome, ticket_of(tx, complaint).status) == (WITHDRAWN, "withdrawn", "closed")
        with pytest.raises(Conflict):
            complainant.adds(tx, complaint, "Hello?", token="one-addition-to-it")
        assert work_items.open_item(tx, complaint.ticket_id, ("complaint",)) is None


def test_an_agent_makes_a_mail_a_complaint(world):
    with world.tx() as tx:
        ticket = mail_in(tx, "You have charged me twice!")
        hold(tx, ticket, "Lin")
    world.days(1)
    with world.tx() as tx:
        ticket = tx.session.get_one(Ticket, ticket.id)
        complaint = complaints.register_from_ticket(tx, ticket, "Charged twice.", category="billing")
        assert complaints.register_from_ticket(tx, ticket, "Charged twice.") is complaint
        assert (ticket.type, ticket.queue_id) == ("complaint", queue(tx, "complaints").id)
        assert complaint.received_at == ticket.created_at
        assert complaint.stage == ACKNOWLEDGED
        assert letters(tx)[-1]["to"] == ["wang@example.com"]
        open_work = tx.session.scalars(select(WorkItem).where(WorkItem.ticket_id == ticket.id, WorkItem.state == "waiting")).all()
        assert [item.kind for item in open_work] == ["complaint"]


def test_a_complaint_by_phone_counts_as_acknowledged_only_when_number_and_date_were_read_out(world):
    from channels.message import Contact

    with world.tx() as tx:
        quiet = mail_in(tx, channel_sender := "It is broken", external_id="c1", sender=Contact("phone", "+8613800138000"))
        told = mail_in(tx, channel_sender, external_id="c2", sender=Contact("phone", "+8613800138001"))
        assert complaints.register_from_ticket(tx, quiet, "Broken.").stage == RECEIVED
        assert complaints.register_from_ticket(tx, told, "Broken.", told_by_voice=True).stage == ACKNOWLEDGED


def test_a_complaint_without_words_cannot_be_recorded(world):
    with world.tx() as tx, pytest.raises(Invalid):
        complaints.register_from_ticket(tx, mail_in(tx), " ")


def test_the_link_is_mailed_only_to_the_address_we_have_and_only_if_both_belong_together(world):
    with world.tx() as tx:
        complaint = world.complain(tx, phone="+8613800138000")
        number = str(ticket_of(tx, complaint).number)
        mine, strange = "li@example.com", "else@example.com"
        for wrong in (("99999", mine), (number, strange), (number, "nonsense"), ("", ""), ("²³", mine)):
            mail_status_link(tx, *wrong)
        assert len(letters(tx)) == 1
        mail_status_link(tx, f"#{number}", "LI@example.com")
        mail_status_link(tx, number, "138 0013 8000")
        assert [letter["to"] for letter in letters(tx)[1:]] == [["li@example.com"]] * 2


def test_the_key_of_a_status_page_cannot_be_guessed(world):
    with world.tx() as tx:
        keys = {world.complain(tx, token=f"filling-number-{number:04}").access_key for number in range(5)}
    assert len(keys) == 5
    assert all(len(key) >= 32 for key in keys)


def test_one_customer_stays_one_however_often_they_complain(world):
    with world.tx() as tx:
        for number in range(3):
            world.complain(tx, token=f"filling-number-{number:04}", email="Li@Example.com")
        assert tx.session.scalar(select(func.count()).select_from(Customer)) == 1
