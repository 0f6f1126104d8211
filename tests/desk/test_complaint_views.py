from __future__ import annotations

from collections.abc import Iterator

import pytest

from desk.access import viewer_of
from desk.actions.complaints import complaints
from desk.actions.tickets import tickets
from desk.errors import NotFound
from desk.models import Complaint
from desk.models.complaint import ACKNOWLEDGED, CLOSED, DECIDED, FOLLOW_UP, INVESTIGATING, NEXT, RECEIVED
from desk.queries.complaints.complaints import complaint_by_key, complaint_case, complaint_counts, status_view
from desk.queries.complaints.desk_list import Narrowed, desk_list
from tests.desk.care_world import World, agent, decide, ticket_of


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


@pytest.fixture
def on_both(tmp_path, database_url) -> Iterator[World]:
    """The same on SQLite and on PostgreSQL, for the stories that go through everything."""
    with World(tmp_path, database_url) as world:
        yield world


def test_the_status_page_shows_our_letters_and_answers_but_never_a_note(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        ticket, officer = ticket_of(tx, complaint), agent(tx, "He Yan")
        tickets.note(tx, ticket, officer, "Smells of a known bug.")
        tickets.reply(tx, ticket, officer, "We are asking billing.", channel="email")
        view = status_view(tx.session, complaint, "en", now=tx.now)
    texts = " ".join(said.text for said in view.messages)
    assert "We are asking billing." in texts
    assert "You charged me twice" in texts
    assert "known bug" not in texts
    assert "He Yan" not in "".join(said.who for said in view.messages)


def test_the_line_of_stages_says_what_is_done_and_what_is_promised(on_both):
    with on_both.tx() as tx:
        complaint = on_both.complain(tx)
        view = status_view(tx.session, complaint, "zh", now=tx.now)
    assert [(step.stage, step.state) for step in view.steps] == [
        (RECEIVED, "done"),
        (ACKNOWLEDGED, "done"),
        (INVESTIGATING, "now"),
        (DECIDED, "next"),
        (FOLLOW_UP, "next"),
        (CLOSED, "next"),
    ]
    assert (view.steps[3].day, view.steps[3].promised) == ("2026年12月11日（星期五）", True)
    on_both.days(30)
    with on_both.tx() as tx:
        late = status_view(tx.session, complaint, "zh", now=tx.now)
        assert late.steps[3].state == "late"
        complaint = tx.session.get_one(Complaint, complaint.id)
        complaint.stage = INVESTIGATING
        decide(tx, complaint, "not_upheld", "No.")
        complaints.advance(tx, complaint, FOLLOW_UP)
    with on_both.tx() as tx:
        over = status_view(tx.session, complaint, "en", now=tx.now)
    assert [step.state for step in over.steps] == ["done", "done", "done", "done", "now", "next"]
    assert over.can_answer


def test_the_officer_sees_complaints_by_due_time_with_a_word_for_each_clock(world):
    with world.tx() as tx:
        first = world.complain(tx)
        viewer = viewer_of(agent(tx, "He Yan"))
    world.days(15)
    with world.tx() as tx:
        second = world.complain(tx, token="a-second-filling-of-it")
        rows = desk_list(tx.session, viewer, Narrowed(), tx.now)
        assert [(row.complaint.id, row.clock.word) for row in rows] == [(first.id, "on_time"), (second.id, "on_time")]
    world.days(4)
    with world.tx() as tx:
        assert [row.clock.word for row in desk_list(tx.session, viewer, Narrowed(), tx.now)] == ["soon", "on_time"]
    world.days(4)
    with world.tx() as tx:
        rows = desk_list(tx.session, viewer, Narrowed(), tx.now)
        assert (rows[0].clock.word, rows[0].clock.colour) == ("late", "late")
        assert complaint_counts(tx.session, viewer, now=tx.now) == {"open": 2, "answered": 0, "over": 0, "late": 1}


def test_only_who_may_read_complaints_sees_the_case_and_only_an_officer_its_next_steps(world):
    with world.tx() as tx:
        complaint = world.complain(tx, ("bill.pdf", b"%PDF-1.4"))
        number = ticket_of(tx, complaint).number
        officer, outsider = viewer_of(agent(tx, "He Yan")), viewer_of(agent(tx, "Dan"))
    with world.tx() as tx:
        case = complaint_case(tx.session, officer, number, now=tx.now)
        assert case.allowed == NEXT[ACKNOWLEDGED]
        assert [file.name for _, file in case.evidence] == ["bill.pdf"]
        assert case.history[0].kind == "complaint.received"
        with pytest.raises(NotFound):
            complaint_case(tx.session, outsider, number, now=tx.now)


@pytest.mark.parametrize("key", ["", "short", "x" * 32, "y" * 100])
def test_an_unknown_key_finds_nothing(world, key):
    with world.tx() as tx:
        world.complain(tx)
        with pytest.raises(NotFound):
            complaint_by_key(tx.session, key)
