"""The person complained about, and whoever has an interest in a case: for them it is not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from desk.access import access_ticket, viewer_of
from desk.actions.complaints import complaints, recusals
from desk.actions.surveys import follow_up_work
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotFound
from desk.events import Event
from desk.live.topics import may_watch
from desk.models import Agent, WorkItem
from desk.models.recusal import ABOUT, INTEREST
from desk.queries.audit import audit_log
from desk.queries.board.board import board, waiting_lines
from desk.queries.complaints.complaints import complaint_counts
from desk.queries.complaints.desk_list import Narrowed, desk_list
from desk.queries.people.customer_page import happenings
from desk.queries.tickets.tickets import ticket_list
from desk.queries.work.work_list import work_list
from tests.desk.care_world import World, agent, hold, ticket_of


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        yield world


@pytest.fixture
def alone(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def numbers_seen(tx, viewer, ticket) -> set[str]:
    """Every door through which this person still finds the ticket."""
    session, now, found = tx.session, tx.now, set()
    doors = {
        "the complaints": lambda: ticket.id in [row.ticket.id for row in desk_list(session, viewer, Narrowed(), now)],
        "their count": lambda: complaint_counts(session, viewer, now=now)["open"] > 0,
        "all tickets": lambda: ticket.id in [row.ticket.id for row in ticket_list(session, viewer, view="all")],
        "search by number": lambda: bool(ticket_list(session, viewer, view="all", search=str(ticket.number))),
        "search by customer": lambda: bool(ticket_list(session, viewer, view="all", search="Li Na")),
        "their own tickets": lambda: any(row.ticket_number == ticket.number for row in whole(work_list(session, viewer))),
        "waiting work": lambda: any(line.number == ticket.number for line in waiting_lines(session, viewer, now, queues_of(tx))),
        "complaints at risk": lambda: bool(board(session, viewer, now, "UTC").at_risk),
        "work in others' hands": lambda: any(
            work.number == ticket.number or work.customer_name
            for line in board(session, viewer, now, "UTC").agents
            for work in line.held
        ),
        "the audit log": lambda: any(line.event.ticket_id == ticket.id for line in audit_log(session, viewer)),
        "the customer's page": lambda: any(
            getattr(each, "ticket_number", None) == ticket.number for each in happenings(session, viewer, customer_of(tx, ticket))
        ),
        "its room": lambda: may_watch(session, viewer, f"ticket:{ticket.number}"),
        "its page": lambda: access_ticket(session, viewer, ticket.number) is not None,
    }
    for door, opens in doors.items():
        try:
            if opens():
                found.add(door)
        except NotFound:
            pass
    return found


def whole(work):
    return [*work.offers, *work.active, *work.own]


def queues_of(tx):
    from desk.models import Queue

    return {queue.id: queue for queue in tx.session.scalars(select(Queue))}


def customer_of(tx, ticket):
    from desk.models import Customer

    return tx.session.get_one(Customer, ticket.customer_id)


@pytest.mark.parametrize("roles", [["agent"], ["senior"], ["supervisor"], ["complaint_officer"], ["supervisor", "auditor"]])
def test_whoever_is_complained_about_finds_the_case_through_no_door(world, roles):
    with world.tx() as tx:
        complaint = world.complain(tx)
        ticket, lin, he = ticket_of(tx, complaint), agent(tx, "Lin"), agent(tx, "He Yan")
        lin.roles, lin.team_id = roles, ticket.team_id
    world.days(30)
    with world.tx() as tx:
        lin = tx.session.get_one(Agent, lin.id)
        assert {"its page", "all tickets"} <= numbers_seen(tx, viewer_of(lin), ticket)  # as the role has it, before
        recusals.keep_out(tx, tx.session.merge(complaint), lin.id, ABOUT, "Named in the complaint.")
        hold(tx, ticket, "He Yan")
    with world.tx() as tx:
        assert numbers_seen(tx, viewer_of(tx.session.get_one(Agent, lin.id)), ticket) == set()
        assert "its page" in numbers_seen(tx, viewer_of(tx.session.get_one(Agent, he.id)), ticket)


def test_none_of_its_work_is_given_to_them_now_or_later(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        ticket, ruth = ticket_of(tx, complaint), agent(tx, "Ruth")
        recusals.keep_out(tx, complaint, ruth.id, INTEREST, "A cousin of the customer.")
        item = work_items.open_item(tx, ticket.id, ("complaint",))
        with pytest.raises(Conflict):
            work_items.take(tx, item.id, ruth.id)
        with pytest.raises(Conflict):
            tickets.assign(tx, ticket, ruth.id)
        follow_up = follow_up_work.open_follow_up(tx, ticket, "complaint", exclude=agent(tx, "He Yan").id)
        later = tx.session.get_one(WorkItem, follow_up.item_id)
        assert set(later.excluded) == {str(ruth.id), str(agent(tx, "He Yan").id)}
        assert set(tx.session.get_one(WorkItem, item.id).excluded) == {str(ruth.id)}


def test_what_they_held_of_it_goes_back_into_the_line(world):
    with world.tx() as tx:
        complaint = world.complain(tx)
        ticket, ruth = ticket_of(tx, complaint), agent(tx, "Ruth")
        item = hold(tx, ticket, "Ruth")
        complaints.advance(tx, complaint, "assessed", agent=ruth, category="billing")
        tickets.assign(tx, ticket, ruth.id)
        recusals.keep_out(tx, complaint, ruth.id, INTEREST)
        tx.session.refresh(item)
        tx.session.refresh(ruth)
        assert (item.state, item.agent_id, ruth.used) == ("waiting", None, 0)
        assert (complaint.handler_id, ticket.owner_id) == (None, None)
        version = item.version
        recusals.keep_out(tx, complaint, ruth.id, INTEREST)
        assert item.version == version


def test_a_mistake_can_be_lifted_and_says_why(alone):
    with alone.tx() as tx:
        complaint = alone.complain(tx)
        ticket, lin = ticket_of(tx, complaint), agent(tx, "Lin")
        lin.roles = ["senior"]
        recusal = recusals.keep_out(tx, complaint, lin.id, ABOUT)
        tx.session.flush()
        with pytest.raises(Invalid):
            recusals.lift(tx, complaint, recusal.id, " ")
        recusals.lift(tx, complaint, recusal.id, "It was another Lin.")
        assert access_ticket(tx.session, viewer_of(lin), ticket.number).id == ticket.id
        with pytest.raises(NotFound):
            recusals.lift(tx, complaint, recusal.id, "Twice.")
    with alone.tx() as tx:
        kinds = list(tx.session.scalars(select(Event.kind).where(Event.kind.startswith("complaint.recus")).order_by(Event.id)))
        assert kinds == ["complaint.recused", "complaint.recusal_lifted"]


@pytest.mark.parametrize(("agent_id", "why", "field"), [(None, ABOUT, "agent"), (4711, ABOUT, "agent"), (1, "dislike", "why")])
def test_nobody_is_kept_out_by_a_form_that_is_not_filled_in(alone, agent_id, why, field):
    with alone.tx() as tx:
        complaint = alone.complain(tx)
        with pytest.raises(Invalid) as wrong:
            recusals.keep_out(tx, complaint, agent_id, why)
        assert field in wrong.value.fields
