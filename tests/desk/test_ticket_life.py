"""The rules of a ticket's life: what stands still while the customer is asked, what silence leads to, what is junk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.articles import articles
from desk.actions.tickets import awaiting, solving, spam, tickets
from desk.actions.work import work_items
from desk.clock import FrozenClock
from desk.errors import Conflict, Invalid
from desk.events import Event
from desk.models import Calendar, Message, OutboxMail, Queue, Survey, Ticket, Timer, WorkItem

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = [[["09:00", "18:00"]]] * 5 + [[], []]
FRIDAY = datetime(2026, 11, 20, 17, 30, tzinfo=SHANGHAI)
SUNDAY = datetime(2026, 11, 22, 10, tzinfo=SHANGHAI)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


@pytest.fixture
def desk(house):
    """All queues in office hours: Monday to Friday, nine to six, without holidays."""
    with house.tx() as tx:
        for calendar in tx.session.scalars(select(Calendar)):
            calendar.week, calendar.holidays, calendar.workdays = OFFICE, [], {}
    return house


def at(house, moment: datetime) -> None:
    """It is this moment now."""
    assert isinstance(house.clock, FrozenClock)
    house.tick((moment - house.clock.now()).total_seconds())


def mail(house, text="It is dead.", *, sender="li.na@customers.example", priority=None, category=None) -> Ticket:
    with house.tx() as tx:
        inbound = Inbound(
            channel="email",
            external_id=f"{text}{sender}",
            sender=Contact("email", sender, "Li Na"),
            subject="Router",
            text=text,
            message_id=f"{len(text)}.{sender.partition('@')[0]}@customers.example",
            locale="en",
            meta={"verdict": "person"},
        )
        ticket = intake.receive(tx, inbound).ticket
        tickets.set_fields(tx, ticket, priority=priority, category=category)
    return ticket


def doing(house, verb, ticket, *args, **more):
    with house.tx() as tx:
        return verb(tx, tx.session.get_one(Ticket, ticket.id), *args, **more)


def timer_of(house, ticket) -> Timer | None:
    query = select(Timer).where(Timer.kind == tickets.AWAIT_TIMER, Timer.key == str(ticket.id), Timer.done_at.is_(None))
    return house.one(query)


def ring(house, ticket) -> None:
    """The moment that the ticket's timer is set to has come, and it does what it does."""
    timer = timer_of(house, ticket)
    at(house, timer.due_at)
    with house.tx() as tx:
        tx.session.get_one(Timer, timer.id).done_at = tx.now
        awaiting.silent(tx, timer.data)


@pytest.mark.parametrize(
    ("holidays", "workdays", "created", "paused", "due"),
    [
        ([], {}, FRIDAY, (), local(23, 12, 30)),
        (["2026-11-23"], {}, FRIDAY, (), local(24, 12, 30)),
        ([], {"2026-11-21": [["09:00", "18:00"]]}, FRIDAY, (), local(21, 12, 30)),
        ([], {}, SUNDAY, (), local(23, 13)),
        ([], {}, SUNDAY, ((23, 10), (23, 11)), local(23, 14)),
        ([], {}, FRIDAY, ((23, 10), (23, 11)), local(23, 13, 30)),
        ([], {}, FRIDAY, ((20, 17, 45), (23, 10)), local(23, 13, 45)),  # asked before the weekend: it is not given away
        ([], {}, FRIDAY, ((23, 10), (24, 20)), local(25, 11, 30)),  # answered at night: work begins in the morning
    ],
)
def test_four_open_hours_are_due_when_the_calendar_and_the_pause_say(desk, holidays, workdays, created, paused, due):
    with desk.tx() as tx:
        for calendar in tx.session.scalars(select(Calendar)):
            calendar.holidays, calendar.workdays = holidays, workdays
    at(desk, created)
    ticket = mail(desk, priority=1)
    if paused:
        at(desk, local(*paused[0]))
        doing(desk, tickets.set_pending, ticket, "pending_customer")
        at(desk, local(*paused[1]))
        doing(desk, tickets.customer_wrote, ticket)
    now = desk.again(ticket)
    assert (now.resolve_due_at, now.paused_since) == (due, None)
    assert now.first_due_at == ticket.first_due_at  # the first answer never waits


