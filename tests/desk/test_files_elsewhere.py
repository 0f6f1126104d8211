"""Files in a store that speaks S3: kept before they are named, checked when they come back, honest while it is away."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from desk.clock import Clock
from desk.commands.doctor_looks import files_elsewhere
from desk.errors import NotFound
from desk.files import FileStore
from desk.files_elsewhere import UNUSED_S, FilesAway, FilesElsewhere, Place, open_files
from tests.services.objects import client, running_store
from tests.world import free_port


@pytest.fixture(scope="module")
def address():
    with running_store("files-of-the-desk") as address:
        yield address


@pytest.fixture
def machines(address, tmp_path):
    """The same store as two machines see it."""
    return [FilesElsewhere(tmp_path / name, Place.parse(f"{address}/{tmp_path.name}"), Clock()) for name in ("a", "b")]


def put_behind(address, folder, sha256, data):
    """Somebody else writes into the store."""
    name = f"desk/{folder}/{sha256[:2]}/{sha256[2:4]}/{sha256}"
    client(urlsplit(address).port).put_object("files-of-the-desk", name, io.BytesIO(data), len(data))


def test_what_one_machine_keeps_another_reads_and_when_it_is_removed_both_say_so(machines):
    here, there = machines
    kept = here.keep(b"the bill", "bill.txt")
    assert kept.sha256 == hashlib.sha256(b"the bill").hexdigest()
    assert there.get(kept.sha256) == b"the bill"
    assert dict(there.everything()) == {kept.sha256: b"the bill"}
    there.remove(kept.sha256)
    there.remove(kept.sha256)
    with pytest.raises(NotFound):
        there.path(kept.sha256)
    assert dict(here.everything()) == {}


def test_what_another_machine_removed_is_kept_again_when_it_comes_again(machines):
    """Our copy of it proves nothing."""
    here, there = machines
    sha256 = here.put(b"came twice")
    there.remove(sha256)
    file, written = here.write(b"came twice", "twice.txt")
    assert (file.sha256, written) == (sha256, "")
    here.settle([(sha256, written)])
    assert there.get(sha256) == b"came twice"


def test_files_in_pieces_and_many_at_once_are_in_the_store_when_they_are_settled(machines):
    here, there = machines
    recording = here.keep_pieces([b"RIFF....WAVE", b"sound" * 100_000], "call.wav")
    files = [here.write(f"file {number}".encode(), f"{number}.txt") for number in range(5)]
    assert [name for name, _ in there.everything()] == [recording.sha256]
    here.settle([(file.sha256, written) for file, written in files])
    assert {sha256 for sha256, _ in there.everything()} == {recording.sha256, *(file.sha256 for file, _ in files)}
    assert there.path(recording.sha256).stat().st_size == recording.size
    assert list(here.folder.glob("incoming/*")) == []


def test_a_damaged_object_is_refused_and_leaves_no_copy(machines, address, tmp_path):
    here, _ = machines
    sha256 = hashlib.sha256(b"as it was").hexdigest()
    put_behind(address, tmp_path.name, sha256, b"as it is now")
    with pytest.raises(NotFound):
        here.get(sha256)
    assert [path for path in here.folder.rglob("*") if path.is_file()] == []


def test_copies_that_nobody_asks_for_leave_the_machine_and_come_back_when_somebody_does(address, tmp_path):
    class Later(Clock):
        ahead_s = 0.0

        def now(self):
            return super().now() + timedelta(seconds=self.ahead_s)

        def monotonic(self):
            return super().monotonic() + self.ahead_s

    clock = Later()
    store = FilesElsewhere(tmp_path, Place.parse(f"{address}/{tmp_path.name}"), clock)
    old, used = store.put(b"old"), store.put(b"used")
    clock.ahead_s = 2 * UNUSED_S
    assert store.path(used).read_bytes() == b"used"
    assert [path.name for path in store.folder.glob("??/??/*")] == [used]
    assert store.get(old) == b"old"


def test_a_store_that_is_away_is_said_to_be_and_keeps_nothing(tmp_path):
    place = Place.parse(f"s3+http://a-key:a-secret@127.0.0.1:{free_port()}/files-of-the-desk")
    store = FilesElsewhere(tmp_path, place, Clock())
    for act in (lambda: store.put(b"lost?"), lambda: store.get("ab" * 32), lambda: store.remove("ab" * 32)):
        with pytest.raises(FilesAway):
            act()
    assert FilesAway.status == 503
    assert list(tmp_path.glob("??/??/*")) == []


def test_doctor_says_whether_the_store_can_be_used(machines, address, tmp_path):
    class Desk:
        files = machines[0]

    assert [finding.level for finding in files_elsewhere(Desk)] == ["ok"]
    Desk.files = FilesElsewhere(tmp_path, Place.parse(address.replace("files-of-the-desk", "no-such-bucket")), Clock())
    assert [finding.level for finding in files_elsewhere(Desk)] == ["error"]


@pytest.mark.parametrize(
    "wrong", ["http://k:s@h/bucket", "s3+https://h/bucket", "s3+https://k@h/bucket", "s3+https://k:s@h", "s3+https://k:s@/bucket"]
)
def test_an_address_that_cannot_be_used_is_refused(wrong):
    with pytest.raises(ValueError, match="s3\\+https"):
        Place.parse(wrong)


def test_an_address_with_everything_is_understood_and_without_one_files_lie_in_the_folder(tmp_path):
    place = Place.parse("s3+https://a%2Fkey:se%40cret@s3.example:9000/bucket/of/ours/?region=eu-west-1")
    assert place == Place(True, "s3.example:9000", "a/key", "se@cret", "bucket", "of/ours/", "eu-west-1")
    assert type(open_files(tmp_path, "", Clock())) is FileStore
