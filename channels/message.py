"""The values that cross the edge of the desk: everything that comes in is one `Inbound`, everything that goes out one `Outbound`.

All are frozen and hold plain data, so that a channel can be tried without the desk and the desk without a channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Channel = Literal["email", "chat", "voice", "form", "letter", "fax", "manual"]
ContactKind = Literal["email", "phone", "chat", "post"]
MessageKind = Literal["message", "auto_reply", "bounce"]


@dataclass(frozen=True)
class Contact:
    """A person as a channel knows them: an address, a number or a chat identity.

    `value` is already in its canonical form: e-mail lower-cased, phone in E.164 (`+8613800138000`), chat an opaque id, post a
    name and address in one line.
    """

    kind: ContactKind
    value: str
    name: str = ""


@dataclass(frozen=True)
class File:
    """An attachment as it arrived. `content_type` is what the sender claimed; the store decides by the bytes."""

    name: str
    content_type: str
    data: bytes
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True)
class Inbound:
    """Something a customer sent us.

    `external_id` makes receiving idempotent: the same id on the same channel is the same message.
    `text` is the whole body, `reply_text` what is new in it (no quotes, no signature); `html` is as received, not safe to show.
    `in_reply_to` and `references` are Message-IDs without angle brackets, oldest first. `meta` holds what only the channel
    knows and only the channel's own screen reads (verdict reasons, page URL, form fields).
    """

    channel: Channel
    external_id: str
    sender: Contact
    text: str
    reply_text: str = ""
    html: str = ""
    subject: str = ""
    to: tuple[Contact, ...] = ()
    cc: tuple[Contact, ...] = ()
    reply_to: tuple[Contact, ...] = ()
    files: tuple[File, ...] = ()
    kind: MessageKind = "message"
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    locale: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outbound:
    """Something we send. `message_id` is ours, made once, so that a retry is the same mail; headers are extra header fields."""

    channel: Channel
    recipients: tuple[Contact, ...]
    text: str
    subject: str = ""
    html: str = ""
    cc: tuple[Contact, ...] = ()
    files: tuple[File, ...] = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    reply_to: str = ""
    automatic: bool = False
    headers: tuple[tuple[str, str], ...] = ()


class SendFailed(Exception):
    """The message did not leave. `retryable` says whether trying again later can help; the text is fit to show an agent."""

    def __init__(self, reason: str, *, retryable: bool) -> None:
        super().__init__(reason)
        self.retryable = retryable
