"""The visitor's secret: made in the browser, known there only; we keep digests of it."""

from __future__ import annotations

import hashlib
import re
import secrets

_TOKEN = re.compile(r"([A-Za-z0-9_-]{32,64})\.([A-Za-z0-9_-]{8,32})")


def new_token() -> str:
    """A token as the widget makes them: the browser's lasting secret, a dot, and a part of its own for each chat."""
    return f"{secrets.token_urlsafe(32)}.{secrets.token_urlsafe(9)}"


def is_token(value: object) -> bool:
    """Whether this can be a token at all."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def digest(token: str) -> str:
    """What we keep of the token: SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def identity(token: str) -> str:
    """Which browser this is: the same for all its chats, and of no use to whoever reads it."""
    return hashlib.sha256(b"visitor:" + token.partition(".")[0].encode()).hexdigest()[:24]


def external_id(token_digest: str, client_id: str) -> str:
    """A chat message's id in its channel: unique over all chats, the same each time the browser sends it."""
    return f"{prefix(token_digest)}{client_id}"


def prefix(token_digest: str) -> str:
    """What the external ids of one chat begin with, and those of no other."""
    return f"{token_digest[:20]}:"
