"""The life of a web chat: opened by a visitor, accepted by an agent, spoken in by both, ended, rated.

What is said are ordinary messages on the chat's ticket, so the ticket holds the transcript. Everything that adds to a chat
locks its row first: ids then grow in the order of saying, and a window that asks for what came after its last id misses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select, update

from channels.chat import form, inbound
from channels.chat.proof import read_proof
from channels.chat.secret import digest, external_id, identity, is_token, new_token
from channels.chat.words import clean
from channels.message import Contact
from desk.actions import intake
from desk.actions.calendars import calendar_of
from desk.actions.chats.answers import keep_answers, read_form
from desk.actions.chats.by_mail import mail_rest, vouched_for
from desk.actions.chats.composing import composed
from desk.actions.chats.silence import agent_answered, await_agent
from desk.actions.people import conduct, customers
from desk.actions.surveys import surveys
from desk.actions.surveys.follow_up_work import open_follow_up
from desk.actions.tickets import tickets
from desk.actions.tickets.survivors import held_still
from desk.actions.timers import clear_timer, set_timer
from desk.actions.work import work_items
from desk.actions.work.holding import lock_item, weigh
from desk.errors import Conflict, Invalid, NotFound
from desk.files import KeptFile
from desk.models import Agent, Article, Chat, ContactPoint, Customer, Message, Queue, Survey, Ticket, WorkItem
from desk.models.chat import ACTIVE, ENDED, QUEUED
from desk.models.survey import CSAT
from desk.models.ticket import LIVE, MERGED, SPAM
from desk.queries.board.waits import minutes_for_newcomer
from desk.queries.chats.blocks import is_kept_out
from desk.queries.chats.chats import (
    GONE_TIMER,
    IDLE_TIMER,
    able_agents,
    first_name,
    is_online,
    said_in,
    until_reopened,
    waiting_in,
)
from desk.queries.chats.rules import chat_rules
from desk.sentences import N_
from desk.store import Collided, Tx

MOST_COMMENT = 2000  # characters
LOW_SCORE = 2  # from here down somebody asks what went wrong
IDLE_S = 180  # a visitor who does not answer for so long is asked once, and after as long again the chat ends
REJOIN_S = 120  # how long a visitor may be away (a reload, a lost network) before the chat ends
ENDERS = ("agent", "customer", "idle", "disconnect", "system")
MOST_READ = 5  # articles that are told of

Filled = TypeVar("Filled")


@dataclass(frozen=True)
class Reception:
    """Whether somebody can chat now: `state` is open, nobody (in opening hours, but no agent is there), full or closed."""

    state: str
    opens_at: datetime | None = None
    minutes: int | None = None

    def plain(self) -> dict[str, Any]:
        """As a window reads it."""
        return {"state": self.state, "opens_at": self.opens_at.isoformat() if self.opens_at else None, "minutes": self.minutes}


def reception(tx: Tx, topic: str = "other", locale: str = "") -> Reception:
    """Is somebody there for this topic in this language, and how long would one wait? Only reads."""
    queue = intake.find_queue(tx, topic)
    found = _reception_of(tx, queue, locale)
    if found.state not in ("open", "full"):
        return found
    requires, ahead = _asked_of(queue, locale), waiting_in(tx.session, queue.id)
    return replace(found, minutes=minutes_for_newcomer(tx.session, tx.now, queue, "chat", requires, ahead))


def _reception_of(tx: Tx, queue: Queue, locale: str) -> Reception:
    """Without the minutes, which only those need who are told them."""
    calendar = calendar_of(tx.session, queue)
    if not calendar.is_open(tx.now):
        return Reception("closed", calendar.next_open(tx.now))
    if not able_agents(tx.session, _asked_of(queue, locale), tx.now):
        return Reception("nobody")
    most = chat_rules(tx.session).most_waiting
    return Reception("full" if most and waiting_in(tx.session, queue.id) >= most else "open")


def _asked_of(queue: Queue, locale: str) -> list[Any]:
    return [*queue.requires, *_language(locale)]


def open_chat(tx: Tx, filled: Mapping[str, Any], *, token: str = "", network: str = "") -> tuple[Chat, str]:
    """A visitor asks: opens a ticket with the question and puts the chat into the queue.

    `token` is the secret that the browser made up (see `channels.chat.secret`), made here when empty; the same token again
    answers with the same chat. `network` is the digest of where they come from. Raises `Invalid` with the fields that are wrong,
    `Conflict` when nobody is there (the visitor may then leave a message) and to whoever is kept out.
    """
    token = token or new_token()
    if not is_token(token):
        raise Invalid("This chat could not be opened. Load the page again.")
    token_hash = digest(token)
    before = tx.session.scalar(select(Chat).where(Chat.token_hash == token_hash))
    if before is not None:
        return before, token
    proven = read_proof(filled.get("identity"), tx.settings.chat_identity_key, tx.now.timestamp())
    if proven is not None:
        filled = {**filled, "name": proven.name or filled.get("name"), "email": proven.email or filled.get("email")}
    asked, answers = read_form(tx, form.read_opening, filled)
    who = identity(token)
    _check_welcome(tx, who, asked.email, network)
    conduct.check_may_chat(tx, (("chat", who), ("email", proven.email if proven is not None else "")), asked.email)
    _check_there(_reception_of(tx, intake.find_queue(tx, asked.topic), asked.locale))
    first = inbound.opening(asked, external_id=external_id(token_hash, asked.client_id), identity=who)
    receipt = intake.receive(tx, first, queue_key=asked.topic, queue_work=False)
    ticket = receipt.ticket
    tickets.set_fields(tx, ticket, category=asked.topic)
    queue = tx.session.get_one(Queue, ticket.queue_id)
    item = work_items.enqueue(tx, "chat", "chat", ticket, queue, skills=_language(ticket.locale))
    chat = Chat(
        token_hash=token_hash,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        item_id=item.id,
        visitor_name=asked.name,
        locale=asked.locale or ticket.locale,
        topic=asked.topic,
        page_url=asked.page_url,
        opened_at=tx.now,
        identity=proven.id if proven is not None else "",
        visitor=who,
        network=network,
        read_first=_read_first(tx, filled.get("read")),
    )
    tx.session.add(chat)
    if proven is not None and proven.email:
        vouched_for(tx, _customer(tx, chat), asked.email)
    if asked.email:
        customers.add_contact_point(tx, _customer(tx, chat), "chat", who)
    tx.emit("chat.opened", **_about(chat))
    keep_answers(tx, ticket, receipt.message, answers, evidence=f"chat {chat.id}")
    return chat, token


def come_back(tx: Tx, chat: Chat) -> bool:
    """The visitor takes a chat up again that was over: same ticket, and whoever had it is asked first. False when it runs.

    Raises `Conflict` when it is too long ago, when nobody is there, and to whoever is kept out.
    """
    _lock(tx, chat)
    if chat.state != ENDED:
        return False
    ticket = held_still(tx, tx.session.get_one(Ticket, chat.ticket_id))
    until = until_reopened(tx.session, chat)
    if until is None or until <= tx.now or ticket.id != chat.ticket_id or ticket.status in (MERGED, SPAM):
        raise Conflict("This chat has ended. Please start a new one.")
    _check_welcome(tx, chat.visitor, customers.address_of(tx, _customer(tx, chat), "email"), chat.network)
    conduct.check_may_chat(tx, (("chat", chat.visitor),), customers.address_of(tx, _customer(tx, chat), "email"))
    queue = tx.session.get_one(Queue, ticket.queue_id)
    _check_there(_reception_of(tx, queue, chat.locale))
    tickets.rouse(tx, ticket, reason="customer_wrote")
    tickets.reopen(tx, ticket, reason="customer_wrote")
    item = work_items.enqueue(tx, "chat", "chat", ticket, queue, skills=_language(chat.locale), sticky_agent_id=chat.agent_id)
    chat.state, chat.item_id, chat.agent_id, chat.ended_at, chat.ended_by = QUEUED, item.id, None, None, ""
    chat.reopened_at = tx.now
    tx.emit("chat.reopened", **_about(chat))
    return True


def visitor_says(tx: Tx, chat: Chat, client_id: str, text: str, files: Sequence[KeptFile] = ()) -> Message:
    """The visitor writes. The same `client_id` again answers with the first message. Raises `Conflict` after the end.

    Raises `Collided` when they were counted as silent while this was on its way: the rows that their load is made of are locked
    before the chat, or not at all.
    """
    was_idle = chat.idle_since is not None
    if was_idle:
        _lock_with_load(tx, chat)
    before = _said(tx, chat, client_id)
    if before is not None:
        return before
    text = _sayable(chat, client_id, text, files, after_the_end=N_("This chat has ended. Please start a new one."))
    ticket = tx.session.get_one(Ticket, chat.ticket_id)
    clear_timer(tx, IDLE_TIMER, str(chat.id))
    if chat.idle_since is not None:
        if not was_idle:
            raise Collided
        _count_whole(tx, chat)
    if chat.state == ACTIVE:
        await_agent(tx, chat)
    said = inbound.said(
        text, external_id=external_id(chat.token_hash, client_id), sender=_sender(tx, ticket, chat), locale=chat.locale
    )
    return intake.receive(tx, said, files, ticket=ticket).message


def agent_says(tx: Tx, chat: Chat, agent: Agent, client_id: str, text: str, files: Sequence[KeptFile] = ()) -> Message:
    """The agent writes; whoever of them has the chat, or steps in. Raises `Conflict` once it has ended: answer by mail then."""
    before = _said(tx, chat, client_id)
    if before is not None:
        return before
    text = _sayable(chat, client_id, text, files, after_the_end=N_("This chat has ended. Answer by mail, if we have an address."))
    ticket = tx.session.get_one(Ticket, chat.ticket_id)
    said = external_id(chat.token_hash, client_id)
    message = tickets.reply(tx, ticket, agent, text, channel="chat", files=files, external_id=said)
    message.delivery = "sent"
    agent_answered(tx, chat)
    composed(tx, chat)
    _await_answer(tx, chat, since=tx.now, warned=False)
    return message


def visitor_got(tx: Tx, chat: Chat, up_to: int) -> int:
    """The visitor's window has shown our messages up to this id. Returns how many became delivered by that."""
    ours = [row["id"] for row in said_in(tx.session, chat) if row["from"] == "agent" and row["delivery"] != "delivered"]
    reached = [message_id for message_id in ours if message_id <= up_to]
    if reached:
        tx.session.execute(update(Message).where(Message.id.in_(reached)).values(delivery="delivered"))
        tx.emit("chat.delivered", data={"up_to": reached[-1]}, **_about(chat))
    return len(reached)


