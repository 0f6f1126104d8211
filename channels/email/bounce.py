"""Delivery reports: RFC 3464 as written, and the notices of servers that never read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from channels.email.addresses import SPEC, canonical
from channels.email.body import Body
from channels.email.bounce_words import CODES, DELAY, GAVE_UP, OPENING, SUBJECT, meaning
from channels.email.headers import first, message_ids
from channels.email.mime import Part, top_fields
from channels.email.parameters import parameter
from channels.email.parsed import BounceAction, BouncedRecipient
from channels.email.words import header_text

MOST_RECIPIENTS = 200
SCANNED = 20_000
OPENING_READ = 1_500
ACTIONS: tuple[BounceAction, ...] = ("failed", "delayed", "delivered", "relayed", "expanded")
ARRIVED = {"delivered", "relayed", "expanded"}
DAEMON = re.compile(
    r"^(?:mailer[-_.]?daemon|mail[-_.]?daemon|mdaemon|microsoftexchange[0-9a-f]{32}"
    r"|mail[-_.]?delivery[-_.]?(?:sub)?system)@"
)
# Behind these there may be a person too.
POST_OFFICE = re.compile(
    r"^(?:postmaster|mail[-_.]?deliver\w*|(?:mail)?bounces?|(?:mail)?bounces?[-+=]\S*|mail[-_.]?(?:router|system)"
    r"|system[-_.]?administrator"
    r"|mta|mailer|post_?office|mail-?error)@"
)
GREETING = re.compile(
    r"\W{0,10}(?:hello|hi|dear|good (?:morning|day|afternoon)|hallo|guten tag|sehr geehrte|bonjour"
    r"|hola|buongiorno)\b(?!\. this is)",
    re.IGNORECASE,
)
DAEMON_NAME = re.compile(
    r"mail(?:er)?[ -]?(?:delivery|daemon|router|system|administrator)|postmaster|delivery (?:sub)?system"
    r"|system (?:administrator|attendant)|"
    r"microsoft outlook|internet mail delivery|邮件系统|系统管理员|郵件系統|系統管理員|退信|メール配信",
    re.IGNORECASE,
)
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
REPLY_CODE = re.compile(r"(?<![\d.:/-])([45][0-5]\d)(?=[ -]|[#:：]|$)(?! ?(?:bytes|kb|mb|hours))", re.MULTILINE | re.IGNORECASE)
RETURNED_ID = re.compile(
    r"^[ \t>]{0,10}(?:original-)?message[- ]id:[ \t]*(?:\n[ \t]+)?(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE
)
# Where the notice ends and the returned mail begins.
ORIGINAL = re.compile(
    r"^[ \t>]{0,10}(?:-{2,} ?(?:below this line|the header of|this is a copy|original (?:message|mail)|returned"
    r"|enclosed|message (?:text|header)|"
    r"begin message|forwarded|原(?:始)?(?:邮件|郵件|信)|以下)|received: |return-path: |(?:original"
    r"|returned) message(?: headers| follows)?:?$|"
    r"(?:original message headers|邮件头|原始郵件標頭|ursprüngliche nachrichtenkopf|en-têtes de message d'origine"
    r"|encabezados de mensajes originales)"
    r"|diagnostic information for administrators|管理员的诊断信息|系統管理員的診斷資訊)",
    re.IGNORECASE | re.MULTILINE,
)
AT_LINE_START = re.compile(
    r"^[ \t>*•·\-\[（(]{0,20}(?:(?:to|rcpt to|recipient|e-?mail|收件人|收件者|邮箱|地址)\W{1,6})?<?$", re.IGNORECASE
)
# Addresses that servers give for help, and what only looks like an address.
NOBODY = re.compile(
    r"^(?:abuse|support|help|helpdesk|admin|webmaster|hostmaster|noreply|no-reply|service|kefu)@|^[0-9a-f-]{24,}@"
    r"|^[\w.$%-]{30,}@[\w-]+\.(?:local|prod)"
)
ABOUT_A_REPLY = re.compile(r"\s*(?:re|aw|sv|回复|答复|回覆|fwd?|wg|转发|轉寄)\s*[:：]", re.IGNORECASE)


@dataclass(frozen=True)
class Report:
    """What a mail says of the delivery of another: to whom, and the Message-ID of that mail where it is known."""

    is_bounce: bool = False
    recipients: tuple[BouncedRecipient, ...] = ()
    returned_id: str = ""


def read_report(message: Part, body: Body, headers: Mapping[str, tuple[str, ...]], from_address: str, subject: str) -> Report:
    """Read a mail as a delivery report; an empty one for any other mail. A notice that names nobody is one all the same."""
    notice = _notice(body.text)
    found = [recipient for group in body.reports if (recipient := _from_group(group))]
    stated = bool(found) or _calls_itself_report(message)
    if not stated and not _from_a_server(headers, message, from_address, subject, notice):
        return Report()
    if not found:
        found = _from_failed_recipients(headers, subject, notice) or _from_prose(message, body, notice, from_address, subject)
    unique = {one.address: one for one in reversed(found)}
    recipients = tuple(reversed(unique.values()))[:MOST_RECIPIENTS]
    arrived = bool(recipients) and all(one.action in ARRIVED for one in recipients)
    return Report(not arrived, recipients, _returned_id(body, headers))


def _calls_itself_report(message: Part) -> bool:
    return (
        message.type == "multipart/report" and "delivery-status" in parameter(message.get("content-type"), "report-type").lower()
    )


def _from_a_server(headers: Mapping[str, tuple[str, ...]], message: Part, from_address: str, subject: str, notice: str) -> bool:
    """Whether a server speaks and says that it could not deliver. A person who writes about that is a person."""
    null_sender = next(iter(headers.get("return-path", ("?",)))) == "<>"
    if ABOUT_A_REPLY.match(subject) and not null_sender:
        return False
    named = bool(DAEMON_NAME.search(first(message, "from").split("<")[0]))
    daemon = bool(DAEMON.match(from_address))
    office = named or not from_address or bool(POST_OFFICE.match(from_address))
    automatic = null_sender or next(iter(headers.get("auto-submitted", ())), "no").lower() != "no"
    says = bool(SUBJECT.search(subject.lower()))
    tells = bool(OPENING.search(notice[:OPENING_READ].lower()))
    told = tells or _names_a_failure(notice)
    return any((
        "x-failed-recipients" in headers and (daemon or office or automatic),
        daemon and (says or (tells and _names_a_failure(notice))),
        office and says and told and (automatic or not GREETING.match(notice)),
        office and automatic and tells and _names_a_failure(notice),
        null_sender and says and tells,
    ))  # fmt: skip


def _names_a_failure(notice: str) -> bool:
    return bool(STATUS.search(notice) or REPLY_CODE.search(notice) or SPEC.search(notice)) and bool(meaning(notice))


def _from_group(group: Part) -> BouncedRecipient | None:
    """One group of fields per recipient; the group for the message as a whole names none and is passed over."""
    addresses = [_address(header_text(group.get(name)).split(";")[-1]) for name in ("final-recipient", "original-recipient")]
    address = next((one for one in addresses if one), "")
    if not address:
        return None
    status = STATUS.search(group.get("status"))
    word = re.match(r"[a-z]+", header_text(group.get("action")).lower())
    diagnostic = header_text(group.get("diagnostic-code"))[:500]
    code = status[1] if status else _status_in(diagnostic)
    # 5.0.0 says no more than that it failed; what the other server said does.
    if code in {"", "5.0.0", "4.0.0"}:
        better = STATUS.search(diagnostic)
        code = better[1] if better and better[1][0] == (code or better[1])[0] else code or meaning(diagnostic)
    action = next((one for one in ACTIONS if word and one == word[0]), _action_for(code))
    return BouncedRecipient(address, action, code, diagnostic)


def _from_failed_recipients(headers: Mapping[str, tuple[str, ...]], subject: str, notice: str) -> list[BouncedRecipient]:
    addresses = [_address(one) for value in headers.get("x-failed-recipients", ()) for one in value.split(",")]
    return [_recipient(one, subject, notice) for one in addresses if one]


def _from_prose(message: Part, body: Body, notice: str, from_address: str, subject: str) -> list[BouncedRecipient]:
    """Servers that write for people: addresses that begin a line, else the first that is nobody of the post office."""
    ours = {
        _address(header_text(one))
        for name in ("to", "delivered-to", "x-original-to")
        for one in message.get(name).split(",")[:20]
    }
    leading, spoken = [], []
    for match in SPEC.finditer(notice):
        address = canonical(match[0])
        if (
            address == from_address
            or DAEMON.match(address)
            or POST_OFFICE.match(address)
            or NOBODY.match(address)
            or _is_id(notice, match.start())
        ):
            continue
        before = notice[notice.rfind("\n", 0, match.start()) + 1 : match.start()]
        (leading if AT_LINE_START.match(before[-60:]) else spoken).append(address)
    leading = [one for one in dict.fromkeys(leading) if one not in ours]
    spoken = [one for one in dict.fromkeys(spoken) if one not in ours]
    chosen = leading or spoken[:1] or _returned_to(body)
    return [_recipient(one, subject, notice) for one in chosen]


def _recipient(address: str, subject: str, notice: str) -> BouncedRecipient:
    """What the notice says of one address: its own paragraph first, then the whole."""
    at = notice.lower().find(address)
    own = notice[at : at + 600] if at >= 0 else ""
    own = own.split("\n\n<", 1)[0]
    code = _status_in(own) or _status_in(notice)
    waits = bool(DELAY.search(subject.lower())) or (
        bool(DELAY.search(notice.lower())) and not GAVE_UP.search(f"{subject}\n{notice}".lower())
    )
    if waits:
        code = code if code.startswith("4.") else "4.0.0"
    action: BounceAction = "delayed" if waits else "failed"
    return BouncedRecipient(address, action, code or "5.0.0", " ".join(notice.split())[:500])


def _returned_to(body: Body) -> list[str]:
    """Whom the returned mail was addressed to, if that was one."""
    for fields in (*body.returned, Part(_embedded(body.text))):
        found = [canonical(one) for one in SPEC.findall(header_text(fields.get("to")))]
        if len(found) == 1:
            return found
    return []


def _returned_id(body: Body, headers: Mapping[str, tuple[str, ...]]) -> str:
    """The Message-ID inside the returned mail or its headers, with which we find our own message again."""
    stated = [fields.get("message-id") for fields in body.returned]
    stated += [group.get("original-message-id") or group.get("x-original-message-id") for group in body.reports]
    stated += headers.get("x-original-message-id", ())
    for value in stated:
        found = message_ids(header_text(value))
        if found:
            return found[0]
    found = message_ids(header_text(dict(_embedded(body.text)).get("message-id", "")))
    if found:
        return found[0]
    in_text = RETURNED_ID.search(body.text[: 10 * SCANNED])
    return message_ids(in_text[1])[0] if in_text else ""


def _embedded(text: str) -> list[tuple[str, str]]:
    """The header of a mail that was copied into the text of the notice."""
    begin = ORIGINAL.search(text[: 10 * SCANNED])
    if not begin:
        return []
    block = text[begin.start() : begin.start() + SCANNED]
    start = re.search(
        r"^[ \t>]{0,10}(?:received|return-path|from|message-id|date|dkim-signature|x-[\w-]{1,40}):[ \t]",
        block,
        re.IGNORECASE | re.MULTILINE,
    )
    return top_fields(block[start.start() :].lstrip("> \t").encode("utf-8", "replace")) if start else []


def _notice(text: str) -> str:
    head = text[:SCANNED]
    begin = ORIGINAL.search(head)
    return head[: begin.start()] if begin and head[: begin.start()].strip() else head


def _is_id(notice: str, at: int) -> bool:
    """Whether an address is a Message-ID by the word before it."""
    return bool(
        re.search(r"(?:message|mail|queue)[- ]?id\W{0,8}$|references?:\W{0,4}$", notice[max(0, at - 30) : at], re.IGNORECASE)
    )


def _status_in(text: str) -> str:
    exact = STATUS.search(text)
    if exact:
        return exact[1]
    rough = REPLY_CODE.search(text)
    told = meaning(text)
    if rough:
        klass = rough[1][0]
        return told if told.startswith(klass) else CODES.get(rough[1], f"{klass}.0.0") if not told else f"{klass}{told[1:]}"
    return told


def _action_for(code: str) -> BounceAction:
    return "delayed" if code.startswith("4.") else "delivered" if code.startswith("2.") else "failed"


def _address(text: str) -> str:
    found = SPEC.search(text)
    return canonical(found[0]) if found else ""
