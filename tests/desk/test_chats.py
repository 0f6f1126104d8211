"""The life of a web chat, on a real database."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from channels.chat.secret import new_token
from desk.actions.chats import chats
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotFound
from desk.events import SYSTEM, Event
from desk.files import KeptFile
from desk.models import (
    Agent,
    Attachment,
    Calendar,
    Chat,
    ContactPoint,
    Customer,
    FollowUp,
    Message,
    Survey,
    Ticket,
    Timer,
    WorkItem,
)
from desk.models.agent import AVAILABLE, AWAY
from desk.models.chat import ACTIVE, ENDED, QUEUED
from desk.models.work_item import ABANDONED, WAITING, WRAP_UP
from desk.queries.chats import chats as seen
from desk.store import Store
from tests.desk.chat_world import MONDAY, open_store, question


@pytest.fixture
def store(database_url, tmp_path) -> Store:
    store = open_store(tmp_path, url=database_url)
    yield store
    store.engine.dispose()


def opened(store, **answers) -> tuple[int, str]:
    with store.tx(SYSTEM) as tx:
        chat, token = chats.open_chat(tx, question(**answers))
        return chat.id, token


def accepted(store, chat_id, name="Dan Okafor") -> int:
    """As the accept route does it."""
    with store.tx(SYSTEM) as tx:
        agent = tx.session.scalar(select(Agent).where(Agent.name == name))
        chat = tx.session.get_one(Chat, chat_id)
        work_items.take(tx, chat.item_id, agent.id)
        chats.chat_accepted(tx, tx.session.get_one(WorkItem, chat.item_id), agent)
        return agent.id


def say(store, chat_id, text, client_id=None):
    with store.tx(SYSTEM) as tx:
        return chats.visitor_says(tx, tx.session.get_one(Chat, chat_id), client_id or str(uuid4()), text).id


def answer(store, chat_id, agent_id, text, client_id=None):
    with store.tx(SYSTEM) as tx:
        chat, agent = tx.session.get_one(Chat, chat_id), tx.session.get_one(Agent, agent_id)
        return chats.agent_says(tx, chat, agent, client_id or str(uuid4()), text).id


def shown(store, chat_id, after=0):
    with store.read() as reading:
        return seen.said_in(reading, reading.get_one(Chat, chat_id), after)


def state(store, chat_id):
    with store.read() as reading:
        return seen.state_of(reading, reading.get_one(Chat, chat_id), store.clock.now())


def end(store, chat_id, by):
    with store.tx(SYSTEM) as tx:
        return chats.end_chat(tx, tx.session.get_one(Chat, chat_id), by)


def count(store, *conditions):
    with store.read() as reading:
        return reading.scalar(select(func.count()).where(*conditions))


def test_a_question_becomes_a_ticket_a_chat_and_work_in_the_queue_of_its_topic(store):
    chat_id, _ = opened(store, topic="billing", locale="zh", text="三月被扣了两次")
    with store.read() as reading:
        chat = reading.get_one(Chat, chat_id)
        ticket, item = reading.get_one(Ticket, chat.ticket_id), reading.get_one(WorkItem, chat.item_id)
        assert (chat.state, ticket.channel, ticket.locale, ticket.category) == (QUEUED, "chat", "zh", "billing")
        assert ticket.subject == "三月被扣了两次"
        assert (item.kind, item.channel, item.state) == ("chat", "chat", WAITING)
        assert item.requires == [["billing", 1], ["lang:zh", 1]]
    assert [row["text"] for row in shown(store, chat_id)] == ["三月被扣了两次"]


def test_opening_twice_with_one_token_is_one_chat(store):
    filled, token = question(), new_token()
    for _ in range(2):
        with store.tx(SYSTEM) as tx:
            chats.open_chat(tx, filled, token=token)
    assert count(store, Chat.id > 0) == count(store, Ticket.id > 0) == count(store, Message.id > 0) == 1


def test_the_secret_itself_is_not_kept(store):
    _, token = opened(store)
    with store.read() as reading:
        kept = [reading.scalars(select(column)).all() for column in (Chat.token_hash, ContactPoint.value, Message.external_id)]
    assert not any(token in value or token.partition(".")[0] in value for values in kept for value in values)


def test_a_visitor_without_mail_is_the_same_customer_in_the_next_chat(store):
    token = new_token()
    opened_with = [token, token.partition(".")[0] + ".another-chat"]
    for each in opened_with:
        with store.tx(SYSTEM) as tx:
            chats.open_chat(tx, question(), token=each)
    assert count(store, Chat.id > 0) == 2
    assert count(store, Customer.id > 0) == 1


def test_a_visitor_who_gives_a_known_address_is_that_customer(store):
    with store.tx(SYSTEM) as tx:
        known = chats.customers.identify(tx, "email", "wang@example.com", name="Wang Wei").id
    chat_id, _ = opened(store, email=" Wang@Example.com ")
    with store.read() as reading:
        assert reading.get_one(Chat, chat_id).customer_id == known


def test_a_chat_identity_that_belongs_to_another_customer_hides_no_message(store):
    token = new_token()
    with store.tx(SYSTEM) as tx:
        chats.open_chat(tx, question(), token=token)
    with store.tx(SYSTEM) as tx:
        second, _ = chats.open_chat(tx, question(email="other@example.com"), token=token.partition(".")[0] + ".another-chat")
    say(store, second.id, "Are you there?")
    with store.read() as reading:
        assert not reading.scalars(select(Message).where(Message.held)).all()
    assert len(shown(store, second.id)) == 2


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"name": " "}, "name"),
        ({"text": "\x00"}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"email": "nobody"}, "email"),
        ({"topic": "love"}, "topic"),
        ({"client_id": "'; drop"}, "client_id"),
    ],
)
def test_a_form_that_cannot_be_used_names_its_field_and_changes_nothing(store, answers, field):
    with pytest.raises(Invalid) as refused, store.tx(SYSTEM) as tx:
        chats.open_chat(tx, question(**answers))
    assert list(refused.value.fields) == [field]
    assert count(store, Ticket.id > 0) == count(store, Customer.id > 0) == 0


def test_a_chat_needs_an_agent_who_speaks_the_language(store):
    with store.tx(SYSTEM) as tx:
        tx.session.scalar(select(Agent).where(Agent.name == "Lin Xiaowen")).presence = AWAY
        assert chats.reception(tx, "other", "zh").state == "nobody"
        assert chats.reception(tx, "other", "en").state == "open"
    with pytest.raises(Conflict) as refused, store.tx(SYSTEM) as tx:
        chats.open_chat(tx, question(locale="zh"))
    assert refused.value.allowed == ("leave_message",)


def test_outside_the_hours_the_reception_says_when_it_opens(store):
    store.clock.tick(12 * 3600)  # 23:00
    with store.tx(SYSTEM) as tx:
        closed = chats.reception(tx)
    assert closed.state == "closed"
    assert closed.opens_at.isoformat() == "2026-11-24T01:00:00+00:00"


def test_a_message_left_when_nobody_is_there_is_one_ticket_for_the_mail_queue(store):
    filled, token = question(email="wang@example.com", topic="billing"), new_token()
    for _ in range(2):
        with store.tx(SYSTEM) as tx:
            number = chats.leave_message(tx, filled, token=token).number
    with store.read() as reading:
        ticket = reading.scalar(select(Ticket))
        assert (ticket.number, ticket.channel, ticket.category) == (number, "form", "billing")
        assert reading.scalar(select(WorkItem)).kind == "ticket"


def test_a_message_left_needs_an_address_to_answer_to(store):
    with pytest.raises(Invalid) as refused, store.tx(SYSTEM) as tx:
        chats.leave_message(tx, question(), token=new_token())
    assert list(refused.value.fields) == ["email"]


def test_both_sides_speak_and_the_ticket_holds_the_transcript(store):
    chat_id, _ = opened(store)
    agent_id = accepted(store, chat_id)
    answer(store, chat_id, agent_id, "It comes tomorrow.")
    say(store, chat_id, "Thank you")
    with store.read() as reading:
        ticket_id = reading.get_one(Chat, chat_id).ticket_id
        rows = reading.scalars(select(Message).where(Message.ticket_id == ticket_id).order_by(Message.id)).all()
        assert [(row.direction, row.channel, row.text) for row in rows] == [
            ("in", "chat", "Where is my parcel?"),
            ("out", "chat", "It comes tomorrow."),
            ("in", "chat", "Thank you"),
        ]
        assert reading.get_one(Ticket, ticket_id).owner_id == agent_id
    said = shown(store, chat_id)
    assert [(row["from"], row["name"]) for row in said] == [("visitor", "Wang Wei"), ("agent", "Dan"), ("visitor", "Wang Wei")]
    assert [row["previous"] for row in said] == [0, said[0]["id"], said[1]["id"]]


def test_the_same_client_id_is_the_same_message_also_after_the_end(store):
    chat_id, _ = opened(store)
    client_id = str(uuid4())
    first = say(store, chat_id, "Hello?", client_id)
    assert say(store, chat_id, "Hello?", client_id) == first
    end(store, chat_id, "customer")
    assert say(store, chat_id, "Hello?", client_id) == first
    assert len(shown(store, chat_id)) == 2


def test_asking_for_what_came_since_gives_exactly_the_rest(store):
    chat_id, _ = opened(store)
    ids = [say(store, chat_id, f"line {n}") for n in range(5)]
    assert [row["id"] for row in shown(store, chat_id, ids[2])] == ids[3:]


def test_a_visitor_never_sees_a_note_a_mail_or_another_chat(store):
    chat_id, _ = opened(store, email="wang@example.com")
    other_id, _ = opened(store, name="Zhao", text="Another matter")
    agent_id = accepted(store, chat_id)
    with store.tx(SYSTEM) as tx:
        chat, agent = tx.session.get_one(Chat, chat_id), tx.session.get_one(Agent, agent_id)
        ticket = tx.session.get_one(Ticket, chat.ticket_id)
        tickets.note(tx, ticket, agent, "He is a difficult one")
        tickets.reply(tx, ticket, agent, "By mail then", channel="email")
    assert [row["text"] for row in shown(store, chat_id)] == ["Where is my parcel?"]
    assert [row["text"] for row in shown(store, other_id)] == ["Another matter"]
    with store.read() as reading:
        hidden = reading.scalars(select(Message).where(Message.channel.in_(("note", "email")))).all()
        assert len(hidden) == 2
        assert [seen.chat_of_message(reading, message) for message in hidden] == [None, None]


def test_what_a_merge_brings_to_the_ticket_stays_hidden_from_the_visitor(store):
    mine, _ = opened(store)
    theirs, _ = opened(store, text="My secret")
    accepted(store, theirs)
    with store.tx(SYSTEM) as tx:
        ticket_id = tx.session.get_one(Chat, mine).ticket_id
        for message in tx.session.scalars(select(Message).where(Message.text == "My secret")):
            message.ticket_id = ticket_id
    assert [row["text"] for row in shown(store, mine)] == ["Where is my parcel?"]


def test_nobody_speaks_in_an_ended_chat(store):
    chat_id, _ = opened(store)
    agent_id = accepted(store, chat_id)
    end(store, chat_id, "agent")
    with pytest.raises(Conflict):
        say(store, chat_id, "One more thing")
    with pytest.raises(Conflict):
        answer(store, chat_id, agent_id, "Are you there?")


def test_the_end_of_an_answered_chat_begins_the_wrap_up(store):
    chat_id, _ = opened(store)
    accepted(store, chat_id)
    assert end(store, chat_id, "customer") is True
    assert end(store, chat_id, "agent") is False
    with store.read() as reading:
        chat = reading.get_one(Chat, chat_id)
        assert (chat.state, chat.ended_by) == (ENDED, "customer")
        assert reading.get_one(WorkItem, chat.item_id).state == WRAP_UP
        assert reading.get_one(Ticket, chat.ticket_id).status == "open"


def test_a_visitor_who_leaves_unanswered_abandons_and_is_answered_by_mail_if_we_can(store):
    with_mail, _ = opened(store, email="wang@example.com")
    without, _ = opened(store)
    for chat_id in (with_mail, without):
        end(store, chat_id, "customer")
    with store.read() as reading:
        kinds = {}
        for chat_id in (with_mail, without):
            chat = reading.get_one(Chat, chat_id)
            assert reading.get_one(WorkItem, chat.item_id).state == ABANDONED
            items = reading.scalars(select(WorkItem.kind).where(WorkItem.ticket_id == chat.ticket_id)).all()
            kinds[chat_id] = sorted(items)
    assert kinds == {with_mail: ["chat", "ticket"], without: ["chat"]}


def test_a_visitor_who_does_not_come_back_in_time_ends_the_chat(store):
    chat_id, _ = opened(store)
    with store.tx(SYSTEM) as tx:
        chats.visitor_left(tx, tx.session.get_one(Chat, chat_id))
    with store.read() as reading:
        timer = reading.scalar(select(Timer).where(Timer.kind == seen.GONE_TIMER, Timer.done_at.is_(None)))
        assert (timer.due_at - MONDAY).total_seconds() == chats.REJOIN_S
        assert not seen.is_online(reading, chat_id)
    with store.tx(SYSTEM) as tx:
        chats.visitor_gone(tx, timer.data)
    assert state(store, chat_id)["by"] == "disconnect"


def test_a_visitor_who_comes_back_finds_the_same_chat(store):
    chat_id, token = opened(store)
    with store.tx(SYSTEM) as tx:
        chats.visitor_left(tx, tx.session.get_one(Chat, chat_id))
    with store.tx(SYSTEM) as tx:
        chats.visitor_came(tx, seen.by_token(tx.session, token))
    with store.read() as reading:
        assert seen.is_online(reading, chat_id)
        assert seen.by_token(reading, token).id == chat_id


@pytest.mark.parametrize("token", ["", "short", None, pytest.param(new_token(), id="unknown")])
def test_a_token_that_is_nobodys_finds_nothing(store, token):
    opened(store)
    with store.read() as reading, pytest.raises(NotFound):
        seen.by_token(reading, token)


def test_the_place_in_the_queue_moves_up_when_others_leave(store):
    first, _ = opened(store)
    store.clock.tick(1)
    second, _ = opened(store)
    assert (state(store, first)["position"], state(store, second)["position"]) == (1, 2)
    end(store, first, "customer")
    assert state(store, second)["position"] == 1


def test_with_a_place_free_nobody_waits_and_with_none_the_wait_is_told_in_minutes(store):
    first, _ = opened(store, topic="billing")
    assert state(store, first)["minutes"] == 0
    accepted(store, first, "Lin Xiaowen")
    waiting = []
    for _ in range(3):
        store.clock.tick(1)
        waiting.append(opened(store, topic="billing")[0])
    # Three places that take ten minutes each: on average 6:40 and 10 min, and four fifths wait no longer than this.
    assert [state(store, chat_id)["minutes"] for chat_id in waiting] == [0, 11, 15]
    with store.tx(SYSTEM) as tx:
        for agent in tx.session.scalars(select(Agent).where(Agent.presence == AVAILABLE)):
            agent.presence = AWAY
    assert state(store, waiting[-1])["minutes"] is None


def test_the_visitor_is_told_who_joined_and_who_ended(store):
    chat_id, _ = opened(store)
    accepted(store, chat_id)
    joined = state(store, chat_id)
    assert (joined["state"], joined["agent"]) == (ACTIVE, "Dan")
    end(store, chat_id, "agent")
    assert [(line["kind"], line["name"], line["by"]) for line in state(store, chat_id)["lines"]] == [
        ("joined", "Dan", ""),
        ("ended", "", "agent"),
    ]


def test_accepting_twice_tells_the_visitor_once(store):
    chat_id, _ = opened(store)
    agent_id = accepted(store, chat_id)
    with store.tx(SYSTEM) as tx:
        item = tx.session.get_one(WorkItem, tx.session.get_one(Chat, chat_id).item_id)
        chats.chat_accepted(tx, item, tx.session.get_one(Agent, agent_id))
    assert count(store, Event.kind == "chat.accepted") == 1


def test_a_chat_handed_back_waits_again(store):
    chat_id, _ = opened(store)
    accepted(store, chat_id)
    with store.tx(SYSTEM) as tx:
        item = tx.session.get_one(WorkItem, tx.session.get_one(Chat, chat_id).item_id)
        work_items.hand_back(tx, item)
        chats.chat_handed_back(tx, item)
    assert (state(store, chat_id)["state"], state(store, chat_id)["position"]) == (QUEUED, 1)


def test_our_message_is_delivered_once_the_window_has_shown_it(store):
    chat_id, _ = opened(store)
    agent_id = accepted(store, chat_id)
    said = answer(store, chat_id, agent_id, "Hello")
    assert shown(store, chat_id)[-1]["delivery"] == "sent"
    for count_expected in (1, 0):
        with store.tx(SYSTEM) as tx:
            assert chats.visitor_got(tx, tx.session.get_one(Chat, chat_id), said) == count_expected
    assert shown(store, chat_id)[-1]["delivery"] == "delivered"


def test_a_rating_needs_an_end_and_a_low_one_has_somebody_ask(store):
    chat_id, _ = opened(store)
    accepted(store, chat_id)

    def rate(score):
        with store.tx(SYSTEM) as tx:
            chats.rate_chat(tx, tx.session.get_one(Chat, chat_id), score)

    with pytest.raises(Conflict):
        rate(5)
    end(store, chat_id, "agent")
    for wrong in (0, 6, True, "5", None):
        with pytest.raises(Invalid):
            rate(wrong)
    rate(5)
    assert count(store, FollowUp.id > 0) == 0
    rate(1)
    assert state(store, chat_id)["rating"] == 1
    assert count(store, FollowUp.id > 0) == 1
    with store.read() as reading:  # the same record as an answer by link, mail or phone
        chat, answer = reading.get_one(Chat, chat_id), reading.scalars(select(Survey)).one()
        assert (answer.kind, answer.score, answer.channel, answer.agent_id) == ("csat", 1, "chat", chat.agent_id)
        assert answer.customer_id == reading.get_one(Ticket, chat.ticket_id).customer_id
    assert count(store, Timer.kind == "survey.recover") == 1


def test_a_tickets_page_sees_its_chat(store):
    chat_id, _ = opened(store, page_url="https://shop.example/cart?session=secret#top")
    with store.read() as reading:
        chat = reading.get_one(Chat, chat_id)
        panel = seen.chat_of_ticket(reading, chat.ticket_id)
        assert (panel.id, panel.state, panel.visitor_online) == (chat_id, QUEUED, True)
        assert panel.page_url == "https://shop.example/cart"
        assert seen.chat_of_ticket(reading, chat.ticket_id + 1) is None
        assert seen.active_chat_of(reading, seen.ticket_number(reading, chat)) is None


def test_a_desk_that_never_opens_is_closed_without_a_promise(store):
    with store.tx(SYSTEM) as tx:
        tx.session.scalar(select(Calendar)).week = [[]] * 7
        tx.session.flush()
        assert chats.reception(tx) == chats.Reception("closed")


def idle(store) -> bool:
    """Run the timer of the visitor's silence, if it is pending, as the worker does."""
    with store.tx(SYSTEM) as tx:
        timer = tx.session.scalar(select(Timer).where(Timer.kind == seen.IDLE_TIMER, Timer.done_at.is_(None)))
        if timer is None:
            return False
        timer.done_at = tx.now
        chats.visitor_idle(tx, timer.data)
        return True


