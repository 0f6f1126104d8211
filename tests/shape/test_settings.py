"""Every setting is documented, every documented setting is read, and nothing else in the environment is."""

from __future__ import annotations

import dataclasses
import re

import pytest

from desk.config import Settings, keep_secret
from desk.errors import Invalid
from tests.shape.source import ROOT, project

NAME = re.compile(r"\b(?:DESK|TWILIO)_[A-Z_]+\b")
NOT_FROM_THE_ENVIRONMENT = {"demo"}  # `serve --demo`


def read_names():
    """The names that `Settings.from_env` asks the environment for."""

    class Asked(dict):
        def get(self, name, default=None):
            self[name] = ""
            return default

    asked = Asked()
    Settings.from_env(asked)
    return set(asked)


def documented():
    """Setting → what its row in the documentation says: default and meaning."""
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (.*) \| (.*) \|$", (ROOT / "docs/configuration.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len({name for name, _, _ in rows}) == len(rows), "a setting is documented twice"
    return {name: (default, meaning) for name, default, meaning in rows}


def test_every_setting_that_is_read_is_documented_and_nothing_else():
    assert documented().keys() == read_names()
    assert [name for name, (default, meaning) in documented().items() if not default.strip() or len(meaning) < 10] == []


def test_every_field_of_the_settings_has_its_name_in_the_environment():
    fields = {field.name for field in dataclasses.fields(Settings)} - NOT_FROM_THE_ENVIRONMENT
    assert fields == {name.removeprefix("DESK_").lower() for name in read_names()}


def test_the_source_names_no_setting_that_is_not_read():
    """In errors and hints too: what a person is told to set must be there to be set."""
    named = {name for module in project() for name in NAME.findall(module.text)}
    named |= {name for path in (ROOT / "templates").rglob("*.html") for name in NAME.findall(path.read_text(encoding="utf-8"))}
    named |= set(NAME.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert named - read_names() == set()


def test_the_documented_defaults_are_those_that_are_used():
    settings = Settings.from_env({})
    wrong = {}
    for name, (default, _meaning) in documented().items():
        value = getattr(settings, name.removeprefix("DESK_").lower())
        told = re.match(r"`([^`]*)`$", default)
        if told is None:
            continue  # told in words
        if str(value) not in (told[1], told[1].replace("PORT", "8000")) and name != "DESK_DATA_DIR":
            wrong[name] = (default, str(value))
    assert wrong == {}


def test_all_wrong_settings_are_told_at_once():
    env = {
        "DESK_HTTP_PORT": "http",
        "DESK_SMTP_PORT": "70000",
        "DESK_SMTP_TLS_CERT": "/no/such/certificate.pem",
        "DESK_SMTP_TLS_KEY": "/no/such/key.pem",
        "DESK_SMTP_AUTH": "nobody",
        "DESK_DATABASE_URL": "mysql://x",
        "DESK_REDIS_URL": "localhost",
        "DESK_BASE_URL": "desk.example",
        "DESK_SECRET_KEY": "short",
        "DESK_MAIL_RELAY": "relay.example",
        "DESK_MAIL_FROM": "support+1@desk.example",
        "DESK_MAIL_TRUST": "upstream:",
        "DESK_MAIL_ACKNOWLEDGE": "perhaps",
        "DESK_DKIM_KEY": "/no/such/key.pem",
        "DESK_DKIM_SELECTOR": "two.labels",
        "DESK_LOCALE": "fr",
        "DESK_TIMEZONE": "Mars/Olympus",
        "DESK_CARRIER_LATENCY_S": "nan",
        "DESK_CARRIER_LOSS": "-0.1",
        "DESK_CARRIER_DUPLICATE": "1.5",
        "DESK_CARRIER_REORDER": "often",
        "DESK_ICE_SERVERS": "stun:stun.example",
        "DESK_CHAT_SITES": "shop.example; script-src *",
        "DESK_CHAT_IDENTITY_KEY": "guess me",
        "DESK_WEB_STATEMENT_S": "never",
        "DESK_LOCK_WAIT_S": "-1",
        "DESK_REPORTS_DATABASE_URL": "sqlite:///copy.db",
        "DESK_TRACES_URL": "collector:4318",
    }
    with pytest.raises(Invalid) as told:
        Settings.from_env(env)
    assert [name for name in env if name not in str(told.value)] == []


@pytest.mark.parametrize("empty", ["", "   "])
def test_an_empty_setting_is_as_good_as_none(empty):
    assert Settings.from_env(dict.fromkeys(read_names(), empty)) == Settings.from_env({})


def test_a_secret_is_made_once_and_kept_from_others(tmp_path):
    first = keep_secret(tmp_path / "data")
    assert len(first) >= 32
    assert keep_secret(tmp_path / "data") == first
    assert (tmp_path / "data/secret_key").stat().st_mode & 0o077 == 0
