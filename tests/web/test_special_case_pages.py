"""The pages of complaints out of the ordinary: who gets where, and what stands there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.form import ComplaintForm, to_inbound
from desk.actions.complaints import complaints, pattern_notes, recusals, representatives
from desk.actions.people import tokens
from desk.events import Event
from desk.models import Agent, Complaint, ContactLimit, Customer, Ticket, UnsentReply
from tests.web.console_world import HX
from tests.world import running, settings_for

PEOPLE = {"he": "complaint_officer", "lin": "supervisor", "dan": "agent", "sam": "senior", "priya": "admin"}
NOTE = "The third refund in six weeks"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("special")), background=False) as world:
        for name, role in PEOPLE.items():
            world.agent(name, roles=(role,), team="care")
        yield world


@pytest.fixture(scope="module")
def people(world):
    return {name: world.browser(f"{name}@desk.example") for name in PEOPLE}


def complain(world, token: str) -> int:
    """A new complaint of a customer of its own; its number."""
    with world.tx() as tx:
        form = ComplaintForm(token=token * 4, email=f"{token}@customers.example", name="Zhao", statement=f"Twice {token}.")
        complaint = complaints.file_complaint(tx, to_inbound(form), form)
        return tx.session.get_one(Ticket, complaint.ticket_id).number


def customer_of(world, number: int) -> int:
    with world.tx() as tx:
        return tx.session.scalars(select(Ticket.customer_id).where(Ticket.number == number)).one()


def test_a_visitor_without_a_name_gets_a_code_that_opens_the_page_with_the_number(world):
    visitor = world.browser()
    form = {"token": "a-filling-of-the-form", "statement": "The shop is dirty.", "anonymous": "1", "email": "li@x.example"}
    page = visitor.get(visitor.post("/complaints/new", data=form).headers["Location"]).text
    number = re.search(r'id="complaint-number">(\d+)<', page)[1]
    code = re.search(r'id="complaint-code">([A-Z0-9-]+)<', page)[1]
    opened = visitor.post("/track", data={"number": f"#{number}", "contact": code.lower().replace("-", " ")})
    assert "The shop is dirty." in visitor.get(opened.headers["Location"]).text
    refused = visitor.post("/track", data={"number": number, "contact": code[:-1]})
    assert (refused.status_code, "Location" in refused.headers) == (200, False)
    with world.tx() as tx:
        assert tx.session.scalar(select(Customer.id).where(Customer.name == "li@x.example")) is None


def test_notes_of_patterns_are_on_no_page_but_that_of_complaint_officers(world, people):
    number = complain(world, "pattern")
    customer = customer_of(world, number)
    with world.tx() as tx:
        he = tx.session.scalars(select(Agent).where(Agent.name == "he")).one()
        pattern_notes.write(tx, tx.session.get_one(Customer, customer), he, NOTE)
    assert NOTE in people["he"].get(f"/desk/complaints/{number}/pattern").text
    for name in ("lin", "dan", "sam", "priya"):
        assert people[name].get(f"/desk/complaints/{number}/pattern").status_code == 403
        assert people[name].post(f"/desk/complaints/{number}/pattern", data={"text": "Mine."}).status_code == 403
    places = (f"/desk/complaints/{number}", f"/desk/complaints/{number}/body", f"/desk/tickets/{number}", "/admin/audit")
    for name in ("lin", "sam", "priya"):
        for place in (*places, f"/desk/customers/{customer}", "/admin/audit?kind=pattern_note", "/desk/search?q=refund"):
            assert NOTE not in people[name].get(place).text, (name, place)
    assert f"{number}/pattern" not in people["lin"].get(f"/desk/complaints/{number}").text


def test_a_warning_and_then_a_limit_that_everybody_sees_as_a_fact(world, people):
    number = complain(world, "limit")
    customer = customer_of(world, number)
    warned = people["sam"].post(f"/desk/tickets/{number}/warn", data={"happened": "Called me names."}, headers=HX)
    assert warned.status_code == 204
    again = people["lin"].post(f"/desk/tickets/{number}/warn", data={"happened": "Again."}, headers=HX)
    assert again.status_code == 409
    decided = {"kind": "channel", "reason": "Names again.", "review": "2020-01-01", "until": "2020-02-01"}
    assert people["sam"].post(f"/desk/customers/{customer}/limit", data=decided).status_code == 403
    assert people["lin"].post(f"/desk/customers/{customer}/limit", data=decided).status_code == 422
    with world.tx() as tx:
        days = {name: (tx.now + timedelta(days=ahead)).date().isoformat() for name, ahead in (("review", 30), ("until", 60))}
    assert people["lin"].post(f"/desk/customers/{customer}/limit", data=decided | days).status_code == 303
    for name, place in (("sam", f"/desk/tickets/{number}"), ("sam", f"/desk/customers/{customer}"), ("lin", "/desk/limits")):
        assert "Only in writing until" in people[name].get(place).text, place
    assert people["sam"].get("/desk/limits").status_code == 403
    ended = people["lin"].post(f"/desk/customers/{customer}/limit/review", data={"reason": "Quiet.", "goes_on": ""})
    assert ended.status_code == 303
    with world.tx() as tx:
        assert tx.session.scalars(select(ContactLimit.ended_by).where(ContactLimit.customer_id == customer)).all() == ["lin"]


def test_a_token_of_whom_a_complaint_is_about_reads_neither_the_case_nor_its_events(world, people):
    number, free = complain(world, "accused"), complain(world, "other")
    with world.tx() as tx:
        dan, lin = (tx.session.scalars(select(Agent).where(Agent.name == name)).one() for name in ("dan", "lin"))
        for by in (dan, lin):
            for role in ("complaint_officer", "supervisor"):
                tokens.create(tx, name=by.name, role=role, secret=f"{by.name} {role}", made_by=by)
        about = tx.session.scalars(select(Complaint).join(Ticket).where(Ticket.number == number)).one()
        recusals.keep_out(tx, about, dan.id, "about")
    api, heard = world.browser(), {}
    for name, sees in (("dan", False), ("lin", True)):
        officer, supervisor = ({"Authorization": f"Bearer {name} {role}"} for role in ("complaint_officer", "supervisor"))
        assert api.get(f"/api/v1/complaints/{free}", headers=officer).status_code == 200
        assert (api.get(f"/api/v1/complaints/{number}", headers=officer).status_code == 200) is sees
        heard[name] = len(api.get("/api/v1/events?kind=complaint.received", headers=supervisor).json()["items"])
    assert heard["lin"] - heard["dan"] == 1


def test_a_mail_to_who_speaks_without_an_accepted_proof_needs_a_reason_that_the_case_keeps(world, people):
    number = complain(world, "speaker")
    with world.tx() as tx:
        he = tx.session.scalars(select(Agent).where(Agent.name == "he")).one()
        case = tx.session.scalars(select(Complaint).join(Ticket).where(Ticket.number == number)).one()
        representatives.note(tx, case, "agent", name="Mrs Li", wrote=True, agent=he)
        tokens.create(tx, name="program", role="complaint_officer", secret="a program's secret")
        case_id = case.id
    told = select(Event).where(Event.kind == "complaint.unproven_written_to", Event.complaint_id == case_id)
    mail = {"kind": "email", "text": "Your case is this.", "client_id": "speaker-0001"}
    asked = people["he"].post(f"/desk/tickets/{number}/messages", data=mail, headers=HX)
    assert asked.status_code == 422
    assert "no proof has been accepted" in asked.text
    program = {"headers": {"Authorization": "Bearer a program's secret"}}
    api, place = world.browser(), f"/api/v1/tickets/{number}/messages"
    refused = api.post(place, json={"text": "And this."}, **program)
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["unproven"])
    assert world.all(told) == []
    assert world.all(select(UnsentReply.id).join(Ticket).where(Ticket.number == number)) == []
    assert "composer-unproven" in people["he"].get(f"/desk/tickets/{number}").text
    for _twice in range(2):
        sent = people["he"].post(
            f"/desk/tickets/{number}/messages", data={**mail, "unproven": "It only asks for the proof."}, headers=HX
        )
        assert sent.status_code == 204
    assert api.post(place, json={"text": "And this.", "unproven": "Nothing of the case."}, **program).status_code == 201
    assert [each.data["reason"] for each in world.all(told)] == ["It only asks for the proof.", "Nothing of the case."]
    assert "composer-unproven" not in people["he"].get(f"/desk/tickets/{complain(world, 'plain')}").text
