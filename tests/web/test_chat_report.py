"""The measures of chats over HTTP: who reads them, that each leads to rows which add up, and what is refused."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from sqlalchemy import select

from desk.actions.chats import chats
from desk.actions.work import answering
from desk.models import Agent, Chat
from desk.queries.chats.report import FIGURES
from desk.web import chat_report
from tests.desk.chat_world import question
from tests.web.console_world import Page, squeezed
from tests.world import running, settings_for

PATHS = ("/board/chats", *(f"/board/chats/{key}" for key in FIGURES))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A team with three chats, each answered twice, and a colleague of another team."""
    with (
        pytest.MonkeyPatch.context() as patch,
        running(settings_for(tmp_path_factory.mktemp("chats")), background=False) as world,
    ):
        patch.setattr(chats, "_check_there", lambda _there: None)  # at whatever hour this runs
        maya = world.agent("Maya", available=True)
        world.agent("Sam", team="care")
        world.agent("Boss", roles=("supervisor",), skills={})
        for _ in range(3):
            with world.tx() as tx:
                chat, _token = chats.open_chat(tx, question())
                answering.take_item(tx, chat.item_id, tx.session.get_one(Agent, maya.id))
            for _ in range(2):
                with world.tx() as tx:
                    her = tx.session.get_one(Agent, maya.id)
                    chats.agent_says(tx, tx.session.get_one(Chat, chat.id), her, str(uuid4()), "Which parcel is it?")
            with world.tx() as tx:
                chats.end_chat(tx, tx.session.get_one(Chat, chat.id), "customer")
        yield world


@pytest.fixture(scope="module")
def boss(world):
    return world.browser("boss@desk.example")


@pytest.mark.parametrize("path", PATHS)
def test_supervisors_read_each_page_in_both_languages_and_agents_none(world, boss, path):
    page = boss.get(path)
    assert page.status_code == 200
    assert Page(page.text).inline == []
    assert len(Page(page.text).ids) == len(set(Page(page.text).ids))
    boss.post("/language", data={"locale": "zh"})
    chinese = boss.get(path).text
    boss.post("/language", data={"locale": "en"})
    assert 'lang="zh-CN"' in chinese
    assert not re.search(r">\s*(Measures of chats|First reply|Chats at once|All measures of chats)", chinese)
    assert world.browser("maya@desk.example").get(path).status_code == 403


def test_it_is_reached_from_the_board_and_leads_to_each_measure(boss):
    assert 'href="/board/chats"' in boss.get("/board").text
    page = boss.get("/board/chats").text
    assert set(re.findall(r'<tr id="figure-(\w+)"', page)) == set(FIGURES)
    for key in FIGURES:
        assert f'href="/board/chats/{key}?' in page
    assert "6 messages in 3 chats" in squeezed(page)


def test_the_rows_add_up_to_what_stands_at_their_foot(boss):
    for key, sum_of_rows in {"chats": 3, "visitor_messages": 3, "our_messages": 6}.items():
        page = boss.get(f"/board/chats/{key}").text
        assert sum(map(float, re.findall(r'data-value="([\d.]+)"', page))) == sum_of_rows, key
    for key in ("first_reply", "reply_gap"):
        page = boss.get(f"/board/chats/{key}").text
        assert page.count("data-value=") == 3
        assert re.search(r"3 (first replies|answers)", page)


def test_many_rows_come_a_page_at_a_time(boss, monkeypatch):
    monkeypatch.setattr(chat_report, "PAGE", 2)
    first = boss.get("/board/chats/chats").text
    forth = re.search(r'rel="next" href="([^"]+)"', first)
    assert (first.count("data-value="), 'rel="prev"' in first) == (2, False)
    second = boss.get(forth[1].replace("&amp;", "&")).text
    assert (second.count("data-value="), 'rel="prev"' in second, 'rel="next"' in second) == (1, True, False)
    assert "3 chats" in squeezed(second)
    numbers = re.findall(r"/desk/tickets/(\d+)", first) + re.findall(r"/desk/tickets/(\d+)", second)
    assert len(set(numbers)) == 3
    assert boss.get("/board/chats/chats?page=99").text.count("data-value=") == 1


def test_the_form_keeps_what_was_asked_and_offers_ones_own_team(world, boss):
    maya, sam = (world.one(select(Agent.id).where(Agent.name == name)) for name in ("Maya", "Sam"))
    page = boss.get(f"/board/chats?agent={maya}").text
    assert re.search(rf'value="{maya}" selected', page)
    assert f"agent={maya}" in re.search(r'href="(/board/chats/first_reply[^"]+)"', page)[1]
    assert "Sam" not in page
    assert boss.get(f"/board/chats?agent={sam}").status_code == 404
    assert boss.get(f"/board/chats/chats?agent={sam}").status_code == 404


@pytest.mark.parametrize(
    "asked", ["from=0000-99-99", "until=x", "from=2026-06-01&until=2026-05-31", "from=2026-01-01&until=2026-04-03"]
)
def test_a_time_that_cannot_be_or_is_too_long_is_refused(boss, asked):
    assert boss.get(f"/board/chats?{asked}").status_code == 422


def test_the_longest_time_is_read_and_nonsense_is_no_figure(boss):
    assert boss.get("/board/chats?from=2026-01-01&until=2026-04-02&queue=-1&agent=").status_code == 200
    assert boss.get("/board/chats/nonsense").status_code == 404
