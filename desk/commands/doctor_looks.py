"""What `doctor` looks at outside the database: settings against one another, disk, index, mail and the way in from the web."""

from __future__ import annotations

import shutil
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import phonenumbers
import requests
from twilio.request_validator import RequestValidator

from channels.voice.port import Finding
from desk.config import Settings
from desk.errors import NotFound
from desk.files_elsewhere import FilesAway, FilesElsewhere
from desk.installation import Installation

PATIENCE_S = 5.0
LITTLE, TOO_LITTLE = 2 * 1024**3, 200 * 1024**2  # bytes free
HERE = ("localhost", "127.0.0.1", "::1")
HOLD = "/hooks/twilio/voice/hold"  # answers music and changes nothing
TWILIO = ("account_sid", "auth_token", "api_key", "api_secret", "number")


def settings_together(settings: Settings) -> Iterator[Finding]:
    """What each setting alone cannot show."""
    yield Finding("ok", "Every setting can be used.")
    given = [name for name in TWILIO if getattr(settings, f"twilio_{name}")]
    if given and len(given) < len(TWILIO):
        missing = ", ".join(f"TWILIO_{name.upper()}" for name in TWILIO if name not in given)
        level = "error" if settings.has_twilio else "warning"
        yield Finding(
            level, f"Twilio is set up by halves: {missing} is not set.", "Set all of them, or none for the simulated one."
        )
    if settings.twilio_number and not _is_e164(settings.twilio_number):
        yield Finding(
            "error",
            f"TWILIO_NUMBER “{settings.twilio_number}” is no number in E.164.",
            "It begins with + and the country's code.",
        )
    local = urlsplit(settings.base_url).hostname in HERE
    if not settings.base_url.startswith("https://") and not local:
        yield Finding(
            "warning",
            f"DESK_BASE_URL is not https: passwords and calls' data go over {settings.base_url} in clear.",
            "Put a proxy with a certificate in front and set DESK_BASE_URL to its https address.",
        )
    if settings.has_twilio and (local or not settings.base_url.startswith("https://")):
        yield Finding(
            "error",
            f"Twilio cannot reach {settings.base_url}.",
            "Set DESK_BASE_URL to the https address at which this desk is reached from the internet.",
        )
    if settings.reports_database_url and settings.on_sqlite:
        yield Finding(
            "warning",
            "DESK_REPORTS_DATABASE_URL is not used: SQLite has no streaming copies.",
            "Leave it out, or set DESK_DATABASE_URL to the PostgreSQL that it follows.",
        )
    if not settings.mail_relay:
        yield Finding("ok", "No mail relay is set: what is sent stays in the built-in mailbox.")


def disk(data_dir: Path) -> Iterator[Finding]:
    """Room, and whether we may write."""
    if not data_dir.is_dir():
        yield Finding("warning", f"There is no data folder {data_dir} yet.", "The first start makes it.")
        return
    try:
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"written by doctor")
    except OSError as error:
        yield Finding("error", f"Nothing can be written to {data_dir}: {error.strerror}.", "Give its owner the right to.")
        return
    free = shutil.disk_usage(data_dir).free
    if free < TOO_LITTLE:
        yield Finding(
            "error", f"Only {free // 1024**2} MB are free in {data_dir}.", "Make room: mail and recordings will be refused."
        )
    elif free < LITTLE:
        yield Finding("warning", f"{free // 1024**2} MB are free in {data_dir}.", "Make room before it is needed.")
    else:
        yield Finding("ok", f"{data_dir} can be written to; {free / 1024**3:.0f} GB are free.")


def files_elsewhere(desk: Installation) -> Iterator[Finding]:
    """Whether the store of files takes what is written, gives it back the same, and removes it."""
    assert isinstance(desk.files, FilesElsewhere)
    try:
        desk.files.check()
    except (FilesAway, NotFound):
        yield Finding(
            "error",
            "The store of files cannot be used.",
            "Is its address in DESK_FILES_URL right, is there the bucket, and may the key write, read and delete in it?",
        )
    else:
        yield Finding("ok", "The store of files takes, gives back and removes what it should.")


def search_index(desk: Installation) -> Iterator[Finding]:
    """The index is made from the database: a damaged one costs time, never an article."""
    if desk.knowledge.open():
        yield Finding("warning", "The search index is absent, damaged or of another version.", "It is rebuilt at the next start.")
    else:
        yield Finding("ok", "The search index can be read.")


def mail(settings: Settings) -> Iterator[Finding]:
    """The door for mail that comes, and the relay for mail that leaves."""
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=PATIENCE_S) as door:
            door.ehlo_or_helo_if_needed()
        yield Finding("ok", f"Mail is received at {where}.")
    except (OSError, smtplib.SMTPException) as error:
        yield Finding("warning", f"Nobody receives mail at {where}: {_said(error)}.", "Is the desk running? See DESK_SMTP_PORT.")
    if settings.mail_relay:
        yield _relay(settings.mail_relay)