def test_a_new_priority_counts_from_the_beginning_with_the_pauses_and_what_is_broken_stays_broken(desk):
    at(desk, local(23, 9))
    ticket = mail(desk, priority=4)
    at(desk, local(23, 10))
    doing(desk, tickets.set_pending, ticket, "pending_customer")
    at(desk, local(23, 11))
    doing(desk, tickets.customer_wrote, ticket)
    doing(desk, tickets.set_fields, ticket, priority=1)
    assert desk.again(ticket).resolve_due_at == local(23, 14)  # four hours and the one that was waited
    assert desk.again(ticket).first_due_at == local(23, 10)
    at(desk, local(23, 15))
    doing(desk, tickets.set_fields, ticket, priority=4)
    now = desk.again(ticket)
    assert (now.priority, now.first_due_at, now.resolve_due_at) == (4, local(23, 10), local(23, 14))


def test_a_new_priority_moves_the_next_answer_from_the_customers_first_open_question(desk):
    at(desk, local(23, 9))
    ticket = mail(desk)
    maya = desk.agent()
    doing(desk, tickets.reply, ticket, maya, "Press reset.", channel="email")
    at(desk, local(23, 10))
    for text in ("Which one?", "Hello?"):
        with desk.tx() as tx:
            now = tx.session.get_one(Ticket, ticket.id)
            said = Inbound("email", text, Contact("email", "li.na@customers.example", "Li Na"), "Router", text)
            intake.receive(tx, said, ticket=now)
        desk.tick(1800)
    assert desk.again(ticket).next_due_at == local(23, 18)
    doing(desk, tickets.set_fields, ticket, priority=2)
    assert desk.again(ticket).next_due_at == local(23, 14)


def test_opened_again_the_clock_goes_on_with_what_was_left(desk):
    at(desk, local(23, 9))
    ticket = mail(desk, priority=1)
    at(desk, local(23, 12))
    doing(desk, solving.solve, ticket, desk.agent(), category="technical", wrap_up_code="solved", resolution="Reset.")
    at(desk, local(25, 10))
    doing(desk, tickets.reopen, ticket, reason="customer_wrote")
    now = desk.again(ticket)
    assert (now.resolve_due_at, now.reopened) == (local(25, 11), 1)


def test_who_does_not_answer_is_reminded_twice_and_then_the_ticket_ends_unasked(desk):
    at(desk, local(23, 10))
    ticket = mail(desk, category="technical")
    doing(desk, tickets.reply, ticket, desk.agent(), "Which router is it?", channel="email")
    doing(desk, tickets.set_pending, ticket, "pending_customer")
    asked = desk.clock.now()
    for days in (2, 5):
        assert timer_of(desk, ticket).due_at == asked + timedelta(days=days)
        ring(desk, ticket)
    letters = desk.all(select(Message).where(Message.ticket_id == ticket.id, Message.subject.contains("still need")))
    assert [letter.to for letter in letters] == [["li.na@customers.example"]] * 2
    assert desk.again(ticket).status == "pending_customer"
    assert timer_of(desk, ticket).due_at == asked + timedelta(days=7)
    ring(desk, ticket)
    now = desk.again(ticket)
    assert (now.status, now.wrap_up_code) == ("solved", "no_answer")
    assert desk.one(select(Survey)) is None
    doing(desk, tickets.customer_wrote, ticket)
    assert desk.again(ticket).status == "open"


@pytest.mark.parametrize("more", [{"priority": 1}, {"priority": 2}, {"category": "billing"}])
def test_what_is_urgent_or_about_money_goes_back_to_its_owner_instead(desk, more):
    ticket = mail(desk, **more)
    maya = desk.agent()
    doing(desk, tickets.assign, ticket, maya.id)
    item = desk.one(select(WorkItem))
    with desk.tx() as tx:
        work_items.take(tx, item.id, maya.id)
    doing(desk, tickets.set_pending, ticket, "pending_customer")
    for _ in range(3):
        ring(desk, ticket)
    assert desk.again(ticket).status == "open"
    waiting = desk.one(select(WorkItem).where(WorkItem.state == "waiting"))
    assert (waiting.ticket_id, waiting.sticky_agent_id) == (ticket.id, maya.id)
    assert desk.kinds("ticket.customer_") == ["ticket.customer_reminded"] * 2 + ["ticket.customer_silent"]


