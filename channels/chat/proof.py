"""Who a visitor is by the word of the site that they are signed in to: a JSON Web Token, signed with the key that both have."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from channels.chat.words import clean_line

MOST_BYTES = 2048


@dataclass(frozen=True)
class Proven:
    """Whom the site knows: by its own id (`sub`), and by a name and an address that it vouches for, where it gives them."""

    id: str
    name: str
    email: str


def read_proof(token: object, key: str, now: float) -> Proven | None:
    """What the token proves; None for one that is not signed with `key` by HMAC-SHA256, has run out, or names nobody.

    `now` in seconds since 1970. A token must say until when it holds (`exp`), so that one which was copied is of no lasting use.
    """
    if not key or not isinstance(token, str) or len(token) > MOST_BYTES or token.count(".") != 2:
        return None
    signed, _, signature = token.rpartition(".")
    expected = hmac.new(key.encode(), signed.encode("utf-8", "replace"), hashlib.sha256).digest()
    if not hmac.compare_digest(_bytes(signature), expected):
        return None
    head, said = (_json(part) for part in signed.split("."))
    until, who = said.get("exp"), clean_line(str(said.get("sub", "")), 100)
    if head.get("alg") != "HS256" or isinstance(until, bool) or not isinstance(until, int | float) or until <= now or not who:
        return None
    return Proven(who, clean_line(said.get("name"), 100), clean_line(said.get("email"), 254).lower())


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(text))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
