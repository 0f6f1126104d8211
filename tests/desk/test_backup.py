"""A backup is one moment of a desk in one file; what comes back from it is the same, on either database, or nothing at all."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import delete, inspect, select, text

from desk import migrate
from desk.__main__ import main
from desk.backup import making, rows
from desk.backup.archive import MANIFEST, Reader
from desk.backup.making import make
from desk.backup.restoring import restore
from desk.db import make_engine
from desk.errors import Invalid
from desk.files import FileStore
from desk.files_elsewhere import FilesElsewhere, Place
from desk.models import Attachment, Setting, Ticket
from tests.desk.conftest import address_of, tell
from tests.desk.house import House
from tests.services.objects import client, running_store
from tests.world import free_port

AT = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
ODD = {"words": "退款 “quoted” \\n \\ \t\n☎ 😀", "none": None, "list": [1, 2.5, True, "\u2028"]}


@pytest.fixture
def either(house):
    """A desk on each database, with something in it."""
    return fill(house)


@pytest.fixture
def filled(sqlite_house):
    """One on SQLite, for what is the same on both."""
    return fill(sqlite_house)


def fill(house):
    """A ticket, settings of odd shapes, and a file."""
    house.agent("梅雅")
    house.item()
    with house.tx() as tx:
        tx.session.add_all([Setting(key="odd", value=ODD), Setting(key="nothing", value=None)])
    FileStore(house.settings.data_dir / "files").put(b"\x00\xff what a customer sent")
    return house


@pytest.fixture
def empty(tmp_path, postgres_server, request):
    """Addresses of empty databases, by kind."""
    (tmp_path / "other").mkdir()

    def address(kind, name="other"):
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{name}/desk.db"
        name = f"{name}_{uuid4().hex}"
        tell(postgres_server, f'CREATE DATABASE "{name}" TEMPLATE template0')
        request.addfinalizer(lambda: tell(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)'))
        return address_of(postgres_server, name)

    return address


def everything(engine):
    """All rows of all tables, as a backup would say them."""
    with engine.connect() as connection:
        chunks = {table.name: [chunk for _, chunk in rows.dump(connection, table)] for table in rows.tables()}
    return {name: [line for chunk in some for line in rows.lines(chunk)] for name, some in chunks.items()}


def backed_up(house, path):
    make(house.store.engine, house.settings.data_dir, path, AT)
    return path


def put_back(path, url, folder):
    engine = make_engine(url)
    try:
        with Reader.open(path) as backup:
            restore(engine, folder, backup)
    except Invalid:
        engine.dispose()
        raise
    return engine


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_either_database_had_comes_back_on_either(either, empty, tmp_path, kind):
    before = everything(either.store.engine)
    path = backed_up(either, tmp_path / "one.tar")

    other = tmp_path / "other"
    engine = put_back(path, empty(kind), other)

    assert everything(engine) == before
    assert len(before["ticket"]) == 1
    assert [data for _, data in FileStore(other / "files").everything()] == [b"\x00\xff what a customer sent"]
    desk = House(engine.url.render_as_string(hide_password=False), other)
    assert desk.one(select(Setting.value).where(Setting.key == "odd")) == ODD
    desk.item()  # and it goes on, with numbers after those that it had
    assert desk.all(select(Ticket.id).order_by(Ticket.id)) == [1, 2]
    desk.close()
    engine.dispose()


def test_rows_that_are_written_meanwhile_are_in_the_next_backup(either, tmp_path):
    """One moment: a ticket that comes when one table has been read and others have not is in none of them."""
    archive, seen, original = tmp_path / "one.tar", [], rows.dump

    def dump(connection, table):
        yield from original(connection, table)
        if not seen:
            seen.append(either.item())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "dump", dump)
        manifest = make(either.store.engine, either.settings.data_dir, archive, AT)

    assert seen
    assert manifest["rows"]["ticket"] == manifest["rows"]["work_item"] == 1
    assert make(either.store.engine, either.settings.data_dir, archive, AT)["rows"]["ticket"] == 2


def test_a_backup_is_only_put_into_an_empty_desk(filled, tmp_path):
    path = backed_up(filled, tmp_path / "one.tar")
    before = everything(filled.store.engine)
    with pytest.raises(Invalid, match="already"):
        put_back(path, filled.url, filled.settings.data_dir)
    assert everything(filled.store.engine) == before


def changed(path, name, data):
    """The backup with other bytes under this name; None takes the member away."""
    other = path.with_name("changed.tar")
    with tarfile.open(path) as old, tarfile.open(other, "w") as new:
        for member in old.getmembers():
            inside = old.extractfile(member).read()
            if member.name == name:
                if data is None:
                    continue
                member.size, inside = len(data), data
            new.addfile(member, io.BytesIO(inside))
    return other


@pytest.mark.parametrize("data", [b"other bytes", None], ids=["changed", "missing"])
def test_a_damaged_backup_is_refused_before_anything_is_changed(filled, empty, tmp_path, data):
    path = backed_up(filled, tmp_path / "one.tar")
    with tarfile.open(path) as tar:
        names = tar.getnames()
    assert {name.partition("/")[0] for name in names} == {"rows", "files", MANIFEST}
    for name in names:
        with pytest.raises(Invalid, match="backup"):
            put_back(changed(path, name, data), empty("sqlite"), tmp_path / "other")
        assert {each.name for each in (tmp_path / "other").iterdir()} <= {"desk.db", "desk.db-wal", "desk.db-shm"}
    engine = make_engine(empty("sqlite"))
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_the_beginning_of_a_backup_is_none_and_something_else_neither(filled, tmp_path):
    path = backed_up(filled, tmp_path / "one.tar")
    half, other = tmp_path / "half.tar", tmp_path / "other.tar"
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    other.write_text("not a backup", encoding="utf-8")
    for each in (half, other, tmp_path / "none.tar"):
        with pytest.raises(Invalid, match="not a backup"), Reader.open(each):
            pass


def test_a_backup_of_a_newer_version_is_refused(filled, empty, tmp_path):
    path = backed_up(filled, tmp_path / "one.tar")
    with Reader.open(path) as backup:
        manifest = {**backup.manifest, "revision": "9999"}
    with pytest.raises(Invalid, match="newer version"):
        put_back(changed(path, MANIFEST, json.dumps(manifest).encode()), empty("sqlite"), tmp_path / "other")


def test_a_backup_of_an_older_version_is_brought_to_this_one(empty, tmp_path, monkeypatch):
    (tmp_path / "old").mkdir()
    old = make_engine(empty("sqlite", "old"))
    migrate.upgrade(old, to="0010")
    with old.begin() as connection:
        connection.execute(text("INSERT INTO setting (key, value) VALUES ('odd', '1')"))
    with monkeypatch.context() as then:  # a version of then knew nothing of later tables
        tables = [table for table in rows.tables() if table.name == "setting"]
        then.setattr(making, "is_current", lambda _engine: True)
        then.setattr(rows, "tables", lambda: tables)
        make(old, tmp_path / "old", tmp_path / "one.tar", AT)

    engine = put_back(tmp_path / "one.tar", empty("sqlite"), tmp_path / "other")

    assert migrate.is_current(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT value FROM setting WHERE key = 'odd'")).scalar() == 1
    engine.dispose()
    old.dispose()


def test_a_file_that_is_not_what_its_name_says_is_left_out_and_named(filled, tmp_path):
    store = FileStore(filled.settings.data_dir / "files")
    [(sha256, _)] = store.everything()
    store.path(sha256).write_bytes(b"bad sector")
    manifest = make(filled.store.engine, filled.settings.data_dir, tmp_path / "one.tar", AT)
    assert (manifest["damaged"], manifest["files"]) == ([sha256], 0)


@pytest.fixture
def elsewhere(house, tmp_path, monkeypatch):
    """A desk on each database whose files lie in a store that speaks S3: three that rows name, one that none does."""
    with running_store("backed-up") as address:
        for name, value in {
            "DESK_DATA_DIR": str(house.settings.data_dir),
            "DESK_DATABASE_URL": house.url,
            "DESK_FILES_URL": address,
        }.items():
            monkeypatch.setenv(name, value)
        files = FilesElsewhere(house.settings.data_dir / "files", Place.parse(address), house.clock)
        with house.tx() as tx:
            for number in range(3):
                kept = files.keep(b"page %d of the bill" % number, f"{number}.pdf")
                tx.session.add(Attachment(sha256=kept.sha256, name=kept.name, content_type="", size=kept.size, created_at=tx.now))
        files.put(b"nobody's")
        yield Elsewhere(house, files, address)


@dataclass
class Elsewhere:
    house: House
    files: FilesElsewhere
    address: str

    def name_of(self, number):
        return self.house.one(select(Attachment.sha256).where(Attachment.name == f"{number}.pdf"))

    def change(self, sha256, data=None):
        """Somebody at the store's own door takes an object away, or puts other bytes in its place."""
        store, name = client(urlsplit(self.address).port), f"desk/{sha256[:2]}/{sha256[2:4]}/{sha256}"
        store.remove_object("backed-up", name)
        if data is not None:
            store.put_object("backed-up", name, io.BytesIO(data), len(data))


