"""Policies, holiday tables, and the case with its clocks, over the real pages and over REST."""

from __future__ import annotations

import hashlib
import io
from datetime import date, timedelta

import pytest
import requests
from sqlalchemy import select

from desk.actions.complaints import complaints
from desk.actions.intake import find_queue
from desk.actions.people import customers, tokens
from desk.actions.tickets import tickets
from desk.models import Agent, Calendar, Complaint, ComplaintDecision, ComplaintPause, ComplaintPolicy, Event, Ticket
from desk.models.complaint_keeping import DONE, Disposal
from tests.desk.care_world import looked_into
from tests.web.forms import filled, form_with
from tests.world import running, settings_for

HX = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("cases"))) as world:
        for name, role in (("Ada", "admin"), ("Ben", "admin"), ("Sue", "supervisor"), ("Maya", "agent")):
            world.agent(name, roles=(role,))
        world.agent("He", roles=("complaint_officer",), team="care")
        world.agent("Ruth", roles=("complaint_officer",), team="care")
        with world.tx() as tx:
            tokens.create(tx, name="officer", role="complaint_officer", secret="for complaints")
        yield world


def case_of(world, name: str, *policies: str) -> int:
    """A complaint of somebody on a new ticket: its number."""
    with world.tx() as tx:
        customer = customers.identify(tx, "email", f"{name}@customers.example", name=name, locale="zh")
        ticket = tickets.open_ticket(
            tx, customer=customer, queue=find_queue(tx, "general"), subject="重复扣款", channel="email", locale="zh"
        )
        complaints.register_from_ticket(tx, ticket, "三月份被扣了两次款。", policies=policies)
        return ticket.number


def row_of(world, number: int) -> Complaint:
    return world.one(select(Complaint).join(Ticket, Ticket.id == Complaint.ticket_id).where(Ticket.number == number))


def investigate(world, officer, number: int) -> str:
    for data in ({"stage": "assessed", "category": "billing", "severity": "2"}, {"stage": "investigating"}):
        assert officer.post(f"/desk/tickets/{number}/complaint/advance", data=data, headers=HX).status_code == 204
    return f"/desk/complaints/{number}"


def policy_of(world, code: str, state: str = "agreed") -> ComplaintPolicy:
    found = select(ComplaintPolicy).where(ComplaintPolicy.code == code, ComplaintPolicy.state == state)
    return world.one(found.order_by(ComplaintPolicy.version.desc()).limit(1))


def test_a_new_version_is_proposed_by_one_and_agreed_to_by_another(world):
    ada, ben, sue = (world.browser(f"{name}@desk.example") for name in ("ada", "ben", "sue"))
    before = policy_of(world, "CN-TELECOM")
    address = f"/admin/policies/{before.id}"
    form = form_with(ada.get(address).text, "decide_n")
    wrong = ada.post(f"{address}/propose", data=filled(form, decide_n="many", years="0"))
    assert wrong.status_code == 422
    assert 'id="f-years-error"' in wrong.text
    answer = ada.post(f"{address}/propose", data=filled(form, decide_n="10", decide_unit="business_days"))
    assert answer.status_code == 303
    new = policy_of(world, "CN-TELECOM", "proposed")
    assert (new.version, new.rules["decide"]) == (2, {"n": 10, "unit": "business_days"})
    assert ada.post(f"{address}/propose", data=form).status_code == 409
    assert ada.post(f"/admin/policies/{new.id}/agree").status_code == 403  # proposed it
    assert sue.post(f"/admin/policies/{new.id}/agree").status_code == 403  # no administrator
    assert ben.post(f"/admin/policies/{new.id}/agree").status_code == 303
    assert policy_of(world, "CN-TELECOM").id == new.id
    assert ben.post(f"/admin/policies/{new.id}/refuse").status_code == 409
    assert sue.get("/admin/policies").status_code == 200
    he = world.browser("he@desk.example")
    theirs = f"/admin/policies/{new.id}"
    assert 'id="policy-form"' in he.get(theirs).text
    proposed = he.post(f"{theirs}/propose", data=filled(form_with(he.get(theirs).text, "decide_n"), decide_n="12"))
    assert proposed.status_code == 303
    waits = policy_of(world, "CN-TELECOM", "proposed")
    assert waits.proposed_by.startswith("He")
    assert he.post(f"/admin/policies/{waits.id}/agree").status_code == 403
    assert ada.post(f"/admin/policies/{waits.id}/refuse").status_code == 303
    number = case_of(world, "tel", "CN-TELECOM")
    assert row_of(world, number).policy == "CN-TELECOM"


