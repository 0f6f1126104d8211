"""The SMTP server that receives mail: an event loop on its own thread, the storing on another, `250` only after that."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import re
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from channels.email.batch import Accept, Answers, Envelope, GroupCommit, settle
from channels.email.clients import Clients, Limits

log = logging.getLogger(__name__)

MOST_RECIPIENTS = 100
LONGEST_NAME = 255
LONGEST_LINE = 256 * 1024
SHORTEST_COMMAND_LIMIT = 20
# What nearly every address looks like; the library's grammar for all others takes longer than the rest of a mail together.
PLAIN_ADDRESS = re.compile(
    r"<([\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)>( .*)?", re.ASCII
)
OVERRUN = 1024 * 1024  # bytes beyond the size limit before a client that goes on is cut off
GOODBYE_S = 2.0  # for clients to hear that we are closing


@dataclass(frozen=True)
class Refused:
    """A mail that was turned away at the door: from whom, for whom, and what we answered."""

    mail_from: str
    address: str
    peer: str
    answer: str


class MailListener:
    """Receives mail on `host`:`port` (0 picks a free one) and hands it in batches to `accept`, on a thread of its own.

    `accept` returns one `Reply` per envelope; when it raises, the sender is told to try again later and nothing is lost.
    `recipient_ok` runs on the event loop and must answer from memory; everything it refuses gets `550`, and `refused` is told.
    `now` gives the aware time written into each envelope. `size_limit` is in bytes; `timeout` in seconds for one command
    including its data, `session_limit` for a whole connection, `drain` for what is under way when stopping. With `sign_in`
    (`USER:PASSWORD`) mail is taken only from who signs in, over TLS where there is a `tls_context`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        accept: Accept,
        *,
        now: Callable[[], datetime],
        recipient_ok: Callable[[str], bool] = lambda _address: True,
        size_limit: int = 25 * 1024 * 1024,
        hostname: str = "localhost",
        connections: int = 200,
        timeout: float = 120.0,
        session_limit: float = 1800.0,
        drain: float = 30.0,
        largest_batch: int = 64,
        tls_context: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        sign_in: str = "",
        refused: Callable[[Refused], None] = lambda _refused: None,
    ) -> None:
        self.host = host
        self.port = port
        self.now = now
        self.recipient_ok = recipient_ok
        self.refused = refused
        self.clients = Clients(limits or Limits(), time.monotonic)
        self.size_limit = size_limit
        self.signs_in = bool(sign_in)
        self.most_connections = connections
        self.session_limit = session_limit
        self.commits = GroupCommit(accept, largest=largest_batch, answer=self._answer)
        self.open: set[_Connection] = set()
        self.busy = 0
        self.stopping = False
        self.settled = asyncio.Event()
        self._drain = drain
        self._options: dict[str, Any] = {
            "data_size_limit": size_limit,
            "enable_SMTPUTF8": True,
            "hostname": hostname,
            "ident": "ready",
            "timeout": timeout,
            "tls_context": tls_context,
            "authenticator": _Doorman(sign_in),
            "auth_require_tls": tls_context is not None,
            "command_call_limit": {"NOOP": SHORTEST_COMMAND_LIMIT, "VRFY": SHORTEST_COMMAND_LIMIT, "*": 2000},
        }
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Bind and begin to receive; raises OSError when the address is taken. `port` then is the real one."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mail-listener", daemon=True)
        self._thread.start()
        try:
            self._server = self._on_loop(self._bind()).result()
        except OSError:
            self._end_loop()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        self.commits.start()

    def stop(self) -> None:
        """Stop listening, answer what is under way, then close. Safe to call once after a successful start."""
        self._on_loop(self._close()).result()
        self.commits.stop()
        self._end_loop()

    def _answer(self, answers: Answers) -> None:
        """On the thread that stores: wakes the loop once for a whole batch."""
        self._loop.call_soon_threadsafe(settle, answers)

    async def _bind(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Connection(self, self._loop, self._options), self.host, self.port)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.stopping = True
        deadline = self._loop.time() + self._drain
        await self._until(lambda: not self.busy, deadline)
        for connection in list(self.open):
            connection.dismiss()
        await self._until(lambda: not self.open, min(deadline, self._loop.time() + GOODBYE_S))
        for connection in list(self.open):
            connection.cut()  # under TLS good-bye is waited for, and a client that is busy elsewhere says none
        await self._server.wait_closed()

    async def _until(self, holds: Callable[[], bool], deadline: float) -> None:
        """Wait for a condition that only the loop changes; whoever changes it sets `settled`."""
        while not holds() and self._loop.time() < deadline:
            self.settled.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.settled.wait(), deadline - self._loop.time())

    def _on_loop(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _end_tasks(self) -> None:
        """Let what was cancelled come to its end: a task that is dropped with its loop leaves its socket open."""
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=1.0)

    def _end_loop(self) -> None:
        self._on_loop(self._end_tasks()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Connection(SMTP):
    """One client. Real mails break the line limit of the standard, so the limit is one that only protects memory."""

    line_length_limit = LONGEST_LINE

    def __init__(self, listener: MailListener, loop: asyncio.AbstractEventLoop, options: dict[str, Any]) -> None:
        super().__init__(_Handler(listener), loop=loop, **options)
        self._listener = listener
        self._ending: asyncio.TimerHandle | None = None
        self._turned_away = self._cut_off = False
        self._errors = 0
        self._peer: str | None = None
        self.brought = 0  # bytes since the mail began

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        listener = self._listener
        if self not in listener.open:  # it is made a second time when TLS begins
            self._peer = (transport.get_extra_info("peername") or ("",))[0]
            welcome = listener.clients.come(self._peer)
            if not welcome or listener.stopping or len(listener.open) >= listener.most_connections:
                self._turned_away = True
                transport.write(b"421 4.7.0 Too many connections, please try again later\r\n")  # type: ignore[attr-defined]
                transport.close()
                return
        listener.open.add(self)
        if self._ending is None:
            self._ending = self.loop.call_later(listener.session_limit, self.dismiss)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._peer is not None:
            self._listener.clients.go(self._peer)
            self._peer = None
        if self._turned_away:
            return
        self._listener.open.discard(self)
        self._listener.settled.set()
        if self._ending is not None:
            self._ending.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._turned_away or self._cut_off:
            return
        self.brought += len(data)
        if self.brought > self._listener.size_limit + OVERRUN:
            # The library keeps a line without an end in memory for as long as it comes.
            self._cut_off = True
            self.dismiss(b"552 5.3.4 Too much mail data")
            return
        super().data_received(data)

    async def push(self, status: Any) -> None:
        """Answer; a client that is told too often that it is wrong is a program that guesses."""
        await super().push(status)
        if status[:1] in ("5", b"5"):
            self._errors += 1
            if self._errors >= self._listener.clients.limits.errors:
                self.dismiss(b"421 4.7.0 Too many errors")

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        plain = PLAIN_ADDRESS.fullmatch(arg)
        return (plain[1], plain[2] or "") if plain else super()._getaddr(arg)

    def eof_received(self) -> bool | None:
        return None if self._turned_away else super().eof_received()

    def dismiss(self, answer: bytes = b"421 4.3.2 Closing, please try again later") -> None:
        """Say good-bye and close; the client keeps what was not yet accepted."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(answer + b"\r\n")
            self.transport.close()

    def cut(self) -> None:
        """Close without a word."""
        if self.transport is not None:
            self.transport.abort()


class _Doorman:
    """Checks the one name and password there is."""

    def __init__(self, sign_in: str) -> None:
        name, _, password = sign_in.partition(":")
        self._name, self._password = name.encode(), password.encode()

    def __call__(self, _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        if not self._name or not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        known = hmac.compare_digest(given.login, self._name) & hmac.compare_digest(given.password, self._password)
        return AuthResult(success=bool(known), handled=False)


class _Handler:
    """The answers to single commands."""

    def __init__(self, listener: MailListener) -> None:
        self._listener = listener

    async def handle_EHLO(self, server: Any, session: Any, _envelope: Any, hostname: str, answers: list[str]) -> list[str]:
        session.host_name = hostname
        if not self._listener.signs_in:
            answers = [each for each in answers if not each.startswith("250-AUTH")]
        # Commands are read one by one from what has come, so that a client may send several at a time.
        return [*answers[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", answers[-1]]

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        server.brought = 0
        if self._listener.signs_in and not session.authenticated:
            return "530 5.7.0 Please sign in first"
        if not self._listener.clients.may_send(session.peer[0] if session.peer else ""):
            return "450 4.7.1 Too many mails in a minute, please try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, _server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients, send the rest separately"
        if not self._listener.recipient_ok(address):
            answer = "550 5.1.1 We have no such address"
            peer = session.peer[0] if session.peer else ""
            self._listener.refused(Refused(envelope.mail_from or "", address, peer, answer))
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        listener = self._listener
        if listener.stopping:
            return "421 4.3.2 Closing, please try again later"
        peer = session.peer[0] if session.peer else ""
        helo = (session.host_name or "")[:LONGEST_NAME]
        # The library keeps the empty sender as it was spelt.
        mail_from = "" if envelope.mail_from in {None, "<>"} else envelope.mail_from
        mail = Envelope(mail_from, tuple(envelope.rcpt_tos), bytes(envelope.content), peer, listener.now(), helo)
        listener.busy += 1
        try:
            reply = await listener.commits.submit(mail, server.loop.create_future())
        finally:
            listener.busy -= 1
            listener.settled.set()
        return f"{reply.code} {' '.join(reply.text.split())}"

    async def handle_exception(self, error: Exception) -> str:
        log.error("mail connection failed", exc_info=error)
        return "451 4.3.0 Something went wrong here, please try again later"
