"""Who may see what: objects are loaded for a viewer, and what is not theirs does not exist for them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk.access import (
    ROLES,
    Right,
    Viewer,
    access_customer,
    access_held_item,
    access_offer,
    access_ticket,
    masked,
    shown_name,
    viewer_of,
    visible_tickets,
)
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.errors import NotAllowed, NotFound
from desk.models import Agent, Attachment, Message, Offer, RouterLease, Team, Ticket, WorkItem
from tests.world import running, settings_for


def viewer(house, role, team="service", agent_id=None):
    team_id = house.one(select(Team.id).where(Team.key == team))
    return Viewer(agent_id, "Somebody", (role,), team_id)


def ticket_of(house, item):
    return house.one(select(Ticket).where(Ticket.id == item.ticket_id))


def sees(house, who, ticket):
    with house.store.read() as reading:
        listed = reading.scalar(select(Ticket.id).where(Ticket.id == ticket.id, visible_tickets(who))) is not None
        try:
            access_ticket(reading, who, ticket.number)
        except NotFound:
            opened = False
        else:
            opened = True
    assert listed == opened, "a list and a page disagree about who may read"
    return opened


@pytest.mark.parametrize(
    ("role", "own_team", "other_team", "complaint"),
    [
        ("agent", True, False, False),
        ("senior", True, True, True),
        ("supervisor", True, True, True),
        ("complaint_officer", False, False, True),
        ("knowledge_editor", False, False, False),
        ("admin", False, False, False),
        ("auditor", True, True, True),
    ],
)
def test_each_role_reads_the_tickets_that_are_its_own(house, role, own_team, other_team, complaint):
    who = viewer(house, role)
    mine, other = ticket_of(house, house.item()), ticket_of(house, house.item(queue="complaints"))
    a_complaint = ticket_of(house, house.item(queue="complaints"))
    with house.tx() as tx:
        tx.session.get_one(Ticket, a_complaint.id).type = "complaint"
    assert (sees(house, who, mine), sees(house, who, other), sees(house, who, a_complaint)) == (own_team, other_team, complaint)


def test_an_agent_sees_another_teams_ticket_while_it_is_theirs_to_work_on(house):
    maya, item = house.agent(), house.item(queue="complaints")
    ticket, who = ticket_of(house, item), viewer_of(maya)
    assert not sees(house, who, ticket)
    made = house.offer(item, maya)
    assert sees(house, who, ticket)
    with house.tx() as tx:
        work_items.decline(tx, made.id)
    assert not sees(house, who, ticket)
    with house.tx() as tx:
        tickets.assign(tx, tx.session.get_one(Ticket, ticket.id), maya.id)
    assert sees(house, who, ticket)


def test_a_viewer_of_no_team_sees_no_ticket_by_team(house):
    assert not sees(house, Viewer(7, "Nobody", ("agent",), None), ticket_of(house, house.item()))


def test_a_customer_is_read_by_whoever_has_a_ticket_of_theirs(house):
    mine, other = house.item(), house.item(queue="complaints")
    who = viewer(house, "agent")
    with house.store.read() as reading:
        assert access_customer(reading, who, mine.customer_id).id == mine.customer_id
        for customer_id in (other.customer_id, 4711):
            with pytest.raises(NotFound, match="no such customer"):
                access_customer(reading, who, customer_id)
        with pytest.raises(NotFound):
            access_customer(reading, viewer(house, "admin"), mine.customer_id)


def test_an_offer_is_for_the_agent_it_was_made_to_and_for_nobody_else(house):
    maya, tom = house.agent("Maya"), house.agent("Tom")
    made = house.offer(house.item(), maya)
    with house.store.read() as reading:
        assert access_offer(reading, viewer_of(maya), made.id).id == made.id
        for who in (viewer_of(tom), viewer(house, "supervisor"), Viewer(None, "program", ("supervisor",), token_id=1)):
            with pytest.raises(NotFound):
                access_offer(reading, who, made.id)


def test_work_is_held_by_its_agent_alone(house):
    maya, item = house.agent(), house.item()
    with house.store.read() as reading:
        for who in (viewer_of(maya), Viewer(None, "program", ("agent",), token_id=1)):
            with pytest.raises(NotFound):
                access_held_item(reading, who, item.id)
    with house.tx() as tx:
        work_items.take(tx, item.id, maya.id)
    with house.store.read() as reading:
        assert access_held_item(reading, viewer_of(maya), item.id).id == item.id


def test_a_missing_right_is_refused_and_an_unknown_role_has_none():
    with pytest.raises(NotAllowed):
        Viewer(1, "x", ("agent",)).require(Right.SUPERVISE)
    assert Viewer(1, "x", ("emperor",)).rights == frozenset()
    assert Viewer(1, "x", ()).rights == frozenset()
    assert Viewer(1, "x", ("agent", "admin")).can(Right.ADMINISTER)


def test_agents_editors_admins_and_auditors_see_contacts_masked():
    assert {role for role in ROLES if Viewer(1, "x", (role,)).masked} == {"agent", "knowledge_editor", "admin", "auditor"}


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ("li.na@customers.example", "email", "li•••@customers.example"),
        ("a@b.example", "email", "a•••@b.example"),
        ("+8613800138000", "phone", "+861••••000"),
        ("+86110", "phone", "••••"),
    ],
)
def test_a_masked_contact_shows_too_little_to_be_used(value, kind, shown):
    assert masked(value, kind) == shown


def test_a_name_that_is_an_address_is_masked_too():
    auditor, senior = Viewer(1, "x", ("auditor",)), Viewer(1, "x", ("senior",))
    assert shown_name(auditor, "li.na@customers.example") == "li•••@customers.example"
    assert shown_name(auditor, "+8613800138000") == "+861••••000"
    assert shown_name(auditor, "Li Na") == "Li Na"
    assert shown_name(senior, "li.na@customers.example") == "li.na@customers.example"


# The same through the doors.


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("access")), roles=frozenset({"smtp", "worker"})) as world:
        yield world


def test_what_belongs_to_another_team_is_not_there_for_an_agent(world):
    maya, ruth = world.agent("Maya"), world.agent("Ruth", team="care", roles=("senior",))
    world.send("A secret of the other team.", to="complaints@desk.example", sender="wei@customers.example", subject="Theirs")
    theirs = world.ticket()
    with world.tx() as tx:
        message = tx.session.scalars(select(Message).where(Message.ticket_id == theirs.id)).one()
        kept = world.desk.files.keep(b"secret file", "secret.txt")
        tx.session.add(
            Attachment(
                message_id=message.id,
                sha256=kept.sha256,
                name=kept.name,
                content_type=kept.content_type,
                size=kept.size,
                created_at=tx.now,
            )
        )
        tx.session.flush()
        file_id = tx.session.scalars(select(Attachment.id)).one()
    paths = [
        f"/desk/tickets/{theirs.number}",
        *(f"/desk/tickets/{theirs.number}/{part}" for part in ("head", "timeline", "channels", "customer", "history")),
        f"/desk/files/{file_id}",
        f"/desk/messages/{message.id}/original",
        f"/desk/customers/{theirs.customer_id}",
        f"/desk/customers/{theirs.customer_id}/timeline",
    ]
    stranger, insider = world.browser(maya.email), world.browser(ruth.email)
    assert {path: insider.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
    answers = {path: stranger.get(path) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 404)
    assert [path for path, answer in answers.items() if "secret" in answer.text or "wei@" in answer.text] == []
    for path, form in (
        (f"/desk/tickets/{theirs.number}/messages", {"text": "I was here.", "kind": "note"}),
        (f"/desk/tickets/{theirs.number}/assign", {"owner": maya.id}),
        (f"/desk/tickets/{theirs.number}/fields", {"priority": "1"}),
        (f"/desk/tickets/{theirs.number}/take", {}),
        (f"/desk/tickets/{theirs.number}/solve", {"category": "other", "wrap_up_code": "solved"}),
    ):
        assert stranger.post(path, data=form).status_code == 404, path
    assert "Theirs" not in stranger.get("/desk/tickets").text
    assert world.one(select(Message).where(Message.text == "I was here.")) is None


def test_an_offer_of_somebody_else_cannot_be_answered(world):
    tom, eve = world.agent("Tom", available=True), world.agent("Eve", available=True)
    world.send("Help.", sender="offer@customers.example", subject="Offer")
    with world.tx() as tx:
        item = tx.session.scalars(select(WorkItem).order_by(WorkItem.id.desc()).limit(1)).one()
        lease = tx.session.get(RouterLease, 1)
        if lease is None:
            tx.session.add(RouterLease(id=1, epoch=1, holder="test", until=tx.now))
            tx.session.flush()
        made = work_items.offer(tx, item.id, tom.id, epoch=1, reason={})
    eves = world.browser(eve.email)
    for verb in ("accept", "decline"):
        assert eves.post(f"/desk/offers/{made.id}/{verb}").status_code == 404
    assert world.one(select(Offer.state).where(Offer.id == made.id)) == "offered"
    assert world.browser(tom.email).post(f"/desk/offers/{made.id}/accept").status_code == 303


def test_agents_and_auditors_never_get_a_whole_address(world):
    world.send("Hello.", sender="zhang.wei@customers.example", subject="Masked")
    ticket = world.ticket()
    ann, aud = world.agent("Ann"), world.agent("Aud", roles=("auditor",))
    for person in (ann, aud):
        client = world.browser(person.email)
        for path in (
            *(f"/desk/tickets/{ticket.number}", "/desk/tickets", "/desk/customers", f"/desk/customers/{ticket.customer_id}"),
            f"/desk/tickets/{ticket.number}/history",
        ):
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "zhang.wei@customers.example" not in answer.text, f"{person.name} reads it at {path}"
    assert (
        "zhang.wei@customers.example"
        in world.browser(world.agent("Sen", roles=("senior",)).email).get(f"/desk/customers/{ticket.customer_id}").text
    )
    assert world.one(select(Agent.id).where(Agent.name == "Ann"))
