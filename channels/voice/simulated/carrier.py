"""The built-in carrier: the port that the desk uses, and the telephones and softphones on the other side of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urljoin

from channels.voice.port import ClientToken
from channels.voice.simulated import passes
from channels.voice.simulated.exchange import Exchange, Listener, Watcher
from channels.voice.simulated.faults import Faults
from channels.voice.simulated.loop import Loop, Timer
from channels.voice.simulated.rest import E164, Rest
from channels.voice.simulated.switch import NotPossible, Switch
from channels.voice.simulated.telephones import Telephones
from channels.voice.simulated.webhooks import Post, Webhooks

__all__ = ["E164", "NotPossible", "SimulatedCarrier"]

_TOKEN_S = 3600


class SimulatedCarrier(Rest, Telephones):
    """A carrier in memory that uses the application exactly as Twilio does: signed posts over HTTP, TwiML, REST verbs.

    `base_url` is where the application is reached and what the signature covers. `voice_path` answers incoming calls,
    `status_path` hears that they ended ("" for nobody). `post(url, form, headers) -> Reply` replaces HTTP. `speed` divides every
    delay; with 0 time moves only by `advance`. `latency_s`, `loss`, `duplicate`, `reorder` and `seed` make a bad network (see
    `Faults`), which `set_faults` changes while it runs. `now` is the wall clock (seconds since 1970) for timestamps and token
    expiry. All methods may be called from any thread.
    """

    name = "simulated"

    def __init__(
        self,
        *,
        base_url: str,
        auth_token: str,
        number: str,
        now: Callable[[], float],
        voice_path: str = "/hooks/twilio/voice/incoming",
        post: Post | None = None,
        status_path: str = "/hooks/twilio/voice/status",
        speed: float = 1.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        latency_s: float = 0.0,
        loss: float = 0.0,
        seed: int | None = None,
    ) -> None:
        if not auth_token:
            raise ValueError("The simulated carrier needs an auth token to sign with.")
        self.number = number
        self._secret = auth_token.encode()
        self._voice_url = urljoin(base_url, voice_path)
        self._status_url = urljoin(base_url, status_path) if status_path else ""
        self._now = now
        self._loop = Loop(speed=speed)
        faults = Faults(latency_s=latency_s, loss=loss, duplicate=duplicate, reorder=reorder)
        webhooks = Webhooks(self._loop, auth_token=auth_token, post=post, faults=faults, seed=seed)
        account_sid = "AC" + hashlib.sha256(b"account of " + self._secret).hexdigest()[:32]
        self._exchange = Exchange(self._loop, webhooks, account_sid=account_sid, now=now, base_url=base_url)
        self._switch = Switch(self._exchange)

    # Running

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """Stop at once: no call is ended properly, as when the power fails."""
        self._loop.stop()

    def settle(self, timeout_s: float = 60.0) -> bool:
        """Wait until all that was caused has happened, answers from the application included. False when it took too long."""
        return self._loop.settle(timeout_s)

    def advance(self, seconds: float) -> None:
        """Let simulated time pass (speed 0 only) and wait for everything that this causes."""
        self._loop.advance(seconds)

    def later(self, seconds: float, run: Callable[[], None]) -> Timer:
        """Run something in simulated time, on the carrier's thread."""
        return self._loop.after(seconds, run)

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Hear what everybody on every line perceives, in order, on the carrier's thread. Answers the function that stops it."""
        return self._exchange.listen(callback)

    def watch_rooms(self, watcher: Watcher) -> None:
        """Tell `watcher`, on the carrier's thread, the CallSids of a room whenever who hears whom may have changed in it."""
        self._exchange.watch_rooms(watcher)

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose now."""
        return self._exchange.webhooks.faults

    def set_faults(self, **changes: float | bool) -> Faults:
        """Change what goes wrong on purpose, from the next webhook on; the rest stays as it is. Raises ValueError."""
        self._exchange.webhooks.faults = replace(self.faults, **changes)
        return self.faults

    # Softphones' passes

    def client_token(self, identity: str) -> ClientToken:
        token = passes.issue(self._secret, identity, self._now() + _TOKEN_S)
        return ClientToken(kind="simulated", token=token, identity=identity, expires_in_s=_TOKEN_S)

    def identity_of(self, token: object) -> str | None:
        """Whose token this is, or None when it is not ours or too old. Takes whatever a stranger sent."""
        return passes.read(self._secret, token, self._now())
