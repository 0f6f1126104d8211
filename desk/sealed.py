"""Secrets that we must be able to use again (a mailbox's password): encrypted with a key made from the installation's own."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from desk.errors import Conflict


def seal(secret: bytes, purpose: str, text: str) -> str:
    """The text, encrypted; `secret` is the installation's, `purpose` keeps one use apart from another."""
    return _key(secret, purpose).encrypt(text.encode()).decode("ascii")


def unseal(secret: bytes, purpose: str, sealed: str) -> str:
    """What was sealed; raises `Conflict` when the installation's secret has changed since."""
    try:
        return _key(secret, purpose).decrypt(sealed.encode("ascii")).decode()
    except (InvalidToken, ValueError) as error:
        raise Conflict("This secret was kept under another key of the installation. Please enter it again.") from error


def _key(secret: bytes, purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret, b"sealed:" + purpose.encode(), hashlib.sha256)))
