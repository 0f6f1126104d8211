"""Passwords as Argon2id hashes."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The hash to keep, with its own salt."""
    return _hasher.hash(password)


def check_password(password: str, kept: str) -> bool:
    """Whether this is the password; false, too, for a hash that cannot be read."""
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


# Checked when there is no such person, so that an unknown address takes as long as a wrong password.
NOBODY = _hasher.hash("nobody has this password")
