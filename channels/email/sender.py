"""Hand a finished mail to a relay by SMTP and say for each recipient what became of it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from channels.email.compose import envelope_address
from channels.message import SendFailed


@dataclass(frozen=True)
class RecipientResult:
    """The relay's answer for one recipient: SMTP code and its words."""

    code: int
    text: str = ""

    @property
    def accepted(self) -> bool:
        """The relay took responsibility for this recipient."""
        return 200 <= self.code < 300

    @property
    def retryable(self) -> bool:
        """Trying this recipient again later can help."""
        return 400 <= self.code < 500


class RecipientsRefused(SendFailed):
    """No recipient was accepted; `results` says why for each."""

    def __init__(self, results: dict[str, RecipientResult]) -> None:
        self.results = results
        told = "; ".join(f"{address}: {result.code} {result.text}" for address, result in results.items())
        super().__init__(f"no recipient was accepted ({told})"[:1000], retryable=any(one.retryable for one in results.values()))


class Sender(Protocol):
    """What the desk needs to send mail; `SmtpSender` and the shipped `MemorySender` both are one."""

    def send(self, envelope_from: str, recipients: Sequence[str], raw: bytes) -> dict[str, RecipientResult]:
        """Send one mail. Returns a result for each recipient, at least one accepted; raises SendFailed otherwise."""


@dataclass(frozen=True)
class SmtpSender:
    """Sends through one relay, a connection per mail. `timeout` is in seconds and holds for each step."""

    host: str
    port: int = 25
    starttls: bool = False
    username: str = ""
    password: str = ""
    timeout: float = 30.0
    local_hostname: str | None = None
    tls_context: ssl.SSLContext | None = None

    def send(self, envelope_from: str, recipients: Sequence[str], raw: bytes) -> dict[str, RecipientResult]:
        """Send one mail; `envelope_from` may be empty, which is `<>` and right for automatic mail.

        Raises SendFailed: retryable for 4xx and for anything that breaks the connection, not for 5xx.
        """
        if not recipients:
            raise SendFailed("the mail has no recipient", retryable=False)
        try:
            with smtplib.SMTP(self.host, self.port, local_hostname=self.local_hostname, timeout=self.timeout) as relay:
                self._greet(relay)
                return _transact(relay, envelope_from, recipients, raw)
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise SendFailed(f"the relay cannot take this mail: {error}", retryable=False) from error
        except (smtplib.SMTPException, OSError) as error:
            raise SendFailed(f"no connection to the mail relay: {error}", retryable=True) from error

    def _greet(self, relay: smtplib.SMTP) -> None:
        relay.ehlo_or_helo_if_needed()
        if self.starttls:
            relay.starttls(context=self.tls_context or ssl.create_default_context())
            relay.ehlo()
        if self.username:
            relay.login(self.username, self.password)


def _transact(relay: smtplib.SMTP, envelope_from: str, recipients: Sequence[str], raw: bytes) -> dict[str, RecipientResult]:
    addresses = {one: envelope_address(one) for one in recipients}
    sender = envelope_address(envelope_from) if envelope_from else ""
    options = _options(relay, [sender, *addresses.values()], raw)
    code, text = relay.mail(sender, options)
    if code >= 300:
        raise _refused(code, text)
    results = {}
    for given, address in addresses.items():
        code, text = relay.rcpt(address)
        results[given] = RecipientResult(code, _words(text))
    if not any(result.accepted for result in results.values()):
        raise RecipientsRefused(results)
    code, text = relay.data(raw)
    if code >= 300:
        raise _refused(code, text)
    return results


def _options(relay: smtplib.SMTP, addresses: Sequence[str], raw: bytes) -> list[str]:
    if not all(address.isascii() for address in addresses):
        if not relay.has_extn("smtputf8"):
            raise SendFailed("the relay does not take addresses outside ASCII (SMTPUTF8)", retryable=False)
        relay.command_encoding = "utf-8"
        return ["SMTPUTF8", "BODY=8BITMIME"]
    return [] if raw.isascii() or not relay.has_extn("8bitmime") else ["BODY=8BITMIME"]


def _refused(code: int, text: bytes | str) -> SendFailed:
    return SendFailed(f"the mail relay answered {code} {_words(text)}"[:1000], retryable=not 500 <= code < 600)


def _words(text: bytes | str) -> str:
    return " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else text).split())[:300]
