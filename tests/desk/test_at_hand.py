"""Snoozing, following, tags, own fields, many at once and kept views: each does what it says, for those who may, and once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from desk.access import viewer_of
from desk.actions.complaints.complaints import register_from_ticket
from desk.actions.complaints.recusals import keep_out
from desk.actions.tickets import bulk, canned, following, own_fields, saved_views, snoozing, solving, tags, tickets
from desk.errors import Conflict, Invalid
from desk.events import Event
from desk.models import Agent, BulkAct, Calendar, Queue, Ticket, TicketTag, WorkItem
from desk.queries.tickets.following import followers_of, news_of
from desk.queries.tickets.saved_views import counted, views_of
from desk.queries.tickets.snoozing import snooze_moments
from desk.queries.tickets.tags import all_tags, tags_of
from desk.queries.tickets.tickets import ticket_count, ticket_list
from desk.queries.work.work_list import work_list
from desk.work.due import ACTIONS
from tests.desk.at_hand_world import answer, mail, viewer

SOLVED = {"category": "billing", "wrap_up_code": "solved", "resolution": "Paid back."}


@pytest.fixture
def maya(house):
    return house.agent("Maya")


def doing(house, act, ticket, *more):
    """Do it in a transaction, with the rows of that."""
    with house.tx() as tx:
        rows = [tx.session.get_one(Agent, each.id) if isinstance(each, Agent) else each for each in more]
        return act(tx, tx.session.get_one(Ticket, ticket.id), *rows)


def listed(house, agent, **asked):
    with house.store.read() as reading:
        return [row.ticket.number for row in ticket_list(reading, viewer(house, agent), **asked)]


def open_work(house, ticket):
    return house.all(select(WorkItem.kind).where(WorkItem.ticket_id == ticket.id, WorkItem.ended_at.is_(None)))


# Snoozing


def test_a_snoozed_ticket_leaves_what_is_to_do_and_comes_back_at_its_moment(house, maya):
    ticket = mail(house)
    due, until = house.again(ticket).resolve_due_at, house.clock.now() + timedelta(hours=3)
    doing(house, snoozing.snooze, ticket, maya, until)
    assert (listed(house, maya, view="open"), listed(house, maya, view="mine")) == ([], [])
    assert listed(house, maya, view="snoozed") == [ticket.number]
    assert open_work(house, ticket) == []
    with house.store.read() as reading:
        work = work_list(reading, viewer(house, maya))
    assert ([row.until for row in work.snoozed], work.own, work.own_total) == ([until], [], 0)
    run(house, ticket)  # too early: nothing happens
    assert house.again(ticket).snoozed_until == until
    house.tick(3 * 3600)
    run(house, ticket)
    assert listed(house, maya, view="mine") == [ticket.number]
    assert open_work(house, ticket) == ["ticket"]
    assert house.again(ticket).resolve_due_at == due
    assert house.faults() == []


def run(house, ticket):
    with house.tx() as tx:
        ACTIONS[snoozing.WAKE_TIMER](tx, {"ticket_id": ticket.id})


def test_the_customer_wakes_it(house, maya):
    ticket = mail(house)
    doing(house, snoozing.snooze, ticket, maya, house.clock.now() + timedelta(days=3))
    mail(house, name="2", in_reply_to="1@mail.example")
    assert house.again(ticket).snoozed_until is None
    assert open_work(house, ticket) == ["ticket"]
    house.tick(3 * 86_400)
    run(house, ticket)  # the timer that is left does nothing
    assert house.kinds("ticket.woken") == ["ticket.woken"]


def test_a_later_moment_puts_the_first_one_off_and_solving_ends_it(house, maya):
    ticket = mail(house)
    now = house.clock.now()
    doing(house, snoozing.snooze, ticket, maya, now + timedelta(hours=1))
    doing(house, snoozing.snooze, ticket, maya, now + timedelta(hours=5))
    house.tick(3600)
    run(house, ticket)
    assert house.again(ticket).snoozed_until == now + timedelta(hours=5)
    with house.tx() as tx:
        solving.solve(tx, tx.session.get_one(Ticket, ticket.id), tx.session.get_one(Agent, maya.id), **SOLVED)
    assert house.again(ticket).snoozed_until is None


@pytest.mark.parametrize("hours", [-1, 0, 24 * 400])
def test_only_a_moment_to_come_within_a_year(house, maya, hours):
    with pytest.raises(Invalid):
        doing(house, snoozing.snooze, mail(house), maya, house.clock.now() + timedelta(hours=hours))


def test_a_complaint_does_not_sleep_beyond_its_promise(house, maya):
    ticket = mail(house)
    doing(house, register_from_ticket, ticket, "You charged me twice.")
    with pytest.raises(Conflict, match="promised an answer"):
        doing(house, snoozing.snooze, ticket, maya, house.again(ticket).resolve_due_at + timedelta(days=1))


def test_tomorrow_is_the_next_morning_that_is_worked_on(house):
    """It is Friday, ten o'clock, and nobody works at the weekend."""
    ticket = mail(house)
    with house.tx() as tx:
        queue = tx.session.get_one(Queue, ticket.queue_id)
        tx.session.get_one(Calendar, queue.calendar_id).holidays = ["2026-11-21", "2026-11-22"]
    with house.store.read() as reading:
        found = dict(snooze_moments(reading, ticket, house.clock.now()))
    assert found["tomorrow"] == found["next_week"]
    assert (found["tomorrow"].isoweekday(), found["later_today"] - house.clock.now()) == (1, timedelta(hours=3))


