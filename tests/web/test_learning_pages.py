"""The pages about learning from complaints: who may read and do what, what they say, and that their rows add up."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from channels.form import ComplaintForm, to_inbound
from desk.actions.complaints import alerts, complaints, recusals
from desk.actions.people import tokens
from desk.actions.surveys.rules import values_of
from desk.models import Agent, ComplaintAlert, CorrectiveAction, Survey, Ticket
from desk.queries.surveys.rules import CHANNELS, SurveyRules, survey_rules
from tests.web.console_world import Page
from tests.world import running, settings_for

PAGES = (
    "/desk/learning/actions",
    "/desk/learning/alerts",
    "/desk/learning/events",
    "/desk/learning/trends",
    "/desk/learning/figures",
    "/desk/learning/surveys",
    "/desk/learning/review",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One desk with four like complaints, an officer, a colleague who reads complaints, and one who does not."""
    with running(settings_for(tmp_path_factory.mktemp("learning")), background=False) as world:
        for name, role in {"He": "complaint_officer", "Ruth": "complaint_officer", "Sam": "senior", "Maya": "agent"}.items():
            world.agent(name, roles=(role,), team="service" if role == "agent" else "care")
        with world.tx() as tx:
            for number in range(4):
                form = ComplaintForm(
                    token=f"filling-number-{number}",
                    email=f"zhao{number}@customers.example",
                    name="Zhao",
                    statement=f"Charged twice, <b>{number}</b>.",
                    product="Router X",
                    category="billing",
                )
                complaint = complaints.file_complaint(tx, to_inbound(form), form)
                complaint.cause, complaint.cause_found_at = "technology_fault", tx.now
            alerts.find_alerts(tx)
        yield world


@pytest.fixture(scope="module")
def he(world):
    return world.browser("he@desk.example")


@pytest.fixture(scope="module")
def maya(world):
    return world.browser("maya@desk.example")


def answers(world, **others):
    due = (world.desk.clock.now() + timedelta(days=10)).date().isoformat()
    return {
        "kind": "corrective",
        "title": "A key for each order",
        "change": "An order sent twice is one order.",
        "method": "No such complaint in thirty days.",
        "owner": str(owner_of(world, "Maya")),
        "due": due,
        "check_after_days": "30",
    } | others


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_read_by_who_reads_complaints_in_both_languages_and_by_nobody_else(world, he, maya, path):
    page = he.get(path)
    assert page.status_code == 200
    assert Page(page.text).inline == []
    assert len(Page(page.text).ids) == len(set(Page(page.text).ids))
    he.post("/language", data={"locale": "zh", "next": path})
    chinese = he.get(path).text
    he.post("/language", data={"locale": "en", "next": path})
    assert 'lang="zh-CN"' in chinese
    for address, topic in Page(page.text).live.items():
        if topic == "complaints":
            assert he.get(address, headers={"X-Fragment": "1"}).text.lstrip().startswith(("<div", "<section", "<nav"))
    assert maya.get(path).status_code == (200 if path.endswith("actions") else 403)


def test_an_alert_becomes_an_action_that_its_owner_does_and_only_somebody_else_may_check(world, he, maya):
    alert = world.one(select(ComplaintAlert).where(ComplaintAlert.dimension == "cause"))
    assert "4 in seven days" in he.get("/desk/learning/alerts").text
    assert he.get(f"/desk/learning/actions/new?alert={alert.id}").status_code == 200
    wrong = he.post("/desk/learning/actions/new", data=answers(world, alert=str(alert.id), title="", due="2001-01-01"))
    assert wrong.status_code == 422
    assert "An order sent twice is one order." in wrong.text  # what was typed is kept
    assert maya.post("/desk/learning/actions/new", data=answers(world)).status_code == 403
    assert he.post("/desk/learning/actions/new", data=answers(world, alert=str(alert.id))).status_code == 303
    action = world.one(select(CorrectiveAction))
    path = f"/desk/learning/actions/{action.id}"
    assert "A key for each order" in maya.get(path).text
    assert maya.post(f"{path}/done", data={"evidence": " "}).status_code == 422
    assert maya.post(f"{path}/done", data={"evidence": "Release 4.2"}).status_code == 303
    assert he.post(f"{path}/check", data={"result": "effective", "note": "None"}).status_code == 409  # too early
    with world.tx() as tx:
        tx.session.get_one(CorrectiveAction, action.id).check_due_at = tx.now - timedelta(days=1)
    assert maya.post(f"{path}/check", data={"result": "effective", "note": "None"}).status_code == 403
    assert he.post(f"{path}/check", data={"result": "", "note": ""}).status_code == 422
    assert he.post(f"{path}/check", data={"result": "effective", "note": "None came."}).status_code == 303
    assert "None came." in maya.get(path).text
    assert world.one(select(ComplaintAlert).where(ComplaintAlert.id == alert.id)).outcome == "handled"