def test_every_new_complaint_comes_under_the_chosen_policies(world):
    ada = world.browser("ada@desk.example")
    assert ada.post("/admin/policies/chosen", data={"codes": []}).status_code == 422
    assert ada.post("/admin/policies/chosen", data={"codes": ["DEFAULT", "CN-BANKINS"]}).status_code == 303
    page = ada.get(f"/desk/complaints/{case_of(world, 'both')}")
    assert page.status_code == 403  # an administrator reads no case
    case = world.browser("he@desk.example").get(f"/desk/complaints/{case_of(world, 'both2')}").text
    assert case.index("DEFAULT") < case.index("CN-BANKINS")
    assert ada.post("/admin/policies/chosen", data={"codes": ["DEFAULT"]}).status_code == 303


def test_a_table_of_holidays_goes_out_and_comes_in_again(world):
    ada = world.browser("ada@desk.example")
    china = world.one(select(Calendar).where(Calendar.key == "cn"))
    address = f"/admin/calendars/{china.id}"
    out = ada.get(f"{address}/days.csv")
    assert out.content.startswith(b"\xef\xbb\xbfdate,kind,hours,note\r\n2025-01-01,holiday,")
    assert "2027" in ada.get(address).text  # the year that is missing
    table = "date,kind,hours,note\n2027-01-01,holiday,,元旦\n2027/1/2,holiday,,x\n"
    for wrong in (b"", b"\x00\x01", table.encode(), b"date,kind\n2027-01-03,feast\n", b"2027-01-03,workday,never"):
        answer = ada.post(f"{address}/days", files={"days": ("days.csv", io.BytesIO(wrong))})
        assert answer.status_code == 422, wrong
    good = "date,kind,hours,note\n2027-01-01,holiday,,元旦\n2027-01-03,workday,9-12,调休上班\n".encode("gb18030")
    assert ada.post(f"{address}/days", files={"days": ("days.csv", io.BytesIO(good))}).status_code == 303
    now = world.one(select(Calendar).where(Calendar.key == "cn"))
    assert now.years == [2025, 2026, 2027]
    assert [day for day in now.holidays if day.startswith("2027")] == ["2027-01-01"]
    assert now.workdays["2027-01-03"] == [["09:00", "12:00"]]
    assert [day for day in now.holidays if day.startswith("2026")] == [day for day in china.holidays if day.startswith("2026")]
    again = ada.post(f"{address}/days", files={"days": ("days.csv", io.BytesIO(out.content))})
    assert again.status_code == 303
    assert world.one(select(Calendar).where(Calendar.key == "cn")).workdays["2026-02-14"] == [["09:00", "18:00"]]


def test_a_paused_case_tells_its_customer_what_is_missing_and_runs_on_with_the_answer(world):
    officer, number = world.browser("he@desk.example"), case_of(world, "pause")
    case, key = investigate(world, officer, number), row_of(world, number).access_key
    due = row_of(world, number).decide_due_at
    refused = officer.post(f"{case}/pause", data={"why": "customer_evidence", "needed": "", "until": "x"}, headers=HX)
    assert refused.status_code == 422
    data = {"why": "customer_evidence", "needed": "三月份的账单", "until": date(2099, 1, 1).isoformat()}
    assert officer.post(f"{case}/pause", data=data, headers=HX).status_code == 422
    today = world.desk.clock.now().date()
    data["until"] = today.replace(year=today.year + 1).isoformat() if (today.month, today.day) != (2, 29) else "2029-02-28"
    assert officer.post(f"{case}/pause", data=data, headers=HX).status_code == 204
    assert row_of(world, number).decide_due_at > due
    stranger = world.browser()
    assert "三月份的账单" in stranger.get(f"/track/{key}").text
    assert "三月份的账单" in officer.get(case).text
    answer = stranger.post(f"/track/{key}/add", data={"text": "给您。", "token": "sixteen-characters"})
    assert answer.status_code == 303
    assert row_of(world, number).decide_due_at == due
    assert "三月份的账单" not in stranger.get(f"/track/{key}").text.split('class="said')[0]
    assert world.one(select(ComplaintPause.ended_at).order_by(ComplaintPause.id.desc()).limit(1)) is not None


