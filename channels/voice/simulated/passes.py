"""Passes for softphones: who you are, until when, and a mark that only we can make."""

from __future__ import annotations

import base64
import hashlib
import hmac


def issue(secret: bytes, identity: str, until: float) -> str:
    """A pass for `identity` that is good up to `until` (seconds since 1970)."""
    name = base64.urlsafe_b64encode(identity.encode()).decode().rstrip("=")
    claim = f"{name}.{int(until)}"
    return f"{claim}.{_mark(secret, claim)}"


def read(secret: bytes, token: object, now: float) -> str | None:
    """Whose pass this is, or None when it is not ours or too old."""
    if not isinstance(token, str):
        return None
    claim, _, mark = token.rpartition(".")
    if not hmac.compare_digest(_bytes(mark), _mark(secret, claim).encode()):
        return None
    name, _, until = claim.partition(".")
    if int(until) < now:
        return None
    return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()


def _mark(secret: bytes, claim: str) -> str:
    return hmac.new(secret, b"softphone " + _bytes(claim), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    # What a stranger sends need not be valid Unicode.
    return text.encode("utf-8", "replace")
