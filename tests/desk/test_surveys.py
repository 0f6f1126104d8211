from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from channels.message import Contact, Inbound
from desk.access import viewer_of
from desk.actions import intake
from desk.actions.complaints import complaints
from desk.actions.surveys import follow_ups
from desk.actions.surveys.follow_up_work import open_follow_up, open_one
from desk.actions.surveys.surveys import answer_survey, decline, send_survey, welcome_again
from desk.actions.tickets import tickets
from desk.actions.tickets.solving import close_quiet, solve
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotAllowed, NotFound
from desk.models import FollowUp, Message, Survey, Ticket, Timer, WorkItem
from desk.queries.surveys.surveys import follow_ups_of, open_follow_ups, survey_by_key, surveys_of
from tests.desk.care_world import World, agent, ask_at_once, decide, happened, hold, letters, mail_in, queue

ANSWERS = {"category": "technical", "wrap_up_code": "solved", "resolution": "Restarted the router."}


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        with world.tx() as tx:
            ask_at_once(tx)
        yield world


@pytest.fixture
def on_both(tmp_path, database_url) -> Iterator[World]:
    """The same on SQLite and on PostgreSQL, for the stories that go through everything."""
    with World(tmp_path, database_url) as world:
        with world.tx() as tx:
            ask_at_once(tx)
        yield world


def solved(tx, who: str = "Lin", **others) -> Ticket:
    """A ticket from a mail that `who` has solved."""
    ticket = mail_in(tx, **others)
    hold(tx, ticket, who)
    tickets.assign(tx, ticket, agent(tx, who).id)
    solve(tx, ticket, agent(tx, who), **ANSWERS)
    return ticket


def sheet_of(tx, ticket: Ticket) -> Survey:
    return surveys_of(tx.session, ticket.id)[0]


def long_ago(tx) -> None:
    """What was asked so far lies so far back that customers may be asked again."""
    for survey in tx.session.scalars(select(Survey)).all():
        survey.sent_at -= timedelta(days=31)
    tx.session.flush()


def test_whoever_leaves_gets_no_question_sheet_by_mail_and_all_other_mail(on_both):
    with on_both.tx() as tx:
        ticket = solved(tx)
        headers = dict(letters(tx)[-1]["headers"])
        key = sheet_of(tx, ticket).access_key
        assert headers["List-Unsubscribe"] == f"<{tx.settings.base_url}/survey/{key}/leave>"
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert all(not each["headers"] for each in letters(tx)[:-1])
        decline(tx, sheet_of(tx, ticket))
        decline(tx, sheet_of(tx, ticket))
        again = solved(tx, external_id="another mail", message_id="another@example.com")
        assert surveys_of(tx.session, again.id) == []
        long_ago(tx)
        assert send_survey(tx, again, "chat") is None  # a refusal is final, on every channel
        assert len([each for each in letters(tx) if "survey/" in each.get("text", "")]) == 1
    with on_both.tx() as tx:
        assert happened(tx, "customer.surveys") == ["customer.surveys_declined"]
        assert happened(tx, "survey.not_sent") == ["survey.not_sent"] * 2
        welcome_again(tx, sheet_of(tx, ticket))
        long_ago(tx)
        assert send_survey(tx, solved(tx, external_id="a third", message_id="third@example.com"), "email") is not None


def test_solving_frees_the_agent_and_asks_the_customer_by_mail(on_both):
    with on_both.tx() as tx:
        ticket = solved(tx)
        lin = agent(tx, "Lin")
        assert (ticket.status, ticket.solved_at, ticket.category) == ("solved", tx.now, "technical")
        assert (ticket.wrap_up_code, ticket.resolution) == ("solved", "Restarted the router.")
        assert work_items.open_item(tx, ticket.id, ("ticket",)) is None
        assert lin.used == 0
        survey = sheet_of(tx, ticket)
        assert letters(tx)[-1]["to"] == ["wang@example.com"]
        assert f"/survey/{survey.access_key}" in letters(tx)[-1]["text"]
        assert len(survey.access_key) >= 32
        timer = tx.session.scalars(select(Timer).where(Timer.kind == "ticket.close")).one()
        assert (timer.due_at - tx.now).days == 5
    with on_both.tx() as tx:
        assert "ticket.solved" in happened(tx, "ticket.")


