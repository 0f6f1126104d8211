"""Policies in versions, several on one case, and the calendars by which they count: every date as the sources give it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from desk.actions.complaints import clocks, complainant, complaints, policy
from desk.actions.complaints.policy_seeds import SEEDS
from desk.errors import Conflict, Invalid, NotAllowed
from desk.holiday_tables import tables
from desk.models import Calendar, Complaint, ComplaintPolicy, Setting, Timer
from desk.models.complaint_policy import CUSTOMER, Rules
from desk.queries import doctor
from desk.queries.calendars import to_calendar
from desk.queries.complaints.complaints import decide_clock
from desk.queries.complaints.dates import dues, years_missing
from desk.queries.complaints.policies import CHOSEN, clock_lines, in_force, open_pause
from routing.hours import Calendar as Hours
from tests.desk.care_world import FRIDAY, World, agent, decide, happened, letters, mail_in, ticket_of

SHANGHAI, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")
DAY = (("09:00", "18:00"),)
PLAIN = Hours("Asia/Shanghai", (DAY, DAY, DAY, DAY, DAY, (), ()))


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def rules_of(code: str, version: int = -1) -> Rules:
    return [seed.rules for seed in SEEDS if seed.code == code][version]


def handled(world: World, tx, *policies: str) -> Complaint:
    tx.session.merge(Setting(key=CHOSEN, value=list(policies or ("DEFAULT",))))
    tx.session.flush()
    complaint = world.complain(tx)
    complaints.advance(tx, complaint, "assessed", agent=agent(tx, "He Yan"), category="billing")
    return complaints.advance(tx, complaint, "investigating", agent=agent(tx, "He Yan"))


def last_day(moment: datetime | None, zone: ZoneInfo = SHANGHAI) -> date:
    assert moment is not None
    local = moment.astimezone(zone)
    assert (local.hour, local.minute, local.second) == (23, 59, 59)
    return local.date()


@pytest.mark.parametrize(
    ("code", "version", "extended", "decide"),
    [
        ("DEFAULT", 0, 0, date(2026, 12, 11)),
        ("DEFAULT", 0, 1, date(2027, 1, 1)),
        ("UK-FCA", 0, 0, date(2027, 1, 15)),
        ("UK-PAY", 0, 0, date(2026, 12, 11)),
        ("UK-PAY", 0, 1, date(2027, 1, 8)),
        ("UK-OFCOM", 0, 0, date(2027, 1, 15)),
        ("UK-OFCOM", 1, 0, date(2027, 1, 1)),
        ("US-CFPB", 0, 0, date(2026, 12, 5)),
        ("US-CFPB", 0, 1, date(2027, 1, 19)),
        ("US-DOT", 0, 0, date(2027, 1, 19)),
        ("AU-RG271", 0, 0, date(2026, 12, 20)),
        ("CN-BANKINS", 0, 0, date(2026, 12, 5)),
        ("CN-BANKINS", 0, 1, date(2026, 12, 20)),
        ("CN-BANKINS", 0, 2, date(2027, 1, 19)),
        ("CN-TELECOM", 0, 0, date(2026, 12, 5)),
        ("CN-12315", 0, 0, date(2027, 1, 19)),
        ("CN-CONSUMER", 0, 0, date(2026, 12, 1)),
    ],
)
def test_without_holidays_each_policy_gives_the_days_of_its_source(code, version, extended, decide):
    found = dues(rules_of(code, version), FRIDAY, PLAIN, extended=extended)
    assert last_day(found.decide) == decide


def test_the_days_to_settle_at_once_and_to_acknowledge_are_those_of_the_source():
    assert last_day(dues(rules_of("UK-FCA"), FRIDAY, PLAIN).early) == date(2026, 11, 25)
    assert last_day(dues(rules_of("AU-RG271"), FRIDAY, PLAIN).early) == date(2026, 11, 27)
    assert last_day(dues(rules_of("CN-12315"), FRIDAY, PLAIN).acknowledge) == date(2026, 12, 1)
    assert last_day(dues(rules_of("US-DOT"), FRIDAY, PLAIN).acknowledge) == date(2026, 12, 20)
    for code in ("DEFAULT", "CN-BANKINS", "CN-TELECOM", "UK-OFCOM"):
        assert dues(rules_of(code), FRIDAY, PLAIN).early is None
    for code in ("EU-GEN", "EU-DSA-20"):
        assert dues(rules_of(code), FRIDAY, PLAIN).decide is None


@pytest.mark.parametrize(
    ("key", "received", "days", "last"),
    [
        ("cn", datetime(2026, 11, 20, 16, 40, tzinfo=SHANGHAI), 15, date(2026, 12, 11)),
        ("cn", datetime(2026, 9, 18, 10, tzinfo=SHANGHAI), 7, date(2026, 9, 29)),  # Sunday the 20th works, the 25th is off
        ("cn", datetime(2026, 9, 30, 10, tzinfo=SHANGHAI), 3, date(2026, 10, 10)),  # 8, 9, and Saturday the 10th
        ("cn", datetime(2026, 2, 13, 10, tzinfo=SHANGHAI), 5, date(2026, 2, 27)),  # Saturday the 14th works; back on the 24th
        ("cn", datetime(2026, 2, 24, 10, tzinfo=SHANGHAI), 4, date(2026, 2, 28)),  # the last of them is a Saturday
        ("uk", datetime(2026, 11, 20, 8, 40, tzinfo=UTC), 15, date(2026, 12, 11)),
        ("uk", datetime(2026, 11, 20, 8, 40, tzinfo=UTC), 35, date(2027, 1, 13)),  # without Christmas, its substitute, New Year
        ("uk", datetime(2026, 4, 2, 12, tzinfo=UTC), 3, date(2026, 4, 9)),  # Easter
    ],
)
def test_business_days_are_those_of_the_published_tables(world, key, received, days, last):
    with world.tx() as tx:
        row = tx.session.scalars(select(Calendar).where(Calendar.key == key)).one()
        rules = Rules.of({**Rules().to_json(), "decide": {"n": days, "unit": "business_days"}})
        assert last_day(dues(rules, received, to_calendar(row)).decide, ZoneInfo(row.zone)) == last


def test_each_published_year_has_the_days_off_that_were_announced():
    china, england = (Calendar(**table) for table in tables())
    counts = {year: sum(day.startswith(str(year)) for day in china.holidays) for year in (2025, 2026, 2027)}
    made_up = {year: sum(day.startswith(str(year)) for day in china.workdays) for year in (2025, 2026, 2027)}
    assert (counts, made_up) == ({2025: 28, 2026: 33, 2027: 0}, {2025: 5, 2026: 6, 2027: 0})
    assert all(date.fromisoformat(day).weekday() >= 5 for day in china.workdays)
    assert [sum(day.startswith(year) for day in england.holidays) for year in ("2026", "2027")] == [8, 8]
    assert all(date.fromisoformat(day).weekday() < 5 for day in england.holidays)
    assert years_missing(china, date(2026, 11, 22)) == [2027]
    assert years_missing(england, date(2026, 11, 22)) == []


def test_a_case_keeps_the_version_that_held_when_it_came(world):
    with world.tx() as tx:
        assert in_force(tx.session, "UK-OFCOM", date(2026, 4, 7)).version == 1
        assert in_force(tx.session, "UK-OFCOM", date(2026, 4, 8)).version == 2
        complaint = handled(world, tx)
        due = complaint.decide_due_at
        newer = tx.session.scalars(select(ComplaintPolicy).where(ComplaintPolicy.code == "DEFAULT")).one()
        rules = Rules.of(newer.rules).to_json() | {"decide": {"n": 5, "unit": "business_days"}}
        about = {"name": "Ours", "name_zh": "", "valid_from": date(2026, 1, 1), "state": "agreed", "proposed_at": tx.now}
        tx.session.add(ComplaintPolicy(code="DEFAULT", version=2, rules=rules, **about))
        tx.session.flush()
        policy.reckon(tx, complaint)
        assert complaint.decide_due_at == due
        later = world.complain(tx, token="another-filling-of-it")
        assert last_day(later.decide_due_at) == date(2026, 11, 27)


def test_a_new_holiday_moves_no_running_clock(world):
    with world.tx() as tx:
        complaint = handled(world, tx)
        due = complaint.decide_due_at
        office = tx.session.scalars(select(Calendar).where(Calendar.key == "office")).one()
        office.holidays = ["2026-12-01", "2026-12-02"]
        tx.session.flush()
        policy.reckon(tx, complaint)
        assert complaint.decide_due_at == due
        clocks.extend(tx, complaint, agent(tx, "Ruth"), "The bank has not answered.")
        assert last_day(complaint.decide_due_at) == date(2027, 1, 1)


def test_of_several_policies_the_strictest_counts_and_each_is_shown(world):
    with world.tx() as tx:
        complaint = handled(world, tx)
        assert (complaint.policy, last_day(complaint.decide_due_at)) == ("DEFAULT", date(2026, 12, 11))
        policy.classify(tx, complaint, "CN-BANKINS", "It is about a credit card.", reference="YBJ-77")
        assert (complaint.policy, last_day(complaint.decide_due_at)) == ("CN-BANKINS", date(2026, 12, 5))
        policy.classify(tx, complaint, "UK-FCA", "The account is British.")
        lines = {line.policy.code: line for line in clock_lines(tx.session, complaint)}
        assert list(lines) == ["DEFAULT", "CN-BANKINS", "UK-FCA"]
        assert [code for code, line in lines.items() if line.leads] == ["CN-BANKINS"]
        assert last_day(lines["UK-FCA"].clock.decide_due_at, LONDON) == date(2027, 1, 15)
        assert lines["CN-BANKINS"].clock.reference == "YBJ-77"
        assert ticket_of(tx, complaint).resolve_due_at == complaint.decide_due_at
        with pytest.raises(Conflict):
            policy.classify(tx, complaint, "UK-FCA", "Again.")
        with pytest.raises(Invalid):
            policy.classify(tx, complaint, "MOON-1", "Why not.")
        policy.declassify(tx, complaint, "CN-BANKINS", "It is a debit card.")
        assert (complaint.policy, last_day(complaint.decide_due_at)) == ("DEFAULT", date(2026, 12, 11))
        policy.declassify(tx, complaint, "DEFAULT", "British law says otherwise.")
        assert (complaint.policy, complaint.zone) == ("UK-FCA", "Europe/London")
        with pytest.raises(Conflict):
            policy.declassify(tx, complaint, "UK-FCA", "None at all.")
    with world.tx() as tx:
        assert happened(tx, "complaint.reclassified") == ["complaint.reclassified"] * 4
        assert [finding.level for finding in doctor.complaints(tx.session)] == ["ok"]


def test_a_british_promise_is_a_british_day_in_the_letter(world):
    with world.tx() as tx:
        tx.session.merge(Setting(key=CHOSEN, value=["UK-PAY"]))
        tx.session.flush()
        complaint = world.complain(tx)
        assert complaint.decide_due_at == datetime(2026, 12, 11, 23, 59, 59, tzinfo=UTC)
        assert "Friday, 11 December 2026" in letters(tx)[-1]["text"]


def test_where_a_policy_names_no_day_our_own_promise_holds(world):
    with world.tx() as tx:
        complaint = handled(world, tx, "EU-GEN")
        assert (complaint.policy, last_day(complaint.decide_due_at)) == ("DEFAULT", date(2026, 12, 11))


def test_more_time_is_given_step_by_step_and_the_last_by_a_supervisor(world):
    with world.tx() as tx:
        complaint, ruth, lin = handled(world, tx, "CN-BANKINS"), agent(tx, "Ruth"), agent(tx, "Lin")
        clocks.extend(tx, complaint, ruth, "It is a complex case.")
        assert last_day(complaint.decide_due_at) == date(2026, 12, 20)
        with pytest.raises(NotAllowed):
            clocks.extend(tx, complaint, ruth, "It is a special case.")
        lin.roles = ["supervisor"]
        clocks.extend(tx, complaint, lin, "It is a special case.")
        assert last_day(complaint.decide_due_at) == date(2027, 1, 19)
        assert last_day(complaint.extended_from) == date(2026, 12, 5)
        with pytest.raises(Conflict):
            clocks.extend(tx, complaint, lin, "Once more.")


def test_a_pause_leaves_out_its_days_and_ends_with_the_answer(world):
    with world.tx() as tx:
        complaint, officer = handled(world, tx), agent(tx, "He Yan")
        until = datetime(2026, 11, 27, 15, 59, 59, tzinfo=UTC)
        clocks.pause(tx, complaint, officer, CUSTOMER, "The bill of March.", until)
        assert last_day(complaint.decide_due_at) == date(2026, 12, 18)  # five business days more, until it is known better
        assert "The bill of March." in letters(tx)[-1]["text"]
        assert decide_clock(complaint, tx.now).word == "on_time"
        with pytest.raises(Conflict):
            clocks.pause(tx, complaint, officer, CUSTOMER, "Once more.", until)
    world.days(4)  # Tuesday
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        complainant.adds(tx, complaint, "Here it is.", token="sixteen-characters")
        assert last_day(complaint.decide_due_at) == date(2026, 12, 15)  # Monday and Tuesday were left out
        assert tx.session.scalars(select(Timer).where(Timer.kind == "complaint.pause", Timer.done_at.is_(None))).all() == []
    with world.tx() as tx:
        assert [finding.level for finding in doctor.complaints(tx.session)] == ["ok"]


def test_a_pause_ends_with_the_decision_and_counts_as_long_as_it_was(world):
    with world.tx() as tx:
        complaint = handled(world, tx)
        until = datetime(2026, 12, 4, 15, 59, 59, tzinfo=UTC)
        clocks.pause(tx, complaint, agent(tx, "He Yan"), CUSTOMER, "The bill of March.", until)
    world.days(3)  # Monday
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        decide(tx, complaint)
        assert (last_day(complaint.decide_due_at), complaint.decided_at) == (date(2026, 12, 14), tx.now)
        assert open_pause(tx.session, complaint.id) is None


def test_a_pause_ends_by_itself_on_its_day(world):
    with world.tx() as tx:
        complaint = handled(world, tx)
        until = datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC)
        clocks.pause(tx, complaint, agent(tx, "He Yan"), "court", "The court decides on Tuesday.", until)
        due = complaint.decide_due_at
        clocks.pause_over(tx, complaint)
        assert complaint.decide_due_at == due
    world.days(5)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        clocks.pause_over(tx, complaint)
        assert complaint.decide_due_at == due
        assert not clocks.resume(tx, complaint, why="nothing to resume")


def test_only_for_the_reasons_of_its_policy_does_a_clock_pause(world):
    with world.tx() as tx:
        complaint, officer = handled(world, tx, "CN-BANKINS"), agent(tx, "He Yan")
        until = tx.now + timedelta(days=10)
        with pytest.raises(Conflict, match="No policy"):
            clocks.pause(tx, complaint, officer, CUSTOMER, "The bill.", until)
        for wrong in ({"reason": "holiday"}, {"needed": " "}, {"until": tx.now}, {"until": None}):
            given = {"reason": "appraisal", "needed": "The appraisal.", "until": until} | wrong
            with pytest.raises(Invalid) as refused:
                clocks.pause(tx, complaint, officer, **given)
            assert set(refused.value.fields) == set(wrong)
        policy.classify(tx, complaint, "CN-TELECOM", "A phone was sold with it.")
        clocks.pause(tx, complaint, officer, "appraisal", "The appraisal of the card.", until)
        lines = {
            line.policy.code: (line.paused, last_day(line.clock.decide_due_at)) for line in clock_lines(tx.session, complaint)
        }
        assert lines == {"CN-BANKINS": (True, date(2026, 12, 15)), "CN-TELECOM": (False, date(2026, 12, 5))}
        assert complaint.policy == "CN-TELECOM"
        with pytest.raises(NotAllowed):
            clocks.resume(tx, complaint, why="so", agent=agent(tx, "Dan"))


def test_what_is_late_cannot_be_made_good_by_a_pause(world):
    with world.tx() as tx:
        complaint = handled(world, tx)
    world.days(22)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        with pytest.raises(Conflict, match="stays late"):
            clocks.pause(tx, complaint, agent(tx, "He Yan"), CUSTOMER, "The bill.", tx.now + timedelta(days=3))


def test_new_facts_begin_a_clock_anew_only_where_its_policy_says_so(world):
    with world.tx() as tx:
        complaint = handled(world, tx)
        with pytest.raises(Conflict):
            clocks.new_facts(tx, complaint, agent(tx, "He Yan"), "A second charge.")
        policy.classify(tx, complaint, "CN-BANKINS", "It is about a credit card.")
    world.days(3)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, complaint.id)
        clocks.new_facts(tx, complaint, agent(tx, "He Yan"), "A second charge.")
        assert last_day(complaint.decide_due_at) == date(2026, 12, 8)


def test_a_letter_counts_from_its_date_stamp(world):
    with world.tx() as tx:
        stamped = datetime(2026, 11, 18, 4, tzinfo=UTC)
        complaint = complaints.register_from_ticket(
            tx, mail_in(tx), "Your man was rude.", received_at=stamped, policies=["CN-BANKINS"], told_by_voice=True
        )
        assert (complaint.received_at, last_day(complaint.decide_due_at)) == (stamped, date(2026, 12, 3))
        second = mail_in(tx, external_id="mail-2")
        for day in (tx.now + timedelta(days=1), datetime(1, 1, 1, tzinfo=SHANGHAI)):
            with pytest.raises(Invalid) as wrong:
                complaints.register_from_ticket(tx, second, "Rude.", received_at=day)
            assert "received" in wrong.value.fields
