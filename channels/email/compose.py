"""Turn an `Outbound` into the bytes of a mail that no value in it can break out of."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from email import encoders
from email.charset import BASE64, QP, Charset
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.parser import BytesParser
from email.policy import compat32
from email.utils import format_datetime

from channels.email.plain import flowed
from channels.email.words import tidy
from channels.message import Contact, File, Outbound, SendFailed

ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"\x00-\x1f\x7f@]{1,64}@[^\s<>()\[\],;:\\\"\x00-\x1f\x7f@]{1,253}")
FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,70}")
CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,90}", re.IGNORECASE)
RESERVED = {
    "from", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "mime-version",
    "content-type", "content-transfer-encoding", "content-disposition", "sender", "return-path", "received",
}  # fmt: skip
MOST_REFERENCES = 20


def compose(outbound: Outbound, *, from_address: str, from_name: str, domain: str, date: datetime | None = None) -> bytes:
    """The mail with CRLF line ends, ready to send. `date` must be aware; without it the first server adds one.

    Raises SendFailed (not retryable) for an address or header name that cannot stand in a mail. Line breaks and control
    characters in all other values become spaces.
    """
    mail = _body(outbound)
    mail["From"] = _mailbox(Contact("email", from_address, from_name))
    mail["To"] = _mailboxes(outbound.recipients) or "undisclosed-recipients:;"
    if outbound.cc:
        mail["Cc"] = _mailboxes(outbound.cc)
    if outbound.reply_to:
        mail["Reply-To"] = _mailbox(Contact("email", outbound.reply_to, from_name))
    mail["Subject"] = _words(outbound.subject, "Subject")
    if date is not None:
        mail["Date"] = format_datetime(date)
    mail["Message-ID"] = _id(outbound.message_id or new_message_id(domain))
    _thread(mail, outbound)
    if outbound.automatic:
        mail["Auto-Submitted"] = "auto-replied" if outbound.in_reply_to else "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["X-Loop"] = _address(from_address)
    for name, value in outbound.headers:
        if not FIELD_NAME.fullmatch(name) or name.lower() in RESERVED:
            raise SendFailed(f"the header field {name!r} cannot be set", retryable=False)
        mail[name] = _words(value, name)
    return mail.as_bytes(policy=SMTP_FORM)


def new_message_id(domain: str) -> str:
    """A Message-ID that no other mail has, without angle brackets."""
    return f"{secrets.token_hex(16)}@{_domain(domain)}"


def envelope_address(address: str) -> str:
    """An address as the SMTP envelope wants it: the domain in ASCII; raises SendFailed when it is no address."""
    return _address(address)


# Values come folded already; the generator only watches the limit of 998 characters a line.
SMTP_FORM = compat32.clone(linesep="\r\n", max_line_length=900)


def _thread(mail: Message, outbound: Outbound) -> None:
    """The first reference names the conversation, the last are the nearest: a chain too long loses its middle."""
    if outbound.in_reply_to:
        mail["In-Reply-To"] = _id(outbound.in_reply_to)
    chain = list(dict.fromkeys([*outbound.references, *([outbound.in_reply_to] if outbound.in_reply_to else [])]))
    if len(chain) > MOST_REFERENCES:
        chain = [chain[0], *chain[-(MOST_REFERENCES - 1) :]]
    if chain:
        mail["References"] = "\r\n ".join(_id(one) for one in chain)


def _body(outbound: Outbound) -> Message:
    text = _text_part(outbound.text, "plain")
    content: Message = text
    if outbound.html:
        html: Message = _text_part(outbound.html, "html")
        inline = [file for file in outbound.files if file.inline and file.content_id]
        html = _bundle("related", [html, *map(_file_part, inline)]) if inline else html
        content = _bundle("alternative", [text, html])
    attached = [file for file in outbound.files if not (outbound.html and file.inline and file.content_id)]
    return _bundle("mixed", [content, *map(_file_part, attached)]) if attached else content


def _bundle(kind: str, parts: Sequence[Message]) -> MIMEMultipart:
    bundle = MIMEMultipart(kind)
    for part in parts:
        bundle.attach(part)
    return bundle


def _text_part(text: str, kind: str) -> MIMENonMultipart:
    """UTF-8 always; base64 where most characters are not ASCII, since quoted-printable triples Chinese."""
    charset = Charset("utf-8")
    charset.body_encoding = QP if sum(map(str.isascii, text)) * 2 >= len(text) else BASE64
    part = MIMENonMultipart("text", kind, charset="utf-8")
    clean = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if kind == "plain":
        part.set_param("format", "flowed")
        clean = flowed(clean)
    part.set_payload(clean.encode("utf-8", "replace").decode("utf-8"), charset)
    return part


def _file_part(file: File) -> Message:
    name = tidy(file.name).replace("/", "_").replace("\\", "_") or "attachment"
    kind = file.content_type.strip().lower() if CONTENT_TYPE.fullmatch(file.content_type.strip()) else "application/octet-stream"
    if kind == "message/rfc822":
        part: Message = MIMEMessage(BytesParser(policy=compat32).parsebytes(file.data))
    else:
        main, _, sub = ("application/octet-stream" if kind.startswith(("multipart/", "message/")) else kind).partition("/")
        part = MIMEBase(main, sub)
        part.set_payload(file.data)
        encoders.encode_base64(part)
    # Both spellings: RFC 2231 is the standard, the encoded word in `name` is what older Chinese programs read.
    part.set_param("name", Header(name, "utf-8").encode(maxlinelen=900) if not name.isascii() else name)
    part.add_header(
        "Content-Disposition", "inline" if file.inline else "attachment", filename=name if name.isascii() else ("utf-8", "", name)
    )
    if file.content_id:
        part["Content-ID"] = _id(file.content_id)
    return part


def _mailboxes(contacts: Sequence[Contact]) -> str:
    return ",\r\n ".join(_mailbox(one) for one in contacts)


def _mailbox(contact: Contact) -> str:
    name = tidy(contact.name)
    if not name:
        return _address(contact.value)
    if name.isascii():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{_address(contact.value)}>'
    return f"{_words(name, 'Reply-To')} <{_address(contact.value)}>"


def _words(value: str, name: str) -> str:
    """A value folded at 76, as encoded words where it is not ASCII; `name` is the field it stands behind."""
    clean = tidy(value)
    return Header(clean, "us-ascii" if clean.isascii() else "utf-8", header_name=name).encode(linesep="\r\n")


def _id(value: str) -> str:
    """A Message-ID in brackets; nothing but printable ASCII can be in one."""
    return "<" + re.sub(r"[^\x21-\x7e]|[<>]", "", value)[:900] + ">"


def _address(address: str) -> str:
    value = address.strip()
    if not ADDRESS.fullmatch(value):
        raise SendFailed(f"{tidy(address)[:120]!r} is not a mail address", retryable=False)
    local, _, domain = value.rpartition("@")
    return f"{local}@{_domain(domain)}"


def _domain(domain: str) -> str:
    try:
        return domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise SendFailed(f"{tidy(domain)[:120]!r} is not a domain", retryable=False) from error
