"""The reply address that carries its ticket: `support+t123.<mac>@example.com`, which nobody else can make up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

MAC_BYTES = 10
DETAIL = re.compile(r"t(0|[1-9]\d{0,11})\.([a-z2-7]{16})", re.ASCII)
BOUNCES = "bounce"
BOUNCE_DETAIL = re.compile(r"m(0|[1-9]\d{0,17})\.([a-z2-7]{16})", re.ASCII)


def sign_address(base: str, ticket_number: int, secret: bytes) -> str:
    """The address under which replies to a ticket reach us. `base` is our plain address; raises ValueError when it is none."""
    local, at, domain = base.rpartition("@")
    if not (local and at and domain) or ticket_number < 0:
        raise ValueError(f"no reply address can be made from {base!r} and {ticket_number}")
    return f"{local}+t{ticket_number}.{_mac(base, ticket_number, secret)}@{domain}"


def read_address(address: str, base: str, secret: bytes) -> int | None:
    """The ticket number of an address that we signed for this base, else None. Case does not matter: mail systems change it."""
    local, _, domain = base.lower().rpartition("@")
    its_local, _, its_domain = address.strip().strip("<>").lower().rpartition("@")
    prefix = local + "+"
    if its_domain.rstrip(".") != domain or not its_local.startswith(prefix):
        return None
    match = DETAIL.fullmatch(its_local[len(prefix) :])
    if match is None:
        return None
    number = int(match[1])
    return number if hmac.compare_digest(match[2], _mac(base, number, secret)) else None


def _mac(base: str, ticket_number: int, secret: bytes) -> str:
    """80 bits in base32: letters survive systems that fold case, and 16 characters keep the local part under 64."""
    message = f"reply-address:{base.lower()}:{ticket_number}".encode()
    return base64.b32encode(hmac.digest(secret, message, hashlib.sha256)[:MAC_BYTES]).decode("ascii").lower()


def sign_bounce(domain: str, mail_id: int, secret: bytes) -> str:
    """The envelope sender of one outgoing mail: `bounce+m17.<mac>@domain`. Delivery reports come back to it and name the mail."""
    if not domain or mail_id < 0:
        raise ValueError(f"no bounce address can be made from {domain!r} and {mail_id}")
    return f"{BOUNCES}+m{mail_id}.{_bounce_mac(domain, mail_id, secret)}@{domain}"


def read_bounce(address: str, domain: str, secret: bytes) -> int | None:
    """The id of the outbox mail whose envelope sender we signed so, else None."""
    its_local, _, its_domain = address.strip().strip("<>").lower().rpartition("@")
    name, _, detail = its_local.partition("+")
    match = BOUNCE_DETAIL.fullmatch(detail)
    if name != BOUNCES or its_domain.rstrip(".") != domain.lower() or match is None:
        return None
    mail_id = int(match[1])
    return mail_id if hmac.compare_digest(match[2], _bounce_mac(domain, mail_id, secret)) else None


def _bounce_mac(domain: str, mail_id: int, secret: bytes) -> str:
    message = f"bounce-address:{domain.lower()}:{mail_id}".encode()
    return base64.b32encode(hmac.digest(secret, message, hashlib.sha256)[:MAC_BYTES]).decode("ascii").lower()