def test_an_alert_is_dismissed_with_a_reason_only(world, he):
    alert = world.one(select(ComplaintAlert).where(ComplaintAlert.closed_at.is_(None)))
    assert he.post(f"/desk/learning/alerts/{alert.id}/acknowledge").status_code == 303
    assert he.post(f"/desk/learning/alerts/{alert.id}/dismiss", data={"reason": ""}).status_code == 422
    assert he.post(f"/desk/learning/alerts/{alert.id}/dismiss", data={"reason": "One batch."}).status_code == 303
    assert "One batch." in he.get("/desk/learning/alerts?state=closed").text


def test_an_agent_sees_no_action_but_their_own(world, he, maya):
    he.post("/desk/learning/actions/new", data=answers(world, owner=str(owner_of(world, "Sam")), title="For Sam alone"))
    action = world.one(select(CorrectiveAction).where(CorrectiveAction.title == "For Sam alone"))
    assert maya.get(f"/desk/learning/actions/{action.id}").status_code == 404
    assert maya.post(f"/desk/learning/actions/{action.id}/done", data={"evidence": "x"}).status_code == 404
    assert "For Sam alone" not in maya.get("/desk/learning/actions").text


def test_the_rows_of_a_figure_add_up_on_the_page(he):
    for key in re.findall(r'<tr id="figure-(\w+)"', he.get("/desk/learning/figures").text):
        page = he.get(f"/desk/learning/figures/{key}").text
        part, whole = map(int, re.search(r"<tfoot>\s*<tr>\s*<th[^>]*>\s*(\d+) of (\d+)", page).groups())
        counted = re.findall(r'data-counts="(\d)"', page)
        assert counted.count("1") == part, key
        if not key.startswith("per_"):
            assert len(counted) == whole, key
    assert he.get("/desk/learning/figures/nonsense").status_code == 404
    bad = "/desk/learning/figures?from=0000-99-99&until=x&queue=-1&policy=%27%22&product=%00"
    assert he.get(bad).status_code == 200
    assert he.get("/desk/learning/figures/received?after=2026-01-01T00:00:00_zzz").status_code == 200


def test_a_sheet_asks_on_its_own_scale_and_the_answer_is_in_the_results(world, he):
    with world.tx() as tx:
        ticket = tx.session.scalars(select(Ticket).order_by(Ticket.id)).first()
        about = {"ticket_id": ticket.id, "customer_id": ticket.customer_id, "channel": "email", "sent_at": tx.now}
        tx.session.add(Survey(access_key="k" * 32, kind="index", **about))
    stranger, address = world.browser(), f"/survey/{'k' * 32}"
    assert re.search(r'name="expected"\s+value="10"', stranger.get(address).text)
    assert stranger.post(address, data={"score": "8", "solved": "yes"}).status_code == 422
    answer = {"score": "8", "expected": "10", "solved": "yes", "comment": "<b>Slow</b>"}
    assert stranger.post(address, data=answer).status_code == 303
    told = he.get("/desk/learning/surveys").text
    assert "0.80" in told
    assert "less than expected" in told
    assert "&lt;b&gt;Slow" in told


