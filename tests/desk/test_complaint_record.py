"""Whoever changes one entry of a complaint's record, or a letter, is found out by `doctor`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from desk.actions.complaints import complaints
from desk.actions.complaints.evidence import looked_at
from desk.events import Actor, Event
from desk.models import Attachment
from desk.queries import doctor
from desk.queries.complaints.complaints import VIEWED
from tests.desk.care_world import World, agent, decide


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        with world.tx() as tx:
            complaint = world.complain(tx, statement="Half a pair \ud800 and a \x00 in it, 投诉。")
            officer = agent(tx, "He Yan")
            complaints.advance(tx, complaint, "assessed", agent=officer, category="billing", reason="\x00 and \ud800")
            complaints.advance(tx, complaint, "investigating", agent=officer)
            decide(tx, complaint)
            world.complain(tx, token="another-filling-of-it")
        yield world


def levels(world: World) -> list[str]:
    with world.store.read() as session:
        return [finding.level for finding in doctor.complaints(session)]


def test_a_record_that_nobody_touched_is_whole(world):
    assert levels(world) == ["ok"]


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE event SET actor_name = 'Somebody else' WHERE kind = 'complaint.assessed'",
        "UPDATE event SET kind = 'complaint.withdrawn' WHERE kind = 'complaint.decided'",
        "UPDATE event SET data = '{\"new\": \"decided\"}' WHERE kind = 'complaint.decided'",
        "DELETE FROM event WHERE kind = 'complaint.finding_recorded'",
        "DELETE FROM event WHERE kind = 'complaint.decided'",  # the last of its chain
        "UPDATE complaint SET chain = '' WHERE id = 1",
        "UPDATE complaint_decision SET letter = 'We owe you nothing.'",
    ],
)
def test_one_changed_entry_is_found(world, deed):
    with world.tx() as tx:
        tx.session.execute(text(deed))
    assert levels(world) == ["error"]


@pytest.mark.parametrize("deed", ["another byte", "gone"])
def test_evidence_that_is_not_what_it_was_is_found(world, deed):
    with world.tx() as tx:
        world.complain(tx, ("bill.pdf", b"%PDF-1.4 twice"), token="a-filling-with-a-file")
        file = tx.session.scalars(select(Attachment)).one()
    path = world.files.path(file.sha256)
    with world.store.read() as session:
        assert [finding.level for finding in doctor.evidence(session, world.files)] == ["ok"]
        if deed == "gone":
            path.unlink()
        else:
            path.chmod(0o600)
            path.write_bytes(b"%PDF-1.4 twicf")
        (found,) = doctor.evidence(session, world.files)
        assert (found.level, "bill.pdf" in found.what) == ("error", True)


def test_who_looks_at_evidence_is_recorded_once_for_each_look(tmp_path):
    with World(tmp_path) as world:
        with world.tx() as tx:
            world.complain(tx, ("bill.pdf", b"%PDF-1.4 twice"))
            file = tx.session.scalars(select(Attachment.id)).one()
        for actor in (Actor("agent", 1, "Lin"), Actor("agent", 1, "Lin"), Actor("agent", 2, "Dan")):
            with world.store.tx(actor) as tx:
                looked_at(tx, file)
                looked_at(tx, 4711)
        world.days(1)
        with world.store.tx(Actor("agent", 1, "Lin")) as tx:
            looked_at(tx, file)
        with world.tx() as tx:
            seen = tx.session.scalars(select(Event.actor_name).where(Event.kind == VIEWED).order_by(Event.id)).all()
            assert seen == ["Lin", "Dan", "Lin"]
        assert levels(world) == ["ok"]
