"""The officers' list: narrowed, in pages, with reminders that come once, and the register as files."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from channels.form import ComplaintForm, to_inbound
from desk.access import viewer_of
from desk.actions.complaints import complaints, recusals
from desk.clock import FrozenClock
from desk.models import Agent, Complaint, Evidence, Mention, Ticket
from desk.queries.complaints.desk_list import Narrowed, desk_list
from tests.web.console_world import HX
from tests.world import running, settings_for

CASES = 7
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # in Shanghai; what came ten days before came in the same year
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Seven open complaints: three late, one due soon, three on time; those of even ids are Ruth's."""
    with running(settings_for(tmp_path_factory.mktemp("list")), clock=FrozenClock(NOON), background=False) as world:
        for name, role in {"He": "complaint_officer", "Ruth": "complaint_officer", "Sam": "senior"}.items():
            world.agent(name, roles=(role,), team="care")
        with world.tx() as tx:
            ruth = tx.session.scalars(select(Agent).where(Agent.name == "Ruth")).one()
            for number in range(CASES):
                form = ComplaintForm(
                    token=f"filling-number-{number}",
                    email=f"zhao{number}@customers.example",
                    name="Zhao",
                    statement="Charged twice.",
                    product=FORMULA,
                )
                complaint = complaints.file_complaint(tx, to_inbound(form), form)
                complaint.received_at = tx.now - timedelta(days=10)
                days = -1 if number < 3 else 1 if number == 3 else 100
                complaint.decide_due_at = tx.now + timedelta(days=days)
                complaint.handler_id = ruth.id if number % 2 == 0 else None
        yield world


@pytest.fixture(scope="module")
def he(world):
    return world.browser("he@desk.example")


def numbers(page):
    return [int(each) for each in re.findall(r'<tr id="c-(\d+)"', page.text)]


def test_the_list_is_narrowed_by_clock_handler_and_number(world, he):
    shown = {colour: numbers(he.get(f"/desk/complaints?colour={colour}")) for colour in ("late", "soon", "on_time", "nonsense")}
    assert [len(shown[each]) for each in shown] == [3, 1, 3, CASES]
    assert not set(shown["late"]) & set(shown["on_time"])
    assert len(numbers(he.get("/desk/complaints?handler=nobody"))) == 3
    assert numbers(he.get("/desk/complaints?handler=me")) == []
    assert len(numbers(world.browser("ruth@desk.example").get("/desk/complaints?handler=me"))) == 4
    number = shown["soon"][0]
    assert numbers(he.get(f"/desk/complaints?q=%23{number}&state=over")) == [number]
    assert "No complaint has this number" in he.get("/desk/complaints?q=99999").text
    for nonsense in ("severity=x", "after=zzz", "after=2026-01-01T00:00:00%2B00:00_x", "policy=%00", "state=%27"):
        assert he.get(f"/desk/complaints?{nonsense}").status_code == 200


def test_pages_neither_skip_nor_repeat(world):
    with world.tx() as tx:
        viewer = viewer_of(tx.session.scalars(select(Agent).where(Agent.name == "He")).one())
        seen, after = [], None
        while rows := desk_list(tx.session, viewer, Narrowed(after=after), tx.now, 2):
            seen += [row.complaint.id for row in rows]
            after = (rows[-1].complaint.decide_due_at, rows[-1].complaint.id)
        assert len(seen) == len(set(seen)) == CASES


def test_each_handler_is_reminded_of_a_case_once_a_day(world, he):
    everything = numbers(he.get("/desk/complaints"))
    first = he.post("/desk/complaints/remind", data={"case": everything}, headers=HX)
    assert "Reminded: 4. Told today already: 0. Not open, or with nobody: 3." in first.headers["HX-Trigger"]
    again = world.browser("ruth@desk.example").post("/desk/complaints/remind", data={"case": [*everything, "x"]}, headers=HX)
    assert "Reminded: 0. Told today already: 4." in again.headers["HX-Trigger"]
    assert len(world.all(select(Mention))) == 4
    assert world.browser("sam@desk.example").post("/desk/complaints/remind", data={"case": everything}).status_code == 403


def test_the_register_is_the_same_in_both_files_and_no_cell_is_a_formula(he):
    table = list(csv.reader(io.StringIO(he.get("/desk/complaints/register.csv").content.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(he.get("/desk/complaints/register.xlsx").content)).active
    cells = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    assert cells == table
    assert len(cells) == CASES + 1
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "inlineStr", "n"}  # n: an empty one
    assert not [value for row in cells for value in row if value.startswith("=")]
    assert sheet.freeze_panes == "A2"


def test_whoever_is_kept_out_neither_finds_a_case_nor_reminds_of_it(world):
    with world.tx() as tx:
        complaint = tx.session.scalars(select(Complaint).order_by(Complaint.id.desc())).first()
        sam = tx.session.scalars(select(Agent).where(Agent.name == "Sam")).one()
        recusals.keep_out(tx, complaint, sam.id, "about")
        number = tx.session.get_one(Ticket, complaint.ticket_id).number
    browser = world.browser("sam@desk.example")
    assert number not in numbers(browser.get("/desk/complaints"))
    assert numbers(browser.get(f"/desk/complaints?q={number}")) == []


def test_a_letter_is_entered_with_its_day_and_its_scan_and_whoever_enters_it_is_told_the_promise(world):
    clerk = world.browser(world.agent("Clerk").email)
    assert 'id="paper-form"' in clerk.get("/desk/papers/new").text
    empty = {"token": "one-filling-of-this-form", "kind": "letter", "complains": "1"}
    refused = clerk.post("/desk/papers", data=empty, headers=HX | {"Accept": "application/json"})
    assert (refused.status_code, set(refused.json()["fields"])) == (422, {"day", "name", "address", "text"})
    with world.tx() as tx:
        day = (tx.now - timedelta(days=3)).date().isoformat()
    letter = {**empty, "day": day, "name": "Mrs Applegate", "address": "12 Queen Street", "text": "You charged me twice."}
    scan = {"files": ("scan.pdf", b"%PDF-1.4 stamped", "application/pdf")}
    told = clerk.post("/desk/papers", data=letter, files=scan, headers=HX)
    with world.tx() as tx:
        complaint = tx.session.scalars(select(Complaint).order_by(Complaint.id.desc())).first()
        ticket = tx.session.get_one(Ticket, complaint.ticket_id)
        assert (ticket.channel, len(tx.session.scalars(select(Evidence).where(Evidence.complaint_id == complaint.id)).all())) == (
            "letter",
            1,
        )
    done = json.loads(told.headers["HX-Trigger"])
    # It went to the team of complaints, whose tickets a clerk does not read: the next letter is entered.
    assert done["desk:done"]["path"] == "/desk/papers/new"
    assert f"Recorded as no. {ticket.number}. We decide by " in done["toast"]["text"]
