"""What `doctor` finds: nothing on a sound desk, and each thing that was spoilt, in words with advice."""

from __future__ import annotations

import json
import re
import shutil
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from desk.commands import doctor as command
from desk.commands import doctor_looks as looks
from desk.config import Settings
from desk.events import SYSTEM
from desk.models import Attachment, CallRecording, Complaint, Evidence, Timer
from desk.queries import doctor
from tests.desk.house import House
from tests.web.siege import besieged
from tests.world import World


def levels(findings) -> list[str]:
    return [finding.level for finding in findings]


# On a whole desk


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with besieged(tmp_path_factory.mktemp("well")) as siege:
        yield siege.world


def env_of(world: World) -> dict[str, str]:
    settings = world.desk.settings
    return {
        "DESK_DATA_DIR": str(settings.data_dir),
        "DESK_DATABASE_URL": settings.database_url,
        "DESK_HTTP_PORT": str(settings.http_port),
        "DESK_SMTP_PORT": str(world.background.mail.port),
        "DESK_BASE_URL": settings.base_url,
        "DESK_SECRET_KEY": settings.secret_key,
    }


def doctor_says(monkeypatch, capsys, env: dict[str, str]) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """Exit status, and by area what was found, as (level, what)."""
    monkeypatch.setattr("os.environ", env)
    status = command.run(Namespace(json=True))
    said = json.loads(capsys.readouterr().out)
    assert all(one["advice"] for one in said["findings"] if one["level"] != "ok")
    assert said["status"] == ("ok", "warning", "error")[status]
    areas: dict[str, list[tuple[str, str]]] = {}
    for one in said["findings"]:
        areas.setdefault(one["area"], []).append((one["level"], one["what"]))
    return status, areas


def written_down(page: str, line: str) -> list[str]:
    """The areas in the order of the manual: the rows of its table about the doctor."""
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    table = next(part for part in text.split("\n\n") if part.startswith("|") and "Database" in part)
    return re.findall(line, table, re.MULTILINE)[page == "voice.md" :]  # in English the head of the table looks like a row


def test_a_desk_that_runs_is_well(world, monkeypatch, capsys):
    status, areas = doctor_says(monkeypatch, capsys, env_of(world))
    wrong = [(area, said) for area, found in areas.items() for level, said in found if level != "ok"]
    # The siege's call has a sound that was cut short on purpose, and nobody has written an index there.
    assert [area for area, _ in wrong] in ([], ["Search"]), wrong
    assert status <= 1
    assert list(areas) == written_down("voice.md", r"^\| (\w+) \| ") == written_down("voice.zh.md", r"^\| \w+（(\w+)） \| ")
    assert ("ok", "A signed webhook is believed, a forged one refused.") in areas["Web"]


def test_the_same_is_told_in_lines(world, monkeypatch, capsys):
    monkeypatch.setattr("os.environ", {**env_of(world), "DESK_CARRIER_LOSS": "0.5"})
    assert command.run(Namespace(json=False)) == 1
    told = capsys.readouterr().out
    assert "\nTelephone\n  ok " in told
    assert "WARNING  The simulated carrier's network is a bad one on purpose.\n           Unset" in told
    assert "0 errors, " in told


def test_a_desk_with_another_public_address_or_token_is_found_out_by_its_webhooks(world, monkeypatch, capsys):
    port = world.desk.settings.http_port
    _, areas = doctor_says(monkeypatch, capsys, {**env_of(world), "DESK_BASE_URL": f"http://localhost:{port}"})
    assert areas["Web"][-1][0] == "error"
    assert "does not believe a webhook" in areas["Web"][-1][1]


def test_what_answers_is_not_always_a_desk(world, monkeypatch, capsys):
    status, areas = doctor_says(monkeypatch, capsys, {**env_of(world), "DESK_BASE_URL": f"{world.url}/complaints"})
    assert status == 2
    assert areas["Web"] == [("error", f"Something else answers at {world.url}/complaints (404).")]


