"""Delivery reports: RFC 3464 as written, and the plain-text bounces of servers that never read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message

from channels.email.addresses import SPEC, canonical
from channels.email.body import Body
from channels.email.headers import message_ids
from channels.email.parsed import BounceAction, BouncedRecipient
from channels.email.words import header_text

MOST_RECIPIENTS = 200
SCANNED = 20_000
ACTIONS: tuple[BounceAction, ...] = ("failed", "delayed", "delivered", "relayed", "expanded")
DAEMON = re.compile(r"^(mailer-daemon|mail-daemon|postmaster|mdaemon|mail\.?delivery.*|mailerdaemon|bounce[s+-]?.*)@")
PHRASES = (
    r"undeliver|delivery (?:status|failure|report|notification)|failure notice|returned (?:mail|to sender)",
    r"mail delivery|delivery has failed|could not be delivered|message not delivered",
    r"non remis|unzustellbar|nicht zugestellt|no se (?:puede|pudo) entregar",
    r"退信|系統退信|无法送达|無法送達|无法投递|無法投遞|未送达|投递失败|投遞失敗|配信不能|エラーメール",
)
SUBJECT = re.compile("|".join(PHRASES), re.IGNORECASE)
STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
REPLY_CODE = re.compile(r"\b([45])\d\d[ -]")
RETURNED_ID = re.compile(r"^message-id:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)
ORIGINAL = re.compile(
    r"^(?:--- ?(?:below this line|the header of)|-{3,} ?(?:this is a copy|original message|returned)|received: )",
    re.IGNORECASE | re.MULTILINE,
)
RETURNED = {"message/rfc822", "text/rfc822-headers", "message/global", "message/rfc822-headers"}


def read_bounce(
    body: Body, headers: Mapping[str, tuple[str, ...]], from_address: str, subject: str
) -> tuple[tuple[BouncedRecipient, ...], str]:
    """Whom the mail says it could not (or did) reach, and the Message-ID of what was returned; empty for other mails."""
    found = [recipient for report in body.reports for recipient in _from_report(report)]
    found += _from_failed_recipients(headers, body.text)
    suspicious = bool(DAEMON.match(from_address)) or "x-failed-recipients" in headers
    if not found and suspicious and (SUBJECT.search(subject) or STATUS.search(body.text[:SCANNED])):
        found = _from_prose(body.text[:SCANNED], from_address)
    unique = {one.address: one for one in reversed(found)}
    returned = _returned_id(body) if found or suspicious else ""
    return tuple(reversed(unique.values()))[:MOST_RECIPIENTS], returned


def is_bounce(message: Message, from_address: str, subject: str, recipients: tuple[BouncedRecipient, ...]) -> bool:
    """Whether a mail is a delivery report at all; one that names nobody still is."""
    if (
        message.get_content_type() == "multipart/report"
        and "delivery-status" in str(message.get_param("report-type", "")).lower()
    ):
        return True
    return bool(recipients) or bool(DAEMON.match(from_address) and SUBJECT.search(subject))


def _from_report(report: Message) -> list[BouncedRecipient]:
    """One group of fields per recipient; the group for the message as a whole names none and is passed over."""
    groups = report.get_payload()
    found = []
    for group in groups if isinstance(groups, list) else []:
        stated = header_text(str(group.get("final-recipient") or group.get("original-recipient") or ""))
        address = _address(stated.split(";")[-1])
        if not address:
            continue
        status = STATUS.search(str(group.get("status", "")))
        action = header_text(str(group.get("action", ""))).lower().split(" ")[0]
        diagnostic = header_text(str(group.get("diagnostic-code", "")))[:500]
        code = status[1] if status else _status_in(diagnostic)
        found.append(BouncedRecipient(address, action if action in ACTIONS else _action_for(code), code, diagnostic))
    return found


def _from_failed_recipients(headers: Mapping[str, tuple[str, ...]], text: str) -> list[BouncedRecipient]:
    addresses = [_address(one) for value in headers.get("x-failed-recipients", ()) for one in value.split(",")]
    code = _status_in(text[:SCANNED])
    return [BouncedRecipient(one, _action_for(code), code) for one in addresses if one]


def _from_prose(text: str, from_address: str) -> list[BouncedRecipient]:
    """qmail, Exchange, QQ and 163 write for people: take the first address before the returned mail begins."""
    notice = ORIGINAL.split(text, maxsplit=1)[0]
    own_domain = from_address.rpartition("@")[2]
    spoken = [canonical(one) for one in SPEC.findall(notice)]
    addresses = [one for one in spoken if not DAEMON.match(one) and one != from_address]
    outside = [one for one in addresses if not one.endswith("@" + own_domain)] or addresses
    code = _status_in(notice)
    return [BouncedRecipient(outside[0], _action_for(code), code, " ".join(notice.split())[:500])] if outside else []


def _returned_id(body: Body) -> str:
    """The Message-ID inside the returned mail or its headers, with which we find our own message again."""
    for file in body.files:
        if file.content_type in RETURNED:
            found = RETURNED_ID.search(file.data[:SCANNED].decode("latin-1"))
            if found:
                return message_ids(found[1])[0]
    found = RETURNED_ID.search(body.text)
    return message_ids(found[1])[0] if found else ""


def _status_in(text: str) -> str:
    exact = STATUS.search(text)
    if exact:
        return exact[1]
    rough = REPLY_CODE.search(text)
    return f"{rough[1]}.0.0" if rough else ""


def _action_for(code: str) -> BounceAction:
    return "delayed" if code.startswith("4.") else "delivered" if code.startswith("2.") else "failed"


def _address(text: str) -> str:
    found = SPEC.search(text)
    return canonical(found[0]) if found else ""