@pytest.mark.parametrize("field", ["category", "wrap_up_code", "resolution"])
def test_a_solution_without_what_it_needs_says_what_is_missing(world, field):
    with world.tx() as tx:
        ticket = mail_in(tx)
        with pytest.raises(Invalid) as wrong:
            solve(tx, ticket, agent(tx, "Lin"), **ANSWERS | {field: " "})
        assert list(wrong.value.fields) == [field]
        assert ticket.status == "new"


def test_a_ticket_is_solved_once(world):
    with world.tx() as tx:
        ticket = solved(tx)
        with pytest.raises(Conflict):
            solve(tx, ticket, agent(tx, "Lin"), **ANSWERS)
        assert tx.session.scalar(select(func.count()).select_from(Survey)) == 1


@pytest.mark.parametrize("kind", ["call", "chat"])
def test_a_conversation_has_to_end_before_its_ticket_is_solved(world, kind):
    with world.tx() as tx:
        ticket = mail_in(tx)
        channel = {"call": "voice", "chat": "chat"}[kind]
        item = work_items.enqueue(tx, kind, channel, ticket, queue(tx, "general"))
        work_items.take(tx, item.id, agent(tx, "Lin").id)
        with pytest.raises(Conflict, match="conversation"):
            solve(tx, ticket, agent(tx, "Lin"), **ANSWERS)
        work_items.begin_wrap_up(tx, item)
        solve(tx, ticket, agent(tx, "Lin"), **ANSWERS)
        assert ticket.status == "solved"


def test_a_promise_to_ask_again_has_to_be_kept_before_the_ticket_is_solved(world):
    with world.tx() as tx:
        ticket = mail_in(tx)
        open_follow_up(tx, ticket, "not_solved", exclude=None)
        with pytest.raises(Conflict):
            solve(tx, ticket, agent(tx, "Lin"), **ANSWERS)


def test_a_bad_mark_given_right_after_the_call_keeps_nobody_from_solving_and_is_still_asked_about(world):
    with world.tx() as tx:
        ticket = mail_in(tx)
        asked = open_follow_up(tx, ticket, "low_score", exclude=None)
        solve(tx, ticket, agent(tx, "Lin"), **ANSWERS)
        assert ticket.status == "solved"
        assert tx.session.get_one(WorkItem, asked.item_id).state == "waiting"