def test_a_part_that_has_stopped_is_named(world, monkeypatch, capsys):
    part = world.background.parts["timers"]
    monkeypatch.setattr(part, "_failing", True)
    _, areas = doctor_says(monkeypatch, capsys, env_of(world))
    assert areas["Web"][0] == ("error", "The running desk is not ready: timers.")


# Without a desk


def test_an_empty_folder_and_none_at_all_are_no_error(tmp_path, monkeypatch, capsys):
    for folder in (tmp_path / "none", tmp_path):
        env = {"DESK_DATA_DIR": str(folder), "DESK_HTTP_PORT": "1", "DESK_SMTP_PORT": "1"}
        status, areas = doctor_says(monkeypatch, capsys, env)
        assert status == 1
        assert ("error" in levels_of(areas)) is False
    assert areas["Database"] == [("warning", "There is no database yet.")]
    assert not (tmp_path / "desk.db").exists()
    assert not (tmp_path / "none").exists()


def levels_of(areas: dict[str, list[tuple[str, str]]]) -> list[str]:
    return [level for found in areas.values() for level, _ in found]


def test_settings_that_cannot_be_used_are_all_told(monkeypatch, capsys):
    status, areas = doctor_says(monkeypatch, capsys, {"DESK_HTTP_PORT": "x", "DESK_BASE_URL": "nowhere"})
    assert (status, list(areas)) == (2, ["Settings"])
    assert [said.partition(":")[0] for _, said in areas["Settings"]] == ["DESK_HTTP_PORT", "DESK_BASE_URL"]


def test_a_database_of_another_version_is_looked_at_no_further(tmp_path, monkeypatch, capsys):
    (tmp_path / "desk.db").touch()
    env = {"DESK_DATA_DIR": str(tmp_path), "DESK_HTTP_PORT": "1", "DESK_SMTP_PORT": "1"}
    status, areas = doctor_says(monkeypatch, capsys, env)
    assert status == 2
    assert areas["Database"] == [("error", "The database has not the shape of this version.")]
    assert "Work" not in areas


def test_a_look_that_stumbles_keeps_no_other_from_being_made(monkeypatch):
    def stumble():
        yield from ()
        raise OSError("the disk fell out\nof its slot")

    ((area, finding),) = command._area("Disk", stumble)
    assert (area, finding.level, finding.what) == ("Disk", "error", "This could not be looked at: the disk fell out")


