"""Is this webhook from our carrier? Everything else about a webhook may be believed only after this."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator


def check(auth_token: str, url: str, params: Mapping[str, str] | bytes, signature: str | None) -> bool:
    """Whether `signature` (the `X-Twilio-Signature` header) was made with `auth_token` for exactly this request.

    `params` are the posted form fields (a Werkzeug MultiDict or a plain dict), empty for GET; or the whole body as bytes when it
    is no form, whose hash then has to stand in the query (`bodySHA256`), since that is signed. `url` is the URL *as the carrier
    called it*. Behind a proxy the application sees another scheme, host or port, so build it from the public base URL in the
    settings plus the path and the query as received, and never from Host or X-Forwarded headers, which the sender of a forged
    request also controls. An empty token or signature never passes.
    """
    if not auth_token or not signature:
        return False
    if isinstance(params, bytes):
        given = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
        if not hmac.compare_digest(given.encode(), hashlib.sha256(params).hexdigest().encode()):
            return False
        params = {}
    return bool(RequestValidator(auth_token).validate(url, params, signature))


def public_url(base_url: str, path: str, query: str = "") -> str:
    """The URL the carrier called: `base_url` from the settings, `path` and raw `query` from the request line.

    >>> public_url("https://desk.example/", "/hooks/twilio/voice/menu", "step=2")
    'https://desk.example/hooks/twilio/voice/menu?step=2'
    """
    return base_url.rstrip("/") + path + (f"?{query}" if query else "")
