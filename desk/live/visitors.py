"""The visitor namespace `/visitor`: chats as their visitors see them, over connections that may break at any moment.

A window proves itself with its chat's token and then says, asks and rates for this chat only. What it is sent comes from the
events of committed transactions and through `desk.queries.chats`, which knows what a visitor may see. Every answer to a window is
`{"ok": true, …}` or `{"ok": false, "status": …, "error": sentence, "fields": {…}}`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import request
from flask_babel import force_locale, gettext
from flask_socketio import Namespace, SocketIO, join_room
from limits import parse
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from desk.actions.chats import chats
from desk.actions.chats.by_mail import mail_transcript
from desk.config import LOCALES
from desk.counts import CountsHere
from desk.errors import DeskError, NotFound, TooMany
from desk.events import SYSTEM, Actor, Event
from desk.installation import Installation
from desk.live.attendance import LATER_S, Attendance
from desk.live.hang_up import hang_up
from desk.live.waiting import Waiting
from desk.models import Chat, Message
from desk.models.chat import ENDED
from desk.queries.articles.help_centre import suggested
from desk.queries.chats import chats as seen
from desk.store import StoreAway, Tx

log = logging.getLogger(__name__)

NAMESPACE = "/visitor"
MOST_WRITTEN = 2_000  # characters that are looked at for suggestions
Handler = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Limits:
    """How often is too often, in the words of the `limits` library; `open` counts by address, the rest by connection."""

    open: str = "30 per 10 minutes"
    leave: str = "10 per 10 minutes"
    say: str = "40 per minute"
    ask: str = "240 per minute"


@dataclass
class Window:
    """One connected window: the chat it shows, if any, and the language it speaks."""

    locale: str
    chat_id: int | None = None


def install(
    socketio: SocketIO,
    desk: Installation,
    attendance: Attendance,
    on_visitor_typing: Callable[[int, int], None] = lambda _chat_id, _ticket_number: None,
    limits: Limits | None = None,
) -> Visitors:
    """Serve the namespace and push what is committed. `on_visitor_typing(chat_id, ticket_number)` tells the staff's screens."""
    visitors = Visitors(socketio, desk, attendance, on_visitor_typing, limits or Limits())
    socketio.on_namespace(visitors)
    desk.store.subscribe(visitors.publish)
    return visitors


def answering(limit: str) -> Callable[[Handler], Handler]:
    """Make a handler answer its window whatever happens, in the window's language, and refuse what comes too often."""

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        def answer(self: Visitors, data: Any = None) -> dict[str, Any]:
            with force_locale(self.window().locale):
                try:
                    self.check_rate(limit)
                    return {"ok": True, **handler(self, data if isinstance(data, dict) else {})}
                except DeskError as error:
                    return _refusal(error)
                except Exception:
                    log.exception("a visitor's “%s” failed", handler.__name__)
                    sentence = gettext("Something went wrong on our side and nothing was changed. Please try again.")
                    return {"ok": False, "status": 500, "error": sentence}

        return answer

    return wrap