def test_a_complaint_cannot_be_solved_without_a_decision(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        ticket = tx.session.get_one(Ticket, complaint.ticket_id)
        with pytest.raises(Conflict, match="decided"):
            solve(tx, ticket, agent(tx, "He Yan"), **ANSWERS)
        assert send_survey(tx, ticket, "form") is None


def test_a_wrong_number_is_not_asked_how_it_was(world):
    with world.tx() as tx:
        ticket = mail_in(tx)
        solve(tx, ticket, agent(tx, "Lin"), **ANSWERS | {"wrap_up_code": "wrong_number"})
        assert letters(tx) == []


def test_a_caller_without_an_address_is_not_asked_and_that_is_on_record(world):
    with world.tx() as tx:
        caller = Inbound(channel="voice", external_id="c1", sender=Contact("phone", "+8613800138000"), text="call", locale="zh")
        ticket = intake.receive(tx, caller, queue_key="general").ticket
        solve(tx, ticket, agent(tx, "Lin"), **ANSWERS)
        assert tx.session.scalar(select(Survey.id)) is None
    with world.tx() as tx:
        assert happened(tx, "survey.") == ["survey.not_sent"]


def test_in_a_chat_the_question_is_a_line_in_the_visitors_language(world):
    with world.tx() as tx:
        visitor = Inbound(channel="chat", external_id="v1", sender=Contact("chat", "visitor-1", "小王"), text="你好", locale="zh")
        ticket = intake.receive(tx, visitor, queue_key="general").ticket
        solve(tx, ticket, agent(tx, "Lin"), **ANSWERS)
        line = tx.session.scalars(select(Message).where(Message.ticket_id == ticket.id, Message.direction == "out")).one()
        assert (line.channel, line.agent_id) == ("chat", None)
        assert "打分" in line.text
        assert sheet_of(tx, ticket).access_key in line.text
        assert letters(tx) == []


def test_each_solution_is_asked_about_once(world):
    with world.tx() as tx:
        ticket = solved(tx)
        assert send_survey(tx, ticket, "email") is sheet_of(tx, ticket)
    world.days(35)
    with world.tx() as tx:
        ticket = tx.session.get_one(Ticket, ticket.id)
        tickets.reopen(tx, ticket, reason="customer_wrote")
        solve(tx, ticket, agent(tx, "Lin"), **ANSWERS)
        assert len(surveys_of(tx.session, ticket.id)) == 2


def test_a_good_answer_confirms_the_solution(world):
    with world.tx() as tx:
        ticket = solved(tx)
        survey = sheet_of(tx, ticket)
        answer_survey(tx, survey, 5, True, " Quick! ")
        assert (survey.score, survey.solved, survey.comment, ticket.score) == (5, True, "Quick!", 5)
        assert ticket.status == "solved"
        answer_survey(tx, survey, 5, True, "Quick!")
    with world.tx() as tx:
        assert happened(tx, "survey.") == ["survey.sent", "survey.answered"]
        assert "ticket.confirmed" in happened(tx, "ticket.")
        assert tx.session.scalar(select(FollowUp.id)) is None


def test_not_solved_opens_the_ticket_again_and_has_somebody_else_ask(on_both):
    with on_both.tx() as tx:
        ticket = solved(tx)
        answer_survey(tx, sheet_of(tx, ticket), 3, False)
        assert (ticket.status, ticket.reopened) == ("open", 1)
        assert work_items.open_item(tx, ticket.id, ("ticket",)).sticky_agent_id == agent(tx, "Lin").id
        follow_up = open_one(tx, ticket.id)
        assert (follow_up.reason, follow_up.excluded_agent_id) == ("not_solved", agent(tx, "Lin").id)
        item = tx.session.get_one(WorkItem, follow_up.item_id)
        assert (item.kind, item.channel, list(item.excluded)) == ("follow_up", "followup", [str(agent(tx, "Lin").id)])


@pytest.mark.parametrize(("score", "asked"), [(1, True), (2, True), (3, False)])
def test_a_low_score_alone_makes_a_follow_up_but_leaves_the_ticket_solved(world, score, asked):
    with world.tx() as tx:
        ticket = solved(tx)
        answer_survey(tx, sheet_of(tx, ticket), score, True)
        assert ticket.status == "solved"
        assert (open_one(tx, ticket.id) is not None) is asked


@pytest.mark.parametrize(
    ("score", "is_solved", "fields"), [(None, True, {"score"}), (0, True, {"score"}), (6, None, {"score", "solved"})]
)
def test_an_incomplete_answer_says_what_is_missing_and_changes_nothing(world, score, is_solved, fields):
    with world.tx() as tx:
        ticket = solved(tx)
        with pytest.raises(Invalid) as wrong:
            answer_survey(tx, sheet_of(tx, ticket), score, is_solved)
        assert set(wrong.value.fields) == fields
        assert (ticket.score, sheet_of(tx, ticket).answered_at) == (None, None)


def test_an_answer_can_be_corrected_within_a_day_and_not_later(world):
    with world.tx() as tx:
        ticket = solved(tx)
        answer_survey(tx, sheet_of(tx, ticket), 1, True)
    world.days(0.9)
    with world.tx() as tx:
        ticket = tx.session.get_one(Ticket, ticket.id)
        follow_up = open_one(tx, ticket.id)
        answer_survey(tx, sheet_of(tx, ticket), 5, True)
        assert ticket.score == 5
        assert (follow_up.state, follow_up.outcome) == ("done", "satisfied")
        assert tx.session.get_one(WorkItem, follow_up.item_id).state == "done"
    world.days(0.2)
    with world.tx() as tx, pytest.raises(Conflict):
        answer_survey(tx, sheet_of(tx, ticket), 1, False)


def test_a_sheet_nobody_answers_closes_after_a_week(world):
    with world.tx() as tx:
        ticket = solved(tx)
    world.days(7.1)
    with world.tx() as tx, pytest.raises(Conflict):
        answer_survey(tx, sheet_of(tx, ticket), 5, True)


def test_a_solved_ticket_closes_after_five_quiet_days_and_not_before(world):
    with world.tx() as tx:
        ticket = solved(tx)
        assert close_quiet(tx, ticket) is False
    world.days(5)
    with world.tx() as tx:
        ticket = tx.session.get_one(Ticket, ticket.id)
        assert close_quiet(tx, ticket) is True
        assert (ticket.status, ticket.closed_at) == ("closed", tx.now)
        assert close_quiet(tx, ticket) is False


def test_a_ticket_that_was_opened_again_does_not_close_by_itself(world):
    with world.tx() as tx:
        ticket = solved(tx)
    world.days(5)
    with world.tx() as tx:
        ticket = tx.session.get_one(Ticket, ticket.id)
        tickets.reopen(tx, ticket, reason="customer_wrote")
        assert close_quiet(tx, ticket) is False
        assert ticket.status == "open"


def test_dissatisfied_in_the_follow_up_opens_the_ticket_again_one_level_higher(world):
    with world.tx() as tx:
        ticket = solved(tx)
        answer_survey(tx, sheet_of(tx, ticket), 1, True)
        follow_up = hold_follow_up(tx, ticket, "Dan")
        follow_ups.record(tx, follow_up, agent(tx, "Dan"), "dissatisfied", "It broke again.")
        assert (ticket.status, ticket.level) == ("open", 2)
        assert (follow_up.state, follow_up.handler_id, follow_up.note) == ("done", agent(tx, "Dan").id, "It broke again.")
        assert agent(tx, "Dan").used == 0
        assert work_items.open_item(tx, ticket.id, ("ticket",)) is not None
        with pytest.raises(Conflict):
            follow_ups.record(tx, follow_up, agent(tx, "Dan"), "satisfied")


def hold_follow_up(tx, ticket: Ticket, who: str) -> FollowUp:
    follow_up = open_one(tx, ticket.id)
    work_items.take(tx, follow_up.item_id, agent(tx, who).id)
    return follow_up


def test_satisfied_in_the_follow_up_leaves_the_ticket_solved(world):
    with world.tx() as tx:
        ticket = solved(tx)
        answer_survey(tx, sheet_of(tx, ticket), 2, True)
        follow_ups.record(tx, hold_follow_up(tx, ticket, "Dan"), agent(tx, "Dan"), "satisfied")
        assert ticket.status == "solved"
        assert [row.outcome for row in follow_ups_of(tx.session, ticket.id)] == ["satisfied"]


def test_a_follow_up_is_recorded_properly_or_not_at_all(world):
    with world.tx() as tx:
        ticket = solved(tx)
        answer_survey(tx, sheet_of(tx, ticket), 1, True)
        follow_up = open_one(tx, ticket.id)
        with pytest.raises(NotAllowed):
            follow_ups.record(tx, follow_up, agent(tx, "Lin"), "satisfied")
        with pytest.raises(Invalid):
            follow_ups.record(tx, follow_up, agent(tx, "Dan"), "delighted")
        with pytest.raises(Invalid):
            follow_ups.record(tx, follow_up, agent(tx, "Dan"), "dissatisfied", " ")
        assert follow_up.state == "open"


def test_three_tries_in_vain_end_a_follow_up(world):
    with world.tx() as tx:
        ticket = solved(tx)
        answer_survey(tx, sheet_of(tx, ticket), 1, True)
        for _ in range(3):
            follow_ups.record(tx, open_one(tx, ticket.id), agent(tx, "Dan"), "not_reached")
        assert open_one(tx, ticket.id) is None
        assert ticket.status == "solved"


def test_a_ticket_has_one_open_follow_up_at_a_time(world):
    with world.tx() as tx:
        ticket = solved(tx)
        assert open_follow_up(tx, ticket, "low_score", exclude=None) is open_follow_up(tx, ticket, "not_solved", exclude=None)


def test_follow_ups_are_listed_only_for_who_may_read_the_ticket(world):
    with world.tx() as tx:
        ticket = solved(tx)
        answer_survey(tx, sheet_of(tx, ticket), 1, True)
    with world.tx() as tx:
        assert [row.ticket.id for row in open_follow_ups(tx.session, viewer_of(agent(tx, "Dan")))] == [ticket.id]
        assert open_follow_ups(tx.session, viewer_of(agent(tx, "He Yan"))) == []


def test_an_unknown_sheet_is_not_found(world):
    with world.tx() as tx, pytest.raises(NotFound):
        survey_by_key(tx.session, "x" * 32)


def test_a_customer_with_an_open_complaint_is_asked_by_it_and_not_by_a_survey(world):
    with world.tx() as tx:
        ticket = mail_in(tx)
        complaint = complaints.register_from_ticket(tx, ticket, "Broken.")
        officer = agent(tx, "He Yan")
        complaints.advance(tx, complaint, "assessed", agent=officer, category="technical")
        complaints.advance(tx, complaint, "investigating", agent=officer)
        decide(tx, complaint, reasons="Replaced.")
        assert tx.session.scalar(select(Survey.id)) is None