def test_the_letter_and_the_whole_case_are_files_that_say_what_they_should(world):
    officer, ruth, number = world.browser("he@desk.example"), world.browser("ruth@desk.example"), case_of(world, "pdf")
    case = investigate(world, officer, number)
    heard = {"person": "吴刚", "part": "staff", "how": "phone", "heard": "2020-01-01T09:00", "summary": "他看到了第二笔扣款。"}
    assert officer.post(f"{case}/hear", data=heard, headers=HX).status_code == 204
    assert officer.post(f"{case}/hear", data=heard | {"heard": "soon"}, headers=HX).status_code == 422
    assert officer.post(f"{case}/hold", data={"reason": "法院要求"}, headers=HX).status_code == 204
    assert officer.post(f"{case}/lift", data={"reason": "结束"}, headers=HX).status_code == 403
    assert ruth.post(f"{case}/lift", data={"reason": "结束"}, headers=HX).status_code == 204
    with world.tx() as tx:
        looked_into(tx, tx.session.get_one(Complaint, row_of(world, number).id))
    words = {"outcome": "upheld", "looked_into": "查了日志。", "reasons": "扣了两次。", "apology": "对不起。"}
    assert officer.post(f"{case}/draft", data=words, headers=HX).status_code == 204
    assert officer.post(f"{case}/submit", headers=HX).status_code == 204
    assert officer.post(f"{case}/approve", headers=HX).status_code == 403
    assert ruth.post(f"{case}/approve", headers=HX).status_code == 204
    decision = world.one(select(ComplaintDecision).order_by(ComplaintDecision.id.desc()).limit(1))
    letter = officer.get(f"{case}/letters/{decision.id}/pdf")
    assert letter.headers["Content-Type"] == "application/pdf"
    assert hashlib.sha256(letter.content).hexdigest() == decision.pdf_sha256
    assert world.browser().get(f"/track/{row_of(world, number).access_key}/letter.pdf").content == letter.content
    whole = officer.get(f"{case}/file.pdf")
    assert whole.content.startswith(b"%PDF-")
    assert world.browser("maya@desk.example").get(f"{case}/file.pdf").status_code == 403
    assert "complaint.file_exported" in {each["kind"] for each in _events(world, number)}


def _events(world, number: int) -> list[dict[str, str]]:
    return [{"kind": kind} for kind in world.all(select(Event.kind).where(Event.ticket_id == row_of(world, number).ticket_id))]


def test_an_agent_settles_on_the_spot_and_sees_the_way_only_while_there_is_one(world):
    maya, number, other = world.browser("maya@desk.example"), case_of(world, "early", "UK-FCA"), case_of(world, "late")
    with world.tx() as tx:
        for each in (number, other):  # work of hers, so that she reads it
            tx.session.scalars(select(Ticket).where(Ticket.number == each)).one().owner_id = _id(world, "Maya")
        tx.emit("ticket.changed")
    assert 'id="settle-early"' in maya.get(f"/desk/tickets/{number}").text
    assert 'id="settle-early"' not in maya.get(f"/desk/tickets/{other}").text
    good = {"agreed": "今天退款。", "words": "可以。"}
    assert maya.post(f"/desk/complaints/{other}/settle", data=good, headers=HX).status_code == 409
    assert maya.post(f"/desk/complaints/{number}/settle", data=good | {"words": ""}, headers=HX).status_code == 422
    assert maya.post(f"/desk/complaints/{number}/settle", data=good, headers=HX).status_code == 204
    assert (row_of(world, number).stage, row_of(world, number).outcome) == ("follow_up", "resolved_early")


