"""Playing a day again and staffing, over HTTP: what the pages show, in both languages, and what they refuse."""

from __future__ import annotations

import re

import pytest

from tests.web.console_world import HX, Page, squeezed
from tests.world import running, settings_for

LANGUAGES = {"lang:en": 5, "lang:zh": 5}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("floor")), background=False) as world:
        for name in ("Maya", "Li", "Tom"):
            world.agent(name, skills=LANGUAGES)
        world.agent("Boss", roles=("supervisor",), skills={})
        yield world


@pytest.fixture
def boss(world):
    return world.browser("boss@desk.example")


def waits(html: str) -> tuple[int, int]:
    """The mean wait of everything in seconds, as it was and with the changes."""
    first = re.search(r"(\d+):(\d\d) → <strong>(\d+):(\d\d)</strong>", html)
    assert first is not None
    minutes, seconds, minutes_after, seconds_after = map(int, first.groups())
    return 60 * minutes + seconds, 60 * minutes_after + seconds_after


def test_a_made_up_day_is_played_with_more_people_and_both_are_shown_side_by_side(boss):
    page = boss.get("/board/what-if").text
    assert "Maya" in page
    assert Page(page).inline == []
    found = boss.get("/board/what-if?play=1&more=3", headers=HX)
    assert found.status_code == 200
    before, after = waits(found.text)
    assert after < before
    assert "better" in found.text
    assert found.text.count('<path class="chart-line') == 2


def test_without_changes_both_columns_are_the_same_and_it_says_so(boss):
    found = squeezed(boss.get("/board/what-if?play=1", headers=HX).text)
    assert "Nothing was changed" in found
    assert len(set(waits(found))) == 1


def test_the_form_keeps_what_was_asked(boss):
    page = boss.get("/board/what-if?play=1&choice=longest_idle&target-voice-vip=15&no_overflow=1").text
    assert re.search(r'value="longest_idle" selected', page)
    assert re.search(r'name="target-voice-vip"[^>]*value="15"', page)


@pytest.mark.parametrize(
    "wrong",
    [
        "more=-1",
        "more=1000",
        "more=a",
        "target-voice-vip=0",
        "target-chat-gold=1e9",
        "order=alphabet",
        "choice=dice",
        "who=999&skill=en&level=5",
        "more=1&like=999",
    ],
)
def test_what_cannot_be_is_told_beside_the_form_and_not_played(boss, wrong):
    found = boss.get(f"/board/what-if?play=1&{wrong}", headers=HX)
    assert found.status_code == 200
    assert "error-summary" in found.text
    assert "compared" not in found.text


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "1999-01-01"])
def test_a_day_of_which_nothing_is_recorded_is_refused_in_words(boss, day):
    assert boss.get(f"/board/what-if?day={day}").status_code in (409, 422)


def test_staffing_says_what_a_load_needs_by_both_formulas(boss):
    page = squeezed(boss.get("/board/staffing?rate=200&aht=180&patience=120&max_abandon=100").text)
    assert Page(page).inline == []
    needed = re.search(r"Erlang C .*?<td class=\"num strong\">(\d+)</td>", page)
    assert needed is not None
    assert needed[1] == "14"  # as in every textbook table
    assert "There is no history" in page


@pytest.mark.parametrize(
    "wrong", ["share=0", "share=100", "within=-1", "rate=0", "aht=x", "day=never", "day=1999-01-01", "shrinkage=99"]
)
def test_staffing_refuses_figures_that_cannot_be(boss, wrong):
    assert boss.get(f"/board/staffing?{wrong}").status_code == 422


@pytest.mark.parametrize("path", ["/board/what-if?play=1&more=1", "/board/staffing"])
def test_the_pages_are_there_in_chinese(boss, path):
    boss.post("/language", data={"locale": "zh"})
    page = boss.get(path).text
    assert 'lang="zh-CN"' in page
    assert not re.search(r">\s*(What if|Staffing|People needed|The day|Rules)\s*<", page)
    boss.post("/language", data={"locale": "en"})


@pytest.mark.parametrize("path", ["/board/what-if", "/board/staffing"])
def test_agents_do_not_see_them(world, path):
    assert world.browser("maya@desk.example").get(path).status_code == 403
