"""The carrier port over Twilio's REST API and its access tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant
from twilio.rest import Client

from channels.voice.port import CarrierFailed, ClientToken

_TIMEOUT_S = 10.0
_TOKEN_S = 3600
_GONE = 404
_SHORTEST_RING_S, _LONGEST_RING_S = 5, 600


class TwilioCarrier:
    """Calls through a Twilio account.

    `http_client` is for tests: a `twilio.http.HttpClient` that sends the requests elsewhere. Construction contacts nobody.
    """

    name = "twilio"

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        api_key: str,
        api_secret: str,
        twiml_app_sid: str,
        *,
        http_client: HttpClient | None = None,
    ) -> None:
        self._account_sid = account_sid
        self._api_key = api_key
        self._api_secret = api_secret
        self._twiml_app_sid = twiml_app_sid
        self._client = Client(account_sid, auth_token, http_client=http_client or TwilioHttpClient(timeout=_TIMEOUT_S))

    def add_participant(
        self,
        *,
        conference: str,
        to: str,
        from_: str,
        label: str,
        status_url: str,
        ring_timeout_s: int = 30,
        end_conference_on_exit: bool = False,
    ) -> str:
        with _carrier_errors():
            participant = self._client.conferences(conference).participants.create(
                to=_allowed(to) if to.startswith("client:") else to,
                from_=from_,
                label=label,
                status_callback=status_url,
                status_callback_method="POST",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=min(max(ring_timeout_s, _SHORTEST_RING_S), _LONGEST_RING_S),
                start_conference_on_enter=True,
                end_conference_on_exit=end_conference_on_exit,
                # Without this the caller would hear the agent's phone ring.
                early_media=False,
                beep="false",
            )
        return participant.call_sid

    def hold(self, *, conference_sid: str, call_sid: str, on: bool, hold_url: str) -> None:
        with _carrier_errors():
            participant = self._client.conferences(conference_sid).participants(call_sid)
            if on:
                participant.update(hold=True, hold_url=hold_url, hold_method="POST")
            else:
                participant.update(hold=False)

    def mute(self, *, conference_sid: str, call_sid: str, on: bool) -> None:
        with _carrier_errors():
            self._client.conferences(conference_sid).participants(call_sid).update(muted=on)

    def redirect(self, *, call_sid: str, url: str) -> None:
        with _carrier_errors():
            self._client.calls(call_sid).update(url=url, method="POST")

    def hang_up(self, call_sid: str) -> None:
        with _carrier_errors(gone_is_fine=True):
            self._client.calls(call_sid).update(status="completed")

    def end_conference(self, conference_sid: str) -> None:
        with _carrier_errors(gone_is_fine=True):
            self._client.conferences(conference_sid).update(status="completed")

    def call_state(self, call_sid: str) -> str | None:
        with _carrier_errors(gone_is_fine=True):
            return str(self._client.calls(call_sid).fetch().status)
        return None

    def client_token(self, identity: str) -> ClientToken:
        token = AccessToken(self._account_sid, self._api_key, self._api_secret, identity=_allowed(identity), ttl=_TOKEN_S)
        token.add_grant(VoiceGrant(incoming_allow=True, outgoing_application_sid=self._twiml_app_sid))
        return ClientToken(kind="twilio", token=token.to_jwt(), identity=identity, expires_in_s=_TOKEN_S)


def _allowed(client: str) -> str:
    """A client's name as Twilio allows it: letters, digits and underscores. Token and dialling must agree on it."""
    return re.sub(r"[^A-Za-z0-9_:]", "_", client)


@contextmanager
def _carrier_errors(*, gone_is_fine: bool = False) -> Iterator[None]:
    """Turn what the SDK raises into `CarrierFailed`. Too many requests and errors of their side are worth another attempt."""
    try:
        yield
    except (TwilioRestException, TwilioServiceException) as error:
        if gone_is_fine and error.status == _GONE:
            return
        retryable = error.status == 429 or error.status >= 500
        said = error.msg if isinstance(error, TwilioRestException) else error.title
        raise CarrierFailed(f"Twilio answered {error.status}: {said}", retryable=retryable) from error
    except requests.RequestException as error:
        raise CarrierFailed("Twilio could not be reached.", retryable=True) from error
    except TwilioException as error:
        raise CarrierFailed(f"Twilio could not be used: {error}", retryable=False) from error