# Following


def test_who_follows_hears_what_others_do_until_they_look(house, maya):
    ticket, other = mail(house), house.agent("Ben")
    doing(house, following.follow, ticket, maya)
    assert news(house, maya) == []
    mail(house, name="2", in_reply_to="1@mail.example")
    answer(house, ticket, other)
    assert [row.ticket_number for row in news(house, maya)] == [ticket.number]
    assert news(house, other) == []
    doing(house, following.look, ticket, maya)
    assert news(house, maya) == []


def news(house, agent):
    with house.store.read() as reading:
        return news_of(reading, viewer(house, agent))


def test_who_is_kept_out_of_a_case_hears_nothing_and_is_not_named(house, maya):
    ticket = mail(house)
    doing(house, following.follow, ticket, maya)
    with house.tx() as tx:
        complaint = register_from_ticket(tx, tx.session.get_one(Ticket, ticket.id), "Maya was rude.")
        keep_out(tx, complaint, maya.id, "about")
    mail(house, name="2", in_reply_to="1@mail.example")
    assert news(house, maya) == []
    assert listed(house, maya, view="followed") == []
    with house.store.read() as reading:
        assert followers_of(reading, ticket) == []
    tag = doing(house, lambda tx, ticket: tags.tag_ticket(tx, ticket, tags.tag_named(tx, "rude")), ticket)
    assert tag
    with house.store.read() as reading:
        assert [row.count for row in all_tags(reading, viewer(house, maya))] == [0]
    doing(house, following.unfollow, ticket, maya)
    with pytest.raises(Conflict, match="may not read"):
        doing(house, following.follow, ticket, maya)


# Tags


@pytest.mark.parametrize(("one", "same"), [("Refund", "ＲＥＦＵＮＤ"), ("發票", "发票"), ("#late  fee", "Late Fee")])
def test_the_same_word_in_another_writing_is_the_same_tag(house, one, same):
    with house.tx() as tx:
        assert tags.tag_named(tx, one).id == tags.tag_named(tx, same).id


@pytest.mark.parametrize("word", ["", "  ", "#", "x" * 41])
def test_what_is_no_word_is_no_tag(house, word):
    with house.tx() as tx, pytest.raises(Invalid):
        tags.tag_named(tx, word)


def test_merged_tags_are_one_on_every_ticket_and_for_whoever_writes_the_old_word(house, maya):
    both, old = mail(house, name="1"), mail(house, "wang", "2")
    with house.tx() as tx:
        one, other = tags.tag_named(tx, "refund"), tags.tag_named(tx, "money back")
        for ticket, tag in ((both, one), (both, other), (old, one)):
            tags.tag_ticket(tx, tx.session.get_one(Ticket, ticket.id), tag)
        tags.merge_tags(tx, one, other)
        assert tags.tag_named(tx, "Refund").id == other.id
    assert house.one(select(func.count()).select_from(TicketTag)) == 2
    assert listed(house, maya, view="all", tag_id=other.id) == [old.number, both.number]
    assert listed(house, maya, view="all", tag_id=one.id) == [old.number, both.number]


