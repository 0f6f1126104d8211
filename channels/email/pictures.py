"""Pictures that a mail names and its sender's server has, fetched by us so that it does not learn who reads the mail, or where.

The address comes from a stranger, so it must not lead into our own network: only HTTPS on its own port, only machines with public
addresses, after the name was looked up and for every redirect, and the connection goes to the address that was looked at.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

from channels.email.dns_lookup import DnsAway, DnsResolver, Resolver

PORT = 443
LARGEST = 2_000_000  # bytes of one picture
MOST_REDIRECTS = 3
LONGEST_ADDRESS = 2000
PIECE = 65_536
REDIRECTS = (301, 302, 303, 307, 308)
HEADERS = {"Accept": "image/png, image/jpeg, image/gif, image/webp", "Accept-Encoding": "identity", "User-Agent": "Mozilla/5.0"}
WITH_IPV4_INSIDE = tuple(
    ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)


class NoPicture(Exception):
    """There is none to be had, or it is not to be asked for."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet and no machine of ours, a network's own or many at once."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped or any(ip in net for net in WITH_IPV4_INSIDE):
            return False  # what is inside could be any address, and nobody serves pictures so
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class PictureFetcher:
    """Fetches a picture over HTTPS. `may_ask` says which IP addresses may be connected to; tests have servers of their own."""

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        may_ask: Callable[[str], bool] = is_public,
        port: int = PORT,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._resolver = resolver or DnsResolver()
        self._may_ask = may_ask
        self._port = port
        self._context = context or ssl.create_default_context()

    def fetch(self, url: str, patience_s: float) -> bytes:
        """The bytes; raises `NoPicture`, at the latest after so many seconds (and those of a question to the name system)."""
        until = time.monotonic() + patience_s
        for _ in range(1 + MOST_REDIRECTS):
            found = self._ask(url, until)
            if isinstance(found, bytes):
                return found
            url = found
        raise NoPicture("sent on too often")

    def _ask(self, url: str, until: float) -> bytes | str:
        """The bytes, or the address that we are sent on to."""
        host, path = self._parts(url)
        ip = self._address_of(host)
        with self._connected(host, ip, until) as connection:
            try:
                connection.request("GET", path, headers=HEADERS)
                answer = connection.getresponse()
                if answer.status in REDIRECTS:
                    return urljoin(url, answer.getheader("Location") or "")
                if answer.status != 200:
                    raise NoPicture(f"the server answered {answer.status}")
                return _read(answer, until)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise NoPicture(f"broke off: {type(error).__name__}") from error

    def _parts(self, url: str) -> tuple[str, str]:
        """Host and path of what may be asked for. What is named without TLS is asked for with it."""
        if len(url) > LONGEST_ADDRESS:
            raise NoPicture("the address is too long")
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as error:
            raise NoPicture("not an address") from error
        plain = {"http": 80, "https": 443}.get(parts.scheme)
        if plain is None or not parts.hostname or parts.username is not None or port not in (None, plain):
            raise NoPicture("not a plain address of the web")
        try:
            host = parts.hostname.encode("idna").decode("ascii") if ":" not in parts.hostname else parts.hostname
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            path.encode("ascii")
        except UnicodeError as error:
            raise NoPicture("an address with letters that no server knows") from error
        if any(character <= " " or character == "\x7f" for character in host + path):
            raise NoPicture("not an address")
        return host, path

    def _address_of(self, host: str) -> str:
        """Where to connect. One address of a name that may not be asked is enough to leave the name alone."""
        try:
            addresses: tuple[str, ...] = (str(ipaddress.ip_address(host)),)
        except ValueError:
            try:
                addresses = self._resolver.find(host, "A") or self._resolver.find(host, "AAAA")
            except DnsAway as error:
                raise NoPicture(str(error)) from error
        if not addresses or not all(self._may_ask(address) for address in addresses):
            raise NoPicture("this name leads to no public machine")
        return addresses[0]

    @contextlib.contextmanager
    def _connected(self, host: str, ip: str, until: float) -> Iterator[http.client.HTTPConnection]:
        """A connection that ends at `until`, however slowly the other side speaks."""
        left = until - time.monotonic()
        if left <= 0:
            raise NoPicture("too slow")
        try:
            raw = socket.create_connection((ip, self._port), timeout=left)
        except OSError as error:
            raise NoPicture("the server does not answer") from error
        with contextlib.ExitStack() as stack:
            end = stack.enter_context(raw.dup())
            timer = threading.Timer(max(0.0, until - time.monotonic()), _hang_up, (end,))
            timer.daemon = True
            timer.start()
            stack.callback(timer.cancel)
            try:
                connection = http.client.HTTPSConnection(host, self._port, context=self._context)
                connection.auto_open = 0  # it would look the name up again
                connection.sock = self._context.wrap_socket(raw, server_hostname=host)
            except (OSError, ValueError) as error:
                raw.close()
                raise NoPicture("no TLS that can be trusted") from error
            stack.callback(connection.close)
            yield connection


def _read(answer: http.client.HTTPResponse, until: float) -> bytes:
    pieces, size = [], 0
    while piece := answer.read1(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise NoPicture("too large")
        if time.monotonic() > until:
            raise NoPicture("too slow")
    if answer.length:
        raise NoPicture("broke off")
    return b"".join(pieces)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
