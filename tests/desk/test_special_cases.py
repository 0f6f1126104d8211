"""Complaints out of the ordinary: without a name, by somebody else, after abuse, about staff, of many, and none after all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from channels.form import read_complaint, to_inbound
from channels.message import Contact, Inbound
from channels.paper import read_paper
from desk.access import access_ticket, viewer_of
from desk.actions import intake
from desk.actions.complaints import (
    complainant,
    complaints,
    decisions,
    file,
    mass_events,
    papers,
    pattern_notes,
    people_heard,
    recusals,
    representatives,
    severity,
)
from desk.actions.complaints.letters import by_code, mail_status_link
from desk.actions.people import tokens
from desk.actions.surveys import follow_ups
from desk.actions.surveys.follow_up_work import open_one
from desk.errors import Conflict, Invalid, NotAllowed, NotFound
from desk.events import Event
from desk.models import (
    Call,
    CallSegment,
    Complaint,
    Customer,
    Evidence,
    FollowUp,
    HandUp,
    Message,
    OutboxMail,
    PaperLetter,
    Ticket,
    WorkItem,
)
from desk.models.complaint import ACKNOWLEDGED, ASSESSED, CLOSED, FOLLOW_UP, INVESTIGATING, RETYPED, number_in
from desk.models.recusal import ABOUT
from desk.queries.audit import audit_log
from desk.queries.complaints.complaints import latest_letter, status_view
from desk.queries.complaints.figures import Scope, figure
from desk.queries.complaints.register import register
from tests.desk.care_world import World, agent, decide, hold, letters, looked_into, run_due, ticket_of


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def under_way(tx, complaint: Complaint, grave: int = 3) -> Complaint:
    officer = agent(tx, "He Yan")
    complaints.advance(tx, complaint, ASSESSED, agent=officer, category="billing", severity=grave)
    return complaints.advance(tx, complaint, INVESTIGATING, agent=officer)


def nameless(world: World, tx) -> Complaint:
    values = {
        "token": "without-a-name-at-all",
        "statement": "The shop is dirty.",
        "anonymous": "1",
        "name": "Li",
        "email": "l@x.com",
    }
    form = read_complaint(values, "en")
    return complaints.file_complaint(tx, to_inbound(form), form)


def test_a_complaint_without_a_name_is_decided_and_ends_by_itself_and_nobody_is_written_to_or_asked(world):
    with world.tx() as tx:
        complaint = nameless(world, tx)
        assert (complaint.anonymous, complaint.stage) == (True, ACKNOWLEDGED)
        assert tx.session.get_one(Customer, ticket_of(tx, complaint).customer_id).name == "Anonymous"
        decide(tx, under_way(tx, complaint))
        with pytest.raises(NotFound):
            latest_letter(tx.session, complaint)
    world.days(8)
    run_due(world, "complaint.follow_up")
    with world.tx() as tx:
        assert tx.session.scalars(select(Complaint.stage)).one() == FOLLOW_UP
    world.days(8)
    run_due(world, "complaint.follow_up")
    with world.tx() as tx:
        complaint = tx.session.scalars(select(Complaint)).one()
        assert (complaint.stage, complaint.outcome) == (CLOSED, "upheld")
        assert tx.session.scalar(select(func.count(OutboxMail.id))) == 0
        assert tx.session.scalar(select(func.count(FollowUp.id))) == 0
        told = tx.session.scalars(select(Event.data).where(Event.kind == "complaint.closed")).one()
        assert told["reason"] == "nobody to ask"
        shown = status_view(tx.session, complaint, "en", now=tx.now)
        assert (shown.can_reopen, shown.has_letter) == (True, False)


def test_what_we_ask_somebody_without_a_name_stands_on_the_page_that_number_and_code_open(world):
    with world.tx() as tx:
        complaint = under_way(tx, nameless(world, tx))
        complaints.advance(tx, complaint, "awaiting_info", agent=agent(tx, "He Yan"), reason="Which shop?")
        shown, number = status_view(tx.session, complaint, "en", now=tx.now), str(ticket_of(tx, complaint).number)
        assert [said.text for said in shown.messages if said.ours] == ["Which shop?"]
        assert by_code(tx, number, f" {shown.code.lower()} ") is complaint
        assert by_code(tx, number, shown.code[:-1]) is None
        assert by_code(tx, "10099", shown.code) is None
        complainant.adds(tx, complaint, "The one in Nanjing Road.", token="another-filling-here")
        assert complaint.stage == INVESTIGATING


def test_a_code_opens_only_what_came_without_a_name(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        assert by_code(tx, str(ticket_of(tx, complaint).number), complaint.access_key) is None


def speaker(world: World, tx) -> Complaint:
    """A daughter writes for her mother, with a paper."""
    values = {"relation": "agent", "for_name": "Mrs Li", "for_email": "mother@example.com"}
    return world.complain(tx, ("paper.pdf", b"%PDF-1.4 signed"), **values)


def mails_to(tx, address: str) -> int:
    return sum(address in mail.get("to", []) for mail in letters(tx))


def test_until_their_proof_is_accepted_nothing_is_told_to_who_speaks_and_nothing_decided_is_sent(world):
    with world.tx() as tx:
        complaint = under_way(tx, speaker(world, tx))
        before = mails_to(tx, "li@example.com")
        looked_into(tx, complaint)
        he = agent(tx, "He Yan")
        decisions.draft(tx, complaint, he, outcome="upheld", looked_into="Read.", reasons="So.", apology="Sorry.")
        with pytest.raises(Conflict) as refused:
            decisions.send(tx, complaint, he)
        assert refused.value.allowed
        shown = status_view(tx.session, complaint, "en", now=tx.now)
        assert (shown.withheld, shown.can_add, [said for said in shown.messages if said.ours]) == (True, True, [])
        with pytest.raises(Invalid):
            representatives.accept(tx, complaint, he, None)
        representatives.accept(tx, complaint, he, tx.session.scalars(select(Evidence.id)).one())
        decisions.send(tx, complaint, he)
        assert (mails_to(tx, "li@example.com") - before, mails_to(tx, "mother@example.com")) == (1, 2)
        assert not status_view(tx.session, complaint, "en", now=tx.now).withheld
        assert "Mrs Li, Li Na" in latest_letter(tx.session, complaint).letter


def test_whose_proof_is_refused_hears_nothing_and_the_complainant_does(world):
    with world.tx() as tx:
        complaint = under_way(tx, speaker(world, tx))
        representatives.refuse(tx, complaint, agent(tx, "He Yan"), "It is not signed.")
        before = mails_to(tx, "li@example.com")
        decide(tx, complaint)
        assert mails_to(tx, "li@example.com") == before
        assert mails_to(tx, "mother@example.com") == 2
        with pytest.raises(NotFound):
            latest_letter(tx.session, complaint)
        with pytest.raises(Conflict):
            complainant.answers(tx, complaint, True)


@pytest.mark.parametrize(("to", "hears"), [("both", (1, 1)), ("speaker", (0, 1)), ("person", (1, 0))])
def test_letters_go_to_both_unless_it_is_asked_otherwise(world, to, hears):
    with world.tx() as tx:
        complaint, he = under_way(tx, world.complain(tx, ("paper.pdf", b"%PDF-1.4 signed"))), agent(tx, "He Yan")
        representatives.note(tx, complaint, "heir", name="Bo", email="Bo@example.com", letters=to, agent=he)
        representatives.accept(tx, complaint, he, tx.session.scalars(select(Evidence.id)).one())
        before = mails_to(tx, "li@example.com")
        decide(tx, complaint)
        assert (mails_to(tx, "li@example.com") - before, mails_to(tx, "bo@example.com")) == hears


def test_what_is_no_complaint_after_all_stays_in_the_register_and_goes_on_as_a_ticket(world):
    with world.tx() as tx:
        complaint, he = world.complain(tx), agent(tx, "He Yan")
        hold(tx, ticket_of(tx, complaint), "He Yan")
        with pytest.raises(NotAllowed):
            complaints.advance(tx, complaint, RETYPED, agent=agent(tx, "Dan"), reason="Only a question.")
        with pytest.raises(Invalid):
            complaints.advance(tx, complaint, RETYPED, agent=he)
        complaints.advance(tx, complaint, RETYPED, agent=he, reason="You asked how to read your bill.")
        ticket = ticket_of(tx, complaint)
        assert (ticket.type, ticket.status in ("new", "open")) == ("enquiry", True)
        assert "You asked how to read your bill." in letters(tx)[-1]["text"]
        with pytest.raises(Conflict):
            complaints.advance(tx, complaint, INVESTIGATING, agent=he)
        number = ticket.number
    world.days(40)
    with world.tx() as tx:
        he = viewer_of(agent(tx, "He Yan"))
        (line,) = register(tx.session, he, tx.now - timedelta(days=60), tx.now)
        assert line[0] == str(number)
        scope = Scope(tx.now - timedelta(days=60), tx.now)
        taken, kept = (figure(tx.session, he, scope, tx.now, key) for key in ("retyped", "on_time"))
        assert (taken.part, taken.whole, kept.whole) == (1, 1, 0)
        assert access_ticket(tx.session, he, number).number == number
        again = complaints.register_from_ticket(tx, tx.session.scalars(select(Ticket)).one(), "Now I complain.")
        assert (ticket_of(tx, again).number != number, again.stage, again.received_at) == (True, ACKNOWLEDGED, tx.now)


def test_of_a_note_of_a_pattern_only_complaint_officers_know(world):
    with world.tx() as tx:
        complaint, he, lin = world.complain(tx), agent(tx, "He Yan"), agent(tx, "Lin")
        lin.roles = ["supervisor"]
        customer = tx.session.get_one(Customer, ticket_of(tx, complaint).customer_id)
        pattern_notes.write(tx, customer, he, "The third in six weeks.")
        assert [note.text for note in pattern_notes.read(tx, customer, he)] == ["The third in six weeks."]
        for act in (lambda: pattern_notes.read(tx, customer, lin), lambda: pattern_notes.write(tx, customer, lin, "So.")):
            with pytest.raises(NotAllowed):
                act()
    with world.tx() as tx:
        events = tx.session.scalars(select(Event).where(Event.kind.startswith("pattern_note."))).all()
        assert len(events) == 2
        assert all("third" not in str(event.data) and event.ticket_id is None for event in events)
        lin.team_id = agent(tx, "He Yan").team_id  # of the same team, whose doings she sees
        seen = {line.event.kind for line in audit_log(tx.session, viewer_of(lin))}
        assert not any(kind.startswith("pattern_note.") for kind in seen)


def test_a_complaint_that_is_opened_again_has_a_suffix_wherever_it_is_named(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        decide(tx, under_way(tx, complaint))
    world.days(8)
    run_due(world, "complaint.follow_up")
    with world.tx() as tx:
        complaint = tx.session.scalars(select(Complaint)).one()
        complainant.answers(tx, complaint, False, "Still open.")
        number = ticket_of(tx, complaint).number
        called = f"{number}-R1"
        assert status_view(tx.session, complaint, "en", now=tx.now).number == called
        (line,) = register(tx.session, viewer_of(agent(tx, "Ruth")), tx.now - timedelta(days=60), tx.now + timedelta(days=1))
        assert line[0] == called
        mail_status_link(tx, f"#{called}", "li@example.com")
        last = letters(tx)[-1]
        assert f"[#{called}]" in last["subject"] or called in last["text"]
        answer = Inbound(
            channel="email",
            external_id="mail-3",
            sender=Contact("email", "li@example.com"),
            subject=f"Re: [#{called}]",
            text="More.",
        )
        assert intake.receive(tx, answer).ticket.number == number


@pytest.mark.parametrize("written", ["10023", "#10023", " 10023-R1 ", "#10023-r12", "１００２３－Ｒ１"])
def test_a_number_is_understood_with_and_without_its_suffix(written):
    assert number_in(written) == 10023


@pytest.mark.parametrize("written", ["", "R1", "10023-X", "10023-R", "10023 10024", "1" * 13])
def test_what_is_no_number_is_none(written):
    assert number_in(written) is None


def test_about_staff_their_calls_stay_they_are_heard_and_their_line_keeps_out(world):
    with world.tx() as tx:
        complaint, dan, lin, he = world.complain(tx), agent(tx, "Dan"), agent(tx, "Lin"), agent(tx, "He Yan")
        lin.roles = ["supervisor", "complaint_officer"]
        ticket = ticket_of(tx, complaint)
        call = Call(sid="CA" + "1" * 32, state="done", conference="c", from_number="", to_number="", arrived_at=tx.now)
        call.customer_id = ticket.customer_id
        tx.session.add(call)
        tx.session.flush()
        tx.session.add(CallSegment(call_id=call.id, agent_id=dan.id, state="done", ended_at=tx.now))
        complaints.advance(tx, complaint, ASSESSED, agent=lin, category="service")
        recusals.keep_out(tx, complaint, dan.id, ABOUT)
        kept = next(event["data"] for event in tx.pending if event["kind"] == "complaint.recordings_preserved")
        assert (kept["calls"], complaint.handler_id) == ([call.id], None)
        with pytest.raises(NotAllowed):
            complaints.advance(tx, complaint, INVESTIGATING, agent=lin)
        complaints.advance(tx, complaint, INVESTIGATING, agent=he)
        looked_into(tx, complaint)
        words = {"outcome": "upheld", "looked_into": "Asked.", "reasons": "So.", "apology": "Sorry."}
        with pytest.raises(Conflict):
            decisions.draft(tx, complaint, he, **words)
        people_heard.hear(
            tx, complaint, he, person="Dan Okafor", part="staff", how="phone", heard_at=tx.now, summary="It was not so."
        )
        with pytest.raises(NotAllowed):
            decisions.draft(tx, complaint, lin, **words)
        decisions.draft(tx, complaint, he, **words)


def test_a_token_sees_no_case_about_whom_made_or_holds_it_and_one_of_nobody_sees_none_about_anybody(world):
    with world.tx() as tx:
        complaint, dan, lin = world.complain(tx), agent(tx, "Dan"), agent(tx, "Lin")
        other = world.complain(tx, token="another-filling-of-it")
        made = {
            name: tokens.create(tx, name=name, role="complaint_officer", secret=name, made_by=by, held_by_id=held)
            for name, by, held in (("lins", lin, None), ("dans", dan, None), ("held", lin, dan.id), ("nobodys", None, None))
        }
        recusals.keep_out(tx, complaint, dan.id, ABOUT)
        about, free = ticket_of(tx, complaint).number, ticket_of(tx, other).number
        sees = {}
        for name, token in made.items():
            viewer = tokens.viewer_of_token(token)
            assert access_ticket(tx.session, viewer, free).number == free
            try:
                sees[name] = access_ticket(tx.session, viewer, about) is not None
            except NotFound:
                sees[name] = False
        assert sees == {"lins": True, "dans": False, "held": False, "nobodys": False}


def test_who_has_needs_is_never_closed_by_silence_nor_taken_for_less_grave(world):
    with world.tx() as tx:
        complaint, he = world.complain(tx), agent(tx, "He Yan")
        file.set_needs(tx, complaint, "Large print.")
        assert complaint.severity == 2
        with pytest.raises(Conflict):
            complaints.advance(tx, complaint, ASSESSED, agent=he, category="billing", severity=3, reason="Small.")
        under_way(tx, complaint, grave=2)
        with pytest.raises(Conflict):
            severity.set_severity(tx, complaint, he, 4, "Small.")
        decide(tx, complaint)
    world.days(8)
    run_due(world, "complaint.follow_up")
    for channel in ("phone", "email", "phone", "email", "phone"):
        with world.tx() as tx:
            complaint = tx.session.scalars(select(Complaint)).one()
            asked = open_one(tx, complaint.ticket_id)
            follow_ups.record(tx, asked, agent(tx, "Dan"), "not_reached", channel=channel)
            assert complaint.stage == FOLLOW_UP
            assert open_one(tx, complaint.ticket_id) is not None
        world.days(3)


def test_more_than_a_hundred_customers_make_an_event_critical_and_call_everybody_once(world, monkeypatch):
    monkeypatch.setattr(mass_events, "MANY_CUSTOMERS", 2)
    with world.tx() as tx:
        he = agent(tx, "He Yan")
        cases = [world.complain(tx, token=f"filling-number-{at}-of-it", email=f"c{at}@example.com") for at in range(4)]
        event = mass_events.open_event(tx, he, "Charged twice", cases[:2])
        assert {case.severity for case in cases} == {3}
        for case in cases[2:]:
            mass_events.join(tx, event, case, he)
        assert {case.severity for case in cases} == {1}
        called = [each["data"] for each in tx.pending if each["kind"] == "complaint.noticed"]
        assert len(called) == 2  # He Yan and Ruth, once each


def test_a_letter_without_a_name_is_a_complaint_like_any_other_and_no_address_of_it_is_kept(world):
    written = {"token": "one-filling-of-this-form", "kind": "letter", "day": "2026-11-19", "text": "The shop is dirty."}
    with world.tx() as tx:
        with pytest.raises(Invalid):
            papers.take_in_complaint(tx, agent(tx, "Lin"), read_paper(written))
        paper = read_paper(written | {"anonymous": "1", "address": "12 Queen Street"})
        complaint = papers.take_in_complaint(tx, agent(tx, "Lin"), paper)
        assert (complaint.anonymous, complaint.stage) == (True, ACKNOWLEDGED)
        assert "Queen Street" not in str(tx.session.scalars(select(Message.meta)).all())
        assert tx.session.scalar(select(func.count(PaperLetter.id))) == 0


def test_who_writes_by_letter_for_another_gets_no_decision_on_paper_before_a_proof(world):
    written = {"token": "one-filling-of-this-form", "kind": "letter", "day": "2026-11-19", "text": "My mother was charged twice."}
    with world.tx() as tx:
        paper = read_paper(written | {"name": "Li Na", "address": "12 Queen Street"})
        complaint, he = papers.take_in_complaint(tx, agent(tx, "Lin"), paper), agent(tx, "He Yan")
        complaints.advance(tx, complaint, ACKNOWLEDGED, agent=he)
        representatives.note(tx, complaint, "agent", name="Mrs Li", wrote=True, agent=he)
        representatives.refuse(tx, complaint, he, "Nothing came.")
        decide(tx, under_way(tx, complaint))
        assert "decision" not in tx.session.scalars(select(PaperLetter.kind)).all()


def test_a_case_that_is_opened_again_for_the_second_time_is_with_level_3_at_once(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        for stage in (ASSESSED, INVESTIGATING):
            complaints.advance(tx, complaint, stage, agent=agent(tx, "He Yan"), category="billing")
        due, asked = complaint.decide_due_at, []
        for time, officer in enumerate(("He Yan", "Ruth", "He Yan")):
            if time:
                complaints.advance(tx, complaint, INVESTIGATING, agent=agent(tx, officer))
            decide(tx, complaint, by=officer)
            complaints.advance(tx, complaint, FOLLOW_UP)
            complaints.heard(tx, complaint, False, reason="Still charged twice.")
            tx.session.flush()
            asked.append([(each.to_level, each.problem) for each in tx.session.scalars(select(HandUp))])
        assert asked == [[], [(3, "Still charged twice.")], [(3, "Still charged twice.")]]
        question = tx.session.scalars(select(HandUp)).one()
        assert question.created_by_id == agent(tx, "He Yan").id  # who had not decided the last time
        assert (ticket_of(tx, complaint).level, complaint.decide_due_at) == (3, due)
        work = tx.session.scalars(select(WorkItem).where(WorkItem.kind == "complaint", WorkItem.state == "waiting")).one()
        assert list(work.excluded) == [str(agent(tx, "He Yan").id)]
