"""Settings: read once from the environment, checked all together, passed on by argument.

This is the only module that reads the environment. Every field is described in docs/configuration.md.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from desk.errors import Invalid
from desk.files_elsewhere import Place

LOCALES = ("en", "zh")
REFUSE = "refuse"  # as a catch-all: mail for addresses that we do not have is refused
OFF, CHECK, UPSTREAM = "off", "check", "upstream:"  # whose word is taken for who sent a mail
TEXT, JSON = "text", "json"  # how the log is written
SELF_SIGNED = "self-signed"  # as a certificate: one is made at start
# As Babel knows them: our English counts hours to 24 and writes the day before the month.
BABEL_LOCALES = {"en": "en_GB", "zh": "zh_Hans_CN"}
SIMULATED_NUMBER = "+862155501234"  # ours as long as no carrier has given us one
CONNECTIONS = 30  # to PostgreSQL that a process opens at most, two thirds of which it keeps


@dataclass(frozen=True)
class Settings:
    """Everything that differs between installations. All fields have a default that works on one machine."""

    data_dir: Path
    database_url: str
    redis_url: str
    http_host: str
    http_port: int
    smtp_host: str
    smtp_port: int
    smtp_tls_cert: str
    smtp_tls_key: str
    smtp_auth: str
    base_url: str
    secret_key: str
    mail_relay: str
    mail_from: str
    mail_catch_all: str
    mail_trust: str
    mail_acknowledge: bool
    dkim_key: str
    dkim_selector: str
    locale: str
    timezone: str
    twilio_account_sid: str
    twilio_auth_token: str
    twilio_api_key: str
    twilio_api_secret: str
    twilio_twiml_app_sid: str
    twilio_number: str
    twilio_region: str
    twilio_edge: str
    twilio_api_url: str
    twilio_softphone_path: str
    leave_s: float = 0.0
    database_connections: int = CONNECTIONS
    processes: int = 1
    web_statement_s: float = 10.0
    report_statement_s: float = 60.0
    work_statement_s: float = 120.0
    lock_wait_s: float = 5.0
    idle_transaction_s: float = 60.0
    reports_database_url: str = ""
    trusted_proxies: int = 0
    metrics_token: str = ""
    metrics_port: int = 0
    log: str = TEXT
    traces_url: str = ""
    carrier_latency_s: float = 0.0
    carrier_loss: float = 0.0
    carrier_duplicate: float = 0.0
    carrier_reorder: float = 0.0
    ice_servers: tuple[dict[str, Any], ...] = ()
    files_url: str = ""
    chat_sites: tuple[str, ...] = ()
    chat_identity_key: str = ""
    demo: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read and check the environment; raises `Invalid` naming every wrong setting at once."""
        source = _Source(os.environ if env is None else env)
        data_dir = source.read("DESK_DATA_DIR", "./var", lambda text: Path(text).expanduser().resolve())
        http_port = source.read("DESK_HTTP_PORT", "8000", _port)
        mail_relay = source.read("DESK_MAIL_RELAY", "", _mail_relay)
        settings = cls(
            data_dir=data_dir,
            database_url=source.read("DESK_DATABASE_URL", f"sqlite:///{data_dir}/desk.db", _database_url),
            redis_url=source.read("DESK_REDIS_URL", "", _redis_url),
            http_host=source.read("DESK_HTTP_HOST", "127.0.0.1", str),
            http_port=http_port,
            smtp_host=source.read("DESK_SMTP_HOST", "127.0.0.1", str),
            smtp_port=source.read("DESK_SMTP_PORT", "2525", _port),
            smtp_tls_cert=source.read("DESK_SMTP_TLS_CERT", "", _certificate),
            smtp_tls_key=source.read("DESK_SMTP_TLS_KEY", "", _file),
            smtp_auth=source.read("DESK_SMTP_AUTH", "", _sign_in),
            base_url=source.read("DESK_BASE_URL", f"http://localhost:{http_port}", _base_url),
            secret_key=source.read("DESK_SECRET_KEY", "", _secret),
            mail_relay=mail_relay,
            mail_from=source.read("DESK_MAIL_FROM", "support@desk.example", _address),
            mail_catch_all=source.read("DESK_MAIL_CATCH_ALL", "general", str.lower),
            mail_trust=source.read("DESK_MAIL_TRUST", CHECK if mail_relay else OFF, _trust),
            mail_acknowledge=source.read("DESK_MAIL_ACKNOWLEDGE", "off", _switch),
            dkim_key=source.read("DESK_DKIM_KEY", "", _file),
            dkim_selector=source.read("DESK_DKIM_SELECTOR", "desk", _label),
            locale=source.read("DESK_LOCALE", "en", _locale),
            timezone=source.read("DESK_TIMEZONE", "Asia/Shanghai", _zone),
            twilio_account_sid=source.read("TWILIO_ACCOUNT_SID", "", str),
            twilio_auth_token=source.read("TWILIO_AUTH_TOKEN", "", str),
            twilio_api_key=source.read("TWILIO_API_KEY", "", str),
            twilio_api_secret=source.read("TWILIO_API_SECRET", "", str),
            twilio_twiml_app_sid=source.read("TWILIO_TWIML_APP_SID", "", str),
            twilio_number=source.read("TWILIO_NUMBER", "", str),
            twilio_region=source.read("TWILIO_REGION", "", str.lower),
            twilio_edge=source.read("TWILIO_EDGE", "", str.lower),
            twilio_api_url=source.read("TWILIO_API_URL", "", lambda text: _base_url(text) if text else ""),
            twilio_softphone_path=source.read("TWILIO_SOFTPHONE_PATH", "", _path_or_none),
            leave_s=source.read("DESK_LEAVE_S", "0", _latency),
            database_connections=source.read("DESK_DATABASE_CONNECTIONS", str(CONNECTIONS), _connections),
            processes=source.read("DESK_PROCESSES", "1", _processes),
            web_statement_s=source.read("DESK_WEB_STATEMENT_S", "10", _limit),
            report_statement_s=source.read("DESK_REPORT_STATEMENT_S", "60", _limit),
            work_statement_s=source.read("DESK_WORK_STATEMENT_S", "120", _limit),
            lock_wait_s=source.read("DESK_LOCK_WAIT_S", "5", _limit),
            idle_transaction_s=source.read("DESK_IDLE_TRANSACTION_S", "60", _limit),
            reports_database_url=source.read("DESK_REPORTS_DATABASE_URL", "", _copy_url),
            trusted_proxies=source.read("DESK_TRUSTED_PROXIES", "0", _hops),
            metrics_token=source.read("DESK_METRICS_TOKEN", "", _token),
            metrics_port=source.read("DESK_METRICS_PORT", "0", _port_or_none),
            log=source.read("DESK_LOG", TEXT, _log_form),
            traces_url=source.read("DESK_TRACES_URL", "", lambda text: _base_url(text) if text else ""),
            carrier_latency_s=source.read("DESK_CARRIER_LATENCY_S", "0", _latency),
            carrier_loss=source.read("DESK_CARRIER_LOSS", "0", _chance),
            carrier_duplicate=source.read("DESK_CARRIER_DUPLICATE", "0", _chance),
            carrier_reorder=source.read("DESK_CARRIER_REORDER", "0", _chance),
            ice_servers=source.read("DESK_ICE_SERVERS", "", _ice_servers),
            files_url=source.read("DESK_FILES_URL", "", _files_url),
            chat_sites=source.read("DESK_CHAT_SITES", "", _sites),
            chat_identity_key=source.read("DESK_CHAT_IDENTITY_KEY", "", _secret),
        )
        source.raise_problems()
        return settings

    @property
    def on_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def own_number(self) -> str:
        """The number that people see when we call them; empty where the carrier's account has none set."""
        return self.twilio_number or ("" if self.has_twilio else SIMULATED_NUMBER)

    @property
    def has_twilio(self) -> bool:
        return bool(self.twilio_account_sid and self.twilio_auth_token)

    @property
    def mail_domain(self) -> str:
        return self.mail_from.rpartition("@")[2]


