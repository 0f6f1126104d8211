"""Pictures of a mail fetched by us: never from our own network, whichever way a stranger tries to lead us there."""

from __future__ import annotations

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from channels.email import pictures
from channels.email.dns_lookup import DnsAway
from channels.email.pictures import NoPicture, PictureFetcher, is_public
from tests.flows.certificate import certificate

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
PATIENCE_S = 60.0
PUBLIC = "127.0.0.1"  # stands for the internet here; any other address of this machine for our own network


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "x", ""),
    ],
)
def test_no_address_of_a_network_of_our_own_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111"])
def test_addresses_of_the_internet_are(address):
    assert is_public(address)


class Names:
    """A name system in which strangers have written what they liked."""

    known: ClassVar = {
        ("shop.example", "A"): (PUBLIC,),
        ("inside.example", "A"): ("127.0.0.2",),
        ("both.example", "A"): (PUBLIC, "127.0.0.2"),
        ("six.example", "AAAA"): ("::1",),
    }

    def __init__(self):
        self.asked = []

    def find(self, name, kind):
        self.asked.append((name, kind))
        if name == "away.example":
            raise DnsAway("no answer")
        return self.known.get((name, kind), ())


class Shop(BaseHTTPRequestHandler):
    """The sender's server."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[str, dict[str, str]]]] = []

    def do_GET(self):
        self.asked.append((self.path, dict(self.headers)))
        kind, _, rest = self.path.lstrip("/").partition("?")
        if kind == "to":
            self.say(302, b"", Location=rest)
        elif kind == "large":
            self.say(200, PNG + b"\0" * pictures.LARGEST)
        elif kind == "short":
            self.say(200, PNG, **{"Content-Length": str(len(PNG) * 2)})
        elif kind == "slow":
            self.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000)
        elif kind == "pixel.png":
            self.say(200, PNG)
        else:
            self.say(404, b"not here")

    def say(self, status, body, **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def drip(self, data):
        gone = threading.Event()
        try:
            for byte in data:
                self.wfile.write(bytes([byte]))
                gone.wait(0.05)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    trusted, served = certificate(tmp_path_factory.mktemp("tls"), names=("shop.example", "inside.example", "both.example"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(served)
    server = ThreadingHTTPServer(("0.0.0.0", 0), Shop)  # on all addresses of this machine, those of "our own network" too
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # a client that does not trust it, or has had enough
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server.server_port, ssl.create_default_context(cafile=str(trusted))
    server.shutdown()
    server.server_close()


@pytest.fixture
def names():
    return Names()


@pytest.fixture
def fetcher(shop, names):
    Shop.asked.clear()
    port, context = shop
    return PictureFetcher(resolver=names, may_ask=lambda ip: ip == PUBLIC, port=port, context=context)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_picture_comes_over_tls_and_its_server_learns_nothing_about_who_reads(fetcher, scheme):
    assert fetcher.fetch(f"{scheme}://shop.example/pixel.png?mail=7", PATIENCE_S) == PNG
    path, headers = Shop.asked[0]
    assert path == "/pixel.png?mail=7"
    assert {name.lower() for name in headers} == {"host", "accept", "accept-encoding", "user-agent"}


def test_a_server_may_send_us_on_but_not_for_ever(fetcher):
    assert fetcher.fetch("https://shop.example/to?/pixel.png", PATIENCE_S) == PNG
    with pytest.raises(NoPicture, match="too often"):
        fetcher.fetch("https://shop.example/to?", PATIENCE_S)
    assert len(Shop.asked) == 2 + 1 + pictures.MOST_REDIRECTS


@pytest.mark.parametrize(
    "url",
    [
        *("https://inside.example/pixel.png", "https://both.example/pixel.png", "https://six.example/pixel.png"),
        *("https://127.0.0.2/pixel.png", "https://[::1]/pixel.png", "https://[::ffff:127.0.0.2]/pixel.png"),
        *(
            "https://2130706434/pixel.png",
            "https://0x7f000002/pixel.png",
            "https://127.2/pixel.png",
            "https://localhost/pixel.png",
        ),
        *("https://shop.example:8443/pixel.png", "https://me:secret@shop.example/pixel.png", "https://shop.example@127.0.0.2/"),
        *(
            "file:///etc/passwd",
            "ftp://shop.example/x",
            "gopher://shop.example/",
            "//shop.example/x",
            "https://",
            "",
            "https://[/",
        ),
        *(
            "https://shop.example/a b\r\nX: y",
            "https://away.example/pixel.png",
            "https://nowhere.example/",
            "https://" + "x" * 3000,
        ),
    ],
)
@pytest.mark.parametrize("by", ["in the mail", "by a redirect"])
def test_no_address_leads_into_our_own_network_or_to_anything_but_the_web(fetcher, url, by):
    if by == "in the mail":
        with pytest.raises(NoPicture):
            fetcher.fetch(url, PATIENCE_S)
        assert Shop.asked == []
    elif "\r" not in url and url and not url.startswith("//") and len(url) < 2000:  # which a header cannot carry
        with pytest.raises(NoPicture):
            fetcher.fetch(f"https://shop.example/to?{url}", PATIENCE_S)
        assert {path for path, _ in Shop.asked} == {f"/to?{url}"}


def test_a_name_is_looked_up_once_so_that_it_cannot_change_its_mind(fetcher, names):
    fetcher.fetch("https://shop.example/pixel.png", PATIENCE_S)
    assert names.asked == [("shop.example", "A")]


def test_what_is_too_large_too_short_or_missing_is_no_picture(fetcher):
    for path in ("large", "short", "nothing"):
        with pytest.raises(NoPicture):
            fetcher.fetch(f"https://shop.example/{path}", PATIENCE_S)


def test_a_server_that_drips_is_left_in_time(fetcher):
    began = time.monotonic()
    with pytest.raises(NoPicture):
        fetcher.fetch("https://shop.example/slow", 0.5)
    assert time.monotonic() - began < 60  # all of it takes five minutes


def test_a_server_that_cannot_prove_its_name_is_not_spoken_to(shop, names):
    port, _ = shop
    fetcher = PictureFetcher(resolver=names, may_ask=lambda ip: ip == PUBLIC, port=port)
    Shop.asked.clear()
    with pytest.raises(NoPicture, match="TLS"):
        fetcher.fetch("https://shop.example/pixel.png", PATIENCE_S)
    assert Shop.asked == []
