"""Read a mail: `parse` turns any bytes into a `ParsedMail`, `to_inbound` that into what the desk receives."""

from __future__ import annotations

import hashlib
import re
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32

from channels.email import headers
from channels.email.automatic import why_automatic
from channels.email.body import Body, read_body
from channels.email.bounce import is_bounce, read_bounce
from channels.email.charset import decode
from channels.email.parsed import ParsedMail
from channels.email.reply_text import reply_text
from channels.message import Contact, File, Inbound, MessageKind

MOST_BOUNDARIES = 400
MOST_DELIMITERS = 20_000
MOST_COMPARISONS = 20_000_000
LONGEST_TEXT = 1_000_000
NESTING = re.compile(rb"boundary\*?0?\*?\s*=|content-type:\s*message/", re.IGNORECASE)


def parse(raw: bytes) -> ParsedMail:
    """Read any bytes as a mail. Never raises: what cannot be understood is kept as text or file and named in `problems`."""
    try:
        return _read(_structure(raw), raw)
    except Exception as error:  # noqa: BLE001 - a mail nobody foresaw must become a ticket, not a refused delivery
        return _unreadable(raw, f"unreadable: {type(error).__name__}")


def to_inbound(parsed: ParsedMail, *, identity: str) -> Inbound:
    """The mail as the desk receives it. Without a usable From the sender's value is empty, which the desk must expect."""
    kind: MessageKind = "bounce" if parsed.bounce else "auto_reply" if parsed.auto_reply else "message"
    return Inbound(
        channel="email",
        external_id=identity,
        sender=Contact(kind="email", value=parsed.from_address, name=parsed.from_name),
        text=parsed.text,
        reply_text=parsed.reply_text,
        html=parsed.html,
        subject=parsed.subject,
        to=parsed.to,
        cc=parsed.cc,
        reply_to=parsed.reply_to,
        files=parsed.files,
        kind=kind,
        message_id=parsed.message_id,
        in_reply_to=parsed.in_reply_to,
        references=parsed.references,
        meta={
            "date": parsed.date.isoformat() if parsed.date else "",
            "problems": list(parsed.problems),
            "delivered_to": [*parsed.headers.get("delivered-to", ()), *parsed.headers.get("x-original-to", ())],
        },
    )


def identity(mail: ParsedMail | bytes) -> str:
    """What makes two deliveries the same mail: a hash over Message-ID, From, Date and body, not over where it was delivered."""
    parsed = parse(mail) if isinstance(mail, bytes) else mail
    digest = hashlib.sha256()
    date = next(iter(parsed.headers.get("date", ())), "")
    fields = [parsed.message_id, parsed.from_address, date, parsed.text.strip(), parsed.html.strip()]
    for field in [*(one.encode("utf-8", "surrogatepass") for one in fields), *(file.data for file in parsed.files)]:
        digest.update(len(field).to_bytes(8, "big") + field)
    return digest.hexdigest()


def _structure(raw: bytes) -> Message:
    """The parser recurses and slows with nesting; a mail built to exploit that is read as headers and one flat body."""
    levels = len(NESTING.findall(raw))
    costly = levels > MOST_BOUNDARIES or levels * raw.count(b"\n") > MOST_COMPARISONS or raw.count(b"\n--") > MOST_DELIMITERS
    parser = BytesHeaderParser if costly else BytesParser
    return parser(policy=compat32).parsebytes(raw.lstrip(b"\r\n \t") if not raw[:1].isalnum() else raw)


def _read(message: Message, raw: bytes) -> ParsedMail:
    body = read_body(message)
    fallback = headers.parameter(message, "content-type", "charset")
    kept = headers.kept(message)
    senders = headers.address_list(message, "from", fallback) or headers.address_list(message, "sender", fallback)
    sender = senders[0] if senders else None
    subject = headers.first(message, "subject", fallback)
    from_address = sender.value if sender else ""
    text = body.text
    recipients, returned_id = read_bounce(body, kept, from_address, subject)
    bounce = is_bounce(message, from_address, subject, recipients)
    return ParsedMail(
        from_address=from_address,
        from_name=sender.name if sender else "",
        to=headers.address_list(message, "to", fallback),
        cc=headers.address_list(message, "cc", fallback),
        reply_to=headers.address_list(message, "reply-to", fallback),
        subject=subject,
        date=headers.date_of(message),
        text=text[:LONGEST_TEXT],
        html=body.html,
        reply_text=reply_text(text[:LONGEST_TEXT]),
        # What the walk could not keep in parts is kept whole.
        files=(*body.files, *([_original(raw)] if body.problems else [])),
        message_id=headers.own_id(message),
        in_reply_to=next(iter(headers.message_ids(headers.first(message, "in-reply-to"))), ""),
        references=headers.message_ids(headers.first(message, "references")),
        headers=kept,
        auto_reply=not bounce and bool(why_automatic(kept, from_address, subject)),
        bounce=bounce,
        bounced=recipients,
        returned_message_id=returned_id,
        size=len(raw),
        problems=_problems(message, body, kept, from_address, text),
    )


def _problems(message: Message, body: Body, kept: dict, from_address: str, text: str) -> tuple[str, ...]:
    found = list(body.problems)
    if not from_address:
        found.append("no readable sender address")
    if "date" not in kept or headers.date_of(message) is None:
        found.append("no readable date")
    if not text.strip() and not body.files:
        found.append("empty body")
    if len(text) > LONGEST_TEXT:
        found.append("text cut at one million characters")
    if any(part.defects for part in message.walk()):
        found.append("malformed MIME structure")
    return tuple(found)


def _unreadable(raw: bytes, problem: str) -> ParsedMail:
    text = decode(raw[:20_000]).replace("\x00", "")
    return ParsedMail(text=text, reply_text=text, files=(_original(raw),), size=len(raw), problems=(problem,))


def _original(raw: bytes) -> File:
    return File(name="original.eml", content_type="message/rfc822", data=raw)