def test_files_that_lie_in_a_store_elsewhere_come_back_into_an_empty_one(elsewhere, empty, tmp_path, monkeypatch, capsys):
    before, rows_before = dict(elsewhere.files.everything()), everything(elsewhere.house.store.engine)
    path = str(tmp_path / "one.tar")
    assert main(["backup", path]) == 0
    assert main(["restore", "--check", path]) == 0
    address = f"{elsewhere.address}-other"  # the same bucket, under a name where there is nothing
    monkeypatch.setenv("DESK_FILES_URL", address)
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("DESK_DATABASE_URL", url := empty("postgresql"))
    other = FilesElsewhere(tmp_path / "another machine", Place.parse(address), elsewhere.house.clock)
    assert dict(other.everything()) == {}
    assert main(["restore", path]) == 0
    assert dict(other.everything()) == before
    assert len(before) == 4
    engine = make_engine(url)
    assert everything(engine) == rows_before
    engine.dispose()


def test_files_that_lay_in_a_store_elsewhere_come_back_into_a_folder(elsewhere, empty, tmp_path, monkeypatch):
    before = dict(elsewhere.files.everything())
    path = str(tmp_path / "one.tar")
    assert main(["backup", path]) == 0
    monkeypatch.delenv("DESK_FILES_URL")
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("DESK_DATABASE_URL", empty("sqlite"))
    assert main(["restore", path]) == 0
    assert dict(FileStore(tmp_path / "other" / "files").everything()) == before


