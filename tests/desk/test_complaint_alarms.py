"""Clocks that run down tell those who can act, each share once; severity goes up easily and down with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.complaints import alarms, clocks, complainant, complaints, file, recusals
from desk.actions.complaints.alarms import ALARM_TIMER, LEVEL_TIMER
from desk.actions.complaints.severity import set_severity
from desk.actions.surveys.follow_up_work import open_one
from desk.actions.work import hand_ups
from desk.errors import Conflict, Invalid, NotAllowed
from desk.events import Event
from desk.models import Agent, AgentSkill, Complaint, ComplaintNotice, FollowUp, HandUp, Ticket, Timer
from desk.queries.complaints.notices import notices_of
from desk.work.due import ACTIONS
from tests.desk.care_world import World, agent, decide

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        yield world


def assessed(world: World, tx) -> Complaint:
    agent(tx, "Lin").roles = ["supervisor"]
    agent(tx, "Lin").team_id = agent(tx, "He Yan").team_id
    complaint = world.complain(tx)
    return complaints.advance(tx, complaint, "assessed", agent=agent(tx, "He Yan"), category="billing")


def to(world: World, case: int, share: float) -> None:
    """Go on until so much of the time to decide has passed, and have the timers that are due then fire, as often as they like."""
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        at = complaint.received_at + (complaint.decide_due_at - complaint.received_at) * share + MINUTE
    world.clock.tick((at - world.clock.now()).total_seconds())
    for _worker in range(2):
        with world.tx() as tx:
            due = select(Timer).where(Timer.kind == ALARM_TIMER, Timer.done_at.is_(None), Timer.due_at <= tx.now)
            for timer in tx.session.scalars(due).all():
                timer.done_at = tx.now
                alarms.ring(tx, tx.session.get_one(Complaint, timer.data["complaint_id"]))
            alarms.ring(tx, tx.session.get_one(Complaint, case))  # another worker, at the same moment


def told(world: World) -> list[tuple[str, str, int]]:
    with world.tx() as tx:
        rows = select(Agent.name, ComplaintNotice.clock, ComplaintNotice.share).join(Agent, Agent.id == ComplaintNotice.agent_id)
        return [(name.split()[0], clock, share) for name, clock, share in tx.session.execute(rows.order_by(ComplaintNotice.id))]


def test_of_a_broken_promise_those_are_told_who_answer_for_level_2(world):
    with world.tx() as tx:
        case = assessed(world, tx).id
        dan = agent(tx, "Dan")  # of another team, which answers questions of level 2
        dan.roles = ["supervisor"]
        tx.session.add(AgentSkill(agent_id=dan.id, skill="support", level=2, since=tx.now))
    to(world, case, 0.9)
    assert "Dan" not in {name for name, _, _ in told(world)}
    to(world, case, 1.1)
    assert ("Dan", "decide", 100) in told(world)


def test_each_share_of_the_time_is_told_once_and_the_later_the_more_people(world):
    with world.tx() as tx:
        case = assessed(world, tx).id
    to(world, case, 0.3)
    assert told(world) == []
    for share in (0.5, 0.6, 0.75, 0.9, 1, 1.2):
        to(world, case, share)
    assert told(world) == [
        ("He", "decide", 50),
        *(("He", "decide", 75), ("Lin", "decide", 75)),
        *(("He", "decide", 90), ("Lin", "decide", 90)),
        *(("He", "decide", 100), ("Lin", "decide", 100), ("Ruth", "decide", 100)),
    ]
    with world.tx() as tx:
        kinds = select(Event.kind).where(Event.complaint_id == case, Event.kind.startswith("complaint.clock_"))
        told_of = list(tx.session.scalars(kinds.order_by(Event.id)))
        assert told_of == [*["complaint.clock_warned"] * 3, "complaint.clock_breached"]
        (row,) = notices_of(tx.session, viewer_of(agent(tx, "Lin")))
        assert (row.clock, row.share) == ("decide", 100)
        alarms.see(tx, tx.session.get_one(Complaint, case), agent(tx, "Lin"))
        assert notices_of(tx.session, viewer_of(agent(tx, "Lin"))) == []
        assert tx.session.scalar(select(Timer.id).where(Timer.kind == ALARM_TIMER, Timer.done_at.is_(None))) is None


def test_a_desk_that_stood_still_tells_the_last_share_alone(world):
    with world.tx() as tx:
        case = assessed(world, tx).id
    to(world, case, 0.95)
    assert told(world) == [("He", "decide", 90), ("Lin", "decide", 90)]


def test_what_nobody_has_acknowledged_or_taken_is_told_to_all_who_handle_complaints(world):
    with world.tx() as tx:
        ticket_case = complaints.register_from_ticket(tx, _caller(tx), "Nobody calls back.")
        case = ticket_case.id
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        world.clock.tick((complaint.acknowledge_due_at - world.clock.now()).total_seconds() + 60)
    with world.tx() as tx:
        alarms.ring(tx, tx.session.get_one(Complaint, case))
    assert ("Ruth", "acknowledge", 100) in told(world)
    assert ("He", "acknowledge", 100) in told(world)
    assert not any(name == "Dan" for name, _, _ in told(world))


def _caller(tx):
    from channels.message import Contact, Inbound
    from desk.actions import intake

    inbound = Inbound("c-1", "voice", Contact("phone", "+8613800138000", ""), "A call.", locale="en")
    return intake.receive(tx, inbound, queue_key="general").ticket


def test_who_is_kept_out_of_the_case_is_told_nothing(world):
    with world.tx() as tx:
        complaint = assessed(world, tx)
        case = complaint.id
        recusals.keep_out(tx, complaint, agent(tx, "Ruth").id, "about")
    to(world, case, 1)
    assert {name for name, _, _ in told(world)} == {"He", "Lin"}
    with world.tx() as tx:
        recusals.keep_out(tx, tx.session.get_one(Complaint, case), agent(tx, "Lin").id, "interest")
        assert notices_of(tx.session, viewer_of(agent(tx, "Lin"))) == []


def test_more_time_begins_the_shares_anew_and_a_decision_ends_them(world):
    with world.tx() as tx:
        case = assessed(world, tx).id
    to(world, case, 0.75)
    with world.tx() as tx:
        clocks.extend(tx, tx.session.get_one(Complaint, case), agent(tx, "Ruth"), "The bank is slow.")
    before = told(world)
    to(world, case, 0.5)
    assert told(world)[len(before) :] == [("He", "decide", 50)]
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.advance(tx, complaint, "investigating", agent=agent(tx, "He Yan"))
        decide(tx, complaint)
    count = len(told(world))
    to(world, case, 2)
    assert len(told(world)) == count


def test_a_case_of_severity_1_is_with_level_3_within_the_hour(world):
    with world.tx() as tx:
        complaint = assessed(world, tx)
        set_severity(tx, complaint, agent(tx, "Dan"), 1, "Somebody was hurt.")
        due = complaint.decide_due_at
    world.clock.tick(3600)
    with world.tx() as tx:
        (timer,) = tx.session.scalars(select(Timer).where(Timer.kind == LEVEL_TIMER, Timer.due_at <= tx.now))
        for _worker in range(2):
            ACTIONS[LEVEL_TIMER](tx, timer.data)
    with world.tx() as tx:
        (asked,) = tx.session.scalars(select(HandUp))
        ticket = tx.session.get_one(Ticket, asked.ticket_id)
        assert (asked.to_level, ticket.level, asked.created_by_id) == (3, 3, agent(tx, "He Yan").id)
        assert asked.problem == "You charged me twice in March."
        assert tx.session.get_one(Complaint, complaint.id).decide_due_at == due  # the customer's clock is not touched


@pytest.mark.parametrize("severity", [1, 3], ids=["level 3 has been asked", "no longer so grave"])
def test_level_3_is_not_asked_by_rule_again_or_for_what_is_less_grave(world, severity):
    with world.tx() as tx:
        complaint, he = assessed(world, tx), agent(tx, "He Yan")
        set_severity(tx, complaint, he, 1, "Somebody was hurt.")
        ticket = tx.session.get_one(Ticket, complaint.ticket_id)
        if severity == 1:
            packet = {"problem": "Hurt.", "tried": "Called.", "question": "What now?", "needed_by": tx.now + timedelta(hours=1)}
            hand_ups.hand_up(tx, ticket, he, to_level=3, **packet)
        else:
            set_severity(tx, complaint, he, severity, "Nobody was.")
        before = len(tx.session.scalars(select(HandUp)).all())
        ACTIONS[LEVEL_TIMER](tx, {"complaint_id": complaint.id})
        assert len(tx.session.scalars(select(HandUp)).all()) == before


def test_level_2_that_was_asked_hands_on_to_level_3_by_the_rule(world):
    with world.tx() as tx:
        complaint, he = assessed(world, tx), agent(tx, "He Yan")
        set_severity(tx, complaint, he, 1, "Somebody was hurt.")
        packet = {"problem": "Hurt.", "tried": "Called.", "question": "What now?", "needed_by": tx.now + timedelta(hours=4)}
        hand_ups.hand_up(tx, tx.session.get_one(Ticket, complaint.ticket_id), he, **packet)
        ACTIONS[LEVEL_TIMER](tx, {"complaint_id": complaint.id})
        assert [(each.to_level, each.state) for each in tx.session.scalars(select(HandUp).order_by(HandUp.id))] == [
            (2, "handed_on"),
            (3, "open"),
        ]


def test_anybody_raises_the_severity_and_only_an_officer_lowers_it_with_a_reason(world):
    with world.tx() as tx:
        complaint, dan, ruth = assessed(world, tx), agent(tx, "Dan"), agent(tx, "Ruth")
        dates = (complaint.acknowledge_due_at, complaint.decide_due_at, complaint.received_at)
        with pytest.raises(Invalid) as wrong:
            set_severity(tx, complaint, dan, 2, " ")
        assert set(wrong.value.fields) == {"reason"}
        with pytest.raises(Invalid):
            set_severity(tx, complaint, dan, 5, "So.")
        set_severity(tx, complaint, dan, 1, "Smoke came out of it.")
        with pytest.raises(NotAllowed):
            set_severity(tx, complaint, dan, 3, "It was steam.")
        with pytest.raises(NotAllowed):
            set_severity(tx, complaint, agent(tx, "Lin"), 3, "It was steam.")
        set_severity(tx, complaint, ruth, 2, "It was steam.")
        assert (complaint.acknowledge_due_at, complaint.decide_due_at, complaint.received_at) == dates
        tx.session.flush()
        case = complaint.id
    with world.tx() as tx:
        changes = select(Event).where(Event.complaint_id == case, Event.kind.startswith("complaint.severity_"))
        changes = changes.order_by(Event.id)
        assert [
            (each.kind[19:], each.data["old"], each.data["new"], each.data["reason"]) for each in tx.session.scalars(changes)
        ] == [
            ("raised", 3, 1, "Smoke came out of it."),
            ("lowered", 1, 2, "It was steam."),
        ]
    assert [(name, clock) for name, clock, _ in told(world)] == [("He", "critical"), ("Ruth", "critical")]


def test_assessing_does_not_take_back_in_silence_what_was_raised(world):
    with world.tx() as tx:
        complaint, officer = world.complain(tx), agent(tx, "He Yan")
        set_severity(tx, complaint, agent(tx, "Dan"), 1, "An injury.")
        with pytest.raises(Invalid) as wrong:
            complaints.advance(tx, complaint, "assessed", agent=officer, category="billing", severity=3)
        assert set(wrong.value.fields) == {"reason"}
        complaints.advance(tx, complaint, "assessed", agent=officer, category="billing", severity=3, reason="Nobody was hurt.")
        assert complaint.severity == 3


def test_special_needs_and_a_second_time_make_it_grave_by_rule(world):
    with world.tx() as tx:
        complaint = assessed(world, tx)
        file.set_needs(tx, complaint, "Large print.")
        assert complaint.severity == 2
        other = complaints.advance(
            tx, world.complain(tx, token="another-filling-of-it"), "assessed", agent=agent(tx, "He Yan"), category="billing"
        )
        complaints.advance(tx, other, "investigating", agent=agent(tx, "He Yan"))
        decide(tx, other)
        complaints.advance(tx, other, "follow_up")
        complainant.answers(tx, other, False, "Still open.")
        assert other.severity == 2
        decided = world.complain(tx, token="a-third-filling-of-it")
        complaints.withdraw(tx, decided, "Never mind.")
        with pytest.raises(Conflict):
            set_severity(tx, decided, agent(tx, "Ruth"), 1, "Late.")


def test_who_handled_it_does_not_say_that_the_customer_agrees_and_who_does_ends_the_asking(world):
    with world.tx() as tx:
        complaint, officer = assessed(world, tx), agent(tx, "He Yan")
        complaints.advance(tx, complaint, "investigating", agent=officer)
        decide(tx, complaint)
        complaints.advance(tx, complaint, "follow_up", agent=officer)
        with pytest.raises(NotAllowed):
            complaints.advance(tx, complaint, "closed", agent=officer)
        complaints.advance(tx, complaint, "closed", agent=agent(tx, "Ruth"))
        assert open_one(tx, complaint.ticket_id) is None
        assert [each.outcome for each in tx.session.scalars(select(FollowUp))] == ["satisfied"]
