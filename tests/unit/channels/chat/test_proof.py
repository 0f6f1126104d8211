"""A site's word for who its visitor is: taken only when it is signed, in time, and says who."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from channels.chat.proof import Proven, read_proof

KEY, NOW = "k" * 32, 1_800_000_000
SAID = {"sub": "user-7", "name": " Wang\u0000 Wei ", "email": "Wang@Example.com", "exp": NOW + 60}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(said=SAID, key=KEY, head=None, digest=hashlib.sha256):
    signed = ".".join(encoded(json.dumps(part).encode()) for part in (head or {"alg": "HS256", "typ": "JWT"}, said))
    return f"{signed}.{encoded(hmac.new(key.encode(), signed.encode(), digest).digest())}"


def test_who_is_named_by_a_signed_token_is_known():
    assert read_proof(token(), KEY, NOW) == Proven("user-7", "Wang Wei", "wang@example.com")
    assert read_proof(token({"sub": 7, "exp": NOW + 1}), KEY, NOW) == Proven("7", "", "")


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "a.b.c",
        "é.é.é",
        token(key="another key of at least 32 signs"),
        token({**SAID, "exp": NOW}),
        token({**SAID, "exp": True}),
        token({"sub": "user-7"}),
        token({"exp": NOW + 60}),
        token(head={"alg": "none"}),
        token(head=["HS256"]),
        token([1, 2]),
        token(digest=hashlib.sha512),
        token({**SAID, "name": "x" * 4000}),
        token()[:-3],
        f"{encoded(b'[' * 900)}.{encoded(b'{}')}.x",
    ],
)
def test_whatever_else_comes_proves_nothing(bad):
    assert read_proof(bad, KEY, NOW) is None


def test_without_a_key_of_ours_nobody_is_believed():
    assert read_proof(token(key=""), "", NOW) is None
