"""DKIM (RFC 6376): our own signature on what leaves, and which domains have signed what comes in."""

from __future__ import annotations

import logging
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Literal

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from dkim.util import parse_tag_value

from channels.email.dns_lookup import DnsAway, Resolver

DkimResult = Literal["pass", "fail", "temperror", "none"]
MOST_SIGNATURES = 5
SMALLEST_KEY = 1024
USABLE = {b"rsa-sha256", b"ed25519-sha256"}
LONGEST_SIGNATURE = 6000  # bytes; beyond this, and beyond so many fields, the library's time grows with the square
MOST_FIELDS = 1000
OUR_KEY_BITS = 2048
SIGNED = (
    "from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "mime-version", "content-type",
    "content-transfer-encoding", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
# Nobody may add a second one of these behind our back.
SEALED = ("from", "to", "subject", "date", "reply-to", "message-id", "content-type")

_quiet = logging.getLogger("channels.email.dkim")
_quiet.setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Key:
    """A private key in PEM, and under which name its public half stands in the name system."""

    domain: str
    selector: str
    pem: bytes

    @property
    def record_name(self) -> str:
        """The name of the TXT record to publish."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The text of the record to publish."""
        private = serialization.load_pem_private_key(self.pem, password=None)
        public = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )  # fmt: skip
        return "v=DKIM1; k=rsa; p=" + b64encode(public).decode("ascii")

    def sign(self, raw: bytes) -> bytes:
        """The mail (CRLF line ends) with a signature above it. Raises ValueError when the key cannot be used."""
        there = [name.lower().encode() for name, _ in _fields(raw)]
        wanted = [name.encode() for name in SIGNED if name.encode() in there] + [name.encode() for name in SEALED]
        try:
            signature = dkim.DKIM(raw, logger=_quiet).sign(
                self.selector.encode(),
                self.domain.encode(),
                self.pem,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=wanted,
            )
        except dkim.DKIMException as error:
            raise ValueError(f"the mail could not be signed: {error}") from error
        return signature + raw


def new_key() -> bytes:
    """A private key for signing, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=OUR_KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )  # fmt: skip


def checked_key(pem: bytes) -> bytes:
    """The key in the form that signing reads; raises ValueError when it is no RSA key of 1024 bits or more."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise ValueError("the key is protected by a password") from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < SMALLEST_KEY:
        raise ValueError("give an RSA key of 1024 bits or more")
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )  # fmt: skip


def check_dkim(raw: bytes, resolver: Resolver) -> list[tuple[DkimResult, str]]:
    """The result and the domain of each signature, topmost first, at most five. Nothing is raised, whatever the bytes."""
    try:
        mail = _Mail(raw, logger=_quiet, minkey=SMALLEST_KEY)
    except (dkim.DKIMException, ValueError, IndexError):
        return []
    body = mail.body
    signatures = [value for name, value in mail.headers if name.lower() == b"dkim-signature"]
    return [_check(mail, body, index, value, resolver) for index, value in enumerate(signatures[:MOST_SIGNATURES])]


def _check(mail: dkim.DKIM, body: bytes, index: int, signature: bytes, resolver: Resolver) -> tuple[DkimResult, str]:
    away = False

    def read_txt(name: bytes | str, **_limits: float) -> bytes | None:
        nonlocal away
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        try:
            found = resolver.find(text.rstrip("."), "TXT")
        except DnsAway:
            away = True
            return None
        return found[0].encode("ascii", "replace") if found else None

    domain = ""
    try:
        fields = parse_tag_value(signature[:LONGEST_SIGNATURE])
        domain = fields.get(b"d", b"").decode("ascii", "replace").lower()
        # A signature over a part of the text lets anybody add to it, and SHA-1 has been broken (RFC 8301).
        usable = b"l" not in fields and fields.get(b"a", b"").lower() in USABLE
        usable = usable and len(signature) <= LONGEST_SIGNATURE and len(mail.headers) <= MOST_FIELDS
        mail.body = _made_quick(body, relaxed=fields.get(b"c", b"").endswith(b"/relaxed"))
        good = usable and mail.verify(idx=index, dnsfunc=read_txt)
    except Exception:  # noqa: BLE001 - a library that reads what an attacker wrote: any failure means "not proved"
        good = False
    if away:
        return "temperror", domain
    return ("pass" if good else "fail"), domain


class _Mail(dkim.DKIM):
    """The library's, with signatures of Ed25519 (RFC 8463), for which it would want a second cryptographic library."""

    def verify_sig(self, sig: Any, include_headers: Any, sig_header: Any, dnsfunc: Any) -> bool:
        if sig[b"a"] != b"ed25519-sha256":
            return bool(super().verify_sig(sig, include_headers, sig_header, dnsfunc))
        record = parse_tag_value(dnsfunc(sig[b"s"] + b"._domainkey." + sig[b"d"] + b".") or b"")
        fits = record.get(b"k") == b"ed25519" and record.get(b"s", b"*") in {b"*", b"email"}
        if not fits or record.get(b"v", b"DKIM1") != b"DKIM1":
            return False
        self.pk, self.ktag, self.keysize, self.seqtlsrpt = _Ed25519(b64decode(record[b"p"])), b"ed25519", 256, False
        return bool(self.verify_sig_process(sig, include_headers, sig_header, dnsfunc))


class _Ed25519:
    """A public key as the library calls one. Raises when the signature does not hold."""

    def __init__(self, raw: bytes) -> None:
        self._key = ed25519.Ed25519PublicKey.from_public_bytes(raw)

    def verify(self, digest: bytes, signature: bytes) -> None:
        self._key.verify(signature, digest)


def _made_quick(body: bytes, *, relaxed: bool) -> bytes:
    """A body with the same canonical form, without the runs of spaces and empty lines on which the library spends minutes."""
    if relaxed:
        body = re.sub(rb"[\t ]+", b" ", body).replace(b" \r\n", b"\r\n")
    stripped = body.rstrip(b"\r\n")
    ends = body[len(stripped) :]
    return stripped + b"\r\n" if ends and ends == b"\r\n" * (len(ends) // 2) else body


def _fields(raw: bytes) -> list[tuple[str, bytes]]:
    headers, _ = dkim.rfc822_parse(raw)
    return [(name.decode("latin-1"), value) for name, value in headers]
