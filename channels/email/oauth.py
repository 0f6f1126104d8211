"""A fresh access token for a mailbox, by the refresh token that its owner gave (RFC 6749 §6)."""

from __future__ import annotations

import requests

from channels.email.imap import MailboxError


def access_token(token_url: str, client_id: str, client_secret: str, refresh_token: str) -> str:
    """Ask the provider; raises `MailboxError` when it says no or cannot be reached."""
    form = {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "client_secret": client_secret,
        "refresh_token": refresh_token,
    }
    try:
        answer = requests.post(token_url, data=form, timeout=30, allow_redirects=False)
        told = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise MailboxError(f"no access token: {error}"[:300]) from error
    token = told.get("access_token") if isinstance(told, dict) else None
    if answer.status_code != 200 or not isinstance(token, str):
        why = told.get("error_description") or told.get("error") if isinstance(told, dict) else answer.status_code
        raise MailboxError(f"no access token: {why}"[:300], wrong=answer.status_code in (400, 401))
    return token
