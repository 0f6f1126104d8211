"""Each measure of complaint handling by its formula, and its rows, which add up to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.complaints import complaints, recusals
from desk.actions.surveys import follow_up_work, follow_ups
from desk.models import Complaint, CorrectiveAction, FollowUp, HandUp, WorkItem
from desk.queries.complaints.figures import COUNT, DAYS, FIGURES, RATE, Scope, contacts_by_channel, figure, figure_rows, figures
from tests.desk.care_world import World, agent, decide, mail_in, ticket_of

WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def kept(tmp_path_factory, request):
    """One desk on SQLite for the vectors: each test makes complaints of a product of its own."""
    with World(tmp_path_factory.mktemp("figures")) as world:
        yield world


@pytest.fixture
def world(tmp_path, database_url):
    with World(tmp_path, database_url) as world:
        yield world


def complain(world, tx, number, **columns):
    complaint = world.complain(tx, token=f"filling-{number}-of-the-form", email=f"li{number}@example.com")
    for name, value in columns.items():
        setattr(complaint, name, value)
    return complaint


def officer(tx, name="He Yan"):
    return viewer_of(agent(tx, name))


def scope_of(tx, **others):
    return Scope(**{"since": tx.now - WEEK, "until": tx.now + 5 * WEEK} | others)


def test_eight_on_time_one_late_and_one_late_and_open_are_eighty_percent(kept):
    with kept.tx() as tx:
        due = tx.now - timedelta(days=1)
        for number in range(8):
            complain(kept, tx, number, decide_due_at=due, decided_at=due, product="eighty")
        complain(kept, tx, 8, decide_due_at=due, decided_at=tx.now, product="eighty")
        complain(kept, tx, 9, decide_due_at=due, product="eighty")
        complain(kept, tx, 10, decide_due_at=tx.now + timedelta(days=2), product="eighty")  # its day is still to come
        complain(kept, tx, 11, decide_due_at=due - 2 * WEEK, decided_at=tx.now, product="eighty")  # was due before
        found = figure(tx.session, officer(tx), scope_of(tx, product="Eighty"), tx.now, "on_time")
        assert (found.part, found.whole, found.value, found.is_few) == (8, 10, 0.8, True)


def test_twelve_complaints_in_four_thousand_contacts_are_three_in_a_thousand(kept):
    with kept.tx() as tx:
        for number in range(20, 32):
            complain(kept, tx, number, received_at=tx.now - 9 * WEEK)
        mail = mail_in(tx, external_id="rate", message_id="rate@example.com")
        about = {"ticket_id": mail.id, "customer_id": mail.customer_id, "queue_id": mail.queue_id, "requires": [], "band": 1}
        moment = {"due_at": tx.now, "enqueued_at": tx.now - 9 * WEEK}
        tx.session.add_all(WorkItem(kind="call", channel="voice", state="done", **about, **moment) for _ in range(4000))
        tx.session.add(WorkItem(kind="follow_up", channel="followup", state="done", **about, **moment))
        scope = Scope(tx.now - 10 * WEEK, tx.now - 8 * WEEK)
        found = figure(tx.session, officer(tx), scope, tx.now, "per_contacts")
        assert (found.part, found.whole, found.value) == (12, 4000, 3.0)
        assert contacts_by_channel(tx.session, scope) == {"voice": 4000}
        assert figure(tx.session, officer(tx), scope, tx.now, "per_customers").whole == 1


def test_upheld_and_partly_upheld_are_of_those_that_were_judged(kept):
    with kept.tx() as tx:
        outcomes = ("upheld", "partly_upheld", "not_upheld", "not_upheld", "withdrawn", "resolved_early")
        for number, outcome in enumerate(outcomes, 40):
            complain(kept, tx, number, product="judged", outcome=outcome, decided_at=tx.now)
        found = figure(tx.session, officer(tx), scope_of(tx, product="judged"), tx.now, "upheld")
        assert (found.part, found.whole, found.value) == (2, 4, 0.5)


def test_nothing_to_measure_is_no_figure(kept):
    with kept.tx() as tx:
        scope = Scope(tx.now + 6 * WEEK, tx.now + 7 * WEEK)
        found = figures(tx.session, officer(tx), scope, tx.now)
        assert {key for key, each in found.items() if each.value is not None} == {"received", "open_late"}


def test_the_rows_of_every_figure_add_up_to_it_for_each_choice(world):
    """A story on both databases: decided in time, late, reopened, called back, asked above; then every figure by its rows."""
    with world.tx() as tx:
        first, second = complain(world, tx, 1, product="Router"), complain(world, tx, 2, product="Phone")
        complain(world, tx, 3, product="Phone", decide_due_at=tx.now - timedelta(hours=1))
        for complaint in (first, second):
            for stage in ("assessed", "investigating"):
                complaints.advance(tx, complaint, stage, agent=agent(tx, "He Yan"))
            decide(tx, complaint)
            complaints.advance(tx, complaint, "follow_up")
        follow_ups.record(tx, follow_up_work.open_one(tx, first.ticket_id), agent(tx, "Ruth"), "satisfied")
        follow_ups.record(tx, follow_up_work.open_one(tx, second.ticket_id), agent(tx, "Ruth"), "dissatisfied", "No word of it.")
        for at, follow_up in enumerate(tx.session.scalars(select(FollowUp).order_by(FollowUp.id)).all()):
            follow_up.due_at = tx.now + timedelta(hours=at) - timedelta(minutes=1)
        item = tx.session.scalars(select(WorkItem.id).where(WorkItem.ticket_id == first.ticket_id)).first()
        for late in (False, True):
            tx.session.add(
                HandUp(
                    ticket_id=first.ticket_id, item_id=item, from_level=1, to_level=2, state="answered", problem="p", tried="t",
                    question="q", needed_by=tx.now, created_at=tx.now, created_by_id=agent(tx, "Lin").id,
                    answered_at=tx.now + timedelta(hours=int(late)),
                )
            )  # fmt: skip
        for after in (0, 2):
            tx.session.add(
                CorrectiveAction(
                    kind="corrective", state="closed", title="Fix", change="c", method="m", owner_id=agent(tx, "Dan").id,
                    opened_at=tx.now, due_at=tx.now, checked_at=tx.now, like_after=after, product="router",
                )
            )  # fmt: skip
    with world.tx() as tx:
        viewer = officer(tx)
        found = figures(tx.session, viewer, scope_of(tx), tx.now)
        told = {key: (each.part, each.whole) for key, each in found.items()}
        assert told["received"] == (3, 3)
        assert told["acknowledged_on_time"] == (3, 3)
        assert told["on_time"] == (2, 3)
        assert told["upheld"] == (2, 2)
        assert told["reopened"] == (1, 2)
        assert told["open_late"] == (1, 2)
        assert told["recovered"] == (1, 2)
        assert told["loop_closed"] == (1, 2)
        assert told["next_level_on_time"] == (1, 2)
        assert told["again_after_fix"] == (1, 2)
        queue_id = ticket_of(tx, tx.session.scalars(select(Complaint)).first()).queue_id
        choices = ({}, {"product": "phone"}, {"policy": "DEFAULT"}, {"queue_id": queue_id}, {"queue_id": queue_id + 1})
        for choice in choices:
            check_sums(tx, viewer, scope_of(tx, **choice))
        assert figure(tx.session, viewer, scope_of(tx, product="phone"), tx.now, "received").part == 2


def test_who_is_kept_out_of_a_case_finds_it_in_no_figure(world):
    with world.tx() as tx:
        complaint = complain(world, tx, 1)
        complain(world, tx, 2)
        recusals.keep_out(tx, complaint, agent(tx, "He Yan").id, "about")
    with world.tx() as tx:
        he, ruth = officer(tx), officer(tx, "Ruth")
        assert figure(tx.session, he, scope_of(tx), tx.now, "received").part == 1
        assert figure(tx.session, ruth, scope_of(tx), tx.now, "received").part == 2
        check_sums(tx, he, scope_of(tx))


def test_rows_come_in_pages_without_gaps_or_doubles(kept):
    with kept.tx() as tx:
        viewer, scope = officer(tx), scope_of(tx)
        everything = figure_rows(tx.session, viewer, scope, tx.now, "received", limit=500)
        paged, after = [], None
        while rows := figure_rows(tx.session, viewer, scope, tx.now, "received", after=after, limit=3):
            paged += rows
            after = (rows[-1].at, rows[-1].id)
        assert paged == everything
        assert len(everything) > 3


def check_sums(tx, viewer, scope):
    for key in FIGURES:
        found = figure(tx.session, viewer, scope, tx.now, key)
        rows = figure_rows(tx.session, viewer, scope, tx.now, key, limit=500)
        assert sum(row.counts for row in rows) == found.part, key
        if found.kind != RATE:
            assert len(rows) == found.whole, key
        if found.kind == DAYS and rows:
            days = sorted(row.days for row in rows)
            assert days[0] <= found.value <= found.high <= days[-1]
        if found.kind not in (COUNT, RATE, DAYS):
            assert found.value == (found.part / found.whole if found.whole else None)