def chat_accepted(tx: Tx, item: WorkItem, agent: Agent) -> Chat | None:
    """The agent has taken the work item: the chat is theirs, and the visitor is told. None when the item is no chat's."""
    chat = tx.session.scalar(select(Chat).where(Chat.item_id == item.id))
    if chat is None or chat.state == ENDED or (chat.state == ACTIVE and chat.agent_id == agent.id):
        return chat
    _lock(tx, chat)
    chat.state, chat.agent_id, chat.answered_at = ACTIVE, agent.id, chat.answered_at or tx.now
    chat.idle_since = None
    await_agent(tx, chat)
    tx.emit("chat.accepted", agent=agent, data={"name": first_name(agent.name)}, **_about(chat))
    ticket = tx.session.get_one(Ticket, chat.ticket_id)
    if ticket.owner_id is None:
        tickets.assign(tx, ticket, agent.id)
    return chat


def chat_handed_back(tx: Tx, item: WorkItem) -> Chat | None:
    """The item went back into a queue (moved, or meant for a colleague): the visitor waits again and is told so."""
    chat = tx.session.scalar(select(Chat).where(Chat.item_id == item.id))
    if chat is None or chat.state != ACTIVE:
        return chat
    _lock(tx, chat)
    chat.state, chat.agent_id, chat.idle_since = QUEUED, None, None
    clear_timer(tx, IDLE_TIMER, str(chat.id))  # from now on it is we who are waited for
    agent_answered(tx, chat)
    tx.emit("chat.handed_back", **_about(chat))
    return chat


