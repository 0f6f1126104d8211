"""The SMTP server that receives mail: an event loop on its own thread, the storing on another, `250` only after that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP

from channels.email.batch import Accept, Envelope, GroupCommit

log = logging.getLogger(__name__)

MOST_RECIPIENTS = 100
LONGEST_LINE = 256 * 1024
SHORTEST_COMMAND_LIMIT = 20


class MailListener:
    """Receives mail on `host`:`port` (0 picks a free one) and hands it in batches to `accept`, on a thread of its own.

    `accept` returns one `Reply` per envelope; when it raises, the sender is told to try again later and nothing is lost.
    `recipient_ok` runs on the event loop and must answer from memory; everything it refuses gets `550`. `now` gives the
    aware time written into each envelope. `size_limit` is in bytes; `timeout` in seconds for one command including its
    data, `session_limit` for a whole connection, `drain` for what is under way when stopping.
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
    ) -> None:
        self.host = host
        self.port = port
        self.now = now
        self.recipient_ok = recipient_ok
        self.most_connections = connections
        self.session_limit = session_limit
        self.commits = GroupCommit(accept, largest=largest_batch)
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
            "command_call_limit": {"NOOP": SHORTEST_COMMAND_LIMIT, "VRFY": SHORTEST_COMMAND_LIMIT, "*": 2000},
        }
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mail-listener", daemon=True)
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Bind and begin to receive; raises OSError when the address is taken. `port` then is the real one."""
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
        await self._until(lambda: not self.open, deadline)
        await self._server.wait_closed()

    async def _until(self, holds: Callable[[], bool], deadline: float) -> None:
        """Wait for a condition that only the loop changes; whoever changes it sets `settled`."""
        while not holds() and self._loop.time() < deadline:
            self.settled.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.settled.wait(), deadline - self._loop.time())

    def _on_loop(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _end_loop(self) -> None:
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
        self._turned_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        listener = self._listener
        if self not in listener.open and (listener.stopping or len(listener.open) >= listener.most_connections):
            self._turned_away = True
            transport.write(b"421 4.7.0 Too many connections, please try again later\r\n")  # type: ignore[attr-defined]
            transport.close()
            return
        listener.open.add(self)
        if self._ending is None:
            self._ending = self.loop.call_later(listener.session_limit, self.dismiss)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._turned_away:
            return
        self._listener.open.discard(self)
        self._listener.settled.set()
        if self._ending is not None:
            self._ending.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if not self._turned_away:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._turned_away else super().eof_received()

    def dismiss(self) -> None:
        """Say good-bye and close; the client keeps what was not yet accepted."""
        if self.transport is not None:
            self.transport.write(b"421 4.3.2 Closing, please try again later\r\n")
            self.transport.close()


class _Handler:
    """The answers to single commands."""

    def __init__(self, listener: MailListener) -> None:
        self._listener = listener

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients, send the rest separately"
        if not self._listener.recipient_ok(address):
            return "550 5.7.1 We do not take mail for this address"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Any, envelope: Any) -> str:
        listener = self._listener
        if listener.stopping:
            return "421 4.3.2 Closing, please try again later"
        peer = session.peer[0] if session.peer else ""
        # The library keeps the empty sender as it was spelt.
        mail_from = "" if envelope.mail_from in {None, "<>"} else envelope.mail_from
        mail = Envelope(mail_from, tuple(envelope.rcpt_tos), bytes(envelope.content), peer, listener.now())
        listener.busy += 1
        try:
            reply = await asyncio.wrap_future(listener.commits.submit(mail))
        finally:
            listener.busy -= 1
            listener.settled.set()
        return f"{reply.code} {' '.join(reply.text.split())}"

    async def handle_exception(self, error: Exception) -> str:
        log.error("mail connection failed", exc_info=error)
        return "451 4.3.0 Something went wrong here, please try again later"