def test_an_answer_ends_the_reminding_and_a_complaint_is_never_reminded_so(desk):
    ticket = mail(desk)
    doing(desk, tickets.set_pending, ticket, "pending_customer")
    doing(desk, tickets.customer_wrote, ticket)
    assert timer_of(desk, ticket) is None
    with desk.tx() as tx:
        tx.session.get_one(Ticket, ticket.id).type = "complaint"
    doing(desk, tickets.set_pending, ticket, "pending_customer")
    assert timer_of(desk, ticket) is None


def test_junk_leaves_the_queue_and_so_does_what_its_sender_writes_next_until_that_is_taken_back(desk):
    first = mail(desk, "Buy this.", sender="junk@offers.example")
    doing(desk, spam.mark, first)
    assert desk.again(first).status == "spam"
    assert desk.all(select(WorkItem.state)) == ["done"]
    second = mail(desk, "Buy that.", sender="junk@offers.example")
    assert desk.again(second).status == "spam"
    assert len(desk.all(select(WorkItem))) == 1
    with desk.tx() as tx:
        assert spam.junk_senders(tx, {"junk@offers.example", "li.na@customers.example"}) == {"junk@offers.example"}
    assert desk.again(mail(desk, "My bill.")).status == "new"

    doing(desk, spam.unmark, second)
    assert desk.again(second).status == "open"
    third = mail(desk, "And this?", sender="junk@offers.example")
    assert desk.again(third).status == "new"
    assert desk.one(select(OutboxMail)) is None
    with pytest.raises(Conflict):
        doing(desk, spam.unmark, third)


def test_what_somebody_was_promised_and_a_complaint_are_no_junk(desk):
    ticket = mail(desk)
    with desk.tx() as tx:
        queue = tx.session.scalar(select(Queue).where(Queue.key == "general"))
        work_items.enqueue(tx, "callback", "voice", tx.session.get_one(Ticket, ticket.id), queue)
    with pytest.raises(Conflict, match="promised"):
        doing(desk, spam.mark, ticket)
    with desk.tx() as tx:
        tx.session.get_one(Ticket, ticket.id).type = "complaint"
    with pytest.raises(Conflict, match="complaint"):
        doing(desk, spam.mark, ticket)
    assert desk.again(ticket).status == "new"


# The article that helped


@pytest.fixture
def asking(desk):
    """A ticket in a queue that asks for the article that helped, and who solves it."""
    agent = desk.agent("Maya")
    ticket = mail(desk)
    with desk.tx() as tx:
        tx.session.get_one(Queue, ticket.queue_id).asks_article = True
    return desk, ticket.id, agent


def solved(house, ticket_id: int, agent, *, how: str = "solved", no_article: str = "") -> Ticket:
    with house.tx() as tx:
        ticket, words = tx.session.get_one(Ticket, ticket_id), "A new cable."
        solving.solve(tx, ticket, agent, category="technical", wrap_up_code=how, resolution=words, no_article=no_article)
    return ticket


@pytest.mark.parametrize("given", ["", "because"])
def test_a_queue_that_asks_wants_an_article_or_a_reason(asking, given):
    house, ticket_id, agent = asking
    with pytest.raises(Invalid) as refused:
        solved(house, ticket_id, agent, no_article=given)
    assert set(refused.value.fields) == {"no_article"}


def test_a_reason_is_kept_with_the_ticket_and_in_the_log(asking):
    house, ticket_id, agent = asking
    assert solved(house, ticket_id, agent, no_article="not_written").no_article == "not_written"
    with house.store.read() as session:
        told = session.scalars(select(Event.data).where(Event.kind == "ticket.solved", Event.ticket_id == ticket_id)).one()
    assert told["no_article"] == "not_written"


def test_nothing_is_asked_where_an_article_is_linked_or_nothing_was_settled(asking):
    house, ticket_id, agent = asking
    with house.tx() as tx:
        article = articles.write_article(tx, key="cable", lang="en", title="Cables", text="Change it.", audience="internal")
        articles.link(tx, tx.session.get_one(Ticket, ticket_id), article, agent.id)
    assert solved(house, ticket_id, agent, no_article="personal").no_article is None
    other = mail(house, "Wrong number, sorry.", sender="wang@customers.example")
    assert solved(house, other.id, agent, how="wrong_number").status == "solved"