def end_chat(tx: Tx, chat: Chat, by: str) -> bool:
    """The conversation is over; False when it already was.

    An agent who has it goes on to the wrap-up, which is whole work again if the customer was silent. If nobody had answered, the
    waiting is over, and the question becomes a ticket to be answered by mail where we have an address.
    """
    if by not in ENDERS:
        raise Invalid("A chat cannot be ended by “%(by)s”.", by=by)
    item = tx.session.get(WorkItem, chat.item_id) if chat.item_id is not None else None
    if item is not None:
        lock_item(tx, item)
    _lock(tx, chat)
    if chat.state == ENDED:
        return False
    was_idle, chat.idle_since, chat.composing_until = chat.idle_since is not None, None, None
    chat.state, chat.ended_at, chat.ended_by = ENDED, tx.now, by
    mail_rest(tx, chat, by, away=not is_online(tx.session, chat.id))
    for kind in (GONE_TIMER, IDLE_TIMER):
        clear_timer(tx, kind, str(chat.id))
    agent_answered(tx, chat)
    tx.emit("chat.ended", agent=chat.agent_id, data={"by": by}, **_about(chat))
    if item is not None and work_items.abandon(tx, item):
        _leave_to_mail(tx, chat)
    elif item is not None:
        work_items.begin_wrap_up(tx, item)
    if was_idle and item is not None and item.agent_id is not None:
        weigh(tx, item.agent_id)
    return True