def test_a_macro_tags_and_taking_it_back_takes_off_what_it_added(house, maya):
    ticket = mail(house)
    steps = canned.steps_from({"tags": "refund， March"})
    with house.tx() as tx:
        row, agent = tx.session.get_one(Ticket, ticket.id), tx.session.get_one(Agent, maya.id)
        tags.tag_ticket(tx, row, tags.tag_named(tx, "March"))
        canned.take_steps(tx, row, agent, "Refund", steps)
    assert tagged(house, ticket) == ["March", "refund"]
    used = house.one(select(Event.id).where(Event.kind == "macro.used"))
    with house.tx() as tx:
        canned.undo_steps(tx, tx.session.get_one(Ticket, ticket.id), tx.session.get_one(Agent, maya.id), used)
    assert tagged(house, ticket) == ["March"]
    with pytest.raises(Invalid):
        canned.steps_from({"tags": "x" * 41})


def tagged(house, ticket):
    with house.store.read() as reading:
        return [tag.word for tag in tags_of(reading, [ticket.id]).get(ticket.id, [])]


# Own fields


def test_what_must_be_answered_is_answered_before_solving(house, maya):
    ticket = mail(house)
    with house.tx() as tx:
        for key, kind, choices in (("order", "text", []), ("cause", "choice", [{"value": "late", "en": "Late", "zh": "晚"}])):
            own_fields.write_field(
                tx, None, key=key, kind=kind, labels={"en": key, "zh": key}, choices=choices, needed=kind == "choice", position=0
            )  # fmt: skip
    solve = lambda tx, row, agent: solving.solve(tx, row, agent, **SOLVED)  # noqa: E731
    with pytest.raises(Invalid) as refused:
        doing(house, solve, ticket, maya)
    assert list(refused.value.fields) == ["answer-cause"]
    for wrong in ({"cause": "early"}, {"unknown": "x"}, {"order": "x" * 501}):
        with pytest.raises(Invalid):
            doing(house, own_fields.set_answers, ticket, wrong)
    doing(house, own_fields.set_answers, ticket, {"cause": "late", "order": " 7 "})
    assert house.again(ticket).answers == {"cause": "late", "order": "7"}
    doing(house, own_fields.set_answers, ticket, {"order": ""})
    doing(house, solve, ticket, maya)
    assert house.again(ticket).answers == {"cause": "late"}


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        *[("number", "1,200.50", 1200.5), ("number", "7", 7), ("number", "x", None), ("number", "nan", None)],
        *[("number", "1e400", None), ("date", "2026-11-20", "2026-11-20"), ("date", "20.11.2026", None)],
        *[("tick", "1", True), ("tick", "", ...)],
    ],
)  # fmt: skip
def test_an_answer_is_kept_as_what_it_is(house, kind, typed, kept):
    ticket = mail(house)
    with house.tx() as tx:
        own_fields.write_field(
            tx, None, key="asked", kind=kind, labels={"en": "a", "zh": "b"}, choices=[], needed=False, position=0
        )  # fmt: skip
    if kept is None:
        with pytest.raises(Invalid):
            doing(house, own_fields.set_answers, ticket, {"asked": typed})
    else:
        doing(house, own_fields.set_answers, ticket, {"asked": typed})
        assert (house.again(ticket).answers or {}).get("asked", ...) == kept


# Many at once


def act(house, agent, verb, value, numbers, key="0123456789ab"):
    with house.tx() as tx:
        row = tx.session.get_one(Agent, agent.id)
        return bulk.act_on_many(tx, viewer_of(row), row, key=key, verb=verb, value=value, numbers=numbers)


def take_back(house, agent, made):
    with house.tx() as tx:
        row = tx.session.get_one(Agent, agent.id)
        return bulk.undo_act(tx, viewer_of(row), row, made.id)


def test_each_by_its_own_rules_the_whole_once_and_back_as_a_whole(house, maya):
    mine, solved = mail(house, name="1"), mail(house, "wang", "2")
    with house.tx() as tx:
        solving.solve(tx, tx.session.get_one(Ticket, solved.id), tx.session.get_one(Agent, maya.id), **SOLVED)
    numbers = [mine.number, solved.number, 99_999]
    made = act(house, maya, "assign", {"agent": maya.id}, numbers)
    assert list(made.done) == [str(mine.id)]
    assert [each["number"] for each in made.refused] == [solved.number, 99_999]
    events = house.one(select(func.count()).select_from(Event))
    assert act(house, maya, "assign", {"agent": maya.id}, numbers).id == made.id
    assert house.one(select(func.count()).select_from(Event)) == events
    take_back(house, maya, made)
    assert house.again(mine).owner_id is None
    with pytest.raises(Conflict):
        take_back(house, maya, made)


