"""What reading a mail yields: `ParsedMail`, and for a bounce one `BouncedRecipient` per address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from channels.message import Contact, File

BounceAction = Literal["failed", "delayed", "delivered", "relayed", "expanded"]


@dataclass(frozen=True)
class BouncedRecipient:
    """One address of a delivery report (RFC 3464). `status` is the enhanced code such as `5.1.1`, empty when not stated."""

    address: str
    action: BounceAction
    status: str = ""
    diagnostic: str = ""

    @property
    def temporary(self) -> bool:
        """Whether sending again later can help: nothing is wrong with the address."""
        return self.action == "delayed" or self.status.startswith("4.")

    @property
    def waiting(self) -> bool:
        """Whether the mail may still arrive by itself. A server that gave up after days says `failed` with a status of 4.x.x."""
        return self.action == "delayed"


@dataclass(frozen=True)
class ParsedMail:
    """A mail as we understood it; every field has a value whatever the bytes were.

    `date` is in UTC, None when missing or unreadable. `text` is the whole body, `reply_text` what is new in it, `html` as
    received. `headers` maps the lower-case names that screening needs to their decoded values in order. Message-IDs carry
    no angle brackets. `problems` says in plain words what was wrong with the mail.

    `away_until` is the day an absence note names; `report` the kind of report for programs (`read receipt`, `feedback`) and
    `calendar` the method of a calendar part (`REPLY`, `REQUEST`), empty otherwise; `encrypted` names what nobody here can open,
    `signed` with what it was signed: nobody has looked whether the signature holds.
    """

    from_address: str = ""
    from_name: str = ""
    to: tuple[Contact, ...] = ()
    cc: tuple[Contact, ...] = ()
    reply_to: tuple[Contact, ...] = ()
    subject: str = ""
    date: datetime | None = None
    text: str = ""
    html: str = ""
    reply_text: str = ""
    files: tuple[File, ...] = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    auto_reply: bool = False
    bounce: bool = False
    bounced: tuple[BouncedRecipient, ...] = ()
    returned_message_id: str = ""
    away_until: date | None = None
    report: str = ""
    calendar: str = ""
    encrypted: str = ""
    signed: str = ""
    size: int = 0
    problems: tuple[str, ...] = ()
