"""Who vouches for the sender of a mail: SPF, DKIM and DMARC, checked here or read from our own upstream server's report."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Any, Literal

from channels.email.dkim_signature import check_dkim
from channels.email.dmarc import Policy, aligned, policy_of
from channels.email.dns_lookup import DnsAway, Patience, Resolver
from channels.email.headers import address_list
from channels.email.spf import check_spf

Mode = Literal["off", "upstream", "check"]
Standing = Literal["verified", "failed", "not_verified", "not_checked"]
HEADER_LIMIT = 256 * 1024
COMMENT = re.compile(r"\([^()]*\)")
RESULT = re.compile(r"^\s*(dkim|spf|dmarc)(?:/\d+)?\s*=\s*([a-z]+)", re.IGNORECASE)
PROPERTY = re.compile(
    r"\b(header\.d|header\.i|header\.from|smtp\.mailfrom|smtp\.helo|policy\.[a-z.-]+)\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE
)


@dataclass(frozen=True)
class Authentication:
    """What is known about the sender.

    `standing` is the answer: `verified` (the domain in From vouches for it: `by` says by which signature or server), `failed`
    (the domain has a policy, and this mail does not meet it), `not_verified` (nobody vouches, nobody forbids), `not_checked`.
    `spf`, `dkim` and `dmarc` are the results in the words of RFC 8601; `policy` is what the domain asks for.
    """

    standing: Standing = "not_checked"
    domain: str = ""
    by: str = ""
    spf: str = ""
    dkim: str = ""
    dmarc: str = ""
    policy: str = ""
    source: Mode = "off"

    @property
    def failed(self) -> bool:
        """The sender is very likely not who it says: no automatic answer, no link to a customer by address, no disclosure."""
        return self.standing == "failed"

    def as_meta(self) -> dict[str, Any]:
        """For a message's or a ledger row's own notes."""
        return asdict(self)


def authenticate(
    raw: bytes,
    *,
    mode: Mode,
    envelope_from: str = "",
    client_ip: str = "",
    helo: str = "",
    upstream: str = "",
    resolver: Resolver | None = None,
) -> Authentication:
    """Judge the sender of a mail; never raises, and asks the name system only in mode `check`, for seconds at most.

    `upstream` is the authserv-id of our own server before us, whose Authentication-Results alone is believed in mode
    `upstream`. `client_ip`, `helo` and `envelope_from` are what the SMTP client said; without an address SPF is `none`.
    """
    if mode == "off":
        return Authentication()
    head = raw[:HEADER_LIMIT]
    message = BytesHeaderParser(policy=compat32).parsebytes(head)
    domain = _from_domain(message)
    if not domain:
        return Authentication("failed", dmarc="permerror", source=mode)
    if mode == "upstream":
        return _told(message, domain, upstream)
    if resolver is None:
        return Authentication(domain=domain)
    return _checked(raw, domain, envelope_from, client_ip, helo, Patience(resolver))


def _from_domain(message: Message) -> str:
    """The one domain in From; empty when there is none, or more than one field or domain: nobody can vouch for those."""
    if sum(name.lower() == "from" for name in message.keys()) != 1:  # noqa: SIM118 - a mail may have a field twice
        return ""
    domains = {contact.value.rpartition("@")[2].lower().rstrip(".") for contact in address_list(message, "from")}
    return domains.pop() if len(domains) == 1 else ""


def _checked(raw: bytes, domain: str, envelope_from: str, client_ip: str, helo: str, resolver: Resolver) -> Authentication:
    spf, spf_domain = check_spf(client_ip, envelope_from, helo, resolver)
    signatures = check_dkim(raw, resolver)
    dkim = next((result for result, _ in signatures if result == "pass"), signatures[0][0] if signatures else "none")
    found = Authentication("not_verified", domain, spf=spf, dkim=dkim, source="check")
    try:
        policy = policy_of(domain, resolver)
        by = _voucher(domain, spf, spf_domain, signatures, policy, resolver)
    except DnsAway:
        return replace(found, dmarc="temperror")
    found = replace(found, policy=policy.wanted)
    if by:
        return replace(found, standing="verified", by=by, dmarc="pass" if policy.exists else "none")
    if not policy.exists:
        return replace(found, dmarc="none")
    if "temperror" in (spf, *(result for result, _ in signatures)):
        return replace(found, dmarc="temperror")
    return replace(found, standing="failed", dmarc="fail")


def _voucher(
    domain: str, spf: str, spf_domain: str, signatures: list[tuple[str, str]], policy: Policy, resolver: Resolver
) -> str:  # fmt: skip
    """What proves the domain in From: an aligned signature first, since it covers the text as well."""
    for result, signer in signatures:
        if result == "pass" and aligned(domain, signer, policy, strict=policy.strict_dkim, resolver=resolver):
            return f"dkim:{signer}"
    if spf == "pass" and aligned(domain, spf_domain, policy, strict=policy.strict_spf, resolver=resolver):
        return f"spf:{spf_domain}"
    return ""


def _told(message: Message, domain: str, upstream: str) -> Authentication:
    """What our own server before us reports. Reports under any other name, or further down, were written by who knows whom."""
    results: dict[str, str] = {}
    proved: dict[str, str] = {}
    for report in _reports(message, upstream):
        for part in report.split(";")[1:]:
            result = RESULT.match(part)
            if result is None or results.get(result[1].lower()) == "pass":
                continue
            method, value = result[1].lower(), result[2].lower()
            results[method] = value
            properties = {name.lower(): value for name, value in PROPERTY.findall(part)}
            named = properties.get("header.d") or properties.get("header.i") or properties.get("smtp.mailfrom") or ""
            proved[method] = named.rpartition("@")[2].lower().rstrip(".")
    found = Authentication(
        "not_verified",
        domain,
        spf=results.get("spf", "none"),
        dkim=results.get("dkim", "none"),
        dmarc=results.get("dmarc", "none"),
        source="upstream",
    )
    by = next(
        (f"{method}:{proved[method]}" for method in ("dkim", "spf") if results.get(method) == "pass" and proved[method]), ""
    )
    if results.get("dmarc") == "pass":
        return replace(found, standing="verified", by=by or f"dmarc:{domain}")
    if results.get("dmarc") == "fail":
        return replace(found, standing="failed")
    if by and by.partition(":")[2] == domain:
        return replace(found, standing="verified", by=by)
    return found


def _reports(message: Message, upstream: str) -> list[str]:
    """Our server puts its report beside its own Received field, at the top; from the second Received on, others wrote."""
    reports, received = [], 0
    for name, value in message.raw_items():
        received += name.lower() == "received"
        if received > 1:
            break
        if name.lower() != "authentication-results":
            continue
        text = COMMENT.sub(" ", " ".join(str(value).split()))
        words = text.partition(";")[0].split()
        if upstream and words and words[0].lower() == upstream.lower():
            reports.append(text)
    return reports
