"""Is everything at Twilio as the desk needs it? Each look gives findings in plain words; nothing is changed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from channels.voice.port import Finding
from channels.voice.twilio_errors import refusal

INCOMING = "/hooks/twilio/voice/incoming"
STATUS = "/hooks/twilio/voice/status"
_REFUSED = (401, 403)


@dataclass(frozen=True)
class Wanted:
    """What the desk's settings say; `base_url` is the address at which Twilio reaches us."""

    base_url: str
    number: str
    api_key: str
    twiml_app_sid: str


def look_over(client: Client, with_key: Client, wanted: Wanted) -> list[Finding]:
    """Everything in turn; when the account itself cannot be opened, only that. `with_key` signs in as softphone tokens do."""
    account = list(_guarded("The account", lambda: _account(client)))
    if any(finding.level == "error" for finding in account):
        return account
    return [
        *account,
        *_region(client),
        *_guarded("The number", lambda: _number(client, wanted)),
        *_guarded("The API key", lambda: _key(client, with_key, wanted)),
        *_guarded("The TwiML app", lambda: _app(client, wanted)),
    ]


def _guarded(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What Twilio refuses is a finding too."""
    try:
        yield from look()
    except TwilioException as error:
        refused = refusal(error)
        if refused is None:
            yield Finding("error", f"{what}: {error}", "Check the TWILIO_… settings.")
        elif refused.status in _REFUSED:
            yield Finding(
                "error",
                f"{what}: Twilio refuses our credentials ({refused.status}).",
                "Copy the account SID and the auth token again from the Twilio Console; a region has credentials of its own.",
            )
        else:
            yield Finding(
                "error", f"{what}: Twilio answered {refused.status}: {refused.said}", "Try again; see status.twilio.com."
            )
    except requests.RequestException:
        yield Finding(
            "error",
            f"{what}: Twilio cannot be reached from here.",
            "Outgoing https to *.twilio.com must be allowed; check the name service, the firewall and the clock.",
        )


def _account(client: Client) -> Iterator[Finding]:
    account = client.api.accounts(client.account_sid).fetch()
    if account.status != "active":
        yield Finding(
            "error", f"The Twilio account is {account.status}.", "Settle what is open in the Twilio Console; no call works."
        )
        return
    yield Finding("ok", f"The Twilio account “{account.friendly_name}” is active.")
    if account.type == "Trial":
        yield Finding(
            "warning",
            "It is a trial account: it rings only numbers that were verified, and tells them that it is one.",
            "Upgrade the account before customers call.",
        )


def _region(client: Client) -> Iterator[Finding]:
    if client.region and not client.edge:
        yield Finding("error", f"The region {client.region} has no edge.", "Set TWILIO_EDGE too, for example dublin for ie1.")
    else:
        yield Finding("ok", f"Calls are handled in the region {client.region or 'us1'}.")


def _number(client: Client, wanted: Wanted) -> Iterator[Finding]:
    if not wanted.number:
        yield Finding("error", "TWILIO_NUMBER is not set.", "Set it to the number that customers call, such as +862155501234.")
        return
    found = client.incoming_phone_numbers.list(phone_number=wanted.number, limit=1)
    number = found[0] if found else None
    if number is None or number.phone_number != wanted.number:
        yield Finding(
            "error",
            f"The account has no number {wanted.number}.",
            "Buy it or correct TWILIO_NUMBER; it begins with + and the country's code.",
        )
        return
    if not (number.capabilities or {}).get("voice"):
        yield Finding("error", f"{wanted.number} takes no calls.", "Choose a number with the capability Voice.")
    if number.trunk_sid:
        yield Finding("error", f"{wanted.number} goes to a SIP trunk.", "Under “Configure with” choose Webhook.")
    elif number.voice_application_sid:
        app = client.applications(number.voice_application_sid).fetch()
        yield from _door(f"{wanted.number} (through the TwiML app {app.sid})", app, wanted)
    else:
        yield from _door(wanted.number, number, wanted)


def _door(what: str, holder: Any, wanted: Wanted) -> Iterator[Finding]:
    """Where calls, failures and changes of state are told; a number and a TwiML app name these alike."""
    incoming, status = wanted.base_url + INCOMING, wanted.base_url + STATUS
    if holder.voice_url == incoming and holder.voice_method == "POST":
        yield Finding("ok", f"Calls to {what} come to {incoming}.")
    elif holder.voice_url == incoming:
        yield Finding("error", f"Calls to {what} come by {holder.voice_method}.", "Choose HTTP POST beside “A call comes in”.")
    else:
        yield Finding(
            "error",
            f"Calls to {what} go to {holder.voice_url or 'nowhere'}, not to this desk.",
            f"Set “A call comes in” to the webhook {incoming}, HTTP POST.",
        )
    if holder.status_callback == status and holder.status_callback_method == "POST":
        yield Finding("ok", f"The end of a call to {what} is told to {status}.")
    else:
        yield Finding(
            "error",
            f"Nobody tells this desk when a caller to {what} hangs up in the menu.",
            f"Set “Call status changes” to {status}, HTTP POST.",
        )
    if not holder.voice_fallback_url:
        yield Finding(
            "warning",
            f"Callers to {what} hear an error when this desk does not answer.",
            "Set “Primary handler fails” to something that stands elsewhere, such as a TwiML Bin that asks to call later.",
        )
    elif holder.voice_fallback_url.startswith(wanted.base_url + "/"):
        yield Finding(
            "warning",
            "What is to help when this desk does not answer is this desk itself.",
            "Set “Primary handler fails” to something that stands elsewhere, such as a TwiML Bin.",
        )
    else:
        yield Finding("ok", f"When this desk does not answer, calls go to {holder.voice_fallback_url}.")


def _key(client: Client, with_key: Client, wanted: Wanted) -> Iterator[Finding]:
    if not wanted.api_key or not with_key.password:
        yield Finding(
            "error",
            "TWILIO_API_KEY and TWILIO_API_SECRET are not both set: no agent's browser can take a call.",
            "Make a standard API key in the Twilio Console and set both.",
        )
        return
    try:
        client.keys(wanted.api_key).fetch()
    except TwilioException as error:
        if not _is(error, 404):
            raise
        yield Finding(
            "error", f"The account has no API key {wanted.api_key}.", "It was deleted, or is another account's or region's."
        )
        return
    try:
        with_key.conferences.list(limit=1)
    except TwilioException as error:
        if not _is(error, *_REFUSED):
            raise
        yield Finding("error", "TWILIO_API_SECRET does not fit the API key.", "A secret is shown only once: make a new key.")
        return
    yield Finding("ok", "The API key for the agents' browsers works.")


def _app(client: Client, wanted: Wanted) -> Iterator[Finding]:
    """Agents' browsers are rung by us and dial nothing themselves, so that an app is a convenience for the number at most."""
    if not wanted.twiml_app_sid:
        yield Finding("ok", "No TwiML app is set, and none is needed.")
        return
    try:
        app = client.applications(wanted.twiml_app_sid).fetch()
    except TwilioException as error:
        if not _is(error, 404):
            raise
        yield Finding(
            "error", f"The account has no TwiML app {wanted.twiml_app_sid}.", "Correct TWILIO_TWIML_APP_SID or empty it."
        )
        return
    if app.voice_url == wanted.base_url + INCOMING and app.voice_method == "POST":
        yield Finding("ok", f"The TwiML app “{app.friendly_name}” points to this desk.")
    else:
        yield Finding(
            "warning",
            f"The TwiML app “{app.friendly_name}” points to {app.voice_url or 'nowhere'}.",
            f"Set its voice request URL to {wanted.base_url}{INCOMING}, HTTP POST, or empty TWILIO_TWIML_APP_SID.",
        )


def _is(error: TwilioException, *statuses: int) -> bool:
    refused = refusal(error)
    return refused is not None and refused.status in statuses