def test_questions_are_set_by_the_administration_and_what_was_typed_is_kept(world, he):
    world.agent("Ada", roles=("admin",))
    ada = world.browser("ada@desk.example")
    seen = re.search(r'name="seen" value="(\w+)"', ada.get("/admin/surveys").text).group(1)
    form = values_of(SurveyRules()) | {f"ask.{channel}": "nps" for channel in CHANNELS} | {"seen": seen, "nps.zh": "会推荐吗？"}
    wrong = ada.post("/admin/surveys", data=form | {"every_days": "0"})
    assert wrong.status_code == 422
    assert "会推荐吗？" in wrong.text
    assert ada.post("/admin/surveys", data=form | {"every_days": "14"}).status_code == 303
    assert ada.post("/admin/surveys", data=form | {"every_days": "15"}).status_code == 409  # seen before the last change
    with world.desk.store.read() as reading:
        rules = survey_rules(reading)
    assert (rules.every_days, rules.kinds["chat"], rules.questions["nps"]["zh"]) == (14, "nps", "会推荐吗？")
    assert he.post("/admin/surveys", data=form).status_code == 403


def test_what_customers_said_and_what_we_did_about_it_is_read_by_those_who_answer(world, he, maya):
    sheet = "s" * 32
    with world.tx() as tx:
        ticket = tx.session.scalars(select(Ticket).order_by(Ticket.id)).first()
        about = {"ticket_id": ticket.id, "customer_id": ticket.customer_id, "channel": "email", "sent_at": tx.now}
        rated = owner_of(world, "Maya")
        tx.session.add(Survey(access_key=sheet, agent_id=rated, **about))
        month = f"{tx.now:%Y-%m}"
    stranger = world.browser()
    bad = {"score": "1", "solved": "yes", "comment": "Nobody <i>called</i> back."}
    assert stranger.post(f"/survey/{sheet}", data=bad).status_code == 303
    review = he.get(f"/desk/learning/review?month={month}").text
    assert "Nobody &lt;i&gt;called&lt;/i&gt; back." in review
    assert "/desk/learning/actions/new?title=" in review
    asked = world.one(select(Survey.id).where(Survey.access_key == sheet))
    assert maya.post("/desk/learning/surveys/seen", data={"survey": str(asked)}).status_code == 403
    for junk in ("x", "99999999999999999999", "-1"):
        assert he.post("/desk/learning/surveys/seen", data={"survey": junk}).status_code == 303
    assert world.one(select(Survey.seen_by).where(Survey.id == asked)) == ""
    assert he.post("/desk/learning/surveys/seen", data={"survey": str(asked)}).status_code == 303
    assert world.one(select(Survey.seen_by).where(Survey.id == asked)) == "He"

    he.post("/desk/learning/actions/new", data=answers(world, owner=str(rated), title="Calls are kept"))
    action = world.one(select(CorrectiveAction).where(CorrectiveAction.title == "Calls are kept"))
    path = f"/desk/learning/actions/{action.id}"
    words = {
        "en.said": "Nobody calls back.",
        "en.did": "A list says who calls whom.",
        "zh.said": "没人回电。",
        "zh.did": "<b>有清单了。</b>",
    }
    assert he.post(f"{path}/tell", data=words).status_code == 409  # nothing is done yet
    maya.post(f"{path}/done", data={"evidence": "The list."})
    assert maya.post(f"{path}/tell", data=words).status_code == 403
    missing = he.post(f"{path}/tell", data=words | {"zh.did": " "})
    assert missing.status_code == 422
    assert "A list says who calls whom." in missing.text
    assert 'id="action"' in missing.text
    assert f'data-src="{path}"' not in missing.text  # what is fetched knows nothing of what was typed
    assert f'data-src="{path}"' in he.get(path).text
    assert he.post(f"{path}/tell", data=words).status_code == 303
    assert "A list says who calls whom." in stranger.get(f"/survey/{sheet}/thanks").text
    assert "&lt;b&gt;有清单了。" in stranger.get(f"/survey/{sheet}/thanks?lang=zh").text
    assert he.post(f"{path}/tell", data=dict.fromkeys(words, "")).status_code == 303
    assert "A list says who calls whom." not in stranger.get(f"/survey/{sheet}/thanks").text


