"""In-memory stand-ins that ship with the product: try the desk, or test it, without a mail server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from channels.email.parse import parse
from channels.email.parsed import ParsedMail
from channels.email.sender import RecipientResult
from channels.message import SendFailed


@dataclass(frozen=True)
class SentMail:
    """One mail that a `MemorySender` took: its envelope, bytes and what a reader makes of them."""

    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def parsed(self) -> ParsedMail:
        """The mail as its recipient would read it."""
        return parse(self.raw)


@dataclass
class MemorySender:
    """Keeps mails instead of sending them. `refuse` maps an address to the SMTP answer it gets; `failure` is raised once set."""

    refuse: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    failure: SendFailed | None = None
    sent: list[SentMail] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def send(self, envelope_from: str, recipients: Sequence[str], raw: bytes) -> dict[str, RecipientResult]:
        """As `SmtpSender.send`."""
        if self.failure is not None:
            raise self.failure
        if not recipients:
            raise SendFailed("the mail has no recipient", retryable=False)
        results = {one: RecipientResult(*self.refuse.get(one, (250, "OK"))) for one in recipients}
        accepted = tuple(one for one, result in results.items() if result.accepted)
        if accepted:
            with self._lock:
                self.sent.append(SentMail(envelope_from, accepted, raw))
        return results

    def close(self) -> None:
        """Nothing is held open."""

    def inbox(self, address: str) -> list[ParsedMail]:
        """The mails an address got, oldest first."""
        with self._lock:
            return [mail.parsed for mail in self.sent if address.lower() in (one.lower() for one in mail.recipients)]
