"""The SMTP door: bytes are read and judged on a real thread, stored in one transaction a batch, and only then answered 250."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from channels.email.address import read_address
from channels.email.batch import Envelope, Reply
from channels.email.listener import MailListener
from channels.email.parse import identity, parse, to_inbound
from channels.email.screen import screen
from channels.message import Contact, Inbound
from desk.actions.mail import ReadMail, take_in
from desk.events import SYSTEM
from desk.installation import Installation
from desk.store import StoreAway

log = logging.getLogger(__name__)

LARGEST_MAIL = 25 * 1024 * 1024
RECEIVED = Reply(250, "2.0.0 Received, thank you")
TRY_LATER = Reply(451, "4.3.0 We cannot store mail just now, please try again later")


class MailDoor:
    """Receives mail for the desk. `start` binds the port of the settings; `port` is the real one then."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        settings = desk.settings
        self.listener = MailListener(
            settings.smtp_host,
            settings.smtp_port,
            self.accept,
            now=desk.clock.now,
            recipient_ok=self._is_ours,
            size_limit=LARGEST_MAIL,
            hostname=settings.mail_domain,
        )

    def start(self) -> None:
        self.listener.start()

    def stop(self) -> None:
        self.listener.stop()

    @property
    def port(self) -> int:
        return self.listener.port

    def accept(self, batch: Sequence[Envelope]) -> list[Reply]:
        """Store a batch. Raises when the store is away (the listener answers 451); one bad mail alone is kept as unreadable."""
        mails = [self._read(envelope) for envelope in batch]
        try:
            self._store(mails)
        except StoreAway:
            raise
        except Exception:
            if len(mails) > 1:
                raise  # the listener gives each a try of its own
            log.exception("a mail could not be taken in as what it is; it is kept as it came")
            self._store([self._unreadable(mails[0])])
        return [RECEIVED] * len(batch)

    def _store(self, mails: list[ReadMail]) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            for mail in mails:
                take_in(tx, mail)

    def _read(self, envelope: Envelope) -> ReadMail:
        settings, files = self._desk.settings, self._desk.files
        parsed = parse(envelope.data)
        verdict = screen(
            parsed,
            own_domains={settings.mail_domain},
            own_addresses={settings.mail_from},
            max_size=LARGEST_MAIL,
            envelope_from=envelope.mail_from,
        )
        inbound = to_inbound(parsed, identity=identity(parsed))
        addresses = [*envelope.rcpt_tos, *(contact.value for contact in (*inbound.to, *inbound.cc))]
        return ReadMail(
            inbound=replace(inbound, meta={**inbound.meta, "verdict": verdict.kind, "reasons": list(verdict.reasons)}, files=()),
            files=tuple(files.keep(file.data, file.name, file.content_type, file.content_id) for file in inbound.files),
            raw=files.keep(envelope.data, "message.eml", "message/rfc822"),
            envelope_from=envelope.mail_from,
            envelope_to=envelope.rcpt_tos,
            received_at=envelope.received_at,
            verdict=verdict.kind,
            reasons=verdict.reasons,
            bounced=verdict.recipients,
            returned_message_id=parsed.returned_message_id,
            ticket_number=self._ticket_number(addresses),
            queue_key=envelope.rcpt_tos[0].partition("@")[0].lower() if envelope.rcpt_tos else "",
        )

    def _unreadable(self, mail: ReadMail) -> ReadMail:
        text = "This mail could not be read. It is attached as it came. / 这封邮件无法读取，原件见附件。"
        inbound = Inbound(
            channel="email",
            external_id=mail.inbound.external_id,
            sender=Contact("email", mail.envelope_from),
            subject="(unreadable mail / 无法读取的邮件)",
            text=text,
            locale="en",
        )
        return replace(mail, inbound=inbound, files=(mail.raw,), verdict="unreadable", ticket_number=None, bounced=())

    def _ticket_number(self, addresses: Sequence[str]) -> int | None:
        """The ticket that one of our own signed reply addresses names, if the signature is good."""
        for address in addresses:
            number = read_address(address, self._desk.settings.mail_from, self._desk.secret)
            if number is not None:
                return number
        return None

    def _is_ours(self, address: str) -> bool:
        """We receive for our own domain only and relay for nobody."""
        return address.rpartition("@")[2].lower() == self._desk.settings.mail_domain
