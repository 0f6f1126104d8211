"""The person complained about finds the case by no page that the desk serves, whatever roles they have."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from channels.form import ComplaintForm, to_inbound
from desk.access import viewer_of
from desk.actions.complaints import alarms, complaints, corrective_actions, decisions, file, mass_events, recusals
from desk.actions.tickets import tickets
from desk.live.topics import may_watch
from desk.models import Agent, Complaint, ComplaintAlert, Recusal, Ticket, WorkItem
from desk.models.complaint_alert import BY_CAUSE
from tests.web.siege import Siege, besieged

SOUGHT, TELLTALE = "zebrafinch", "Quillwort"  # the first is typed into searches, the second is seen only with the case
SEARCHED = ("search", "tickets", "palette", "customers", "complaints", "audit")
ALL_ROLES = ("complaint_officer", "supervisor", "senior", "auditor", "admin")
# Of these nothing is drawn for a person, or only after they did something there.
UNASKED = ("/desk/voice", "/static", "/api/", "/try", "/mailbox", "/logout")


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Iterator[tuple[Siege, int]]:
    """A case that has been through everything: alarms, an alert, an action, a letter, a question sheet, asking again."""
    with besieged(tmp_path_factory.mktemp("kept-out")) as siege:
        siege.world.agent("Accused", team="care", roles=ALL_ROLES)
        siege.world.agent("Witness", team="care", roles=ALL_ROLES)
        with siege.world.tx() as tx:
            number = _make(tx)
        siege.world.until(lambda: siege.world.all(select(Recusal.id)))
        siege.ids.update(number=number, complaint=number)
        yield siege, number


def _make(tx) -> int:
    accused, witness, other = (
        tx.session.scalars(select(Agent).where(Agent.name == name)).one() for name in ("Accused", "Witness", "complaintofficer")
    )
    said = f"About the {SOUGHT}: {TELLTALE} was rude to me."
    form = ComplaintForm(token="fedcba9876543210", email="q@customers.example", name="Mrs Applegate", statement=said)
    complaint = complaints.file_complaint(tx, to_inbound(form), form)
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    complaint.product = f"{TELLTALE} 3"
    complaints.advance(tx, complaint, "assessed", agent=other, category="service", severity=1)
    complaints.advance(tx, complaint, "investigating", agent=other)
    alarms.ring(tx, complaint)
    point = file.allegations_of(tx, complaint)[0]
    file.record_finding(tx, complaint, point.id, "proven", f"{TELLTALE} says so.")
    file.set_cause(tx, complaint, "people_behaviour", ["Rude.", "Tired."])
    words = {"looked_into": "Asked.", "reasons": f"{TELLTALE} is right.", "apology": "Sorry."}
    decisions.draft(tx, complaint, other, outcome="upheld", **words)
    decisions.submit(tx, complaint, other)
    tickets.note(tx, ticket, other, f"Seen: {TELLTALE}.")
    mass_events.open_event(tx, other, "People were rude", [complaint])
    recusals.keep_out(tx, complaint, accused.id, "about", TELLTALE)
    alert = ComplaintAlert(
        dimension=BY_CAUSE, about="people_behaviour", found_at=tx.now, seen=1, expected=0, most=0, complaint_ids=[complaint.id]
    )
    tx.session.add(alert)
    tx.session.flush()
    corrective_actions.open_action(
        tx, witness, kind="corrective", title="Rest more", change="Rest.", method="Count.", owner_id=accused.id,
        due_at=complaint.decide_due_at, product="R3", cause="people_behaviour", complaints=[complaint],
    )  # fmt: skip
    return ticket.number or 0


def shown_to(siege: Siege, name: str) -> set[str]:
    """Every address of the desk at which this person reads of the case."""
    browser, found = siege.world.browser(f"{name.lower()}@desk.example"), set()
    for method, rule in siege.routes():
        if method != "GET" or rule.startswith(UNASKED):
            continue
        looks = ("", f"?q={SOUGHT}&search={SOUGHT}&view=all&state=open") if any(word in rule for word in SEARCHED) else ("",)
        for asked in looks:
            answer = browser.get(siege.path(rule) + asked, timeout=60, allow_redirects=False)
            if TELLTALE in text_of(answer.content):
                found.add(rule)
    return found


def text_of(content: bytes) -> str:
    """What a file says; a workbook is unpacked for it."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            content = b"\n".join(packed.read(name) for name in packed.namelist())
    return content.decode("utf-8", "replace")


def test_no_page_list_search_export_or_notice_shows_the_case_to_whom_it_is_about(case):
    siege, _number = case
    seen = shown_to(siege, "Witness")
    for page in ("/desk/complaints", "/desk/complaints/rows", "/desk/complaints/<int:number>", "/desk/tickets/<int:number>"):
        assert page in seen, (page, sorted(seen))
    assert {"/desk/complaints/register.csv", "/desk/complaints/register.xlsx"} & seen
    assert len(seen) >= 10, sorted(seen)
    public = {rule for rule in seen if rule.startswith(("/track/", "/survey/"))}
    assert shown_to(siege, "Accused") - public == set()


def test_nothing_is_done_to_the_case_by_whom_it_is_about(case):
    siege, _number = case
    browser = siege.world.browser("accused@desk.example")
    with siege.world.tx() as tx:
        before = tx.session.scalars(select(Complaint.chain).order_by(Complaint.id)).all()
    for method, rule in siege.routes():
        if method == "POST" and "<int:number>" in rule and rule.startswith("/desk/"):
            answer = browser.post(siege.path(rule), data={"reason": "So.", "text": "So."}, allow_redirects=False, timeout=60)
            assert answer.status_code in (403, 404), (rule, answer.status_code)
    with siege.world.tx() as tx:
        assert tx.session.scalars(select(Complaint.chain).order_by(Complaint.id)).all() == before


def test_no_room_tells_of_it_and_no_work_of_it_is_offered(case):
    siege, number = case
    with siege.world.tx() as tx:
        accused, witness = (tx.session.scalars(select(Agent).where(Agent.name == name)).one() for name in ("Accused", "Witness"))
        assert may_watch(tx.session, viewer_of(witness), f"ticket:{number}")
        assert not may_watch(tx.session, viewer_of(accused), f"ticket:{number}")
        of = select(WorkItem).join(Ticket, Ticket.id == WorkItem.ticket_id).where(Ticket.number == number)
        open_work = [each for each in tx.session.scalars(of) if each.ended_at is None]
        assert open_work
        assert all(str(accused.id) in each.excluded for each in open_work)
