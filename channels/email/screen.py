"""Decide what a mail is before anything is done with it: a table of rules, first hit decides, every reason recorded.

The kinds, in the order in which they decide:

- `too_large`: over our limit.
- `loop`: our own mail come back, or one that goes in circles; after the reports, also any automatic mail from our own domain.
- `bounce`: a server says that a mail of ours did not arrive. `delay`: it still tries; nothing has failed yet.
- `receipt`: a program says that a mail was delivered or opened (RFC 8098); a decision of no person.
- `calendar_reply`: a calendar accepts, declines or counters an invitation.
- `feedback_report`: a provider forwards a complaint about our mail (RFC 5965).
- `challenge`: the sender's spam filter asks us to prove that we are people.
- `out_of_office`: an automatic reply that says its writer is away; `away_until` has the day, if it gives one.
- `auto_reply`: any other mail of a program.
- `list`: one to many.
- `person`: none of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

from channels.email.automatic import on_a_list, why_automatic
from channels.email.away import speaks_of_absence
from channels.email.parsed import BouncedRecipient, ParsedMail
from channels.email.phrases import either

VerdictKind = Literal[
    "person", "auto_reply", "out_of_office", "bounce", "delay", "receipt", "calendar_reply", "feedback_report", "challenge",
    "list", "loop", "too_large",
]  # fmt: skip
MOST_HOPS = 40
CALENDAR_ANSWERS = {"REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH"}
READ_SUBJECTS = (
    (
        r"read(?: receipt)?|gelesen|lu|leído|leido|lida?|letto|gelezen|przeczytane|прочитано|läst|lest|luettu|已读|已讀|已读回执"
        r"|讀取回條|阅读回执|已阅读|開封|開封済み|읽음"
    ),
    r"(?:return receipt|disposition notification|read-receipt|邮件回执|回执|回條)(?: \(displayed\))?",
)
READ_SUBJECT = re.compile(rf"^\s*{either(READ_SUBJECTS)}\s*[:：-]", re.IGNORECASE)
READ_TEXT = re.compile(
    r"was (?:read|displayed|opened) on|this is a return receipt|message has been (?:displayed|read)|wurde (?:am"
    r"|gelesen)|a été lu|fue leído|"
    r"已(?:被)?(?:阅读|打开|查看|显示)|已(?:被)?(?:讀取|開啟|閱讀)|这是(?:邮件)?收条|收条|開封(?:し|さ)",
    re.IGNORECASE,
)
CHALLENGES = (
    (
        r"(?:click|follow|visit|reply to).{0,120}(?:verify|confirm|authenticate|prove|release"
        r"|deliver).{0,120}(?:your (?:message|e-?mail|address)|you are (?:a )?(?:human|person))"
    ),
    (
        r"(?:your|this) (?:message|e-?mail) (?:is|was|has been) (?:being )?(?:held|quarantined"
        r"|not yet been delivered).{0,200}(?:verify|confirm|click|reply)"
    ),
    (
        r"(?:spam ?arrest|boxtrapper|tmda|sender (?:address )?verification|challenge[/-]response|qurb|mailinblack"
        r"|earthlink spamblocker)"
    ),
    r"(?:点击|點擊|回复|回覆).{0,60}(?:验证|驗證|确认|確認).{0,60}(?:您的邮件|您的郵件|发件人|寄件者|才能送达)",
)
CHALLENGE = re.compile(either(CHALLENGES), re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Verdict:
    """What a mail is, and all the reasons found, also those that did not decide.

    `recipients` is filled for a bounce and a delay, `away_until` for an absence note that gives a day.
    """

    kind: VerdictKind
    reasons: tuple[str, ...] = ()
    recipients: tuple[BouncedRecipient, ...] = ()
    away_until: date | None = None

    @property
    def may_be_answered_automatically(self) -> bool:
        """Whether an acknowledgement may be sent: only to a person (RFC 3834 section 2)."""
        return self.kind == "person"


@dataclass(frozen=True)
class Ours:
    """What the rules need to know of us. Addresses and domains are lower case; `envelope_from` is None when unknown."""

    domains: frozenset[str]
    addresses: frozenset[str]
    max_size: int
    envelope_from: str | None


def screen(
    parsed: ParsedMail,
    *,
    own_domains: Collection[str] = (),
    own_addresses: Collection[str] = (),
    max_size: int = 25 * 1024 * 1024,
    envelope_from: str | None = None,
) -> Verdict:
    """Judge a mail. `max_size` is in bytes; `envelope_from` is the SMTP sender, empty for `<>`."""
    ours = Ours(
        frozenset(one.lower() for one in own_domains), frozenset(one.lower() for one in own_addresses), max_size, envelope_from
    )
    hits = [(kind, reason) for kind, rule in RULES for reason in rule(parsed, ours)]
    kind = hits[0][0] if hits else "person"
    return Verdict(
        kind,
        tuple(dict.fromkeys(reason for _, reason in hits)),
        parsed.bounced if kind in {"bounce", "delay"} else (),
        parsed.away_until if kind == "out_of_office" else None,
    )


def _too_large(mail: ParsedMail, ours: Ours) -> list[str]:
    return [f"{mail.size} bytes, {ours.max_size} allowed"] if mail.size > ours.max_size else []


def _from_ourselves(mail: ParsedMail, ours: Ours) -> list[str]:
    return [f"sender {mail.from_address} is one of our own addresses"] if mail.from_address in ours.addresses else []


def _marked_by_us(mail: ParsedMail, ours: Ours) -> list[str]:
    """Our automatic mails carry X-Loop with our address; one that comes back has gone round."""
    marks = [mark.strip().strip("<>").lower() for mark in mail.headers.get("x-loop", ())]
    back = [mark for mark in marks if mark in ours.addresses or mark.rpartition("@")[2] in ours.domains]
    return [f"X-Loop names {back[0]}"] if back else []


def _automatic_from_own_domain(mail: ParsedMail, ours: Ours) -> list[str]:
    domain = mail.from_address.rpartition("@")[2]
    return [f"automatic mail from our own domain {domain}"] if domain in ours.domains and mail.auto_reply else []


def _too_many_hops(mail: ParsedMail, _ours: Ours) -> list[str]:
    hops = len(mail.headers.get("received", ()))
    return [f"{hops} Received fields"] if hops > MOST_HOPS else []


def _bounce(mail: ParsedMail, _ours: Ours) -> list[str]:
    if not mail.bounce or _only_delayed(mail):
        return []
    return _told(mail) or ["delivery report without a recipient"]


def _delay(mail: ParsedMail, _ours: Ours) -> list[str]:
    return _told(mail) if mail.bounce and _only_delayed(mail) else []


def _receipt(mail: ParsedMail, _ours: Ours) -> list[str]:
    if mail.report == "read receipt" or "disposition-notification" in _content_type(mail):
        return ["report of a mail that was opened"]
    if mail.bounced and not mail.bounce:
        return _told(mail)
    by_words = READ_SUBJECT.match(mail.subject) and READ_TEXT.search(mail.text[:1_000])
    return ["subject and words of a read receipt"] if by_words else []


def _calendar_reply(mail: ParsedMail, _ours: Ours) -> list[str]:
    return [f"calendar part with method {mail.calendar}"] if mail.calendar in CALENDAR_ANSWERS else []


def _feedback(mail: ParsedMail, _ours: Ours) -> list[str]:
    return ["feedback report"] if mail.report == "feedback" or "feedback-report" in _content_type(mail) else []


def _challenge(mail: ParsedMail, ours: Ours) -> list[str]:
    """The words alone are not enough: a person may ask us to confirm something by a click."""
    marks = [f"{name} is present" for name in ("x-challenge", "x-boxtrapper", "x-tmda-fingerprint") if name in mail.headers]
    if not marks and _automatic(mail, ours) and CHALLENGE.search(mail.reply_text[:3_000]):
        marks = ["automatic mail that asks to prove a person"]
    return marks


def _absence(mail: ParsedMail, ours: Ours) -> list[str]:
    away = _automatic(mail, ours) and speaks_of_absence(f"{mail.subject}\n{mail.reply_text}")
    return [f"away until {mail.away_until}" if mail.away_until else "says that its writer is away"] if away else []


def _automatic(mail: ParsedMail, ours: Ours) -> list[str]:
    reasons = list(why_automatic(mail.headers, mail.from_address, mail.subject, mail.text))
    if ours.envelope_from is not None and ours.envelope_from.strip() in {"", "<>"}:
        reasons.append("empty envelope sender")
    return reasons


def _list(mail: ParsedMail, _ours: Ours) -> list[str]:
    return list(on_a_list(mail.headers))


def _only_delayed(mail: ParsedMail) -> bool:
    return bool(mail.bounced) and all(one.action == "delayed" for one in mail.bounced)


def _told(mail: ParsedMail) -> list[str]:
    return [f"{one.address} {one.action} {one.status}".strip() for one in mail.bounced]


def _content_type(mail: ParsedMail) -> str:
    return next(iter(mail.headers.get("content-type", ())), "").lower()


RULES: tuple[tuple[VerdictKind, Callable[[ParsedMail, Ours], list[str]]], ...] = (
    ("too_large", _too_large),
    ("loop", _from_ourselves),
    ("loop", _marked_by_us),
    ("loop", _too_many_hops),
    ("bounce", _bounce),
    ("delay", _delay),
    ("receipt", _receipt),
    ("calendar_reply", _calendar_reply),
    ("feedback_report", _feedback),
    ("challenge", _challenge),
    ("loop", _automatic_from_own_domain),
    ("out_of_office", _absence),
    ("auto_reply", _automatic),
    ("list", _list),
)