def test_programs_read_the_measures_and_their_rows_page_by_page(world):
    with world.tx() as tx:
        tokens.create(tx, name="figures", role="complaint_officer", secret="a secret for the figures")
    headers = {"Authorization": "Bearer a secret for the figures"}
    base = f"{world.url}/api/v1/stats/complaints"
    told = requests.get(base, headers=headers, timeout=60).json()["figures"]
    assert told["received"] == {"kind": "count", "part": 4, "whole": 4, "value": 4, "high": None, "few": False}
    items, after = [], ""
    while after is not None:
        page = requests.get(f"{base}/received", params={"limit": 3, "after": after}, headers=headers, timeout=60).json()
        items, after = items + page["items"], page["next"]
    assert len({each["id"] for each in items}) == len(items) == 4
    assert requests.get(f"{base}/nonsense", headers=headers, timeout=60).status_code == 404
    assert requests.get(base, timeout=60).status_code == 401


def test_who_is_kept_out_of_a_case_finds_it_on_no_page(world):
    ruth = world.browser("ruth@desk.example")
    with world.tx() as tx:
        ticket = tx.session.scalars(select(Ticket).order_by(Ticket.id)).first()
        recusals.keep_out(tx, complaints.complaint_of(tx, ticket), owner_of(world, "Ruth"), "about")
    for path in (*PAGES, "/desk/learning/figures/received", "/desk/learning/alerts?state=closed"):
        assert f"/{ticket.number}" not in ruth.get(path).text
    assert ruth.get(f"/desk/learning/actions/new?complaint={ticket.number}").status_code == 404


def test_complaints_of_one_cause_are_looked_into_as_one_and_told_by_two(world, he, maya):
    alert = world.one(select(ComplaintAlert.id).order_by(ComplaintAlert.id).limit(1))
    offered = re.search(r'name="numbers"[^>]*value="([\d ]+)"', he.get(f"/desk/learning/events?alert={alert}").text)
    numbers = offered[1]
    assert len(numbers.split()) >= 3
    for wrong in ({"title": "", "numbers": numbers}, {"title": "x" * 201}, {"title": "Twice", "numbers": "12 abc"}):
        assert he.post("/desk/learning/events", data=wrong).status_code == 422
    assert he.post("/desk/learning/events", data={"title": "Twice", "numbers": "99999"}).status_code == 404
    begun = he.post("/desk/learning/events", data={"title": "Charged <b>twice</b>", "numbers": f"#{numbers.replace(' ', ', #')}"})
    address = begun.headers["Location"]
    page = he.get(address).text
    assert "Charged &lt;b&gt;twice&lt;/b&gt;" in page
    assert all(f'id="c-{number}"' in page for number in numbers.split())
    refused = he.post(f"{address}/find_out", data={"looked_into": "We read the log.", "finding": "proven"})
    assert refused.status_code == 422
    assert "We read the log." in refused.text
    found = {
        "finding": "proven",
        "reason": "So.",
        "looked_into": "The log.",
        "cause": "technology_fault",
        "why1": "A.",
        "why2": "B.",
    }
    assert he.post(f"{address}/find_out", data=found).status_code == 303
    assert he.post(f"{address}/notice", data={"text": " "}).status_code == 422
    assert he.post(f"{address}/notice", data={"text": "The bank pays it back."}).status_code == 303
    assert he.post(f"{address}/approve").status_code == 403
    chief = world.browser(world.agent("Sumi", roles=("supervisor",)).email)
    assert "Agree and send it" in chief.get(address).text
    assert chief.post(f"{address}/approve").status_code == 303
    assert he.post(f"{address}/step", data={"step": "talk"}).status_code == 303
    assert he.post(f"{address}/close").status_code == 409
    assert [maya.get(path).status_code for path in ("/desk/learning/events", address)] == [403, 403]
    he.post("/language", data={"locale": "zh", "next": "/"})
    assert 'lang="zh-CN"' in he.get(address).text
    he.post("/language", data={"locale": "en", "next": "/"})


def owner_of(world, name):
    return world.one(select(Agent.id).where(Agent.name == name))