def rate_chat(tx: Tx, chat: Chat, score: int, comment: str = "") -> None:
    """The visitor says how it was, 1 to 5, once the chat has ended; a second answer replaces the first, an empty comment none."""
    if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
        raise Invalid("Please choose from 1 to 5.")
    if chat.state != ENDED:
        raise Conflict("You can rate the chat when it has ended.")
    comment = clean(comment)[:MOST_COMMENT]
    if chat.rating == score and not comment:
        return
    low_before = chat.rating is not None and chat.rating <= LOW_SCORE
    ticket = tx.session.get_one(Ticket, chat.ticket_id)
    sheet = select(Survey).where(Survey.ticket_id == chat.ticket_id, Survey.channel == "chat", Survey.kind == CSAT)
    survey = tx.session.scalar(sheet.order_by(Survey.id.desc()).limit(1))
    if survey is None:
        survey = surveys.new_sheet(tx, ticket, "chat", CSAT, chat.ended_at or tx.now, agent_id=chat.agent_id)
    chat.rating = survey.score = ticket.score = score
    survey.answered_at, survey.comment = tx.now, comment or survey.comment or ""
    surveys.recover_soon(tx, survey)
    tx.emit("chat.rated", agent=chat.agent_id, data={"score": score}, **_about(chat))
    if score <= LOW_SCORE and not low_before:
        open_follow_up(tx, ticket, "low_score", exclude=chat.agent_id)


def leave_message(tx: Tx, filled: Mapping[str, Any], *, token: str, network: str = "") -> Ticket:
    """Nobody is there: the message becomes a ticket, to be answered by mail. Sent twice, it is one ticket."""
    if not is_token(token):
        raise Invalid("This message could not be sent. Load the page again.")
    letter, answers = read_form(tx, form.read_letter, filled)
    who = identity(token)
    _check_welcome(tx, who, letter.email, network)
    receipt = intake.receive(tx, inbound.letter(letter, identity=who), queue_key=letter.topic)
    if not receipt.duplicate:
        tickets.set_fields(tx, receipt.ticket, category=letter.topic)
        keep_answers(tx, receipt.ticket, receipt.message, answers, evidence=f"message {receipt.message.id}")
    return receipt.ticket


def visitor_left(tx: Tx, chat: Chat) -> None:
    """The visitor's last window is gone; they have `REJOIN_S` to come back."""
    if chat.state == ENDED or not is_online(tx.session, chat.id):
        return
    set_timer(tx, GONE_TIMER, str(chat.id), tx.now + timedelta(seconds=REJOIN_S), {"chat_id": chat.id})
    tx.emit("chat.visitor_left", **_about(chat))


def visitor_came(tx: Tx, chat: Chat) -> None:
    """The visitor has the chat open, perhaps again."""
    if is_online(tx.session, chat.id):
        return
    clear_timer(tx, GONE_TIMER, str(chat.id))
    tx.emit("chat.visitor_came", **_about(chat))


def visitor_gone(tx: Tx, data: dict[str, Any]) -> None:
    """The visitor did not come back in time: the chat ends. What a timer of kind `GONE_TIMER` does."""
    chat = tx.session.get(Chat, data["chat_id"])
    if chat is not None:
        end_chat(tx, chat, "disconnect")


def visitor_idle(tx: Tx, data: dict[str, Any]) -> None:
    """The visitor has not answered for `IDLE_S`: asked the first time, ended the second. What an `IDLE_TIMER` does.

    The timer runs only from the agent's message to the visitor's next, so nobody's unanswered question is cut off. From being
    asked until they write the chat is half a chat to its agent: not from our word on, as everybody needs a moment to read and to
    write, and an agent would be offered one chat more with each of their answers.
    """
    chat = tx.session.get(Chat, data["chat_id"])
    if chat is None or chat.state != ACTIVE:
        return
    if data["warned"]:
        end_chat(tx, chat, "idle")
        return
    _lock_with_load(tx, chat)
    if chat.state != ACTIVE or chat.agent_id is None:
        return
    # Timers that an earlier release had set do not say since when.
    since = datetime.fromisoformat(data["since"]) if "since" in data else tx.now - timedelta(seconds=IDLE_S)
    if chat.idle_since is None:
        chat.idle_since = since
        weigh(tx, chat.agent_id)
    tx.emit("chat.idle_warned", agent=chat.agent_id, **_about(chat))
    _await_answer(tx, chat, since=since, warned=True)


def _check_there(there: Reception) -> None:
    if there.state == "full":
        sentence = "Many people are waiting just now. Leave a message, and we will answer by mail."
        raise Conflict(sentence, allowed=("leave_message",))
    if there.state != "open":
        raise Conflict("Nobody can chat just now. Leave a message, and we will answer by mail.", allowed=("leave_message",))