# One thing at a time


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({}, []),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, ["warning"]),
        ({"TWILIO_NUMBER": "021 5550 1234"}, ["warning", "error"]),
        ({"DESK_BASE_URL": "http://desk.example"}, ["warning"]),
        ({"DESK_BASE_URL": "https://desk.example"}, []),
        ({"DESK_REPORTS_DATABASE_URL": "postgresql://copy/desk"}, ["warning"]),
        ({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}, ["error", "error"]),
    ],
)
def test_settings_are_held_against_one_another(env, found):
    whole = {"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "s", "TWILIO_NUMBER": "+862155501234"}
    assert [level for level in levels(looks.settings_together(Settings.from_env(env))) if level != "ok"] == found
    if len(env) == 2:
        assert [level for level in levels(looks.settings_together(Settings.from_env(env | whole))) if level != "ok"] == ["error"]


@pytest.mark.parametrize(("free", "level"), [(10**12, "ok"), (10**9, "warning"), (10**7, "error")])
def test_a_full_disk_is_told_before_it_is_full(tmp_path, monkeypatch, free, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Namespace(free=free))
    assert levels(looks.disk(tmp_path)) == [level]


def test_a_relay_is_greeted_and_signed_in_at(world):
    port = world.background.mail.port
    assert looks._relay(f"smtp://127.0.0.1:{port}").level == "ok"
    assert looks._relay(f"smtp://name:secret@127.0.0.1:{port}").level == "error"
    assert looks._relay(f"smtp+starttls://127.0.0.1:{port}").level == "error"
    assert looks._relay("smtp://127.0.0.1:1").level == "error"


def test_a_guard_taken_from_the_log_is_found(house: House):
    with house.store.read() as session:
        assert levels(doctor.unchanged_events(session)) == ["ok"]
    on_event = "" if house.settings.on_sqlite else " ON event"
    with house.store.engine.begin() as connection:
        connection.execute(text(f"DROP TRIGGER {'event_no_update' if not on_event else 'event_append_only'}{on_event}"))
    with house.store.read() as session:
        assert levels(doctor.unchanged_events(session)) == ["error"]


def test_the_clock_is_held_against_what_is_written(house: House):
    with house.tx() as tx:
        tx.emit("demo.seeded")
    now = house.clock.now()
    with house.store.read() as session:
        assert levels(doctor.clock(session, now - timedelta(minutes=5))) == ["error"]
        again = list(doctor.clock(session, now))
        # The clock of the tests stands still; a database server's own goes on.
        assert ("error" in levels(again)) is not house.settings.on_sqlite


def test_the_connections_of_all_processes_are_held_against_what_postgresql_takes(house: House):
    one, many = (replace(house.settings, database_url=house.url, processes=processes) for processes in (1, 1000))
    with house.store.read() as session:
        expected = ([], []) if one.on_sqlite else (["ok"], ["warning"])
        assert tuple(levels(doctor.connections(session, each)) for each in (one, many)) == expected


def test_what_lies_about_is_told(sqlite_house: House):
    house = sqlite_house
    with house.store.read() as session:
        assert levels(doctor.work_left_lying(session, house.clock.now())) == ["ok"]
        assert levels(doctor.router(session, house.clock.now())) == ["ok"]
    with house.tx() as tx:
        tx.session.add(Timer(kind="x", key="x", due_at=tx.now))
    house.tick(3600)
    with house.store.read() as session:
        (found,) = doctor.work_left_lying(session, house.clock.now())
        assert (found.level, found.what) == ("warning", "Work is left lying: 1 timers are overdue.")
        assert levels(doctor.router(session, house.clock.now())) == ["warning"]


def test_files_and_evidence_are_held_against_their_hashes(world):
    desk = world.desk
    with desk.store.tx(SYSTEM) as tx:
        kept = desk.files.keep(b"the letter that proves it", "letter.txt")
        attachment = Attachment(
            sha256=kept.sha256, name="letter.txt", content_type="text/plain", size=kept.size, created_at=tx.now
        )
        tx.session.add(attachment)
        tx.session.flush()
        complaint = tx.session.scalars(select(Complaint.id)).first()
        tx.session.add(
            Evidence(complaint_id=complaint, attachment_id=attachment.id, sha256=kept.sha256, added_by="agent", added_at=tx.now)
        )
    path = desk.files.path(kept.sha256)
    with desk.store.read() as session:
        assert levels(doctor.evidence(session, desk.files)) == levels(doctor.stored_files(session, desk.files)) == ["ok"]
        path.write_bytes(b"the letter that proves nothing")
        (found,) = doctor.evidence(session, desk.files)
        assert (found.level, "letter.txt" in found.what) == ("error", True)
        path.unlink()
        assert levels(doctor.stored_files(session, desk.files)) == ["error"]
    desk.files.put(b"the letter that proves it")


def test_recordings_that_nobody_could_fetch_are_told(world):
    with world.tx() as tx:
        call_id = tx.session.scalars(select(CallRecording.call_id)).first()
        tx.session.add(CallRecording(call_id=call_id, sid="RE" + "9" * 32, started_at=tx.now, state="failed"))
    with world.desk.store.read() as session:
        assert [finding.what for finding in doctor.work_left_lying(session, world.desk.clock.now())] == [
            "1 recordings could not be fetched from the carrier."
        ]
