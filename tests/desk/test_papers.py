"""A letter or a fax is typed in by somebody, and counts from its date stamp, wherever in the house it lay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from sqlalchemy import select

from channels.paper import read_paper
from desk.access import viewer_of
from desk.actions.complaints import complaints, papers, posting
from desk.errors import Conflict, Invalid
from desk.events import Event
from desk.models import Complaint, ContactPoint, Customer, Evidence, Message, Queue, Ticket
from desk.queries.complaints.complaints import acknowledge_clock
from desk.queries.complaints.posting import lately_posted, to_post
from desk.queries.people.customer_page import profile
from tests.desk.care_world import World, agent, happened, letters, mail_in

SCAN = b"%PDF-1.4 a page with a date stamp"
WRITTEN = {
    "token": "one-filling-of-this-form",
    "kind": "letter",
    "day": "2026-11-12",
    "name": "Mrs  Applegate",
    "address": "12 Queen Street\n\nLeeds LS1 2AB",
    "text": "You charged me twice,\r\nand nobody answers.",
    "locale": "en",
}


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        yield world


@pytest.fixture
def alone(tmp_path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def paper(**changes: str):
    return read_paper(WRITTEN | changes)


def test_a_complaint_by_letter_runs_from_its_date_stamp_and_its_scan_is_evidence(world):
    with world.tx() as tx:
        scan = world.files.keep(SCAN, "scan.pdf")
        complaint = papers.take_in_complaint(tx, agent(tx, "Lin"), paper(), [scan], category="billing")
    with world.tx() as tx:
        complaint, ticket = tx.session.merge(complaint), tx.session.get_one(Ticket, complaint.ticket_id)
        assert (ticket.channel, ticket.type, complaint.statement) == (
            "letter",
            "complaint",
            "You charged me twice,\nand nobody answers.",
        )
        # Thursday 12 November begins in Shanghai at four in the afternoon before, in Greenwich; fifteen business days later.
        assert complaint.received_at == datetime(2026, 11, 11, 16, tzinfo=UTC)
        assert complaint.decide_due_at == datetime(2026, 12, 3, 15, 59, 59, tzinfo=UTC)
        (evidence,) = tx.session.scalars(select(Evidence))
        assert (evidence.sha256, evidence.added_by) == (sha256(SCAN).hexdigest(), "customer")
        # Nobody has told the sender yet, and the day for that is over: it came a week ago.
        assert (complaint.stage, acknowledge_clock(complaint, tx.now).word) == ("received", "late")
        assert letters(tx) == []
        complaints.advance(tx, complaint, "acknowledged", agent=agent(tx, "He Yan"))
        customer = tx.session.get_one(Customer, ticket.customer_id)
        (way,) = tx.session.scalars(select(ContactPoint))
        assert (customer.name, way.kind, way.value) == (
            "Mrs Applegate",
            "post",
            "Mrs Applegate, 12 Queen Street, Leeds LS1 2AB",
        )
        shown = {
            each.value for who in ("Lin", "He Yan") for each in profile(tx.session, viewer_of(agent(tx, who)), customer).contacts
        }
        assert shown == {"Mr••••", way.value}
    with world.tx() as tx:
        assert "ticket.paper_entered" in happened(tx, "ticket.")


def test_a_letter_that_is_no_complaint_has_been_waiting_since_it_came(alone):
    with alone.tx() as tx:
        ticket = papers.take_in(tx, agent(tx, "Lin"), paper(kind="fax", day="2026-11-19"))
        assert (ticket.channel, ticket.type) == ("fax", "enquiry")
        assert ticket.first_due_at < tx.now < ticket.resolve_due_at
        today = papers.take_in(tx, agent(tx, "Lin"), paper(token="another-filling-of-it", day="2026-11-20"))
        assert (today.created_at, today.first_due_at > tx.now) == (tx.now, True)


def test_the_same_filling_twice_is_one_letter(world):
    for _press in range(2):
        with world.tx() as tx:
            complaint = papers.take_in_complaint(tx, agent(tx, "Lin"), paper())
    with world.tx() as tx:
        assert tx.session.scalars(select(Ticket.id)).all() == [complaint.ticket_id]
        assert len(tx.session.scalars(select(Message).where(Message.direction == "in")).all()) == 1
        assert happened(tx, "ticket.paper") == ["ticket.paper_entered"]


def test_a_letter_of_somebody_we_know_is_theirs_and_is_acknowledged_by_mail(alone):
    with alone.tx() as tx:
        before = mail_in(tx)
    alone.clock.tick(60)
    with alone.tx() as tx:
        complaint = papers.take_in_complaint(tx, agent(tx, "Lin"), paper(email="Wang@Example.com", phone="+8613800138000"))
        ticket = tx.session.get_one(Ticket, complaint.ticket_id)
        assert (ticket.customer_id, complaint.stage) == (before.customer_id, "acknowledged")
        assert letters(tx)[-1]["to"] == ["wang@example.com"]
        # What a paper claims is not hung on the record of somebody whom it only names.
        kinds = tx.session.scalars(select(ContactPoint.kind).where(ContactPoint.customer_id == ticket.customer_id)).all()
        assert kinds == ["email"]


def test_a_letter_that_names_a_ticket_of_its_sender_goes_there(alone):
    with alone.tx() as tx:
        before = mail_in(tx)
        subject = f"Your letter of Monday [#{before.number}]"
        assert papers.take_in(tx, agent(tx, "Lin"), paper(email="wang@example.com", subject=subject)).id == before.id
        others = papers.take_in(tx, agent(tx, "Lin"), paper(token="somebody-else-names-it", subject=subject))
        said = tx.session.scalars(select(Message).where(Message.external_id == "paper:somebody-else-names-it")).one()
        assert others.id != before.id or said.held


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"day": ""}, "day"),
        ({"day": "2026-11-21"}, "day"),
        ({"day": "2024-11-19"}, "day"),
        ({"name": " "}, "name"),
        ({"address": " \n "}, "address"),
        ({"email": "nowhere"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"text": ""}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"locale": "tlh"}, "locale"),
    ],
)
def test_a_paper_that_cannot_be_taken_says_where_and_changes_nothing(alone, changes, field):
    with alone.tx() as tx:
        with pytest.raises(Invalid) as refused:
            papers.take_in(tx, agent(tx, "Lin"), paper(**changes))
        assert set(refused.value.fields) == {field}
        assert tx.session.scalars(select(Ticket)).all() == []


def test_it_goes_to_the_queue_of_complaints(alone):
    with alone.tx() as tx:
        complaint = papers.take_in_complaint(tx, agent(tx, "Lin"), paper())
        ticket = tx.session.get_one(Ticket, complaint.ticket_id)
        assert tx.session.get_one(Queue, ticket.queue_id).key == "complaints"


def test_who_has_only_a_postal_address_gets_letters_on_paper(world):
    with world.tx() as tx:
        by_post = paper(email="", phone="", address="Nanjing Road 1, Shanghai")
        complaint = papers.take_in_complaint(tx, agent(tx, "Lin"), by_post, category="billing")
        assert (complaint.stage, letters(tx)) == ("received", [])
    with world.tx() as tx:
        lin, complaint = agent(tx, "Lin"), tx.session.get_one(Complaint, complaint.id)
        ((letter, ticket, message),) = to_post(tx.session, viewer_of(agent(tx, "He Yan")))
        assert (letter.kind, "Nanjing Road 1" in letter.address, str(ticket.number) in message.text) == (
            "acknowledgement",
            True,
            True,
        )
        for day in ("", "2026-11-19", "2026-11-21"):  # before it was written, and to come
            with pytest.raises(Invalid):
                posting.posted(tx, letter, lin, day)
        posting.posted(tx, letter, lin, "2026-11-20")
        assert (complaint.stage, complaint.acknowledged_at) == ("acknowledged", tx.now)
        with pytest.raises(Conflict):
            posting.posted(tx, letter, lin, "2026-11-20")
    with world.tx() as tx:
        told = tx.session.scalars(select(Event).where(Event.kind == "complaint.acknowledged")).one()
        assert (told.data["how"], told.data["mailed"]) == ("post", False)
        assert to_post(tx.session, viewer_of(agent(tx, "He Yan"))) == []
        assert [each[0].posted_by for each in lately_posted(tx.session, viewer_of(agent(tx, "He Yan")))] == ["Lin Xiaowen"]