def test_an_object_that_is_missing_or_damaged_is_named_and_everything_else_is_kept(elsewhere, tmp_path, capsys):
    gone, bad, whole = (elsewhere.name_of(number) for number in range(3))
    elsewhere.change(gone)
    elsewhere.change(bad, b"other bytes")
    path = str(tmp_path / "one.tar")
    assert main(["backup", path]) == 1
    told = capsys.readouterr().err
    assert f"The file {gone} is not in the store of files" in told
    assert f"The file {bad} is damaged in the store of files" in told
    assert whole not in told
    with Reader.open(tmp_path / "one.tar") as kept:
        kept.check()
        assert whole in dict(kept.files())
        assert (kept.manifest["missing"], kept.manifest["damaged"]) == ([gone], [bad])


def test_a_file_that_is_not_on_this_disk_is_named_unless_its_rows_go_meanwhile(filled, tmp_path, monkeypatch):
    store = FileStore(filled.settings.data_dir / "files")
    with filled.tx() as tx:
        for sha256 in ("a" * 64, "b" * 64):
            tx.session.add(Attachment(sha256=sha256, name="x", content_type="", size=1, created_at=tx.now))
    listed = store.everything

    def retention_comes_by():
        with filled.tx() as tx:
            tx.session.execute(delete(Attachment).where(Attachment.sha256 == "b" * 64))
        return listed()

    monkeypatch.setattr(store, "everything", retention_comes_by)
    made = make(filled.store.engine, filled.settings.data_dir, tmp_path / "one.tar", AT, store)
    assert made["missing"] == ["a" * 64]


def test_a_store_that_does_not_answer_leaves_no_backup_and_says_so(elsewhere, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DESK_FILES_URL", f"s3+http://a-key:a-secret@127.0.0.1:{free_port()}/backed-up/desk")
    assert main(["backup", str(tmp_path / "one.tar")]) == 1
    assert "cannot reach its files" in capsys.readouterr().err
    assert list(tmp_path.glob("one.tar*")) == []


def test_a_backup_that_could_not_be_finished_is_not_there(filled, tmp_path, monkeypatch):
    def fail(_connection, _table):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rows, "dump", fail)
    with pytest.raises(OSError, match="No space"):
        backed_up(filled, tmp_path / "one.tar")
    assert list(tmp_path.glob("one.tar*")) == []


def test_the_commands_keep_the_newest_and_say_what_they_have(tmp_path, monkeypatch, capsys):
    """As an administrator uses them: migrate, two backups, one kept, checked, and put into a folder of another desk."""
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "desk"))
    assert main(["migrate"]) == 0
    kept = tmp_path / "desk" / "backups"
    assert main(["backup", str(kept / "desk-20260101-000000Z.tar")]) == 0
    assert main(["backup", "--keep", "1"]) == 0
    assert [path.name for path in kept.iterdir()] != ["desk-20260101-000000Z.tar"]
    capsys.readouterr()
    assert main(["backup", "--list"]) == 0
    newest = str(max(kept.iterdir()))
    assert newest in capsys.readouterr().out
    assert main(["restore", "--check", newest]) == 0
    assert "every checksum is right" in capsys.readouterr().out

    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "other"))
    assert main(["restore", newest]) == 0
    secrets = [(tmp_path / name / "secret_key").read_text(encoding="ascii") for name in ("desk", "other")]
    assert secrets[0] == secrets[1]
    assert (tmp_path / "other" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert main(["restore", newest]) == 1
    assert "already" in capsys.readouterr().err
    assert main(["restore", str(tmp_path / "nothing")]) == 1
    with pytest.raises(SystemExit):
        main(["backup", "--keep", "0"])
