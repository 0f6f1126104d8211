"""The seeded demo: sixty days that the verbs have lived through, the same every time and on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from desk.access import ROLES
from desk.app import install, prepare
from desk.clock import FrozenClock
from desk.config import Settings
from desk.demo import past, seed
from desk.demo.people import COLLEAGUES, patrons
from desk.demo.stories import stories
from desk.events import SYSTEM, Event
from desk.models import (
    Agent,
    Article,
    Call,
    Complaint,
    ContactPoint,
    Customer,
    Message,
    Offer,
    OutboxMail,
    SavedView,
    Setting,
    Survey,
    Tag,
    Ticket,
    TicketFollower,
    TicketLink,
    TicketTag,
    Timer,
    WorkItem,
)
from desk.models.work_item import HOLDING, WAITING
from desk.queries.board.half_hours import half_hours
from desk.queries.board.presence_spells import presence_spells

AFTERNOON = datetime(2026, 11, 19, 7, 30, tzinfo=UTC)


def seeded(folder: Path, database_url: str, at: datetime = AFTERNOON):
    settings = Settings.from_env({"DESK_DATA_DIR": str(folder), "DESK_DATABASE_URL": database_url})
    desk = install(replace(settings, demo=True), clock=FrozenClock(at))
    prepare(desk)
    assert seed.ensure_demo(desk)
    return desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    desk = seeded(folder, f"sqlite:///{folder}/desk.db")
    yield desk
    desk.store.engine.dispose()


@pytest.fixture
def look(desk):
    with desk.store.read() as session:
        yield session


def count(look, noun, *conditions):
    return look.scalar(select(func.count()).select_from(noun).where(*conditions))


def test_the_company_is_there_with_its_people_customers_and_articles(look):
    assert look.get(Setting, "company").value == {"en": "Lakelight", "zh": "湖光"}
    assert count(look, Agent) == len(COLLEAGUES) == 12
    assert {role for agent in look.scalars(select(Agent)) for role in agent.roles} == set(ROLES)
    assert count(look, Customer) == len(patrons()) == 60
    assert {tier for (tier,) in look.execute(select(Customer.tier))} == {"vip", "gold", "silver", "standard"}
    assert count(look, Article, Article.state == "published") == 40
    assert len(seed.logins()) == 12
    assert len(seed.PASSWORD) >= 10


def test_a_second_start_changes_nothing(desk):
    with desk.store.read() as session:
        before = session.scalar(select(func.max(Event.id)))
    assert not seed.ensure_demo(desk)
    with desk.store.read() as session:
        assert session.scalar(select(func.max(Event.id))) == before


def test_weeks_of_work_by_every_channel_lie_behind_it(look):
    assert count(look, Ticket) >= 200
    for channel in ("email", "voice", "chat", "form"):
        assert count(look, Ticket, Ticket.channel == channel) >= 10
    for status in ("closed", "solved", "new", "pending_customer", "pending_internal"):
        assert count(look, Ticket, Ticket.status == status) >= 1
    opened = select(func.min(Ticket.created_at), func.max(Ticket.created_at))
    first, last = look.execute(opened).one()
    assert AFTERNOON - timedelta(days=61) < first < AFTERNOON - timedelta(days=55)
    assert AFTERNOON - timedelta(hours=1) < last < AFTERNOON
    solved = look.scalars(select(Ticket).where(Ticket.status.in_(("solved", "closed")))).all()
    assert all(ticket.category and ticket.wrap_up_code and ticket.resolution for ticket in solved)
    assert all(ticket.owner_id for ticket in solved)


def test_customers_were_mostly_content(look):
    scores = look.scalars(select(Survey.score).where(Survey.score.is_not(None))).all()
    assert len(scores) >= 50  # nobody is asked twice in thirty days
    assert 3.8 < sum(scores) / len(scores) < 4.6
    assert min(scores) <= 2


def test_complaints_are_in_every_stage_with_clocks_that_run(look):
    complaints = look.scalars(select(Complaint)).all()
    assert {complaint.stage for complaint in complaints} >= {"acknowledged", "assessed", "investigating", "decided", "closed"}
    assert all(complaint.acknowledge_due_at > complaint.received_at for complaint in complaints)
    assert any(complaint.decided_at is None and complaint.decide_due_at > AFTERNOON for complaint in complaints)


def test_today_has_had_calls_that_were_answered_and_nobody_is_still_on_the_line(look):
    midnight = datetime(2026, 11, 18, 16, tzinfo=UTC)  # of the day in Shanghai
    calls = look.scalars(select(Call).where(Call.arrived_at >= midnight)).all()
    assert len(calls) >= 10
    assert all(call.state in ("done", "abandoned") for call in look.scalars(select(Call)))
    answered = [call for call in calls if call.answered_at]
    assert any(call.state == "abandoned" for call in calls)
    assert all(call.queued_at < call.offered_at < call.answered_at < call.ended_at for call in answered)
    assert all(
        call.ended_at - call.queued_at < timedelta(hours=1)
        for call in look.scalars(select(Call).where(Call.queued_at.is_not(None)))
    )


def test_whoever_did_something_was_there_and_the_days_are_staffed(look):
    week = AFTERNOON - timedelta(days=7)
    spells = presence_spells(look, week, AFTERNOON, lambda presence: presence != "offline")
    people = {agent.id for agent in look.scalars(select(Agent)) if agent.id in spells}
    answered = select(WorkItem.agent_id, WorkItem.answered_at).where(WorkItem.answered_at > week)
    seen = [(agent_id, at) for agent_id, at in look.execute(answered) if agent_id in people]
    assert len(seen) > 20
    assert [each for each in seen if not any(since <= each[1] <= until for since, until in spells[each[0]])] == []
    today = half_hours([], spells, AFTERNOON.replace(hour=16) - timedelta(days=1), AFTERNOON)
    assert max(half.staffed for half in today) > 3
    assert min(half.staffed for half in today if half.start >= AFTERNOON.replace(hour=4)) >= 1  # from noon in Shanghai
    free = presence_spells(look, week, AFTERNOON, lambda presence: presence == "available")
    assert sum(len(each) for each in free.values()) > sum(len(each) for each in spells.values())  # who was at lunch was not


def test_only_deferred_work_waits_and_nothing_is_in_anybodys_hands(look):
    assert count(look, Offer, Offer.state.in_(HOLDING)) == 0
    assert all((agent.presence, agent.used) == ("offline", 0) for agent in look.scalars(select(Agent)))
    waiting = look.scalars(select(WorkItem).where(WorkItem.state == WAITING)).all()
    assert 8 <= len(waiting) <= 16
    assert not {item.channel for item in waiting} & {"voice", "chat"}
    assert count(look, WorkItem, WorkItem.state.not_in((WAITING, "done", "abandoned"))) == 0
    able = {skill for colleague in COLLEAGUES if colleague.key == "maya" for skill in colleague.skills}
    mails = [item for item in waiting if item.channel == "email"]
    assert len(mails) >= 8
    assert all({skill for skill, _ in item.requires} <= able for item in mails)


def test_nothing_of_the_past_is_left_for_the_worker_to_do(look):
    assert count(look, Timer, Timer.done_at.is_(None), Timer.due_at < AFTERNOON) == 0
    still_to_send = look.scalars(select(OutboxMail).where(OutboxMail.state == "queued")).all()
    assert len(still_to_send) < 40
    assert all(mail.created_at > AFTERNOON - timedelta(hours=3) for mail in still_to_send)


def test_a_newcomer_finds_tags_fields_views_followed_and_snoozed_tickets(look):
    assert {"refund", "router", "courier"} <= set(look.scalars(select(Tag.word)))
    assert count(look, TicketTag) >= 15
    assert count(look, Ticket, Ticket.answers.is_not(None)) >= 10
    assert count(look, Ticket, Ticket.snoozed_until > AFTERNOON) == 2
    assert count(look, TicketFollower) == 5
    assert count(look, SavedView) == 3
    assert count(look, TicketLink) == 1
    assert count(look, Ticket, Ticket.updated_at == AFTERNOON) < 5  # the lists still show when something happened


def test_events_grow_in_the_order_of_time(look):
    first = look.scalar(select(func.min(Event.id)).where(Event.kind == "customer.added"))
    times = look.scalars(select(Event.at).where(Event.id >= first).order_by(Event.id)).all()
    assert times == sorted(times)
    assert times[-1] <= AFTERNOON


def test_texts_are_whole_and_in_the_language_of_their_customer(look):
    for text in look.scalars(select(Message.text)):
        assert text.strip()
        assert "{" not in text
    rows = select(Message.text, Customer.locale).join(Customer, Customer.id == Message.customer_id)
    for text, locale in look.execute(rows.where(Message.direction == "in", Message.channel != "voice")):
        assert any("\u4e00" <= sign <= "\u9fff" for sign in text) == (locale == "zh")


def test_there_are_sixty_different_matters_in_each_language():
    for locale in ("en", "zh"):
        told = stories("stories", locale)
        assert len({story.text for story in told}) == len({story.subject for story in told}) == len(told) >= 60
        assert len(stories("complaints", locale)) >= 8
        assert {story.end for story in stories("complaints", locale)} <= {"upheld", "partly_upheld", "not_upheld"}


def test_numbers_and_addresses_reach_nobody(look):
    for value in look.scalars(select(ContactPoint.value).where(ContactPoint.kind == "email")):
        assert value.endswith(".example")
    for value in look.scalars(select(ContactPoint.value).where(ContactPoint.kind == "phone")):
        assert value.startswith(("+86138001300", "+4477009001"))


@pytest.fixture
def short_past(monkeypatch):
    """A few days are enough to see whether they are played right."""
    monkeypatch.setattr(past, "DAYS", 6)


def test_the_past_is_the_same_every_time_and_on_postgresql(short_past, postgres_url, tmp_path):
    one, two = seeded(tmp_path, f"sqlite:///{tmp_path}/desk.db"), seeded(tmp_path, postgres_url)
    shown = select(Ticket.subject, Ticket.status, Ticket.owner_id, Ticket.created_at, Ticket.score).order_by(Ticket.id)
    with one.store.read() as here, two.store.read() as there:
        tickets = here.execute(shown).all()
        assert len(tickets) > 40
        assert tickets == there.execute(shown).all()
    one.store.engine.dispose()
    two.store.engine.dispose()


def test_a_seed_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    settings = Settings.from_env({"DESK_DATA_DIR": str(tmp_path)})
    desk = install(replace(settings, demo=True), clock=FrozenClock(AFTERNOON))
    prepare(desk)
    monkeypatch.setattr(seed, "ARTICLES", tmp_path)
    (tmp_path / "broken.md").write_text("no front matter", encoding="utf-8")
    with pytest.raises(ValueError, match="---"):
        seed.ensure_demo(desk)
    with desk.store.tx(SYSTEM) as tx:
        assert tx.session.scalar(select(func.count()).select_from(Agent)) == 0
        assert tx.session.get(Setting, seed.SEEDED) is None
    desk.store.engine.dispose()


def test_a_desk_seeded_a_minute_after_midnight_has_a_today_as_well(short_past, tmp_path):
    desk = seeded(tmp_path, f"sqlite:///{tmp_path}/desk.db", datetime(2026, 11, 18, 16, 1, tzinfo=UTC))
    with desk.store.read() as session:
        assert count(session, Call) >= 10
        assert count(session, Offer, Offer.state.in_(HOLDING)) == 0
    desk.store.engine.dispose()
