"""More time for a complaint, and the register of all of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from desk.access import viewer_of
from desk.actions.complaints import clocks, complaints, recusals
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Complaint
from desk.queries.complaints.register import HEADINGS, register, safe
from tests.desk.care_world import World, agent, decide, letters, ticket_of

FIRST, LATER = datetime(2026, 12, 11, 15, 59, 59, tzinfo=UTC), datetime(2027, 1, 1, 15, 59, 59, tzinfo=UTC)


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def handled(world: World, tx, **answers: str) -> Complaint:
    complaint = world.complain(tx, **answers)
    complaints.advance(tx, complaint, "assessed", agent=agent(tx, "He Yan"), category="billing")
    return complaints.advance(tx, complaint, "investigating", agent=agent(tx, "He Yan"))


def test_somebody_else_agrees_to_more_time_once_and_the_customer_hears_why(world):
    with world.tx() as tx:
        complaint = handled(world, tx)
        assert complaint.decide_due_at == FIRST
        clocks.extend(tx, complaint, agent(tx, "Ruth"), "The bank has not answered.")
        assert (complaint.decide_due_at, complaint.extended_from) == (LATER, FIRST)
        assert ticket_of(tx, complaint).resolve_due_at == LATER
        letter = letters(tx)[-1]
        assert "The bank has not answered." in letter["text"]
        assert "Friday, 1 January 2027" in letter["text"]
        with pytest.raises(Conflict, match="already"):
            clocks.extend(tx, complaint, agent(tx, "Ruth"), "Still not.")


def test_the_register_says_of_each_what_was_promised_and_kept(world):
    with world.tx() as tx:
        complaint = handled(world, tx, product="=1+1")
        decide(tx, complaint)
        kept_from = world.complain(tx, token="another-filling-of-it")
        viewer = viewer_of(agent(tx, "Ruth"))
        recusals.keep_out(tx, kept_from, viewer.agent_id, "interest")
        rows = list(register(tx.session, viewer, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)))
        assert list(register(tx.session, viewer, datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))) == []
    (row,) = [dict(zip(HEADINGS, row, strict=True)) for row in rows]
    assert (row["stage"], row["outcome"], row["decided_in_time"], row["product"]) == ("decided", "upheld", "true", "'=1+1")
    assert row["received_at"] == "2026-11-20T08:40:00+00:00"


@pytest.mark.parametrize("value", ["=HYPERLINK(1)", "+1", "-1", "@SUM", "\t=1", "\r=1"])
def test_no_spreadsheet_computes_with_what_a_customer_wrote(value):
    lines = io.StringIO()
    csv.writer(lines).writerow([safe(value)])
    assert next(csv.reader(io.StringIO(lines.getvalue(), newline="")))[0].startswith("'")
    assert safe("Router 5") == "Router 5"


def test_more_time_is_refused_to_the_handler_too_late_and_without_a_reason(world):
    with world.tx() as tx:
        complaint, ruth = handled(world, tx), agent(tx, "Ruth")
        for person in ("He Yan", "Dan"):  # handles it; is an agent
            with pytest.raises(NotAllowed):
                clocks.extend(tx, complaint, agent(tx, person), "Busy.")
        with pytest.raises(Invalid):
            clocks.extend(tx, complaint, ruth, "  ")
        decided = handled(world, tx, token="another-filling-of-it")
        decide(tx, decided)
        with pytest.raises(Conflict):
            clocks.extend(tx, decided, ruth, "Why not.")
        assert complaint.decide_due_at == FIRST
    world.days(22)
    with world.tx() as tx:
        late = tx.session.get_one(Complaint, complaint.id)
        with pytest.raises(Conflict, match="promised day is over"):
            clocks.extend(tx, late, agent(tx, "Ruth"), "Too late.")
        assert late.extended_from is None
