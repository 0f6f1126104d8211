"""Hand finished mails to a relay by SMTP, several over one connection, and say for each recipient what became of it."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

from channels.email.compose import envelope_address
from channels.message import SendFailed

Security = Literal["none", "starttls", "tls"]
PORTS: dict[str, tuple[Security, int]] = {"smtp": ("none", 25), "smtp+starttls": ("starttls", 587), "smtps": ("tls", 465)}
MAILS_A_CONNECTION = 100
STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


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
        return not self.accepted and not 500 <= self.code < 600

    @property
    def status(self) -> str:
        """The enhanced code (RFC 3463) in the answer, such as `5.1.1`; empty when there is none."""
        found = STATUS.search(self.text[:20])
        return found[1] if found else ""


class RelayAway(SendFailed):
    """The relay cannot be reached, or will not talk to us at all: no fault of this mail, and no mail can leave now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, retryable=True)


class Sender(Protocol):
    """What the desk needs to send mail; `SmtpSender` and the shipped `MemorySender` both are one."""

    def send(self, envelope_from: str, recipients: Sequence[str], raw: bytes) -> dict[str, RecipientResult]:
        """Send one mail and return the answer for each recipient, whatever it is.

        Raises SendFailed when there is no answer for single recipients: not retryable when this mail can never be sent so,
        retryable when the connection broke in the middle, RelayAway when it was not the mail's fault.
        """

    def close(self) -> None:
        """Nothing more to send for now."""


@dataclass
class SmtpSender:
    """Sends through one relay over a connection that it keeps for the next mail. For one thread. `timeout`: seconds a step."""

    host: str
    port: int = 25
    security: Security = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0
    local_hostname: str | None = None
    tls_context: ssl.SSLContext | None = None
    _relay: smtplib.SMTP | None = field(default=None, init=False, repr=False)
    _sent: int = field(default=0, init=False, repr=False)

    def send(self, envelope_from: str, recipients: Sequence[str], raw: bytes) -> dict[str, RecipientResult]:
        """As `Sender.send`; `envelope_from` may be empty, which is `<>` and right for automatic mail."""
        if not recipients:
            raise SendFailed("the mail has no recipient", retryable=False)
        addresses = {one: envelope_address(one) for one in recipients}
        sender = envelope_address(envelope_from) if envelope_from else ""
        relay = self._connected()
        options = _options(relay, [sender, *addresses.values()], raw)
        try:
            results = _transact(relay, sender, addresses, raw, options)
        except smtplib.SMTPNotSupportedError as error:
            raise SendFailed(f"the relay cannot take this mail: {error}", retryable=False) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            # Perhaps the relay has the mail and perhaps not: it goes again, under the same Message-ID.
            self._drop()
            raise SendFailed(f"the connection to the mail relay broke: {error}", retryable=True) from error
        self._sent += 1
        self._go_on(relay, results)
        return results

    def close(self) -> None:
        relay, self._relay = self._relay, None
        if relay is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                relay.quit()

    def _connected(self) -> smtplib.SMTP:
        """The connection there is, if it still answers, else a new one."""
        if self._relay is not None and self._sent < MAILS_A_CONNECTION:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                if self._relay.rset()[0] == 250:
                    return self._relay
            self._drop()
        self.close()
        self._relay, self._sent = self._connect(), 0
        return self._relay

    def _connect(self) -> smtplib.SMTP:
        try:
            relay = self._greeted()
        except smtplib.SMTPAuthenticationError as error:
            raise RelayAway(f"the relay does not accept our user name and password: {_code_and_words(error)}") from error
        except smtplib.SMTPResponseException as error:
            raise RelayAway(f"the relay does not talk to us: {_code_and_words(error)}") from error
        except smtplib.SMTPNotSupportedError as error:
            raise RelayAway(f"the relay cannot do what the settings ask for: {error}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise RelayAway(f"no connection to the mail relay: {error}") from error
        return relay

    def _greeted(self) -> smtplib.SMTP:
        context = self.tls_context or ssl.create_default_context()
        common = {"local_hostname": self.local_hostname, "timeout": self.timeout}
        if self.security == "tls":
            relay: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, context=context, **common)  # type: ignore[arg-type]
        else:
            relay = smtplib.SMTP(self.host, self.port, **common)  # type: ignore[arg-type]
        try:
            relay.ehlo_or_helo_if_needed()
            if self.security == "starttls":
                code, text = relay.starttls(context=context)
                if code != 220:
                    raise smtplib.SMTPResponseException(code, text)
                relay.ehlo()
            if self.username:
                relay.login(self.username, self.password)
        except BaseException:
            relay.close()
            raise
        return relay

    def _go_on(self, relay: smtplib.SMTP, results: dict[str, RecipientResult]) -> None:
        """421 is a relay that is closing; a connection in any doubt is not used again."""
        if any(result.code == 421 for result in results.values()) or relay.sock is None:
            self._drop()

    def _drop(self) -> None:
        relay, self._relay = self._relay, None
        if relay is not None:
            relay.close()


def sender_to(url: str) -> SmtpSender:
    """The sender for an address such as `smtp://user:password@relay.example:587`; user and password percent-encoded."""
    relay = urlsplit(url)
    security, port = PORTS[relay.scheme]
    return SmtpSender(
        relay.hostname or "localhost",
        relay.port or port,
        security=security,
        username=unquote(relay.username or ""),
        password=unquote(relay.password or ""),
    )


def _transact(
    relay: smtplib.SMTP, sender: str, addresses: dict[str, str], raw: bytes, options: list[str]
) -> dict[str, RecipientResult]:
    answer = RecipientResult(*_read(relay.mail(sender, options)))
    if not answer.accepted:
        return dict.fromkeys(addresses, answer)
    results = {}
    for given, address in addresses.items():
        results[given] = RecipientResult(*_read(relay.rcpt(address)))
        if results[given].code == 421:
            return {one: results.get(one, results[given]) for one in addresses}
    accepted = [one for one, result in results.items() if result.accepted]
    if not accepted:
        return results
    try:
        answer = RecipientResult(*_read(relay.data(raw)))
    except smtplib.SMTPDataError as error:  # DATA itself was refused
        answer = RecipientResult(*_read((error.smtp_code, error.smtp_error)))
    return {**results, **dict.fromkeys(accepted, answer)}


def _options(relay: smtplib.SMTP, addresses: Sequence[str], raw: bytes) -> list[str]:
    if not all(address.isascii() for address in addresses):
        if not relay.has_extn("smtputf8"):
            raise SendFailed("the relay does not take addresses outside ASCII (SMTPUTF8)", retryable=False)
        relay.command_encoding = "utf-8"
        return ["SMTPUTF8", "BODY=8BITMIME"]
    relay.command_encoding = "ascii"
    return [] if raw.isascii() or not relay.has_extn("8bitmime") else ["BODY=8BITMIME"]


def _read(answer: tuple[int, bytes | str]) -> tuple[int, str]:
    code, text = answer
    words = " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else text).split())[:300]
    if code == -1:
        raise smtplib.SMTPServerDisconnected("the relay's answer was cut off")
    return code, words


def _code_and_words(error: smtplib.SMTPResponseException) -> str:
    return " ".join(str(each) for each in _read((error.smtp_code, error.smtp_error)))
