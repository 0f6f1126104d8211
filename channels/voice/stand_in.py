"""A carrier that speaks Twilio's API without being Twilio: its softphones are the simulated ones, at a door of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from channels.voice.port import ClientToken
from channels.voice.simulated import passes
from channels.voice.twilio_carrier import TwilioCarrier

_TOKEN_S = 3600


class StandIn(TwilioCarrier):
    """`door` is the path of its Socket.IO at the desk's own address; `now` is the wall clock (seconds since 1970)."""

    def __init__(self, account_sid: str, auth_token: str, *given: str, door: str, now: Callable[[], float], **more: Any) -> None:
        super().__init__(account_sid, auth_token, *given, **more)
        self._secret, self._door, self._now = auth_token.encode(), door, now

    def client_token(self, identity: str) -> ClientToken:
        token = passes.issue(self._secret, identity, self._now() + _TOKEN_S)
        return ClientToken("simulated", token, identity, _TOKEN_S, door=self._door)