@pytest.mark.parametrize(
    ("verb", "value"),
    [("priority", {"priority": 1}), ("tag", {"tag": "vip"}), ("follow", {}), ("snooze", {"until": "2026-11-23T02:00:00+00:00"})],
)
def test_taken_back_nothing_is_left_of_it(house, maya, verb, value):
    tickets_there = [mail(house, f"c{n}", str(n)) for n in range(3)]
    before = [(house.again(each).priority, house.again(each).owner_id, house.again(each).snoozed_until) for each in tickets_there]
    made = act(house, maya, verb, value, [each.number for each in tickets_there])
    assert (len(made.done), made.refused) == (3, [])
    take_back(house, maya, made)
    after = [(house.again(each).priority, house.again(each).owner_id, house.again(each).snoozed_until) for each in tickets_there]
    assert after == before
    assert house.all(select(TicketTag.id)) == []
    assert all(open_work(house, each) == ["ticket"] for each in tickets_there)
    assert house.faults() == []


def test_what_was_changed_since_stays_when_the_rest_is_taken_back(house, maya):
    one, other = mail(house, name="1"), mail(house, "wang", "2")
    made = act(house, maya, "priority", {"priority": 1}, [one.number, other.number])
    with house.tx() as tx:
        tickets.set_fields(tx, tx.session.get_one(Ticket, one.id), priority=2)
    take_back(house, maya, made)
    assert (house.again(one).priority, house.again(other).priority) == (2, 3)


def test_what_one_ticket_refuses_leaves_no_trace_there(house, maya):
    ticket = mail(house)
    before = house.kinds("ticket.")
    made = act(house, maya, "solve", {**SOLVED, "wrap_up_code": "no such"}, [ticket.number])
    assert (made.done, len(made.refused)) == ({}, 1)
    assert house.kinds("ticket.") == before
    with pytest.raises(Invalid):
        act(house, maya, "tag", {"tag": "x"}, [], key="another-key")
    assert house.one(select(func.count()).select_from(BulkAct)) == 1


def test_two_clicks_in_one_moment_are_one_act(postgres_house):
    """The first has not ended when the second begins: it waits for it, and is told what the first one did."""
    house = postgres_house
    maya, ticket = house.agent("Maya"), mail(house)
    begun, found = threading.Event(), []

    def click():
        begun.set()
        found.append(act(house, maya, "tag", {"tag": "vip"}, [ticket.number]))

    with house.tx() as tx:
        row = tx.session.get_one(Agent, maya.id)
        first = bulk.act_on_many(
            tx, viewer_of(row), row, key="0123456789ab", verb="tag", value={"tag": "vip"}, numbers=[ticket.number]
        )  # fmt: skip
        second = threading.Thread(target=click)
        second.start()
        assert begun.wait(60)
    second.join(60)
    assert [(each.id, each.done) for each in found] == [(first.id, {str(ticket.id): {}})]
    assert house.kinds("bulk.") == ["bulk.done"]


# Kept views


def test_a_shared_view_shows_each_what_their_own_rights_allow(house, maya):
    ben, stranger = house.agent("Ben"), house.agent("Stranger", team="care")
    ticket = mail(house)
    with house.tx() as tx:
        own = saved_views.save_view(
            tx, viewer_of(tx.session.get_one(Agent, maya.id)), None, name="Open ones", shared=True,
            filters={"view": "open", "unknown": "x"}, columns=["due"], sort="",
        )  # fmt: skip
    assert seen(house, maya) == seen(house, ben) == [("Open ones", 1)]
    assert seen(house, stranger) == []
    with house.tx() as tx:
        with pytest.raises(Exception, match="whoever made it"):
            saved_views.own_view(tx, viewer_of(tx.session.get_one(Agent, ben.id)), own.id)
        tx.session.get_one(Ticket, ticket.id).team_id = stranger.team_id
    assert seen(house, ben) == [("Open ones", 0)]
    with house.store.read() as reading:
        assert ticket_count(reading, viewer(house, stranger), most=1, view="open") == 1


def seen(house, agent):
    with house.store.read() as reading:
        who = viewer(house, agent)
        return [(row.view.name, row.count) for row in counted(reading, who, views_of(reading, who))]
