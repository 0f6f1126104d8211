"""Many complain of one cause: looked into once, told to all, answered to each, with each one's own dates and rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.complaints import complaints, file, mass_events, recusals
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Complaint, MassEvent, Timer
from desk.models.complaint import ACKNOWLEDGED, ASSESSED, INVESTIGATING
from desk.queries import doctor
from desk.queries.complaints.mass_events import event_list, event_page
from desk.work.due import ACTIONS
from tests.desk.care_world import World, agent, decide, happened, letters

FOUND = {
    "finding": "proven",
    "reason": "The log shows every order of that hour twice.",
    "looked_into": "We read the log of the payments.",
    "cause": "technology_fault",
    "whys": ["Orders were sent twice.", "A retry has no key."],
}


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        yield world


@pytest.fixture
def alone(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        with world.tx() as tx:
            agent(tx, "Lin").roles = ["supervisor"]
        yield world


def three(world: World, tx) -> tuple[MassEvent, list[Complaint]]:
    """Three people charged twice, the first two assessed."""
    he = agent(tx, "He Yan")
    cases = [
        world.complain(tx, token=f"filling-number-{name}-of-it", name=name, email=f"{name.lower()}@example.com")
        for name in ("Ann", "Bo", "Cem")
    ]
    for case in cases[:2]:
        complaints.advance(tx, case, ASSESSED, agent=he, category="billing")
    return mass_events.open_event(tx, he, "Charged twice on 7 March", cases), cases


def test_what_is_found_out_once_stands_in_every_case_and_each_is_decided_by_itself(world):
    with world.tx() as tx:
        event, cases = three(world, tx)
        he, promised = agent(tx, "He Yan"), [case.decide_due_at for case in cases]
        own = complaints.advance(tx, cases[1], INVESTIGATING, agent=he)
        point = file.allegations_of(tx, own)[0]
        file.record_finding(tx, own, point.id, "not_proven", "This one was charged once.")
        with pytest.raises(Conflict):
            mass_events.enter_in_cases(tx, event, he)
        mass_events.find_out(tx, event, he, **FOUND)
        assert mass_events.enter_in_cases(tx, event, he) == 2
        assert mass_events.enter_in_cases(tx, event, he) == 0
    with world.tx() as tx:
        first, second, third = (tx.session.get_one(Complaint, case.id) for case in cases)
        assert [case.stage for case in (first, second, third)] == [INVESTIGATING, INVESTIGATING, ACKNOWLEDGED]
        findings = [point.finding for case in (first, second) for point in file.allegations_of(tx, case)]
        assert findings == ["proven", "not_proven"]  # what was found out in a case for itself stays
        assert (first.cause, second.cause, third.cause) == ("technology_fault", "technology_fault", "")
        assert [case.decide_due_at for case in (first, second, third)] == promised
        decide(tx, first)
        assert [case.decided_at is None for case in (first, second, third)] == [False, True, True]
        assert "complaint.joined_event" in happened(tx, "complaint.")
    with world.store.read() as session:
        assert [finding.level for finding in doctor.complaints(session)] == ["ok"]


def test_news_goes_to_each_who_waits_after_a_supervisor_who_did_not_write_it(world):
    with world.tx() as tx:
        agent(tx, "Lin").roles = ["supervisor"]
        event, cases = three(world, tx)
        he, lin = agent(tx, "He Yan"), agent(tx, "Lin")
        complaints.withdraw(tx, cases[1], "Never mind.", agent=he)
        with pytest.raises(Conflict):
            mass_events.approve_notice(tx, event, lin)
        mass_events.write_notice(tx, event, he, "The bank pays it back this week.")
        with pytest.raises(NotAllowed):
            mass_events.approve_notice(tx, event, he)
        before = len(letters(tx))
        mass_events.approve_notice(tx, event, lin)
        (timer,) = tx.session.scalars(select(Timer).where(Timer.kind == mass_events.NOTICE_TIMER))
        ACTIONS[timer.kind](tx, timer.data)
        told = letters(tx)[before:]
        assert [mail["to"] for mail in told] == [["ann@example.com"], ["cem@example.com"]]
        assert all("The bank pays it back this week." in mail["text"] for mail in told)
        assert len({mail["subject"] for mail in told}) == 2  # each with their own number
        assert event.notice == ""


def test_who_both_writes_and_supervises_does_not_agree_to_their_own_text(alone):
    with alone.tx() as tx:
        event, _cases = three(alone, tx)
        he = agent(tx, "He Yan")
        he.roles = ["complaint_officer", "supervisor"]
        mass_events.write_notice(tx, event, he, "It is over.")
        with pytest.raises(NotAllowed):
            mass_events.approve_notice(tx, event, he)


def test_many_are_written_to_a_few_at_a_time_and_nobody_twice(alone, monkeypatch):
    monkeypatch.setattr(mass_events, "AT_ONCE", 2)
    with alone.tx() as tx:
        event, _cases = three(alone, tx)
        before = len(letters(tx))
        mass_events.write_notice(tx, event, agent(tx, "He Yan"), "The bank pays it back.")
        mass_events.approve_notice(tx, event, agent(tx, "Lin"))
        fired: set[int] = set()
        notices = select(Timer).where(Timer.kind == mass_events.NOTICE_TIMER)
        while waiting := [each for each in tx.session.scalars(notices) if each.id not in fired]:
            for timer in waiting:
                fired.add(timer.id)
                ACTIONS[timer.kind](tx, timer.data)
        told = sorted(mail["to"][0] for mail in letters(tx)[before:])
        assert told == ["ann@example.com", "bo@example.com", "cem@example.com"]


def test_it_ends_when_all_is_done_and_then_nobody_joins(alone):
    with alone.tx() as tx:
        event, cases = three(alone, tx)
        he = agent(tx, "He Yan")
        for step in mass_events.STEPS:
            mass_events.take_step(tx, event, he, step)
        with pytest.raises(Conflict):
            mass_events.close(tx, event, he)
        for case in cases:
            complaints.withdraw(tx, case, "Never mind.", agent=he)
        mass_events.close(tx, event, he)
        late = alone.complain(tx, token="somebody-who-comes-late")
        with pytest.raises(Conflict):
            mass_events.join(tx, event, late, he)


def test_a_complaint_belongs_to_one_event_and_leaves_it_with_a_reason(alone):
    with alone.tx() as tx:
        event, cases = three(alone, tx)
        he = agent(tx, "He Yan")
        other = mass_events.open_event(tx, he, "Something else")
        with pytest.raises(Conflict):
            mass_events.join(tx, other, cases[0], he)
        with pytest.raises(Invalid):
            mass_events.leave(tx, cases[0], he, " ")
        mass_events.leave(tx, cases[0], he, "Another month.")
        mass_events.join(tx, other, cases[0], he)
        tx.session.flush()
        assert [(line.event.id, line.cases) for line in event_list(tx.session, viewer_of(he))] == [(other.id, 1), (event.id, 2)]


def test_whoever_is_kept_out_of_a_case_neither_finds_nor_changes_it_through_its_event(alone):
    with alone.tx() as tx:
        event, cases = three(alone, tx)
        ruth = agent(tx, "Ruth")
        recusals.keep_out(tx, cases[0], ruth.id, "interest", "Her neighbour.")
        page = event_page(tx.session, viewer_of(ruth), event.id)
        assert ([case.id for case, _ticket, _name in page.cases], page.count) == ([cases[1].id, cases[2].id], 2)
        mass_events.find_out(tx, event, ruth, **FOUND)
        assert mass_events.enter_in_cases(tx, event, ruth) == 1
        assert (cases[0].cause, cases[1].cause) == ("", "technology_fault")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"finding": "perhaps"}, "finding"),
        ({"reason": " "}, "reason"),
        ({"looked_into": ""}, "looked_into"),
        ({"cause": "x"}, "cause"),
        ({"whys": ["Once."]}, "why1"),
    ],
)
def test_what_was_found_is_written_down_whole_or_not_at_all(alone, changes, field):
    with alone.tx() as tx:
        event, _cases = three(alone, tx)
        with pytest.raises(Invalid) as refused:
            mass_events.find_out(tx, event, agent(tx, "He Yan"), **FOUND | changes)
        assert (set(refused.value.fields), event.found_at) == ({field}, None)