def _check_welcome(tx: Tx, visitor: str, email: str, network: str) -> None:
    """Raises `Conflict`, kindly, for somebody who is kept out at the moment."""
    if is_kept_out(tx.session, tx.now, visitor=visitor, email=email, network=network):
        raise Conflict(
            "We cannot chat with you at the moment. If that seems wrong to you, please make a complaint: somebody else reads it.",
            allowed=("complain",),
        )


def _read_first(tx: Tx, told: object) -> list[dict[str, Any]]:
    """The articles that the visitor's window says it has opened."""
    keys = [key for key in told if isinstance(key, str)][-MOST_READ:] if isinstance(told, list) else []
    found = tx.session.execute(select(Article.key, Article.title).where(Article.key.in_(keys))) if keys else ()
    return [{"id": key, "title": title} for key, title in found]


def _await_answer(tx: Tx, chat: Chat, *, since: datetime, warned: bool) -> None:
    due = tx.now + timedelta(seconds=IDLE_S)
    set_timer(tx, IDLE_TIMER, str(chat.id), due, {"chat_id": chat.id, "since": since.isoformat(), "warned": warned})


def _count_whole(tx: Tx, chat: Chat) -> None:
    """The visitor speaks again: at once a whole chat, even where that is more than its agent should have.

    Nobody is thrown out for it; nothing new is offered until there is room.
    """
    chat.idle_since = None
    if chat.agent_id is not None:
        weigh(tx, chat.agent_id)
    tx.emit("chat.idle_ended", agent=chat.agent_id, **_about(chat))


def _leave_to_mail(tx: Tx, chat: Chat) -> None:
    ticket = tx.session.get_one(Ticket, chat.ticket_id)
    if ticket.status in LIVE and customers.address_of(tx, _customer(tx, chat), "email"):
        tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))


def _lock(tx: Tx, chat: Chat) -> None:
    """One at a time, so that ids grow in the order of saying; reads the row as it is now."""
    tx.session.flush()
    tx.session.refresh(chat, with_for_update=True)


def _lock_with_load(tx: Tx, chat: Chat) -> None:
    """The chat's row after its agent's and its work's, as what the agent carries is about to change with it."""
    while True:
        with suppress(_MovedOn), tx.session.begin_nested():
            item_id = chat.item_id
            if item_id is not None:
                lock_item(tx, tx.session.get_one(WorkItem, item_id))
            _lock(tx, chat)
            if chat.item_id != item_id:
                raise _MovedOn  # lets go of all three, so that they are taken in their order
            return


def _said(tx: Tx, chat: Chat, client_id: str) -> Message | None:
    """The message with this client id if it has come before. From here on nobody else adds to the chat."""
    said = external_id(chat.token_hash, _checked(form.read_client_id, {"client_id": client_id}))
    _lock(tx, chat)
    return tx.session.scalar(select(Message).where(Message.channel == "chat", Message.external_id == said))


def _sayable(chat: Chat, client_id: str, text: str, files: Sequence[KeptFile], *, after_the_end: str) -> str:
    if chat.state == ENDED:
        raise Conflict(after_the_end)
    return _checked(form.read_said, {"client_id": client_id, "text": text or ("📎" if files else "")})[1]


def _sender(tx: Tx, ticket: Ticket, chat: Chat) -> Contact:
    """The visitor by a contact point of the customer whose ticket it is, also after customers were merged."""
    query = select(ContactPoint).where(ContactPoint.customer_id == ticket.customer_id)
    point = tx.session.scalar(query.order_by(ContactPoint.kind != "chat", ContactPoint.id).limit(1))
    if point is None:
        raise NotFound("This chat is no longer here. Please start a new one.")
    return Contact(point.kind, point.value, chat.visitor_name)


def _customer(tx: Tx, chat: Chat) -> Customer:
    return tx.session.get_one(Customer, chat.customer_id)


def _language(locale: str) -> tuple[tuple[str, int], ...]:
    return ((f"lang:{locale}", 1),) if locale else ()


def _checked(read: Callable[[Mapping[str, Any]], Filled], filled: Mapping[str, Any]) -> Filled:
    try:
        return read(filled)
    except form.Refused as refused:
        raise Invalid("Please check these answers.", fields=refused.fields) from refused


class _MovedOn(Exception):
    """The chat got other work while its lock was waited for."""


def _about(chat: Chat) -> dict[str, Any]:
    return {"chat": chat, "ticket": chat.ticket_id, "customer": chat.customer_id, "item": chat.item_id}