class Visitors(Namespace):
    """The connections of visitors."""

    def __init__(
        self,
        socketio: SocketIO,
        desk: Installation,
        attendance: Attendance,
        on_visitor_typing: Callable[[int, int], None],
        limits: Limits,
    ) -> None:
        super().__init__(NAMESPACE)
        self._socketio = socketio
        self._desk = desk
        self.on_visitor_typing = on_visitor_typing
        self.limits = limits
        self._attendance = attendance
        attendance.here["chat"], attendance.gone["chat"], attendance.back["chat"] = self._here, self._left, self._came
        self._of_windows = MovingWindowRateLimiter(CountsHere())
        self._of_addresses = MovingWindowRateLimiter(desk.counts)
        self._windows: dict[str, Window] = {}
        self._lock = threading.Lock()
        self._news: deque[Event] = deque()
        self._telling = False
        self._waiting = Waiting(socketio, desk, self._here, self._tell_here)

    def on_connect(self, auth: Any = None) -> None:
        """Anyone may connect; a token brings the window to its chat."""
        auth = auth if isinstance(auth, dict) else {}
        locale = auth.get("locale")
        with self._lock:
            self._windows[_sid()] = Window(locale if locale in LOCALES else self._desk.settings.locale)
        if auth.get("token"):
            try:
                self._enter(auth["token"])
            except NotFound:
                log.info("a window came with the token of no chat")
            except StoreAway:
                hang_up(self._socketio, NAMESPACE)

    def on_disconnect(self, _reason: Any = None) -> None:
        with self._lock:
            window = self._windows.pop(_sid(), None)
            if window is None or window.chat_id is None or window.chat_id in (other.chat_id for other in self._windows.values()):
                return
        try:
            self._left(window.chat_id)
        except StoreAway:
            self._attendance.left("chat", window.chat_id, LATER_S)
            return
        self._attendance.forget("chat", window.chat_id)
        # Windows that another process serves say that they are still here.
        self._socketio.emit("anyone", namespace=NAMESPACE, to=room_of(window.chat_id))

    @answering("ask")
    def on_since(self, data: dict[str, Any]) -> dict[str, Any]:
        """Everything after message id `after`, and where the chat stands; without a chat, whether somebody is there."""
        if data.get("token"):
            self._enter(data["token"])
        chat_id = self.window().chat_id
        if chat_id is None:
            with self._desk.store.read() as reading:
                asking = Tx(reading, self._desk.clock.now(), SYSTEM, self._desk.settings)
                return {"chat": None, "reception": chats.reception(asking, locale=self.window().locale).plain()}
        with self._desk.store.read() as reading:
            chat = reading.get_one(Chat, chat_id)
            said = seen.said_in(reading, chat, _number(data.get("after")))
            return {
                "chat": chat.id,
                "state": seen.state_of(reading, chat, self._desk.clock.now()),
                "messages": said,
                "more": len(said) == seen.AT_ONCE,
            }

    @answering("open")
    def on_open(self, data: dict[str, Any]) -> dict[str, Any]:
        """Open a chat with this window's `token`; sent again, it is the same chat."""
        token, actor = str(data.get("token") or ""), Actor("customer", None, str(data.get("name") or "")[:100])
        try:
            with self._desk.store.tx(actor) as tx:
                chats.open_chat(tx, data, token=token, network=self._network())
        except IntegrityError:  # two windows opened it at once: the second finds what the first has made
            with self._desk.store.tx(actor) as tx:
                chats.open_chat(tx, data, token=token, network=self._network())
        self._enter(token)
        return {"chat": self.window().chat_id}

    @answering("ask")
    def on_suggest(self, data: dict[str, Any]) -> dict[str, Any]:
        """Answers for what is being written, before it is sent. Nothing of it is kept."""
        hits = suggested(self._desk.knowledge, str(data.get("text") or "")[:MOST_WRITTEN])
        return {"hits": [{"title": hit.title, "href": f"/articles/{hit.id}", "lang": hit.lang} for hit in hits]}

    @answering("leave")
    def on_leave(self, data: dict[str, Any]) -> dict[str, Any]:
        """Leave a message, to be answered by mail; answers with the ticket's number."""
        with self._desk.store.tx(Actor("customer", None, str(data.get("name") or "")[:100])) as tx:
            ticket = chats.leave_message(tx, data, token=str(data.get("token") or ""), network=self._network())
            return {"number": ticket.number}

    @answering("say")
    def on_say(self, data: dict[str, Any]) -> dict[str, Any]:
        """Say something; answers with the message's id. Sent again with the same `client_id`, it is the same message."""
        chat, actor = self._mine()
        client_id, text = data.get("client_id", ""), data.get("text", "")
        message = self._desk.store.write(
            actor, lambda tx: chats.visitor_says(tx, tx.session.get_one(Chat, chat.id), client_id, text)
        )
        return {"id": message.id, "at": message.created_at.isoformat(), "client_id": client_id}

    @answering("ask")
    def on_got(self, data: dict[str, Any]) -> dict[str, Any]:
        """The window has shown everything up to message id `up_to`."""
        chat, actor = self._mine()
        with self._desk.store.tx(actor) as tx:
            return {"count": chats.visitor_got(tx, tx.session.get_one(Chat, chat.id), _number(data.get("up_to")))}

    @answering("ask")
    def on_typing(self, _data: dict[str, Any]) -> dict[str, Any]:
        """The visitor is writing."""
        chat, _ = self._mine()
        if chat.state != ENDED:
            with self._desk.store.read() as reading:
                number = seen.ticket_number(reading, chat)
            self.on_visitor_typing(chat.id, number)
        return {}

    @answering("ask")
    def on_here(self, _data: dict[str, Any]) -> dict[str, Any]:
        """The answer to `anyone`: this window is still open."""
        chat, actor = self._mine()
        with self._desk.store.tx(actor) as tx:
            chats.visitor_came(tx, tx.session.get_one(Chat, chat.id))
        return {}

    @answering("ask")
    def on_end(self, _data: dict[str, Any]) -> dict[str, Any]:
        """The visitor ends the chat."""
        chat, actor = self._mine()
        with self._desk.store.tx(actor) as tx:
            chats.end_chat(tx, tx.session.get_one(Chat, chat.id), "customer")
        return {}

    @answering("open")
    def on_reopen(self, _data: dict[str, Any]) -> dict[str, Any]:
        """The visitor takes the chat up again that was over."""
        chat, actor = self._mine()
        with self._desk.store.tx(actor) as tx:
            chats.come_back(tx, tx.session.get_one(Chat, chat.id))
        return {}

    @answering("ask")
    def on_rate(self, data: dict[str, Any]) -> dict[str, Any]:
        """The visitor rates the chat, 1 to 5, and may say why."""
        chat, actor = self._mine()
        with self._desk.store.tx(actor) as tx:
            chats.rate_chat(tx, tx.session.get_one(Chat, chat.id), data.get("score"), data.get("comment") or "")
        return {}

    @answering("leave")
    def on_mail_transcript(self, data: dict[str, Any]) -> dict[str, Any]:
        """The visitor wants the conversation by mail; answers with the address that it goes to."""
        chat, actor = self._mine()
        with self._desk.store.tx(actor) as tx:
            chat = tx.session.get_one(Chat, chat.id, with_for_update=True)
            return {"email": mail_transcript(tx, chat, str(data.get("email") or "")[:254])}

    def agent_typing(self, chat_id: int, name: str) -> None:
        """An agent is writing to the visitor of this chat."""
        self._socketio.emit("typing", {"name": seen.first_name(name)}, namespace=NAMESPACE, to=room_of(chat_id))

    def agent_typing_on(self, ticket_number: int, name: str) -> None:
        """An agent is writing on this ticket: told to its chat's visitor, if a chat is running."""
        with self._desk.store.read() as reading:
            chat = seen.active_chat_of(reading, ticket_number)
        if chat is not None:
            self.agent_typing(chat.id, name)

    def publish(self, events: Sequence[Event]) -> None:
        """After a commit: have the windows told, one batch after the other, without keeping the writer waiting."""
        with self._lock:
            if self._windows:  # a window that opens just now reads all that is after it is among them
                self._news.extend(event for event in events if _concerns_visitors(event))
            if self._telling or not self._news:
                return
            self._telling = True
        self._socketio.start_background_task(self._tell)

    def count(self) -> int:
        """Open windows."""
        return len(self._windows)

    def window(self) -> Window:
        """The window that is asking."""
        return self._windows.get(_sid()) or Window(self._desk.settings.locale)

    def check_rate(self, limit: str) -> None:
        """Raises `TooMany` for a window, or for its address, that asks too often."""
        by_address = limit in ("open", "leave")
        limiter, who = (self._of_addresses, request.remote_addr or "") if by_address else (self._of_windows, _sid())
        if not limiter.hit(parse(getattr(self.limits, limit)), f"visitor.{limit}", who):
            raise TooMany("That was a little too often. Please wait a moment and try again.")

    def _network(self) -> str:
        """Where the window comes from, as a digest that only this desk can make: the address itself is kept nowhere."""
        return hmac.new(self._desk.secret, f"visitor:{request.remote_addr or ''}".encode(), hashlib.sha256).hexdigest()[:24]

    def _enter(self, token: object) -> None:
        """Bring this window to the chat of the token; raises `NotFound` when it has none."""
        with self._desk.store.read() as reading:
            chat = seen.by_token(reading, token)
            online = seen.is_online(reading, chat.id)
        window = self.window()
        window.chat_id = chat.id
        join_room(room_of(chat.id))
        self._attendance.came("chat", chat.id)
        if not online:
            with self._desk.store.tx(_actor(chat)) as tx:
                chats.visitor_came(tx, tx.session.get_one(Chat, chat.id))

    def _here(self) -> set[int]:
        with self._lock:
            return {window.chat_id for window in self._windows.values() if window.chat_id is not None}

    def _left(self, chat_id: int) -> None:
        # What is refused as there twice, another process has said at the same moment.
        with suppress(IntegrityError), self._desk.store.tx(SYSTEM) as tx:
            chat = tx.session.get(Chat, chat_id)
            if chat is not None:
                chats.visitor_left(tx, chat)

    def _came(self, chat_id: int) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            chats.visitor_came(tx, tx.session.get_one(Chat, chat_id))

    def _mine(self) -> tuple[Chat, Actor]:
        chat_id = self.window().chat_id
        with self._desk.store.read() as reading:
            chat = reading.get(Chat, chat_id) if chat_id is not None else None
        if chat is None:
            raise NotFound("This chat is no longer here. Please start a new one.")
        return chat, _actor(chat)

    def _tell(self) -> None:
        while True:
            with self._lock:
                batch = list(self._news)
                self._news.clear()
                if not batch:
                    self._telling = False
                    return
            try:
                self._tell_of(batch)
            except Exception:
                log.exception("visitors could not be told of what happened; they ask again when they reconnect")

    def _tell_of(self, events: list[Event]) -> None:
        with self._desk.store.read() as reading:
            here = self._here()
            said = [event.message_id for event in events if event.kind == "message.added" and event.message_id]
            for message in seen.messages_of(reading, said, here) if said and here else ():
                self._tell_message(reading, message)
            changed = here & {
                event.chat_id
                for event in events
                if event.chat_id and event.kind not in ("chat.visitor_left", "chat.visitor_came")
            }
            for chat in reading.scalars(select(Chat).where(Chat.id.in_(changed))) if changed else ():
                self._tell_here("state", seen.state_of(reading, chat, self._desk.clock.now()), chat.id)
        self._waiting.moved({event.queue_id for event in events if event.kind.startswith(("item.", "offer.")) and event.queue_id})

    def _tell_message(self, reading: Any, message: Message) -> None:
        chat = seen.chat_of_message(reading, message)
        if chat is not None:
            for said in seen.said_in(reading, chat, message.id - 1)[:1]:
                self._tell_here("message", said, chat.id)

    def _tell_here(self, event: str, data: dict[str, Any], chat_id: int) -> None:
        """Tell the windows of this process: every process hears of every commit, and tells its own."""
        self._socketio.emit(event, data, namespace=NAMESPACE, to=room_of(chat_id), ignore_queue=True)


def room_of(chat_id: int) -> str:
    """The room of a chat's windows."""
    return f"chat:{chat_id}"


def _concerns_visitors(event: Event) -> bool:
    if event.kind == "message.added":
        return event.data.get("channel") == "chat"
    return event.kind.startswith(("chat.", "item.", "offer."))


def _refusal(error: DeskError) -> dict[str, Any]:
    fields = {name: gettext(sentence) for name, sentence in getattr(error, "fields", {}).items()}
    refusal = {"ok": False, "status": error.status, "error": gettext(error.sentence, **error.values), "fields": fields}
    return {**refusal, "allowed": list(getattr(error, "allowed", ()))}


def _actor(chat: Chat) -> Actor:
    return Actor("customer", chat.customer_id, chat.visitor_name)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def _sid() -> str:
    return request.sid  # type: ignore[attr-defined]
