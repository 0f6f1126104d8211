"""What is written down for operators fits the desk as it is: settings, commands, ports and files of `docs/deploy`."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from configparser import ConfigParser

import pytest
import yaml

from desk.commands import modules
from desk.config import Settings
from tests.shape.source import ROOT
from tests.shape.test_settings import NAME, read_names

DEPLOY = ROOT / "docs/deploy"
FILLED_IN = {
    "DESK_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "DESK_BASE_URL": "https://desk.example.com",
    "DESK_METRICS_TOKEN": "0123456789abcdef",
}
ASKED = re.compile(r"\$\{(\w+):\?[^}]+\}")


@pytest.fixture(scope="module")
def compose():
    """As `docker compose` reads it, with what it asks of the environment."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(ASKED.sub(lambda asked: FILLED_IN[asked[1]], text))


def ours(compose):
    return {name: service for name, service in compose["services"].items() if service["image"] == "desk:latest"}


def test_every_setting_that_is_named_for_operators_is_read():
    pages = [*DEPLOY.iterdir(), *(ROOT / "docs").glob("deploy*.md")]
    named = {path.name: set(NAME.findall(path.read_text(encoding="utf-8"))) - read_names() for path in pages if path.is_file()}
    assert {name: wrong for name, wrong in named.items() if wrong} == {}


def test_compose_asks_for_what_it_cannot_know_and_for_nothing_else():
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert set(ASKED.findall(text)) == FILLED_IN.keys()
    assert text.count("${") == len(ASKED.findall(text))


def test_the_settings_of_every_service_are_taken_as_they_stand(compose):
    for name, service in ours(compose).items():
        given = service["environment"]
        assert {key: value for key, value in given.items() if not isinstance(value, str)} == {}, "a number is no text"
        assert given.keys() <= read_names(), name
        settings = Settings.from_env(given)
        assert (settings.on_sqlite, settings.secret_key) == (False, FILLED_IN["DESK_SECRET_KEY"])


def test_the_settings_of_the_units_are_taken_as_they_stand():
    lines = (DEPLOY / "desk.env").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert given.keys() <= read_names()
    assert not Settings.from_env(given).on_sqlite


def test_every_service_runs_a_command_that_there_is(compose):
    for name, service in ours(compose).items():
        assert service["command"][:3] == ["python", "-m", "desk"]
        assert service["command"][3] in known_commands(), name


def test_the_units_run_commands_that_there_are_as_somebody_without_rights():
    for path in DEPLOY.glob("*.service"):
        unit = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
        unit.optionxform = str  # type: ignore[assignment]
        unit.read(path)
        service = unit["Service"]
        assert (service["User"], service["NoNewPrivileges"], service["EnvironmentFile"]) == ("desk", "yes", "/etc/desk/desk.env")
        started = shlex.split(service["ExecStart"])[-1]
        if path.name == "desk-part@.service":
            asked = re.findall(r"desk-part@(\w+)-\d+", path.read_text(encoding="utf-8"))
            assert asked
            assert set(asked) <= known_commands()
        else:
            assert started in known_commands()


def test_services_wait_for_services_that_there_are_and_keep_what_must_stay(compose):
    services, kept = compose["services"], compose["volumes"]
    for name, service in services.items():
        assert set(service.get("depends_on", [])) <= services.keys(), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in kept, volume
        build = service.get("build")
        assert build is None or (DEPLOY / build["context"] / build["dockerfile"]).resolve().is_file()


def test_whoever_is_reached_from_outside_listens_there(compose):
    """The proxy asks the port that the web processes serve, and mail comes to the one that the door has."""
    web, smtp = (Settings.from_env(compose["services"][name]["environment"]) for name in ("web", "smtp"))
    proxied = re.findall(r"http://web:(\d+)", (DEPLOY / "compose-nginx.conf").read_text(encoding="utf-8"))
    assert proxied == [str(web.http_port)]
    assert compose["services"]["smtp"]["ports"] == [f"25:{smtp.smtp_port}"]
    assert {web.http_host, smtp.smtp_host} == {"0.0.0.0"}


def known_commands():
    """Each module of commands asks for the words that it is called by."""
    found = set()

    class Parsers:
        def add_parser(self, name, **_about):
            found.add(name)
            return ArgumentParser(prog=name)

    for module in modules([]):
        module.add(Parsers())
    return found
