"""The file of a complaint: points and findings, the cause, what is given, and a decision that a second person sees."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.complaints import clocks as complaint_clocks
from desk.actions.complaints import (
    complainant,
    complaints,
    decisions,
    early,
    elsewhere,
    file,
    holds,
    level,
    people_heard,
    recusals,
    representatives,
)
from desk.actions.complaints import policy as complaint_policy
from desk.actions.complaints import severity as complaint_severity
from desk.actions.people import conduct
from desk.errors import Conflict, DeskError, Invalid, NotAllowed
from desk.events import Event
from desk.models import Complaint, ComplaintDecision, Message, Timer
from desk.models.complaint import (
    APPROVAL,
    ARCHIVED,
    ASSESSED,
    AWAITING_INFO,
    CLOSED,
    DECIDED,
    DISPOSED,
    DRAFTED,
    FOLLOW_UP,
    INVESTIGATING,
    NEXT,
    OVER_STAGES,
    REDRESS,
    REFERRED,
    RETYPED,
)
from desk.queries.complaints.desk_list import Narrowed, desk_list
from desk.queries.complaints.keeping import holds_of
from desk.queries.complaints.policies import clock_lines, pauses_of
from desk.queries.complaints.representatives import representatives_of
from tests.desk.care_world import World, agent, decide, letters, looked_into, ticket_of

WRITTEN = {"looked_into": "We read the log.", "reasons": "It was charged twice.", "apology": "We are sorry."}


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def investigated(world: World, tx, *, severity: int = 3, **answers: str) -> Complaint:
    complaint, officer = world.complain(tx, **answers), agent(tx, "He Yan")
    complaints.advance(tx, complaint, ASSESSED, agent=officer, category="billing", severity=severity)
    return complaints.advance(tx, complaint, INVESTIGATING, agent=officer)


def drafted(world: World, tx, *, outcome: str = "upheld", severity: int = 3, amount: str = "", needs: str = "") -> Complaint:
    complaint, officer = investigated(world, tx, severity=severity), agent(tx, "He Yan")
    file.set_needs(tx, complaint, needs)
    looked_into(tx, complaint, "proven" if outcome == "upheld" else "not_proven")
    if amount:
        file.add_redress(tx, complaint, officer, "refund", amount, tx.now + timedelta(days=3))
    decisions.draft(tx, complaint, officer, outcome=outcome, **WRITTEN)
    return complaint


def test_a_case_begins_with_what_the_customer_said_as_its_first_point(world):
    with world.tx() as tx:
        complaint = investigated(world, tx)
        assert [point.text for point in file.allegations_of(tx, complaint)] == ["You charged me twice in March."]


def test_nothing_is_decided_before_every_point_has_a_finding_and_the_cause_is_known(world):
    with world.tx() as tx:
        complaint, officer = investigated(world, tx), agent(tx, "He Yan")
        second = file.add_allegation(tx, complaint, "Nobody called back.", "Within one working day.")
        with pytest.raises(Conflict, match="Every point needs a finding"):
            decisions.draft(tx, complaint, officer, outcome="upheld", **WRITTEN)
        for point in file.allegations_of(tx, complaint):
            file.record_finding(tx, complaint, point.id, "proven", "The log.")
        with pytest.raises(Conflict, match="Find the cause"):
            decisions.draft(tx, complaint, officer, outcome="upheld", **WRITTEN)
        with pytest.raises(Invalid) as wrong:
            file.set_cause(tx, complaint, "bad luck", ["Only one why."])
        assert set(wrong.value.fields) == {"cause", "why1"}
        file.set_cause(tx, complaint, "technology_fault", ["Sent twice.", "A retry has no key."])
        decisions.draft(tx, complaint, officer, outcome="upheld", **WRITTEN)
        assert complaint.stage == DRAFTED
        with pytest.raises(Conflict):
            file.record_finding(tx, complaint, second.id, "not_proven", "Changed my mind.")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"outcome": "maybe"}, "outcome"),
        ({"looked_into": " "}, "looked_into"),
        ({"reasons": ""}, "reasons"),
        ({"apology": ""}, "apology"),
        ({"outcome": "not_upheld"}, "outcome"),
        ({"reasons": "x" * 20_001}, "reasons"),
    ],
)
def test_a_draft_that_lacks_what_the_letter_needs_says_where(world, change, field):
    with world.tx() as tx:
        complaint = investigated(world, tx)
        looked_into(tx, complaint)
        with pytest.raises(Invalid) as wrong:
            decisions.draft(tx, complaint, agent(tx, "He Yan"), **{"outcome": "upheld", **WRITTEN, **change})
        assert field in wrong.value.fields
        assert complaint.stage == INVESTIGATING


@pytest.mark.parametrize(
    ("case", "needed"),
    [
        ({"severity": 3}, 0),
        ({"severity": 3, "amount": "2000"}, 0),
        ({"severity": 3, "amount": "2000.01"}, 1),
        ({"severity": 2}, 1),
        ({"severity": 1}, 1),
        ({"severity": 3, "outcome": "not_upheld"}, 0),
        ({"severity": 3, "outcome": "not_upheld", "needs": "Large print."}, 1),
        ({"severity": 3, "amount": "10,000"}, 1),
        ({"severity": 3, "amount": "10000.01"}, 2),
    ],
)
def test_what_is_serious_or_dear_is_seen_by_others_before_it_leaves(world, case, needed):
    with world.tx() as tx:
        complaint, officer = drafted(world, tx, **case), agent(tx, "He Yan")
        given = file.redress_of(tx, complaint)
        decision = decisions.current(tx, complaint)
        assert decisions.approvals_needed(complaint, decision, given) == needed
        if needed:
            with pytest.raises(Conflict) as refused:
                decisions.send(tx, complaint, officer)
            assert refused.value.allowed == (APPROVAL, INVESTIGATING)
            assert complaint.stage == DRAFTED
        else:
            with pytest.raises(Conflict):
                decisions.submit(tx, complaint, officer)
            decisions.send(tx, complaint, officer)
            assert complaint.stage == (REDRESS if case.get("amount") else DECIDED)


def test_nobody_approves_what_they_wrote_nor_more_than_they_may_nor_twice(world):
    with world.tx() as tx:
        complaint = drafted(world, tx, amount="20000")
        author, ruth, lin, dan = (agent(tx, name) for name in ("He Yan", "Ruth", "Lin", "Dan"))
        decisions.submit(tx, complaint, author)
        author.roles = ["complaint_officer", "supervisor"]
        lin.roles = ["supervisor"]
        for person in (author, lin, dan):  # wrote it; may approve 2,000; may approve nothing
            with pytest.raises(NotAllowed):
                decisions.approve(tx, complaint, person)
        assert decisions.approve(tx, complaint, ruth) is False
        with pytest.raises(NotAllowed):
            decisions.approve(tx, complaint, ruth)
        dan.roles = ["complaint_officer"]
        assert decisions.approve(tx, complaint, dan) is True
        assert complaint.stage == REDRESS


def test_a_draft_that_is_not_agreed_to_goes_back_with_the_reason(world):
    with world.tx() as tx:
        complaint, officer, ruth = drafted(world, tx, severity=2), agent(tx, "He Yan"), agent(tx, "Ruth")
        decisions.submit(tx, complaint, officer)
        with pytest.raises(Invalid):
            decisions.reject(tx, complaint, ruth, " ")
        decisions.reject(tx, complaint, ruth, "The second point is not answered.")
        assert complaint.stage == INVESTIGATING
        decide(tx, complaint)
        states = tx.session.scalars(select(ComplaintDecision.state).order_by(ComplaintDecision.id)).all()
        assert states == ["rejected", "sent"]


@pytest.mark.parametrize(("locale", "heading"), [("en", "If you do not agree"), ("zh", "如果您不同意本决定")])
def test_the_letter_is_whole_and_kept_as_it_was_sent(world, locale, heading):
    with world.tx() as tx:
        complaint = investigated(world, tx, locale=locale, statement="You <b>charged</b> me & twice.")
        file.add_redress(tx, complaint, None, "refund", "1500.50", tx.now + timedelta(days=3), "To your card.")
        decide(tx, complaint, reasons="The log shows two charges.")
        decision = tx.session.scalars(select(ComplaintDecision)).one()
    assert decision.letter_sha256 == hashlib.sha256(decision.letter.encode()).hexdigest()
    assert decision.pdf.startswith(b"%PDF-")
    assert decision.pdf_sha256 == hashlib.sha256(decision.pdf).hexdigest()
    for part in (heading, "You &lt;b&gt;charged&lt;/b&gt; me &amp; twice.", "We read the log.", "1,500.50", "We are sorry."):
        assert part in decision.letter
    assert "<b>" not in decision.letter
    with world.tx() as tx:
        sent = tx.session.scalars(select(Event).where(Event.kind == "complaint.decided")).one()
        assert (sent.data["letter"], sent.data["pdf"]) == (decision.letter_sha256, decision.pdf_sha256)


def test_the_customer_is_asked_only_after_everything_was_given(world):
    with world.tx() as tx:
        complaint = drafted(world, tx, amount="100")
        decisions.send(tx, complaint, agent(tx, "He Yan"))
        given = file.redress_of(tx, complaint)[0]
        complaints.follow_up_due(tx, complaint)
        assert complaint.stage == REDRESS
        with pytest.raises(Conflict):
            complaints.advance(tx, complaint, FOLLOW_UP)
        with pytest.raises(Invalid):
            complaints.given(tx, complaint, given.id, " ")
    world.days(4)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        complaints.given(tx, complaint, given.id, "Bank receipt 4711.")
        timer = tx.session.scalars(select(Timer).where(Timer.kind == "complaint.follow_up", Timer.done_at.is_(None))).one()
        assert timer.due_at > tx.now + timedelta(days=2)
        with pytest.raises(Conflict):
            complaints.given(tx, complaint, given.id, "Once more.")
        complaints.follow_up_due(tx, complaint)
        assert complaint.stage == FOLLOW_UP


@pytest.mark.parametrize("amount", ["-1", "12.345", "NaN", "1e30", "lots", "", "9" * 400])
def test_an_amount_that_is_none_is_refused(world, amount):
    with world.tx() as tx:
        complaint = investigated(world, tx)
        with pytest.raises(Invalid) as wrong:
            file.add_redress(tx, complaint, None, "refund", amount, tx.now + timedelta(days=1))
        assert "amount" in wrong.value.fields


def test_what_we_ask_the_customer_comes_back_or_we_go_on_without_it(world):
    with world.tx() as tx:
        complaint = investigated(world, tx)
        due = complaint.decide_due_at
        complaints.advance(tx, complaint, AWAITING_INFO, agent=agent(tx, "He Yan"), reason="Which card was it?")
        asked = tx.session.scalars(select(Message).where(Message.direction == "out").order_by(Message.id.desc())).first()
        assert asked.text == "Which card was it?"
        complainant.adds(tx, complaint, "The blue one.", token="sixteen-characters")
        assert complaint.stage == INVESTIGATING
        complaints.advance(tx, complaint, AWAITING_INFO, agent=agent(tx, "He Yan"), reason="Which month?")
        complaints.info_overdue(tx, complaint)
        assert (complaint.stage, complaint.decide_due_at) == (INVESTIGATING, due)


def test_what_is_not_ours_is_referred_and_archived_is_what_nobody_opens_again(world):
    with world.tx() as tx:
        complaint, officer = world.complain(tx), agent(tx, "He Yan")
        complaints.advance(tx, complaint, ASSESSED, agent=officer, category="other")
        complaints.advance(tx, complaint, REFERRED, agent=officer, reason="The water works decide this.")
        assert (complaint.outcome, ticket_of(tx, complaint).status) == ("referred", "closed")
        other = investigated(world, tx, token="another-filling-of-it")
        decide(tx, other)
        complaints.advance(tx, other, FOLLOW_UP)
        complainant.answers(tx, other, True)
        complaints.archive_due(tx, other)
        assert other.stage == CLOSED
    world.days(31)
    with world.tx() as tx:
        other = tx.session.get_one(Complaint, other.id)
        complaints.archive_due(tx, other)
        assert (other.stage, NEXT[other.stage]) == (ARCHIVED, (DISPOSED,))


def tries(tx, complaint: Complaint, who, chance: random.Random) -> list:
    """What somebody may try next, whether it is their turn or not."""
    stage = chance.choice([*NEXT, *NEXT[complaint.stage], *NEXT[complaint.stage]])

    def move() -> None:
        complaints.advance(tx, complaint, stage, agent=who, category="billing", severity=2, reason="So it is.")

    def give_all() -> None:
        for each in file.redress_of(tx, complaint):
            if each.done_at is None:
                complaints.given(tx, complaint, each.id, "Receipt.")

    until, wrote = tx.now + timedelta(days=chance.randint(1, 20)), chance.random() < 0.5
    relation = chance.choice(("heir", "agent", ""))
    reason = chance.choice(("customer_evidence", "court", "appraisal"))
    policy = chance.choice(("CN-BANKINS", "UK-FCA", "UK-PAY", "DEFAULT", "EU-GEN"))
    return [
        *(move, move, move, give_all),
        lambda: complaint_clocks.pause(tx, complaint, who, reason, "The bill.", until),
        lambda: complaint_clocks.resume(tx, complaint, why="It is here.", agent=who),
        lambda: complaint_clocks.extend(tx, complaint, who, "The bank is slow."),
        lambda: complaint_clocks.new_facts(tx, complaint, who, "A second charge."),
        lambda: complaint_policy.classify(tx, complaint, policy, "It is a bank."),
        lambda: complaint_policy.declassify(tx, complaint, policy, "It is none."),
        lambda: holds.hold(tx, complaint, who, "The court asks."),
        lambda: holds.lift(tx, complaint, who, "It is over."),
        lambda: complaint_severity.set_severity(tx, complaint, who, chance.choice((1, 2, 3, 4, 5)), chance.choice(("", "So."))),
        lambda: complaint_severity.set_severity(tx, complaint, who, chance.choice((1, 2, 3, 4)), "It has become so."),
        lambda: file.set_needs(tx, complaint, "A slower call."),
        lambda: representatives.note(tx, complaint, relation, name="Mei", email="mei@example.com", wrote=wrote),
        lambda: representatives.accept(tx, complaint, who, chance.choice((None, 4711))),
        lambda: representatives.refuse(tx, complaint, who, "It is not signed."),
        lambda: representatives.end(tx, complaint, who, "It was a mistake."),
        lambda: conduct.threat(tx, complaint, who, "Said that they would come and hit us."),
        lambda: recusals.keep_out(tx, complaint, agent(tx, "Dan").id, chance.choice(("about", "interest"))),
        lambda: people_heard.hear(
            tx, complaint, who, person="Dan", part="staff", how="phone", heard_at=tx.now, summary="Not so."
        ),
        lambda: level.due(tx, complaint),
        lambda: elsewhere.refer_out(tx, complaint, who, body="FOS", reference="4711", day="2026-11-19"),
        lambda: early.settle(tx, complaint, who, "We pay it back.", "Fine."),
        lambda: looked_into(tx, complaint),
        lambda: file.add_redress(tx, complaint, who, "refund", "2500", tx.now + timedelta(days=2)),
        lambda: decisions.draft(tx, complaint, who, outcome="upheld", **WRITTEN),
        lambda: decisions.submit(tx, complaint, who),
        lambda: decisions.approve(tx, complaint, who),
        lambda: decisions.send(tx, complaint, who),
        lambda: decisions.back(tx, complaint, who),
        lambda: complainant.answers(tx, complaint, chance.random() < 0.5, "Still open."),
    ]


MOVES_A_DATE = {f"complaint.{what}" for what in ("extended", "paused", "resumed", "restarted", "reclassified")}


def check_severity(tx, complaint: Complaint, before: int, told: int, who) -> None:
    """It moves with an entry that names who and why, and down only by who handles complaints, or by assessing."""
    if complaint.severity == before:
        return
    happened = {event["kind"]: event["data"] for event in tx.pending[told:]}
    lowered = complaint.severity > before
    entry = happened.get("complaint.severity_lowered" if lowered else "complaint.severity_raised")
    assert entry or "complaint.assessed" in happened
    assert not entry or (entry["old"], entry["new"], bool(entry["reason"])) == (before, complaint.severity, True)
    assert not lowered or "complaint_officer" in who.roles


def check_clocks(tx, complaint: Complaint) -> None:
    """The case's date is the earliest of its clocks, one pause lasts at most, and one hold."""
    clocks = clock_lines(tx.session, complaint)
    named = [line.clock.decide_due_at for line in clocks if line.clock.decide_due_at]
    assert clocks
    assert not named or complaint.decide_due_at == min(named)
    assert complaint.outcome == RETYPED or ticket_of(tx, complaint).resolve_due_at == complaint.decide_due_at
    assert sum(each.ended_at is None for each in pauses_of(tx.session, complaint.id)) <= 1
    assert sum(each.lifted_at is None for each in holds_of(tx.session, complaint.id)) <= 1
    for each in holds_of(tx.session, complaint.id):
        assert each.lifted_by != each.set_by


