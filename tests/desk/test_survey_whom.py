"""Who is never asked how it was, when the others are, and what closes the loop of a low mark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from channels.message import Contact
from desk.access import viewer_of
from desk.actions.complaints import complaints, file
from desk.actions.people import customers
from desk.actions.surveys import follow_ups, recovery, relation, surveys, whom
from desk.actions.surveys.answers_seen import see_answers
from desk.actions.surveys.follow_up_work import open_one
from desk.actions.surveys.rules import RELATION_TIMER, set_rules
from desk.actions.tickets import solving
from desk.errors import Invalid, NotAllowed
from desk.models import (
    BlockedNumber,
    Complaint,
    ContactLimit,
    ContactPoint,
    Customer,
    OutboxMail,
    OutboxRecipient,
    Survey,
    Ticket,
    Timer,
    WorkItem,
)
from desk.models.survey import NPS, RELATION, SOLVED_NOW
from desk.queries.complaints.figures import Scope, figure, figure_rows
from desk.queries.surveys.disclosure import shown_to
from desk.queries.surveys.rules import DELAYS, SurveyRules, survey_rules
from desk.store import Tx
from tests.desk.care_world import World, agent, mail_in

YEARS = timedelta(days=365)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """One desk for all of them: each test has customers of its own."""
    with World(tmp_path_factory.mktemp("whom")) as world:
        yield world


class _Undone(Exception):
    pass


@contextmanager
def undone(world: World) -> Iterator[Tx]:
    """A transaction of which nothing stays."""
    with suppress(_Undone), world.tx() as tx:
        yield tx
        raise _Undone


def solved(tx, who: str, **others) -> Ticket:
    """A ticket of this customer that Lin has solved just now."""
    mail = {"external_id": f"{who}-{tx.now}", "message_id": f"{who}-{tx.now.timestamp()}@example.com"}
    ticket = mail_in(tx, sender=Contact("email", f"{who}@example.com", who), **mail | others)
    ticket.status, ticket.solved_at, ticket.owner_id = "solved", tx.now, agent(tx, "Lin").id
    tx.session.flush()
    return ticket


def answered(tx, who: str, score: int, is_solved: bool = True, comment: str = "") -> Survey:
    survey = surveys.send_survey(tx, solved(tx, who), "email")
    surveys.answer_survey(tx, survey, score, is_solved, comment)
    return survey


def why_not(tx) -> str:
    tx.session.flush()
    return [each["data"]["reason"] for each in tx.pending if each["kind"] == "survey.not_sent"][-1]


def customer_of(tx, ticket: Ticket) -> Customer:
    return tx.session.get_one(Customer, ticket.customer_id)


# For whom there is no survey


def spam(tx, ticket):
    ticket.status = "spam"


def merged_away(tx, ticket):
    ticket.status = "merged"


def of_a_colleague(tx, ticket):
    address = tx.session.scalars(select(ContactPoint).where(ContactPoint.customer_id == ticket.customer_id)).one()
    agent(tx, "Dan").email = address.value


def of_a_test(tx, ticket):
    set_rules(tx, replace(survey_rules(tx.session), left_out=("probe@example.com", "example.com")))


def limited_after_abuse(tx, ticket):
    limit = {"kind": "channel", "reason": "Threats.", "set_by": "He Yan", "set_at": tx.now}
    until = tx.now + timedelta(days=90)
    tx.session.add(ContactLimit(customer_id=ticket.customer_id, review_at=until, until=until, **limit))


def blocked_on_the_phone(tx, ticket):
    customers.add_contact_point(tx, customer_of(tx, ticket), "phone", "+8613911112222")
    tx.session.add(BlockedNumber(number="+8613911112222", reason="Threats.", created_by="He Yan", created_at=tx.now))


def with_needs(tx, ticket):
    other = complaints.register_from_ticket(tx, solved(tx, "with-needs", external_id="earlier"), "Nobody answers me.")
    file.set_needs(tx, other, "A slower call.")
    complaints.withdraw(tx, other, "Never mind.")


def with_an_open_complaint(tx, ticket):
    complaints.register_from_ticket(tx, solved(tx, "with-an-open-complaint", external_id="earlier"), "Nobody answers me.")


def erased(tx, ticket):
    for point in tx.session.scalars(select(ContactPoint).where(ContactPoint.customer_id == ticket.customer_id)).all():
        tx.session.delete(point)


def opted_out(tx, ticket):
    customer_of(tx, ticket).surveys_declined_at = tx.now


def bounced(tx, ticket):
    mail = OutboxMail(state="failed", payload={}, next_at=tx.now, give_up_at=tx.now, created_at=tx.now)
    tx.session.add(mail)
    tx.session.flush()
    address = tx.session.scalar(select(ContactPoint.value).where(ContactPoint.customer_id == ticket.customer_id))
    failed = {"state": "failed", "said": "550 no such user", "came_back": True, "changed_at": tx.now + timedelta(seconds=1)}
    tx.session.add(OutboxRecipient(mail_id=mail.id, address=address, **failed))


NOT_ASKED = {
    spam: None,
    merged_away: None,
    with_an_open_complaint: None,
    of_a_colleague: "internal",
    of_a_test: "left_out",
    limited_after_abuse: "limited",
    blocked_on_the_phone: "limited",
    with_needs: "special_needs",
    erased: "no_address",
    opted_out: "declined",
    bounced: "bounced",
}


@pytest.mark.parametrize("case", NOT_ASKED, ids=lambda case: case.__name__)
def test_nobody_is_asked_whom_we_are_to_leave_alone(world, case):
    with undone(world) as tx:
        ticket = solved(tx, case.__name__.replace("_", "-"))
        assert whom.why_not(tx, ticket, customer_of(tx, ticket), survey_rules(tx.session), "email") == ""
        case(tx, ticket)
        tx.session.flush()
        assert surveys.send_survey(tx, ticket, "email") is None
        if NOT_ASKED[case] is not None:
            assert why_not(tx) == NOT_ASKED[case]


def test_what_ended_without_an_answer_is_not_asked_about_and_a_code_that_spares_it_is_on_record(world):
    with world.tx() as tx:
        ticket = mail_in(tx, external_id="silent", message_id="silent@example.com", sender=Contact("email", "silent@example.com"))
        solving.end_unanswered(tx, ticket)
        other = mail_in(tx, external_id="none", message_id="none@example.com", sender=Contact("email", "none@example.com"))
        answers = {"category": "technical", "wrap_up_code": "no_action", "resolution": "Nothing."}
        solving.solve(tx, other, agent(tx, "Lin"), **answers)
        assert why_not(tx) == "no_action"
        asked = select(Survey.id).where(Survey.ticket_id.in_([ticket.id, other.id]))
        assert tx.session.scalars(asked).all() == []


# When, and by lot


@pytest.mark.parametrize(("channel", "minutes"), [("email", 24 * 60), ("voice", 15), ("form", 120), ("chat", 0)])
def test_each_channel_is_asked_so_long_after_the_solution(world, channel, minutes):
    with world.tx() as tx:
        assert DELAYS[channel] == minutes
        ticket = solved(tx, f"later-{channel}")
        survey = surveys.send_survey(tx, ticket, channel)
        assert survey.sent_at == tx.now + timedelta(minutes=minutes)
        waits = select(Timer.due_at).where(Timer.kind == surveys.SEND_TIMER, Timer.key == str(survey.id), Timer.done_at.is_(None))
        assert tx.session.scalars(waits).all() == ([survey.sent_at] if minutes else [])


def test_a_sheet_that_never_left_is_none_and_the_next_solution_is_asked_about(world):
    with world.tx() as tx:
        ticket = solved(tx, "back-again")
        survey = surveys.send_survey(tx, ticket, "email")
        ticket.status = "open"
        surveys.send_now(tx, survey.id)
        assert why_not(tx) == "overtaken"
        tx.session.flush()
        assert tx.session.get(Survey, survey.id) is None
        surveys.send_now(tx, survey.id)  # by another worker
        ticket.status, ticket.solved_at = "solved", tx.now + timedelta(minutes=1)
        assert surveys.send_survey(tx, ticket, "email") is not None


def test_the_lot_falls_on_as_many_as_the_rules_say_and_always_the_same_way(world):
    with world.tx() as tx:
        rows = [Ticket(id=number, solved_at=datetime(2026, 11, 20, tzinfo=UTC)) for number in range(1, 2001)]
        drawn = [whom.is_drawn(tx, row, 30) for row in rows]
        assert drawn == [whom.is_drawn(tx, row, 30) for row in rows]
        assert {whom.is_drawn(tx, row, 100) for row in rows} == {True}
        assert 0 < sum(drawn) < len(rows)
        more = [whom.is_drawn(tx, row, 60) for row in rows]
        assert all(later for one, later in zip(drawn, more, strict=True) if one)


def test_customers_are_asked_about_us_twice_a_year_and_left_alone_for_ninety_days_around_it(world):
    with world.tx() as tx:
        assert set_rules(tx, replace(survey_rules(tx.session), relation=True))
        planned = select(Timer).where(Timer.kind == RELATION_TIMER, Timer.done_at.is_(None))
        assert len(tx.session.scalars(planned).all()) == 1
        ticket = solved(tx, "regular")
        ticket_id = ticket.id
        relation.ask_some(tx, {"after": ticket.customer_id - 1})
        relation.ask_some(tx, {"after": ticket.customer_id - 1})
        found = tx.session.scalars(select(Survey).where(Survey.ticket_id == ticket_id)).all()
        assert [(each.kind, each.occasion, each.agent_id) for each in found] == [(NPS, RELATION, None)]
        assert surveys.send_survey(tx, ticket, "chat") in (None, found[0])
        assert whom.why_not(tx, ticket, customer_of(tx, ticket), SurveyRules(), "email") == "asked_lately"
    asked = []
    for days in (89, 2, 90, 2):  # 89, 91, 181 and 183 days after it
        world.days(days)
        with world.tx() as tx:
            ticket = tx.session.get_one(Ticket, ticket_id)
            free = whom.why_not(tx, ticket, customer_of(tx, ticket), SurveyRules(), "email") == ""
            ticket.solved_at = tx.now
            asked.append((free, relation.ask(tx, ticket) is not None))
    assert asked == [(False, False), (True, False), (True, False), (True, True)]
    with world.tx() as tx:
        set_rules(tx, replace(survey_rules(tx.session), relation=False))
        assert tx.session.scalars(planned).all() == []


def test_rules_that_are_none_are_refused_by_the_name_of_their_field(world):
    with world.tx() as tx:
        rules = replace(survey_rules(tx.session), share=0, left_out=("not a domain",), delays={**DELAYS, "email": -1})
        with pytest.raises(Invalid) as wrong:
            set_rules(tx, rules)
        assert set(wrong.value.fields) == {"share", "left_out", "delay.email"}


@pytest.mark.parametrize(
    ("left_out", "address", "is_out"),
    [
        ("test.example", "a@test.example", True),
        ("test.example", "a@deep.test.example", True),
        ("test.example", "a@contest.example", False),
        ("a@test.example", "b@test.example", False),
    ],
)
def test_a_domain_leaves_out_what_lies_under_it_and_nothing_that_only_ends_so(left_out, address, is_out):
    assert SurveyRules(left_out=(left_out,)).leaves_out(address) is is_out


# What bad answers lead to


def test_what_is_not_solved_goes_first_to_who_looks_after_the_agent(world):
    with world.tx() as tx:
        he = agent(tx, "He Yan")
        he.roles, he.team_id = ["supervisor"], agent(tx, "Lin").team_id
        survey = answered(tx, "not-solved", 3, is_solved=False)
        asked = open_one(tx, survey.ticket_id)
        assert tx.session.get_one(WorkItem, asked.item_id).sticky_agent_id == he.id
        low = open_one(tx, answered(tx, "only-low", 1).ticket_id)
        assert tx.session.get_one(WorkItem, low.item_id).sticky_agent_id is None
        he.roles = ["complaint_officer"]


@pytest.mark.parametrize(
    ("score", "comment", "raised"),
    [
        (5, "我要投诉你们的司机", True),
        (4, "I complained twice.", True),
        (5, "No complaints at all!", False),
        (5, "没有投诉", False),
    ],
)
def test_words_of_complaint_count_whatever_the_mark(world, score, comment, raised):
    with world.tx() as tx:
        survey = answered(tx, f"words-{score}-{len(comment)}", score, comment=comment)
        asked = open_one(tx, survey.ticket_id)
        assert (asked.reason if asked else None) == ("complains" if raised else None)
        timers = select(func.count()).where(Timer.kind == surveys.RECOVER_TIMER, Timer.key == str(survey.id))
        assert tx.session.scalar(timers) == int(raised)
        complaint = recovery.consider(tx, survey)
        assert (complaint is not None) is raised
        if complaint is not None:
            assert complaint.statement == comment
            assert tx.session.scalars(select(Complaint).where(Complaint.ticket_id == survey.ticket_id)).one() is complaint


def test_a_loop_is_closed_with_what_came_of_it_and_when_the_customer_was_told(world):
    with world.tx() as tx:
        dan, asked = agent(tx, "Dan"), {}
        for outcome in ("explained", "no_action", "satisfied", "not_reached"):
            asked[outcome] = open_one(tx, answered(tx, f"loop-{outcome}", 1).ticket_id)
        for outcome, wrong in (("no_action", {"note"}), ("delighted", {"outcome"})):
            with pytest.raises(Invalid) as refused:
                follow_ups.record(tx, asked["no_action"], dan, outcome)
            assert set(refused.value.fields) == wrong
        for told_at in (tx.now + timedelta(seconds=1), tx.now - timedelta(days=1)):
            with pytest.raises(Invalid) as refused:
                follow_ups.record(tx, asked["explained"], dan, "explained", told_at=told_at)
            assert set(refused.value.fields) == {"at"}
    world.days(2)
    with world.tx() as tx:
        dan, since = agent(tx, "Dan"), tx.now
        rows = {outcome: tx.session.merge(row) for outcome, row in asked.items()}
        told_at = tx.now - timedelta(days=1)
        follow_ups.record(tx, rows["explained"], dan, "explained", told_at=told_at)
        follow_ups.record(tx, rows["no_action"], dan, "no_action", "A prank.")
        follow_ups.record(tx, rows["satisfied"], dan, "satisfied")
        follow_ups.record(tx, rows["not_reached"], dan, "not_reached")
        told = {outcome: row.told_customer_at for outcome, row in rows.items()}
        assert told == {"explained": told_at, "no_action": None, "satisfied": tx.now, "not_reached": None}
        again = open_one(tx, rows["not_reached"].ticket_id)
        assert (again.begun_at, again.created_at) == (rows["not_reached"].created_at, tx.now)
    world.days(3)
    with world.tx() as tx:
        follow_ups.record(tx, tx.session.merge(again), agent(tx, "Dan"), "satisfied")
        tx.session.flush()
        viewer, scope = viewer_of(agent(tx, "Ruth")), Scope(since, tx.now + timedelta(seconds=1))
        agent(tx, "Ruth").roles = ["supervisor"]
        viewer = viewer_of(agent(tx, "Ruth"))
        closed = figure(tx.session, viewer, scope, tx.now, "days_to_close")
        rows = figure_rows(tx.session, viewer, scope, tx.now, "days_to_close", limit=50)
        assert sorted(row.days for row in rows) == [2, 2, 2, 5]  # the last one from its first try on
        assert (closed.part, closed.value, closed.high) == (4, 2, 5)
        won = figure(tx.session, viewer, scope, tx.now, "recovered")
        assert (won.part, won.whole) == (2, 3)
        agent(tx, "Ruth").roles = ["complaint_officer"]


def test_a_complaint_is_settled_or_it_is_not(world):
    with world.tx() as tx:
        survey = answered(tx, "of-a-complaint", 1)
        asked = open_one(tx, survey.ticket_id)
        asked.reason = "complaint"
        for outcome in ("explained", "no_action"):
            with pytest.raises(Invalid):
                follow_ups.record(tx, asked, agent(tx, "Dan"), outcome, "So.")


# Who reads it


def test_who_is_rated_reads_the_mark_a_day_later_and_the_words_when_a_supervisor_has(world):
    with world.tx() as tx:
        survey = answered(tx, "rated", 2, comment="Rude.")
        lin, dan, ruth = (viewer_of(agent(tx, name)) for name in ("Lin", "Dan", "Ruth"))
        hours = [timedelta(hours=hour) for hour in (0, 23.9, 24)]
        assert [(each.mark, each.comment) for each in (shown_to(dan, survey, tx.now + hour) for hour in hours)] == [
            (True, True)
        ] * 3
        assert [shown_to(lin, survey, tx.now + hour).mark for hour in hours] == [False, False, True]
        assert not shown_to(lin, survey, tx.now + YEARS).comment
        with pytest.raises(NotAllowed):
            see_answers(tx, agent(tx, "Lin"), [survey.id])
        assert see_answers(tx, agent(tx, "Ruth"), [survey.id]) == 1
        assert see_answers(tx, agent(tx, "Ruth"), [survey.id]) == 0
        assert (survey.seen_by, shown_to(lin, survey, tx.now).comment) == ("Ruth Adler", False)
        assert shown_to(lin, survey, tx.now + hours[2]).comment
        own = answered(tx, "of-an-officer", 2, comment="Rude.")
        own.agent_id = ruth.agent_id
        assert see_answers(tx, agent(tx, "Ruth"), [own.id]) == 0  # nobody sees to it for themselves
        assert own.occasion == SOLVED_NOW