def web(settings: Settings, voice_token: str) -> Iterator[Finding]:
    """Whether the public address leads here, and whether webhooks arrive as they were signed."""
    base = settings.base_url
    try:
        answer = requests.get(f"{base}/readyz", timeout=PATIENCE_S, allow_redirects=False)
    except requests.exceptions.SSLError as error:
        yield Finding(
            "error",
            f"The certificate of {base} is not believed: {_said(error)}.",
            "Renew it, with the whole chain: Twilio checks it.",
        )
        return
    except requests.RequestException:
        yield Finding("warning", f"No desk answers at {base}.", "Start it; if it runs, see the proxy and DESK_BASE_URL.")
        return
    parts = answer.json().get("parts", {}) if answer.headers.get("Content-Type", "").startswith("application/json") else {}
    bad = [name for name, good in parts.items() if not good]
    if not parts:
        yield Finding("error", f"Something else answers at {base} ({answer.status_code}).", "Correct DESK_BASE_URL or the proxy.")
        return
    if bad:
        yield Finding("error", f"The running desk is not ready: {', '.join(sorted(bad))}.", "Its log says why.")
    else:
        yield Finding("ok", f"The desk answers at {base} and all its parts work.")
    yield from _webhooks(base + HOLD, voice_token)


def _webhooks(url: str, token: str) -> Iterator[Finding]:
    """A webhook as the carrier would post it, and the same wrongly signed."""
    form = {"CallSid": "CA" + "0" * 32, "AccountSid": "AC" + "0" * 32, "CallStatus": "in-progress", "Caller": "醫生 & doctor"}
    signature = RequestValidator(token).compute_signature(url, form)
    try:
        signed, forged = (
            requests.post(
                url, data=form, headers={"X-Twilio-Signature": each}, timeout=PATIENCE_S, allow_redirects=False
            ).status_code
            for each in (signature, signature[::-1])
        )
    except requests.RequestException as error:
        yield Finding("error", f"A webhook to {url} is not answered: {_said(error)}.", "See the proxy.")
        return
    if (signed, forged) == (200, 403):
        yield Finding("ok", "A signed webhook is believed, a forged one refused.")
    elif signed == 403:
        yield Finding(
            "error",
            "The running desk does not believe a webhook that is signed for its public address.",
            "It needs the DESK_BASE_URL, TWILIO_AUTH_TOKEN and data folder set here; the proxy must leave path and query alone.",
        )
    else:
        yield Finding(
            "error", f"A webhook is answered by {signed}, a forged one by {forged}.", "Let the proxy pass POST /hooks/ on."
        )


def no_account(settings: Settings) -> Iterator[Finding]:
    """Telephones without a carrier."""
    yield Finding(
        "ok", "The simulated carrier is used: no call leaves this machine.", "Set the TWILIO_… settings for real calls."
    )
    if settings.carrier_loss or settings.carrier_duplicate or settings.carrier_reorder or settings.carrier_latency_s:
        yield Finding(
            "warning",
            "The simulated carrier's network is a bad one on purpose.",
            "Unset DESK_CARRIER_LOSS and the settings beside it.",
        )


def sqlite_path(settings: Settings) -> Path:
    """The file of an SQLite database."""
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _relay(address: str) -> Finding:
    """Greet it, and sign in when the settings say as whom; nothing is sent."""
    parts = urlsplit(address)
    host, where = parts.hostname or "", f"{parts.hostname}:{parts.port or ''}".rstrip(":")
    context = ssl.create_default_context()
    try:
        if parts.scheme == "smtps":
            relay = smtplib.SMTP_SSL(host, parts.port or 465, timeout=PATIENCE_S, context=context)
        else:
            relay = smtplib.SMTP(host, parts.port or (587 if parts.scheme.endswith("starttls") else 25), timeout=PATIENCE_S)
        with relay:
            if parts.scheme.endswith("starttls"):
                relay.starttls(context=context)
            if parts.username:
                relay.login(unquote(parts.username), unquote(parts.password or ""))
            relay.noop()
    except smtplib.SMTPAuthenticationError:
        return Finding("error", f"The mail relay {where} refuses our name and password.", "Correct DESK_MAIL_RELAY.")
    except (OSError, smtplib.SMTPException) as error:
        return Finding(
            "error", f"The mail relay {where} cannot be used: {_said(error)}.", "Mail waits meanwhile. See DESK_MAIL_RELAY."
        )
    return Finding("ok", f"The mail relay {where} takes mail.")


def _is_e164(number: str) -> bool:
    try:
        return number.startswith("+") and phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def _said(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error).strip().partition("\n")[0][:200] or type(error).__name__