def keep_secret(data_dir: Path) -> str:
    """The installation's own secret, made at first start and kept in the data folder (readable by the owner only)."""
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip()


class _Source:
    """Reads values one by one and remembers what was wrong, so that all problems are told together."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[str] = []

    def read(self, name: str, default: str, convert: Callable[[str], Any]) -> Any:
        try:
            return convert(self._env.get(name, "").strip() or default)
        except ValueError as error:
            self._problems.append(f"{name}: {error}")
            return None

    def raise_problems(self) -> None:
        if self._problems:
            raise Invalid("These settings cannot be used:\n  %(problems)s", problems="\n  ".join(self._problems))


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"“{text}” is no port; give a number from 1 to 65535")
    return int(text)


def _database_url(text: str) -> str:
    if text.startswith("postgresql://"):
        return "postgresql+psycopg://" + text.removeprefix("postgresql://")
    if text.startswith(("sqlite:///", "postgresql+psycopg://")):
        return text
    raise ValueError("give sqlite:///PATH or postgresql://USER@HOST/NAME")


def _copy_url(text: str) -> str:
    if text and not text.startswith(("postgresql://", "postgresql+psycopg://")):
        raise ValueError("give postgresql://USER@HOST/NAME of a streaming copy of the desk's database")
    return _database_url(text) if text else ""


def _redis_url(text: str) -> str:
    if text and not text.startswith(("redis://", "rediss://")):
        raise ValueError("give redis://HOST:PORT/N")
    return text


def _files_url(text: str) -> str:
    if text:
        Place.parse(text)
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query:
        raise ValueError(f"“{text}” is no web address; give https://HOST")
    return text.rstrip("/")


def _secret(text: str) -> str:
    if text and len(text) < 32:
        raise ValueError("too short; use at least 32 characters, or leave it empty to have one made")
    return text


def _mail_relay(text: str) -> str:
    if text and (urlsplit(text).scheme not in ("smtp", "smtp+starttls", "smtps") or not urlsplit(text).hostname):
        raise ValueError("give smtp://USER:PASSWORD@HOST:PORT, smtp+starttls://… or smtps://…")
    return text


def _hops(text: str) -> int:
    return _whole(text, 0, 9, "give how many proxies of your own stand before the desk, from 0 to 9")


def _connections(text: str) -> int:
    return _whole(text, 5, 200, "give how many connections one process may have, from 5 to 200")


def _processes(text: str) -> int:
    return _whole(text, 1, 1000, "give how many processes this desk runs in, from 1 to 1000")


def _whole(text: str, least: int, most: int, what: str) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(what)
    return int(text)


def _token(text: str) -> str:
    if text and len(text) < 16:
        raise ValueError("too short; use at least 16 characters")
    return text


def _port_or_none(text: str) -> int:
    return 0 if text == "0" else _port(text)


def _path_or_none(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError("give a path that begins with /")
    return text


def _log_form(text: str) -> str:
    if text not in (TEXT, JSON):
        raise ValueError("give text or json")
    return text


def _switch(text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise ValueError("give on or off")
    return text.lower() == "on"


def _chance(text: str) -> float:
    return _figure(text, 1, "give a chance from 0 to 1")


def _ice_servers(text: str) -> tuple[dict[str, Any], ...]:
    try:
        servers = json.loads(text or "[]")
    except ValueError:
        servers = None
    if not isinstance(servers, list) or not all(isinstance(server, dict) and server.get("urls") for server in servers):
        raise ValueError('give what browsers take, such as [{"urls": "stun:stun.example:3478"}]')
    return tuple(servers)


def _sites(text: str) -> tuple[str, ...]:
    sites = tuple(dict.fromkeys(text.split()))
    for site in sites:
        if not re.fullmatch(r"https?://(\*\.)?[a-z0-9.-]+(:\d{1,5})?", site, re.IGNORECASE):
            raise ValueError(f"“{site}” is no site; give origins such as https://shop.example https://*.shop.example")
    return sites


def _latency(text: str) -> float:
    return _figure(text, 60, "give seconds, from 0 to 60")


def _limit(text: str) -> float:
    return _figure(text, 86_400, "give seconds, from 0 (no limit) to 86400")


def _figure(text: str, most: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(what) from None
    if not 0 <= value <= most:
        raise ValueError(what)
    return value


def _trust(text: str) -> str:
    if text in (OFF, CHECK) or (text.startswith(UPSTREAM) and text != UPSTREAM):
        return text
    raise ValueError("give off, check or upstream:NAME, where NAME is what our own mail server calls itself in its reports")


def _label(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", text, re.IGNORECASE):
        raise ValueError(f"“{text}” is no label of a domain name")
    return text.lower()


def _address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not (local and at and domain) or " " in text or "+" in local:
        raise ValueError(f"“{text}” is no plain mail address (without +)")
    return text.lower()


def _certificate(text: str) -> str:
    return text if text == SELF_SIGNED else _file(text)


def _file(text: str) -> str:
    if text and not Path(text).expanduser().is_file():
        raise ValueError(f"there is no file {text}")
    return text


def _sign_in(text: str) -> str:
    name, colon, password = text.partition(":")
    if text and not (name and colon and len(password) >= 8):
        raise ValueError("give USER:PASSWORD, with a password of at least 8 characters")
    return text


def _locale(text: str) -> str:
    if text not in LOCALES:
        raise ValueError(f"“{text}” is not one of {', '.join(LOCALES)}")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"“{text}” is no time zone; give one such as Europe/London") from error
    return text
