"""Who can do what, through the real pages: the matrix, several at once, one person through time, and who may change whom."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from desk.actions.people.agents import add_agent, set_skill
from desk.models import AgentSkill
from desk.queries.people.skills import skills_at
from tests.web.board_world import NOON, admin, boss, world  # noqa: F401 - fixtures among them
from tests.world import PASSWORD

FEBRUARY = datetime(2027, 1, 31, 16, 0, tzinfo=UTC)  # the first of February in Shanghai


def levels(world, agent, at=NOON):
    with world.desk.store.read() as session:
        return skills_at(session, at, (agent.id,)).get(agent.id, {})


def cell(browser, agent, skill, was, level):
    return browser.post("/admin/skills/cell", data={"agent": agent.id, "skill": skill, "was": was, "level": level})


def test_a_level_typed_into_the_matrix_holds_at_once(world, admin):
    maya = world.agent("Maya", skills={"billing": 5})
    assert f'id="cell-{maya.id}-billing"' in admin.get("/admin/skills").text
    answer = cell(admin, maya, "billing", "5", "8")
    assert (answer.status_code, 'data-level="8"' in answer.text) == (200, True)
    assert cell(admin, maya, "technical", "", "3").status_code == 200
    assert cell(admin, maya, "billing", "8", "").status_code == 200
    assert levels(world, maya) == {"technical": 3}


@pytest.mark.parametrize("level", ["0", "11", "five", "-1", "²"])
def test_what_is_no_level_changes_nothing_and_says_so(world, admin, level):
    maya = world.agent("Maya", skills={"billing": 5})
    answer = cell(admin, maya, "billing", "5", level)
    assert answer.status_code == 422
    assert "A skill level is a number from 1 to 10." in answer.text
    assert levels(world, maya) == {"billing": 5}


def test_whoever_types_over_a_level_that_has_changed_is_shown_it(world, admin):
    maya = world.agent("Maya", skills={"billing": 5})
    assert cell(admin, maya, "billing", "5", "8").status_code == 200
    late = cell(admin, maya, "billing", "5", "6")
    assert (late.status_code, 'data-level="8"' in late.text) == (409, True)
    assert "Somebody else has just changed this level" in late.text


def test_a_skill_is_given_to_several_from_a_day_to_a_day(world, admin):
    people = [world.agent(name, skills={}) for name in ("Maya", "Tom")]
    form = {"agent": [each.id for each in people], "skill": "returns", "level": "4", "since": "2027-02-01", "until": "2027-02-14"}
    assert admin.post("/admin/skills", data=form).status_code == 303
    for each in people:
        spell = world.one(select(AgentSkill).where(AgentSkill.agent_id == each.id))
        assert (spell.skill, spell.level, spell.since) == ("returns", 4, FEBRUARY)
        assert spell.until == datetime(2027, 2, 14, 16, 0, tzinfo=UTC)
        assert levels(world, each) == {}
    assert "level 4 from" in admin.get("/admin/skills").text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"agent": []}, "give"),
        ({"skill": "team:care"}, "skill"),
        ({"level": "11"}, "level"),
        ({"since": "someday"}, "since"),
        ({"since": "2020-01-01"}, "since"),
        ({"since": "2027-02-02", "until": "2027-02-01"}, "until"),
        ({"until": "9999-99-99"}, "until"),
    ],
)
def test_a_wrong_gift_changes_nobody_and_says_where(world, admin, wrong, field):
    maya = world.agent("Maya", skills={})
    answer = admin.post("/admin/skills", data={"agent": [maya.id], "skill": "returns", "level": "4", **wrong})
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert world.one(select(AgentSkill.id).where(AgentSkill.agent_id == maya.id)) is None


def test_one_persons_page_shows_now_what_comes_and_what_was(world, admin):
    maya = world.agent("Maya", skills={"billing": 5})
    page = f"/admin/skills/{maya.id}"
    assert admin.post(page, data={"skill": "billing", "level": "8", "since": "2027-02-01"}).status_code == 303
    text = admin.get(page).text
    for heading in ("Now", "To come"):
        assert f"<h2>{heading}</h2>" in text
    assert (
        admin.post(page, data={"skill": "billing", "level": "", "since": "2027-02-01"}).status_code == 422
    )  # not by an oversight
    assert admin.post(page, data={"skill": "billing", "end": "yes", "since": "2027-02-01"}).status_code == 303
    assert levels(world, maya, FEBRUARY) == {}
    world.desk.clock.tick(60)
    assert admin.post(page, data={"skill": "billing", "end": "yes"}).status_code == 303
    assert "<h2>Before</h2>" in admin.get(page).text
    assert "技能" in admin.get(f"{page}?lang=zh").text


def test_supervisors_set_the_skills_of_their_own_people_and_of_nobody_else(world, boss):
    maya, hejing = world.agent("Maya", skills={}), world.agent("Hejing", team="care", skills={})
    assert cell(boss, maya, "billing", "", "5").status_code == 200
    assert cell(boss, hejing, "billing", "", "5").status_code == 403
    own = re.search(r'id="person-(\d+)"[^>]*>(?:(?!</tr>).)*>Su<', boss.get("/admin/skills").text, re.DOTALL).group(1)
    assert boss.post(f"/admin/skills/{own}", data={"skill": "billing", "level": "9"}).status_code == 403
    both = {"agent": [maya.id, hejing.id], "skill": "returns", "level": "4"}
    assert boss.post("/admin/skills", data=both).status_code == 403
    assert (levels(world, maya), levels(world, hejing)) == ({"billing": 5}, {})
    read_only = re.search(rf'id="cell-{hejing.id}-billing"[^>]*', boss.get("/admin/skills").text).group(0)
    assert 'aria-readonly="true"' in read_only


def test_an_auditor_reads_and_an_agent_does_not(world):
    maya = world.agent("Maya")
    world.agent("Arthur", roles=("auditor",), skills={})
    auditor, agent = world.browser("arthur@desk.example"), world.browser("maya@desk.example")
    for path in ("/admin/skills", f"/admin/skills/{maya.id}", "/admin/queues", "/admin/calendars", "/admin/channels"):
        assert auditor.get(path).status_code == 200
        assert agent.get(path).status_code == 403
    assert cell(auditor, maya, "billing", "5", "9").status_code == 403


def test_many_people_and_skills_come_in_pages_and_each_once(world, admin):
    with world.tx() as tx:
        for number in range(120):
            agent = add_agent(
                tx, email=f"p{number}@desk.example", name=f"P{number:03}", password=PASSWORD, roles=["agent"], team=None
            )
            set_skill(tx, agent, f"skill-{number % 60:02}", 5)
    seen, address = [], "/admin/skills?q=p"
    while address:
        page = admin.get(address).text
        seen += re.findall(r'id="person-\d+".*?>(P\d{3})<', page, re.DOTALL)
        later = re.search(r'rel="next"\s+href="([^"]+)"', page)
        address = later.group(1).replace("&amp;", "&") if later else ""
    assert seen == [f"P{number:03}" for number in range(120)]
    assert "More skills" in admin.get("/admin/skills").text
    assert "skill-59" in admin.get("/admin/skills?from=50").text