def test_a_silent_visitor_is_asked_once_and_then_the_chat_ends(store):
    chat_id, _ = opened(store)
    answer(store, chat_id, accepted(store, chat_id), "Which parcel is it?")
    assert idle(store)
    assert [line["kind"] for line in state(store, chat_id)["lines"]] == ["joined", "idle"]
    assert idle(store)
    assert state(store, chat_id)["by"] == "idle"
    assert not idle(store)


def test_a_visitor_who_waits_for_our_answer_is_never_idle(store):
    chat_id, _ = opened(store)
    agent_id = accepted(store, chat_id)
    assert not idle(store)
    answer(store, chat_id, agent_id, "Which parcel is it?")
    say(store, chat_id, "The big one")
    assert not idle(store)


def test_a_file_opens_only_from_the_chat_it_was_sent_in(store):
    mine, _ = opened(store)
    theirs, _ = opened(store)
    agent_id = accepted(store, mine)
    with store.tx(SYSTEM) as tx:
        chat, agent = tx.session.get_one(Chat, mine), tx.session.get_one(Agent, agent_id)
        chats.agent_says(tx, chat, agent, str(uuid4()), "", [KeptFile("0" * 64, "bill.pdf", "application/pdf", 3)])
        file = tx.session.scalar(select(Attachment))
    assert shown(store, mine)[-1]["files"] == [{"id": file.id, "name": "bill.pdf", "size": 3}]
    with store.read() as reading:
        assert seen.file_of(reading, reading.get_one(Chat, mine), file.id).name == "bill.pdf"
        with pytest.raises(NotFound):
            seen.file_of(reading, reading.get_one(Chat, theirs), file.id)
