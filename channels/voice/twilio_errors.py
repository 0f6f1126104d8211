"""What Twilio's library raises when Twilio refuses, in one form."""

from __future__ import annotations

import json
from dataclasses import dataclass

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response


@dataclass(frozen=True)
class Refusal:
    """Twilio's answer that it will not: HTTP status, Twilio's own error number (0 for none), its words."""

    status: int
    code: int
    said: str


def refusal(error: TwilioException) -> Refusal | None:
    """The refusal in an error of the library; None when Twilio was not even asked.

    Older answers, newer ones and lists each raise in a way of their own; a list's error carries the bare answer.
    """
    if isinstance(error, TwilioRestException):
        return Refusal(error.status, error.code or 0, error.msg)
    if isinstance(error, TwilioServiceException):
        return Refusal(error.status, error.code or 0, error.title)
    answer = error.args[1] if len(error.args) > 1 else None
    if not isinstance(answer, Response):
        return None
    try:
        body = json.loads(answer.text)
    except ValueError:
        body = {}
    return Refusal(answer.status_code, body.get("code") or 0, body.get("message") or body.get("title") or "no reason given")
