"""Read a mail: `parse` turns any bytes into a `ParsedMail`, `to_inbound` that into what the desk receives."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from channels.email import headers
from channels.email.automatic import why_automatic
from channels.email.away import away_until
from channels.email.body import CUT_TEXT, NOT_APART, Body, read_body
from channels.email.bounce import read_report
from channels.email.charset import decode
from channels.email.html_text import COPIES, marked_text
from channels.email.mime import HEADER_TOO_LONG, TOO_MUCH, Part, cut
from channels.email.names import told_apart
from channels.email.parameters import parameter
from channels.email.parsed import ParsedMail
from channels.email.reply_text import reply_text
from channels.message import Contact, File, Inbound, MessageKind

LONGEST_TEXT = 1_000_000
AWAY_READ = 4_000
KEPT_SHARE = 0.9
LOSSES = {TOO_MUCH, HEADER_TOO_LONG, CUT_TEXT, NOT_APART}
ONCE = ("from", "subject", "date", "message-id", "content-type")
FORWARDED = re.compile(
    r"\s*(?:fwd?|wg|tr|rv|enc|i|vl|vb|pd|i̇lt|doorst|转发|轉寄|轉發|转寄|転送|전달|пересл)\s*[:：]", re.IGNORECASE
)


def parse(raw: bytes) -> ParsedMail:
    """Read any bytes as a mail. Never raises: what cannot be understood is kept as text or file and named in `problems`."""
    try:
        return _read(raw)
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
            **({"signed": parsed.signed} if parsed.signed else {}),
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


def _read(raw: bytes) -> ParsedMail:
    mail = cut(raw)
    message, body = mail.root, read_body(mail)
    fallback = parameter(message.get("content-type"), "charset")
    kept = headers.kept(message)
    sender = _sender(message, fallback)
    subject = headers.first(message, "subject", fallback)
    text = body.text[:LONGEST_TEXT]
    report = read_report(message, body, kept, sender.value, subject)
    automatic = () if report.is_bounce else why_automatic(kept, sender.value, subject, text)
    date = headers.date_of(message)
    problems = _problems(message, body, sender, date)
    return ParsedMail(
        from_address=sender.value,
        from_name=sender.name,
        to=headers.address_list(message, "to", fallback),
        cc=headers.address_list(message, "cc", fallback),
        reply_to=headers.address_list(message, "reply-to", fallback),
        subject=subject,
        date=date,
        text=text,
        html=body.html,
        reply_text=_new_text(body, forwarded=bool(FORWARDED.match(subject))),
        # What the walk could not keep in parts is kept whole.
        files=tuple(told_apart([*body.files, _original(raw)])) if LOSSES.intersection(problems) else tuple(body.files),
        message_id=headers.own_id(message),
        in_reply_to=next(iter(headers.message_ids(headers.first(message, "in-reply-to"))), ""),
        references=headers.message_ids(headers.first(message, "references")),
        headers=kept,
        auto_reply=bool(automatic),
        bounce=report.is_bounce,
        bounced=report.recipients,
        returned_message_id=report.returned_id,
        away_until=away_until(f"{subject}\n{text[:AWAY_READ]}", date) if automatic else None,
        report="read receipt" if body.receipts else "feedback" if body.complaints else "",
        calendar=next((method for method in body.calendar if method), ""),
        encrypted=body.encrypted,
        signed=body.signed,
        size=len(raw),
        problems=problems,
    )


def _new_text(body: Body, *, forwarded: bool) -> str:
    """What is new. Where the plain part shows no quote the HTML may: programs of any language name it in their markup."""
    found = reply_text(body.marked[:LONGEST_TEXT], forwarded=forwarded)
    if COPIES.search(body.html[:LONGEST_TEXT]) and len(found) > KEPT_SHARE * len(body.text.strip()):
        shown = reply_text(marked_text(body.html), forwarded=forwarded)
        return shown if shown and len(shown) < KEPT_SHARE * len(found) else found
    return found


def _sender(message: Part, fallback: str) -> Contact:
    """Who wrote: From, else who sent it for them; an empty contact when nobody is named."""
    for name in ("from", "sender", "x-sender", "reply-to"):
        found = headers.address_list(message, name, fallback)
        if found:
            return found[0]
    return Contact(kind="email", value="")


def _problems(message: Part, body: Body, sender: Contact, date: datetime | None) -> tuple[str, ...]:
    found = list(body.problems)
    if not message.has("from") or not sender.value:
        found.append("no readable sender address")
    if date is None:
        found.append("no readable date")
    if not body.text.strip() and not body.files:
        found.append("empty body")
    if len(body.text) > LONGEST_TEXT:
        found.append("text cut at one million characters")
    if body.encrypted:
        found.append(f"encrypted with {body.encrypted}: only its recipient can read it")
    found += [f"more than one {name}" for name in ONCE if sum(key == name for key, _ in message.fields) > 1]
    return tuple(dict.fromkeys(found))


def _unreadable(raw: bytes, problem: str) -> ParsedMail:
    text = decode(raw[:20_000]).replace("\x00", "")
    return ParsedMail(text=text, reply_text=text, files=(_original(raw),), size=len(raw), problems=(problem,))


def _original(raw: bytes) -> File:
    return File(name="original.eml", content_type="message/rfc822", data=raw)
