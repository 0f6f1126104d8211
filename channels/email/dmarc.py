"""Does the domain in From stand behind a mail? Policies and alignment by RFC 9989 (tree walk)."""

from __future__ import annotations

from dataclasses import dataclass

from channels.email.dns_lookup import Resolver

MOST_LABELS_ASKED = 8


@dataclass(frozen=True)
class DmarcRecord:
    """The record found at `domain`; `tags` has lower-case names."""

    domain: str
    tags: dict[str, str]


@dataclass(frozen=True)
class Policy:
    """What a domain asks for: `wanted` is none, quarantine or reject; empty when the domain has no record."""

    organisation: str
    wanted: str = ""
    strict_dkim: bool = False
    strict_spf: bool = False

    @property
    def exists(self) -> bool:
        return bool(self.wanted)


def policy_of(domain: str, resolver: Resolver) -> Policy:
    """The policy for mail from `domain`: its own record, else its organisation's. Raises DnsAway."""
    found = _walk(domain, resolver)
    organisation = _organisation(domain, found)
    records = {record.domain: record for record in found}
    record = (
        records.get(domain) or records.get(organisation) or (found[-1] if found and found[-1].tags.get("psd") == "y" else None)
    )
    if record is None:
        return Policy(organisation)
    tags = record.tags
    wanted = tags.get("p", "none")
    wanted = wanted if record.domain == domain else tags.get("sp", wanted)
    wanted = wanted.lower() if wanted.lower() in ("none", "quarantine", "reject") else "none"
    return Policy(organisation, wanted, tags.get("adkim", "r").lower() == "s", tags.get("aspf", "r").lower() == "s")


def aligned(domain: str, authenticated: str, policy: Policy, *, strict: bool, resolver: Resolver) -> bool:
    """Whether a domain that SPF or DKIM proved speaks for the domain in From. Raises DnsAway."""
    domain, authenticated = domain.lower().rstrip("."), authenticated.lower().rstrip(".")
    if domain == authenticated:
        return True
    if strict or not authenticated:
        return False
    # Unrelated names cannot share an organisation; only for related ones is anybody asked.
    if domain.rpartition(".")[2] != authenticated.rpartition(".")[2]:
        return False
    return _organisation(authenticated, _walk(authenticated, resolver)) == policy.organisation


def _walk(domain: str, resolver: Resolver) -> list[DmarcRecord]:
    """The records from the domain upwards, at most eight questions (RFC 9989, 4.10)."""
    found, labels = [], domain.lower().rstrip(".").split(".")
    names = [labels] if len(labels) < MOST_LABELS_ASKED else [labels, labels[-(MOST_LABELS_ASKED - 1) :]]
    names += [names[-1][start:] for start in range(1, len(names[-1]))]
    for name in names[:MOST_LABELS_ASKED]:
        record = _record(".".join(name), resolver)
        if record is None:
            continue
        found.append(record)
        if record.tags.get("psd") in ("y", "n"):
            break
    return found


def _record(domain: str, resolver: Resolver) -> DmarcRecord | None:
    texts = [text for text in resolver.find(f"_dmarc.{domain}", "TXT") if text.split(";")[0].replace(" ", "") == "v=DMARC1"]
    if len(texts) != 1:
        return None
    pairs = (part.partition("=") for part in texts[0].split(";") if "=" in part)
    return DmarcRecord(domain, {name.strip().lower(): value.strip() for name, _, value in pairs})


def _organisation(domain: str, found: list[DmarcRecord]) -> str:
    """The domain at which the organisation begins, as its records say."""
    for record in found:
        if record.tags.get("psd") == "n":
            return record.domain
        if record.tags.get("psd") == "y" and record.domain != domain:
            below = len(record.domain.split(".")) + 1
            return ".".join(domain.split(".")[-below:])
    return found[-1].domain if found else domain
