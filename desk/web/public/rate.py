"""How often the same address may do the same thing on public pages. A restart forgets the counts, which does no harm."""

from __future__ import annotations

from flask import current_app, request
from limits import parse
from limits.strategies import FixedWindowRateLimiter

from desk.errors import TooMany
from desk.http.context import installation


def limit(what: str, rate: str, who: str = "") -> None:
    """Count one more of `what` for this caller (or for `who`); raises `TooMany` beyond `rate`, such as "30 per 10 minutes"."""
    limiter = current_app.extensions.setdefault("rates", FixedWindowRateLimiter(installation().counts))
    allowed, key = parse(rate), who or request.remote_addr or ""
    if not limiter.hit(allowed, what, key):
        raise TooMany("That was a lot at once. Please wait a little and try again.", retry_after=allowed.get_expiry())
