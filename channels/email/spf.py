"""May this machine send for this domain? SPF by RFC 7208, with its limits on lookups."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from channels.email.dns_lookup import DnsAway, Resolver

SpfResult = Literal["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"]
MOST_LOOKUPS = 10
MOST_VOID = 2
MOST_NAMES = 10
QUALIFIERS: dict[str, SpfResult] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
TERM = re.compile(r"([+\-~?]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^\s/]\S*?))?(/\d{1,2})?(?:/(/\d{1,3}))?", re.IGNORECASE)
NETWORK = re.compile(r"([+\-~?]?)(ip4|ip6):(\S+)", re.IGNORECASE)
MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(\S*)")
MACRO = re.compile(r"%(?:\{([slodiphcrtv])(\d{0,3})(r?)([.\-+,/_=]*)\}|([%_\-]))", re.IGNORECASE)
LABELS = re.compile(r"(?=.{1,253}$)(?:[^.]{1,63}\.)+[^.]{1,63}")


class _Permanent(Exception):
    """The record cannot be used: wrong syntax, or too much work."""


def check_spf(ip: str, envelope_from: str, helo: str, resolver: Resolver) -> tuple[SpfResult, str]:
    """The result and the domain it is about. `envelope_from` empty means a delivery report: then the greeting's name counts."""
    domain = (envelope_from.rpartition("@")[2] or helo).lower().rstrip(".")
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "none", domain
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    sender = envelope_from if "@" in envelope_from else f"postmaster@{domain}"
    try:
        return _Check(address, sender, helo, resolver).evaluate(domain), domain
    except DnsAway:
        return "temperror", domain
    except _Permanent:
        return "permerror", domain


@dataclass
class _Check:
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    sender: str
    helo: str
    resolver: Resolver
    lookups: int = 0
    voids: int = 0

    def evaluate(self, domain: str) -> SpfResult:
        if not LABELS.fullmatch(domain):
            return "none"
        records = [one for one in self.resolver.find(domain, "TXT") if one.lower().split(" ")[0] == "v=spf1"]
        if not records:
            return "none"
        if len(records) > 1:
            raise _Permanent("several records")
        terms, modifiers = _parse(records[0])
        for qualifier, name, value, cidr4, cidr6 in terms:
            if self._matches(name, value, cidr4, cidr6, domain):
                return QUALIFIERS[qualifier or "+"]
        if "redirect" in modifiers:
            self._count_lookup()
            result = self.evaluate(self._expand(modifiers["redirect"], domain).lower())
            if result == "none":
                raise _Permanent("redirect to a domain without a record")
            return result
        return "neutral"

    def _matches(self, name: str, value: str, cidr4: str, cidr6: str, domain: str) -> bool:
        if name == "all":
            return True
        if name in ("ip4", "ip6"):
            return self._within(value)
        self._count_lookup()
        target = self._expand(value, domain).lower().rstrip(".") if value else domain
        if name == "include":
            result = self.evaluate(target)
            if result == "none":
                raise _Permanent("include of a domain without a record")
            return result == "pass"
        if name == "exists":
            return bool(self._found(target, "A"))
        if name == "ptr":
            return any(each == target or each.endswith("." + target) for each in self._names())
        hosts = self._found(target, "MX")[:MOST_NAMES] if name == "mx" else (target,)
        width = (cidr4 or "/32") if self.ip.version == 4 else (cidr6 or "/128")
        return any(self._within(each + width) for host in hosts for each in self._found(host, self._kind))

    @property
    def _kind(self) -> str:
        return "A" if self.ip.version == 4 else "AAAA"

    def _found(self, name: str, kind: str) -> tuple[str, ...]:
        found = self.resolver.find(name, kind)
        if not found:
            self.voids += 1
            if self.voids > MOST_VOID:
                raise _Permanent("too many empty answers")
        return found

    def _names(self) -> Iterator[str]:
        """The machine's names that lead back to it. A name that cannot be looked up is passed over (RFC 7208, 5.5)."""
        try:
            names = self.resolver.find(self.ip.reverse_pointer, "PTR")[:MOST_NAMES]
        except DnsAway:
            return
        for name in names:
            try:
                if str(self.ip) in self.resolver.find(name, self._kind):
                    yield name.lower()
            except DnsAway:
                continue

    def _within(self, network: str) -> bool:
        try:
            return self.ip in ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            raise _Permanent(str(error)) from error

    def _count_lookup(self) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise _Permanent("too many lookups")

    def _expand(self, text: str, domain: str) -> str:
        dotted = ".".join(format(self.ip, "x").zfill(32)) if self.ip.version == 6 else str(self.ip)
        local, _, of = self.sender.rpartition("@")
        values = {"s": self.sender, "l": local or "postmaster", "o": of, "d": domain, "i": dotted, "p": "unknown", "h": self.helo}
        values["v"] = "in-addr" if self.ip.version == 4 else "ip6"

        def value(found: re.Match[str]) -> str:
            if found[5]:
                return {"%": "%", "_": " ", "-": "%20"}[found[5]]
            letter = found[1].lower()
            if letter not in values:
                raise _Permanent(f"the macro {letter} stands in an explanation only")
            parts = re.split("[" + re.escape(found[4] or ".") + "]", values[letter])
            parts = parts[::-1] if found[3] else parts
            return ".".join(parts[-int(found[2]) :] if found[2] and int(found[2]) else parts)

        if "%" in MACRO.sub("", text):
            raise _Permanent("a macro that is none")
        return MACRO.sub(value, text)


def _parse(record: str) -> tuple[list[tuple[str, str, str, str, str]], dict[str, str]]:
    """Terms as (qualifier, mechanism, value, IPv4 width, IPv6 width) and the modifiers. One fault spoils the whole record."""
    terms: list[tuple[str, str, str, str, str]] = []
    modifiers: dict[str, str] = {}
    for word in record.split(" ")[1:]:
        network, term, modifier = NETWORK.fullmatch(word), TERM.fullmatch(word), MODIFIER.fullmatch(word)
        if not word:
            continue
        if network:
            terms.append((network[1], network[2].lower(), network[3], "", ""))
        elif term and not (term[2].lower() in ("include", "exists", "ip4", "ip6") and not term[3]):
            terms.append((term[1], term[2].lower(), term[3] or "", term[4] or "", term[5] or ""))
        elif modifier and modifier[1].lower() not in modifiers:
            modifiers[modifier[1].lower()] = modifier[2]
        else:
            raise _Permanent(f"not understood: {word}")
    return terms, modifiers