def _id(world, name: str) -> int:
    return world.one(select(Agent.id).where(Agent.name == name))


def test_a_list_of_cases_is_worked_off_in_the_background(world):
    officer, ruth = world.browser("he@desk.example"), world.browser("ruth@desk.example")
    assert officer.post("/desk/complaints/disposals", headers=HX).status_code == 409
    number = case_of(world, "old")
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, row_of(world, number).id)
        complaints.withdraw(tx, complaint, "算了。")
        complaint.stage, complaint.dispose_after = "archived", tx.now.replace(year=tx.now.year - 1, day=1)
    assert officer.post("/desk/complaints/disposals", headers=HX).status_code == 204
    made = world.one(select(Disposal.id))
    assert officer.post(f"/desk/complaints/disposals/{made}/confirm", headers=HX).status_code == 403
    assert f"{number}" in ruth.get("/desk/complaints/disposals").text
    assert ruth.post(f"/desk/complaints/disposals/{made}/confirm", headers=HX).status_code == 204
    world.until(lambda: world.one(select(Disposal.state)) == DONE)
    assert (row_of(world, number).stage, row_of(world, number).statement) == ("disposed", "")
    assert world.browser().get(f"/track/{row_of(world, number).access_key}").status_code == 200


def test_programs_record_read_and_move_a_complaint_and_hear_what_is_allowed(world):
    program = requests.Session()
    program.trust_env = False
    program.headers["Authorization"] = "Bearer for complaints"

    def call(method: str, path: str, **body: object) -> requests.Response:
        return program.request(method, f"{world.url}/api/v1{path}", json=body or None, timeout=60)

    made = call("POST", "/complaints", email="api@customers.example", statement="Charged twice.", category="billing")
    assert made.status_code == 201
    number = made.json()["ticket"]
    assert made.json()["allowed"] == ["assessed", "follow_up", "withdrawn", "retyped"]
    assert [clock["policy"] for clock in made.json()["clocks"]] == ["DEFAULT"]
    assert call("GET", f"/complaints/{number}").json() == made.json()
    moved = call("POST", f"/complaints/{number}/moves", stage="assessed", category="billing", severity=3)
    assert (moved.status_code, moved.json()["stage"]) == (200, "assessed")
    leap = call("POST", f"/complaints/{number}/moves", stage="closed")
    assert (leap.status_code, leap.json()["allowed"]) == (409, ["investigating", "referred", "withdrawn", "retyped"])
    for wrong in ({"statement": "x"}, {"email": "a@b.example"}, {"ticket": number, "email": "a@b.example", "statement": "x"}):
        assert call("POST", "/complaints", **wrong).status_code == 422
    named = call("POST", "/complaints", ticket=number, statement="Again.", policies=["MOON-1"])
    assert named.json()["id"] == made.json()["id"]  # it is one already
    assert call("GET", "/complaints/999999").status_code == 404
    assert call("POST", f"/complaints/{number}/moves", stage="nowhere").status_code == 422
    bank = call("POST", f"/complaints/{number}/clock", do="classify", policy="CN-BANKINS", reason="A bank.", reference="12378-1")
    assert [clock["reference"] for clock in bank.json()["clocks"]] == [None, "12378-1"]
    until = (world.desk.clock.now() + timedelta(days=5)).isoformat()
    paused = call("POST", f"/complaints/{number}/clock", do="pause", reason="appraisal", needed="The appraisal.", until=until)
    assert (paused.status_code, paused.json()["paused_until"] is not None) == (200, True)
    again = call("POST", f"/complaints/{number}/clock", do="pause", reason="appraisal", needed="x", until="soon")
    assert again.status_code == 409
    assert call("POST", f"/complaints/{number}/clock", do="resume", reason="It is here.").json()["paused_until"] is None
    left = call("POST", f"/complaints/{number}/clock", do="declassify", policy="CN-BANKINS", reason="It is no bank.")
    assert [clock["policy"] for clock in left.json()["clocks"]] == ["DEFAULT"]
    assert call("POST", f"/complaints/{number}/clock", do="stop", reason="x").status_code == 422
