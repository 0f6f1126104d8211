"""Decide what a mail is before anything is done with it: a table of rules, first hit decides, every reason recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from channels.email.automatic import on_a_list, why_automatic
from channels.email.parsed import BouncedRecipient, ParsedMail

VerdictKind = Literal["person", "auto_reply", "bounce", "list", "loop", "too_large"]
MOST_HOPS = 40


@dataclass(frozen=True)
class Verdict:
    """What a mail is, and all the reasons found, also those that did not decide. `recipients` is filled for a bounce."""

    kind: VerdictKind
    reasons: tuple[str, ...] = ()
    recipients: tuple[BouncedRecipient, ...] = ()

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
    return Verdict(kind, tuple(reason for _, reason in hits), parsed.bounced if kind == "bounce" else ())


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
    if not mail.bounce:
        return []
    return [f"{one.address} {one.action} {one.status}".strip() for one in mail.bounced] or ["delivery report without a recipient"]


def _automatic(mail: ParsedMail, ours: Ours) -> list[str]:
    reasons = list(why_automatic(mail.headers, mail.from_address, mail.subject))
    if ours.envelope_from is not None and ours.envelope_from.strip() in {"", "<>"}:
        reasons.append("empty envelope sender")
    return reasons


def _list(mail: ParsedMail, _ours: Ours) -> list[str]:
    return list(on_a_list(mail.headers))


RULES: tuple[tuple[VerdictKind, Callable[[ParsedMail, Ours], list[str]]], ...] = (
    ("too_large", _too_large),
    ("loop", _from_ourselves),
    ("loop", _marked_by_us),
    ("loop", _too_many_hops),
    ("bounce", _bounce),
    ("loop", _automatic_from_own_domain),
    ("auto_reply", _automatic),
    ("list", _list),
)