def check_special(tx, complaint: Complaint) -> None:
    """A suffix counts reopenings; what needs care stays grave; nobody was told on another's behalf without a proof."""
    assert complaint.reopened == sum(event["kind"] == "complaint.reopened" for event in tx.pending)
    assert not complaint.needs or complaint.severity <= 2
    assert complaint.outcome == RETYPED or ticket_of(tx, complaint).type == "complaint"
    theirs = any(each.wrote for each in representatives_of(tx.session, complaint.id))  # whose matter it is, not who speaks
    assert theirs or "mei@example.com" not in {address for mail in letters(tx) for address in mail.get("to", [])}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_people_try_in_whatever_order_the_rules_hold(world, seed):
    """No forbidden move, no clock set back, not by a higher level or severity either, no approval of one's own draft; each case
    ends or stands on a list with a date.
    """
    chance = random.Random(seed)
    with world.tx() as tx:
        complaint = world.complain(tx)
        agent(tx, "Lin").roles = ["supervisor"]
        received, moved = complaint.received_at, complaint.decide_due_at
        stages = [complaint.stage]
        for _ in range(110):
            who = agent(tx, chance.choice(("He Yan", "Ruth", "Lin")))
            told, severity = len(tx.pending), complaint.severity
            try:
                with tx.session.begin_nested():
                    chance.choice(tries(tx, complaint, who, chance))()
            except DeskError:
                tx.session.expire_all()
                assert complaint.stage == stages[-1]
            stages.append(complaint.stage)
            assert complaint.received_at == received
            if complaint.decide_due_at != moved:  # never without an entry in the record that says so
                why = MOVES_A_DATE & {event["kind"] for event in tx.pending[told:]}
                assert why
                assert complaint.decided_at is None or why == {"complaint.resumed"}  # a pause ends with the decision
                moved = complaint.decide_due_at
            check_clocks(tx, complaint)
            check_severity(tx, complaint, severity, told, who)
        check_special(tx, complaint)
        for decision in tx.session.scalars(select(ComplaintDecision)):
            assert decision.drafted_by_id not in {each["agent"] for each in decision.approvals}
            assert decision.state != "sent" or decision.letter_sha256
        for old, new in pairwise(stages):
            through = {new} | {step for step in NEXT[old] if new in NEXT[step]}  # sending goes on to the redress by itself
            assert old == new or through & set(NEXT[old]), (old, new)
        on_a_list = {each.complaint.id for each in desk_list(tx.session, viewer_of(agent(tx, "Ruth")), Narrowed(), tx.now)}
        answered = desk_list(tx.session, viewer_of(agent(tx, "Ruth")), Narrowed("answered"), tx.now)
        assert complaint.stage in OVER_STAGES or complaint.id in on_a_list | {each.complaint.id for each in answered}
