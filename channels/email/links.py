"""Links in a mail say where they lead: one that names another place than it goes to shows its real host behind its words."""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import urlsplit

LINK = re.compile(r'<a ([^>]*?)href="([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)
TITLE = re.compile(r'\s?title="[^"]*"')
TAG = re.compile(r"<[^>]*>")
NAMED = re.compile(r"(?:https?://)?(?:[\w-]{1,63}\.)+[a-z\u0080-\uffff]{2,24}", re.IGNORECASE)


def with_real_hosts(html: str) -> str:
    """HTML that `safe_html` has made, with the host behind each link whose words name another one, and as its title."""
    return LINK.sub(_shown, html)


def host_of(address: str) -> str:
    """Where an address leads, in ASCII so that no letter can stand in for another; empty when nowhere."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        if parts.scheme == "mailto":
            return parts.path.rpartition("@")[2].split("?")[0].lower()
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return "?"


def _shown(found: re.Match[str]) -> str:
    before, address, after, words = (TITLE.sub("", found[1]), found[2], TITLE.sub("", found[3]), found[4])
    host = host_of(unescape(address))
    if not host:
        return found[0]
    link = f'<a {before}href="{address}"{after} title="{escape(unescape(address)[:300])}">{words}</a>'
    named = [host_of(each if "//" in each else f"//{each}") for each in NAMED.findall(unescape(TAG.sub("", words)))]
    # Letters that look like others, and names before an @, are there to mislead.
    plain = "xn--" not in host and "@" not in urlsplit(unescape(address)).netloc
    if plain and all(_same(each, host) for each in named):
        return link
    return f'{link} <span style="color:#a31d1d;font-weight:bold">[{escape(host)}]</span>'


def _same(named: str, host: str) -> bool:
    named, host = named.removeprefix("www."), host.removeprefix("www.")
    return named == host or host.endswith("." + named)
