"""A chat that goes on by mail, what its visitor says afterwards, and who they are by their site's word."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from desk.actions.chats import chats
from desk.actions.chats.by_mail import mail_transcript
from desk.errors import Conflict, Invalid
from desk.events import SYSTEM
from desk.models import Agent, Chat, ContactPoint, Customer, FollowUp, OutboxMail, Survey, WorkItem
from desk.store import Store
from tests.desk.chat_world import open_store, question
from tests.unit.channels.chat.test_proof import KEY, token


@pytest.fixture
def store(database_url, tmp_path) -> Store:
    store = open_store(tmp_path, url=database_url)
    yield store
    store.engine.dispose()


def talking(store, **answers) -> int:
    """A chat that an agent has taken and answered; nothing of the answer has been shown to the visitor yet."""
    with store.tx(SYSTEM) as tx:
        chat, _ = chats.open_chat(tx, question(**{"email": "wang@example.com", **answers}))
        agent = tx.session.scalars(select(Agent).order_by(Agent.id)).first()
        chats.chat_accepted(tx, tx.session.get_one(WorkItem, chat.item_id), agent)
        chats.agent_says(tx, chat, agent, str(uuid4()), "It comes tomorrow.")
        return chat.id


def act(store, action, chat_id, *args, **more):
    with store.tx(SYSTEM) as tx:
        return action(tx, tx.session.get_one(Chat, chat_id), *args, **more)


def mails(store) -> list[tuple[str, str]]:
    with store.read() as reading:
        rows = reading.scalars(select(OutboxMail).order_by(OutboxMail.id))
        sent = [mail.payload for mail in rows if "It comes tomorrow." in mail.payload.get("text", "")]
        return [(payload["to"][0], payload["text"]) for payload in sent]


def test_what_a_visitor_who_is_gone_has_not_seen_goes_by_mail(store):
    chat_id = talking(store)
    act(store, chats.visitor_left, chat_id)
    act(store, chats.end_chat, chat_id, "disconnect")
    [(to, text)] = mails(store)
    assert to == "wang@example.com"
    assert "You: Where is my parcel?" in text
    assert "It comes tomorrow." in text
    assert "answer this mail" in text


def test_who_was_silent_gets_the_conversation_though_they_have_seen_it(store):
    chat_id = talking(store)
    act(store, chats.visitor_got, chat_id, 10**6)
    act(store, chats.end_chat, chat_id, "idle")
    assert len(mails(store)) == 1


@pytest.mark.parametrize("by", ["customer", "agent"])
def test_who_is_there_when_the_chat_ends_gets_no_mail(store, by):
    chat_id = talking(store)
    act(store, chats.end_chat, chat_id, by)
    assert mails(store) == []


def test_who_left_having_seen_everything_gets_no_mail_and_without_an_address_nobody_does(store):
    seen, unknown = talking(store), talking(store, email="")
    act(store, chats.visitor_got, seen, 10**6)
    for chat_id in (seen, unknown):
        act(store, chats.visitor_left, chat_id)
        act(store, chats.end_chat, chat_id, "disconnect")
    assert mails(store) == []


def test_the_conversation_is_sent_to_the_address_that_was_given_and_not_too_often(store):
    chat_id = talking(store)
    for _ in range(3):
        assert act(store, mail_transcript, chat_id, "somebody@else.example") == "wang@example.com"
    with pytest.raises(Conflict):
        act(store, mail_transcript, chat_id)
    assert [to for to, _ in mails(store)] == ["wang@example.com"] * 3


def test_without_an_address_one_is_asked_for_once_somebody_has_talked(store):
    chat_id = talking(store, email="")
    with pytest.raises(Invalid):
        act(store, mail_transcript, chat_id, "nobody")
    assert act(store, mail_transcript, chat_id, " Me@Example.com ") == "me@example.com"
    with store.tx(SYSTEM) as tx:
        waiting, _ = chats.open_chat(tx, question())
        with pytest.raises(Conflict):
            mail_transcript(tx, waiting, "victim@example.com")


def test_why_a_visitor_was_not_content_is_kept_and_one_colleague_asks(store):
    chat_id = talking(store)
    act(store, chats.end_chat, chat_id, "customer")
    act(store, chats.rate_chat, chat_id, 1)
    act(store, chats.rate_chat, chat_id, 1, "Nobody\u0000 listened")
    act(store, chats.rate_chat, chat_id, 1)
    with store.read() as reading:
        assert reading.scalar(select(Survey.comment)) == "Nobody listened"
        assert reading.scalar(select(func.count()).select_from(FollowUp)) == 1


def test_a_visitor_whom_their_site_vouches_for_is_that_customer(store):
    store.settings = replace(store.settings, chat_identity_key=KEY)
    said = {"sub": "user-7", "name": "Zhao Min", "email": "zhao@example.com", "exp": store.clock.now().timestamp() + 60}
    with store.tx(SYSTEM) as tx:
        chat, _ = chats.open_chat(tx, question(name="Anybody", email="boss@example.com", identity=token(said)))
        assert (chat.identity, chat.visitor_name) == ("user-7", "Zhao Min")
        customer = tx.session.get_one(Customer, chat.customer_id)
        [point] = tx.session.scalars(
            select(ContactPoint).where(ContactPoint.customer_id == customer.id, ContactPoint.kind == "email")
        )
        assert (point.value, point.verified) == ("zhao@example.com", True)
        forged, _ = chats.open_chat(tx, question(identity=token(said, key="x" * 32)))
        assert (forged.identity, forged.visitor_name) == ("", "Wang Wei")
