"""What is asked before a chat, what was agreed to, who is kept out, coming back, and who is invited."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from channels.chat.secret import new_token
from desk.actions.chats import blocks, chats
from desk.actions.chats.rules import set_rules
from desk.actions.people import consents
from desk.actions.tickets.own_fields import write_field
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid
from desk.events import SYSTEM, Actor
from desk.models import Agent, Chat, ChatBlock, Consent, ContactPoint, Customer, Message, Setting, Ticket, WorkItem
from desk.models.chat import BROWSER, EMAIL, NETWORK
from desk.models.ticket import OPEN, SOLVED
from desk.queries.chats.chats import lines_of, state_of
from desk.queries.chats.rules import ChatRules, Invitation, chat_rules, invitation_on
from desk.queries.people.consents import consent_in_force
from tests.desk.chat_world import open_store, question

DAY_S = 24 * 3600
TEXTS = {"en": "I agree that this is kept.", "zh": "我同意保存这些内容。"}


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path)
    yield store
    store.engine.dispose()


def rule(store, **rules):
    with store.tx(SYSTEM) as tx:
        set_rules(tx, replace(chat_rules(tx.session), **rules))


def own_field(store, key="order", kind="text", **more):
    with store.tx(SYSTEM) as tx:
        labels = {"en": "Order number", "zh": "订单号"}
        write_field(tx, None, key=key, kind=kind, labels=labels, choices=(), needed=False, position=1, **more)


def opened(store, token="", network="", **answers):
    with store.tx(SYSTEM) as tx:
        return chats.open_chat(tx, question(**answers), token=token, network=network)[0].id


def accepted(store, chat_id, name="Dan Okafor"):
    with store.tx(SYSTEM) as tx:
        agent = tx.session.scalar(select(Agent).where(Agent.name == name))
        chat = tx.session.get_one(Chat, chat_id)
        work_items.take(tx, chat.item_id, agent.id)
        chats.chat_accepted(tx, tx.session.get_one(WorkItem, chat.item_id), agent)
        return agent.id


def ended(store, chat_id, by="customer"):
    with store.tx(SYSTEM) as tx:
        chats.end_chat(tx, tx.session.get_one(Chat, chat_id), by)


def act(store, action, chat_id, *args, **more):
    with store.tx(Actor("agent", None, "Sumin")) as tx:
        return action(tx, tx.session.get_one(Chat, chat_id), *args, **more)


# Asked first


def test_answers_the_number_and_the_consent_are_kept_where_they_belong(store):
    own_field(store)
    rule(store, phone="required", fields={"order": "required"}, consent=TEXTS)
    chat_id = opened(store, **{"phone": "0086 138 0013 8000", "answer-order": " A-17 ", "consent": "1", "locale": "zh"})
    with store.read() as reading:
        chat = reading.get_one(Chat, chat_id)
        assert reading.get_one(Ticket, chat.ticket_id).answers == {"order": "A-17"}
        numbers = select(ContactPoint.value).where(ContactPoint.kind == "phone", ContactPoint.customer_id == chat.customer_id)
        assert reading.scalar(numbers) == "+8613800138000"
        assert reading.scalar(select(Message)).meta["phone"] == "+8613800138000"
        given = reading.scalar(select(Consent))
        assert (given.text, given.locale, given.version, given.ticket_id) == (TEXTS["zh"], "zh", 1, chat.ticket_id)


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_kept(store):
    own_field(store)
    own_field(store, "since", "date")
    rule(store, phone="optional", fields={"order": "required", "since": "optional"}, consent=TEXTS)
    with pytest.raises(Invalid) as refused:
        opened(store, **{"name": "", "phone": "12", "answer-since": "yesterday"})
    assert set(refused.value.fields) == {"name", "phone", "answer-order", "answer-since", "consent"}
    with store.read() as reading:
        assert reading.scalar(select(func.count()).select_from(Ticket)) == 0


def test_who_names_an_address_that_is_known_hangs_no_number_on_its_record(store):
    rule(store, phone="optional")
    known = opened(store, email="li.na@customers.example")
    store.clock.tick(60)
    stranger = opened(store, email="li.na@customers.example", phone="+8613800138000")
    with store.read() as reading:
        assert reading.get_one(Chat, stranger).customer_id == reading.get_one(Chat, known).customer_id
        assert reading.scalar(select(func.count()).where(ContactPoint.kind == "phone")) == 0
        assert reading.scalars(select(Message.meta).order_by(Message.id.desc())).first()["phone"] == "+8613800138000"


def test_a_number_of_somebody_else_stays_theirs_and_is_not_lost(store):
    rule(store, phone="optional")
    first = opened(store, phone="+8613800138000")
    second = opened(store, phone="+8613800138000")
    with store.read() as reading:
        theirs = reading.scalar(select(ContactPoint.customer_id).where(ContactPoint.kind == "phone"))
        assert theirs == reading.get_one(Chat, first).customer_id != reading.get_one(Chat, second).customer_id
        assert [message.meta["phone"] for message in reading.scalars(select(Message))] == ["+8613800138000"] * 2


def test_another_wording_is_a_new_version_and_the_old_consent_keeps_its_own(store):
    rule(store, consent=TEXTS)
    opened(store, consent="1")
    rule(store, consent={**TEXTS, "en": "Another text."})
    rule(store, phone="optional")
    opened(store, consent="1")
    with store.read() as reading:
        said = reading.execute(select(Consent.version, Consent.text).order_by(Consent.id)).all()
        assert said == [(1, TEXTS["en"]), (2, "Another text.")]


def test_a_consent_is_taken_back_by_a_row_of_its_own(store):
    rule(store, consent=TEXTS)
    chat_id = opened(store, consent="1")
    with store.tx(SYSTEM) as tx:
        customer = tx.session.get_one(Customer, tx.session.get_one(Chat, chat_id).customer_id)
        consents.withdraw(tx, customer, "chat", evidence="told us by phone")
        with pytest.raises(Conflict):
            consents.withdraw(tx, customer, "chat", evidence="again")
    with store.read() as reading:
        assert [row.action for row in reading.scalars(select(Consent).order_by(Consent.id))] == ["given", "withdrawn"]
        assert consent_in_force(reading, customer.id, "chat") is None


def test_a_message_left_is_asked_the_same(store):
    rule(store, consent=TEXTS)
    letter = question(email="wang@example.com")
    with pytest.raises(Invalid) as refused, store.tx(SYSTEM) as tx:
        chats.leave_message(tx, letter, token=new_token())
    assert set(refused.value.fields) == {"consent"}
    with store.tx(SYSTEM) as tx:
        chats.leave_message(tx, {**letter, "consent": "1"}, token=new_token())
        assert tx.session.scalar(select(func.count()).select_from(Consent)) == 1


@pytest.mark.parametrize(
    ("rules", "wrong"),
    [
        ({"phone": "perhaps"}, "phone"),
        ({"fields": {"nothing": "required"}}, "fields"),
        ({"consent": {"en": "Only one", "zh": ""}}, "consent_zh"),
        ({"reopen_h": -1}, "reopen_h"),
        ({"most_waiting": 5000}, "most_waiting"),
        ({"invitations": (Invitation("no page", 30, TEXTS),)}, "page-0"),
        ({"invitations": (Invitation("/*", 5, TEXTS),)}, "after-0"),
        ({"invitations": (Invitation("/*", 30, {"en": "Hello", "zh": ""}),)}, "text-0-zh"),
    ],
)
def test_rules_that_cannot_be_are_refused(store, rules, wrong):
    with pytest.raises(Invalid) as refused:
        rule(store, **rules)
    assert set(refused.value.fields) == {wrong}


def test_rules_come_back_as_they_were_kept(store):
    own_field(store)
    kept = ChatRules(
        phone="optional",
        fields={"order": "required"},
        consent=TEXTS,
        consent_version=1,
        most_waiting=7,
        invitations=(Invitation("/plans/*", 45, TEXTS),),
    )
    rule(store, **{name: getattr(kept, name) for name in ("phone", "fields", "consent", "most_waiting", "invitations")})
    with store.read() as reading:
        assert chat_rules(reading) == kept
        assert reading.get_one(Setting, "chat").value["consent_version"] == 1


# Kept out


@pytest.mark.parametrize("mark", [BROWSER, EMAIL, NETWORK])
def test_whoever_is_known_again_is_kept_out_until_the_day_and_reaches_no_queue(store, mark):
    token = new_token()
    seen = {"token": token, "network": "n1", "email": "wang@example.com"}
    chat_id = opened(store, **seen)
    act(store, blocks.block, chat_id, marks=[mark], reason="Threats", days=7)
    again = {
        BROWSER: {"token": token.partition(".")[0] + ".another-chat"},
        EMAIL: {"email": "WANG@example.com"},
        NETWORK: {"network": "n1"},
    }[mark]
    with pytest.raises(Conflict) as refused:
        opened(store, **again)
    assert refused.value.allowed == ("complain",)
    letter = question(**{"email": "new@example.com", **again})
    with pytest.raises(Conflict), store.tx(SYSTEM) as tx:
        chats.leave_message(tx, letter, token=again.get("token", new_token()), network=again.get("network", ""))
    assert opened(store, email="other@example.com", network="n2")
    store.clock.tick(7 * DAY_S)
    assert opened(store, **again)
    with store.read() as reading:
        assert reading.get_one(Chat, chat_id).ended_by == "system"


def test_keeping_out_needs_a_reason_a_time_and_a_mark_that_is_known(store):
    chat_id = opened(store)
    with pytest.raises(Invalid) as refused:
        act(store, blocks.block, chat_id, marks=[EMAIL], reason=" ", days=0)
    assert set(refused.value.fields) == {"reason", "days", "marks"}


def test_who_was_let_in_again_chats_as_before(store):
    token = new_token()
    chat_id = opened(store, token=token)
    act(store, blocks.block, chat_id, marks=[BROWSER], reason="By mistake", days=7)
    with store.tx(SYSTEM) as tx:
        row = tx.session.scalar(select(ChatBlock))
        blocks.lift(tx, row)
        with pytest.raises(Conflict):
            blocks.lift(tx, row)
    assert opened(store, token=token.partition(".")[0] + ".another-chat") != chat_id


# Coming back


def test_a_chat_is_taken_up_again_with_its_ticket_and_whoever_had_it(store):
    chat_id = opened(store)
    agent_id = accepted(store, chat_id)
    ended(store, chat_id, "agent")
    with store.tx(SYSTEM) as tx:
        chat = tx.session.get_one(Chat, chat_id)
        before = chat.item_id
        ticket = tx.session.get_one(Ticket, chat.ticket_id)
        ticket.status, ticket.solved_at = SOLVED, tx.now
    with store.read() as reading:
        assert state_of(reading, reading.get_one(Chat, chat_id), store.clock.now())["can_reopen"]
    assert act(store, chats.come_back, chat_id)
    assert not act(store, chats.come_back, chat_id)
    with store.read() as reading:
        chat = reading.get_one(Chat, chat_id)
        item = reading.get_one(WorkItem, chat.item_id)
        assert (chat.state, item.ticket_id, item.sticky_agent_id) == ("queued", chat.ticket_id, agent_id)
        assert item.id != before
        assert [line["kind"] for line in lines_of(reading, [chat])[chat.id]] == ["joined", "ended", "reopened"]
        assert reading.scalars(select(Ticket)).one().status == OPEN
    accepted(store, chat_id)
    with store.tx(SYSTEM) as tx:
        chats.visitor_says(tx, tx.session.get_one(Chat, chat_id), "0123456789", "Here I am again")


def test_after_the_time_or_kept_out_nobody_comes_back(store):
    late = opened(store)
    ended(store, late)
    store.clock.tick(DAY_S)
    with pytest.raises(Conflict):
        act(store, chats.come_back, late)
    with store.read() as reading:
        assert not state_of(reading, reading.get_one(Chat, late), store.clock.now())["can_reopen"]
    kept = opened(store)
    act(store, blocks.block, kept, marks=[BROWSER], reason="Threats", days=7)
    with pytest.raises(Conflict):
        act(store, chats.come_back, kept)


def test_when_the_line_is_long_enough_a_newcomer_is_offered_the_other_ways(store):
    rule(store, most_waiting=1)
    opened(store)
    with pytest.raises(Conflict) as refused:
        opened(store)
    assert refused.value.allowed == ("leave_message",)
    with store.tx(SYSTEM) as tx:
        assert chats.reception(tx).state == "full"


# Invited


@pytest.mark.parametrize(
    ("page", "url", "meant"),
    [
        ("/plans/*", "https://shop.example/plans/home", True),
        ("/plans/*", "https://shop.example/about", False),
        ("shop.example/*", "https://shop.example/about", True),
        ("shop.example/*", "https://other.example/about", False),
        ("/*", "https://shop.example/complaints/new", False),
        ("/*", "https://shop.example/privacy", False),
        ("/*", "not an address", False),
    ],
)
def test_an_invitation_is_for_its_pages_and_never_where_people_complain(page, url, meant):
    rules = ChatRules(invitations=(Invitation(page, 30, TEXTS),))
    assert (invitation_on(rules, url) is not None) == meant


def test_what_was_read_first_goes_along(store):
    assert opened(store, read=["no-such-article", 7])
    with store.read() as reading:
        assert reading.scalar(select(Chat)).read_first == []


def test_the_database_itself_keeps_consents_as_they_were(house):
    with house.tx() as tx:
        customer = Customer(name="Li Na", created_at=tx.now)
        tx.session.add(customer)
        tx.session.flush()
        words = {"purpose": "chat", "channel": "chat", "action": "given", "locale": "en", "text": "x", "evidence": ""}
        tx.session.add(Consent(customer_id=customer.id, version=1, at=tx.now, **words))
    with pytest.raises(DBAPIError, match="append-only"), house.tx() as tx:
        tx.session.execute(update(Consent).values(text="y"))
