"""The link to the wallboard: figures for whoever has it, as long as its maker lets it."""

from __future__ import annotations

import re

import pytest

from desk.models import Agent
from tests.web.console_world import mail
from tests.world import World, running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("wall")), background=False) as world:
        world.agent("Su", roles=("supervisor",))
        world.agent("Maya")
        mail(world, name="Li Na")
        yield world


def made_by(browser) -> str:
    assert browser.post("/wallboard/link", data={}).headers["Location"] == "/wallboard"
    return link_on(browser.get("/wallboard").text)


def link_on(page: str) -> str:
    found = re.search(r'value="[^"]*(/wallboard/[^"]+)"', page)
    return found[1] if found else ""


def test_a_link_shows_figures_to_strangers_until_it_is_ended_or_made_anew(world: World):
    su, stranger = world.browser("su@desk.example"), world.browser()
    assert link_on(su.get("/wallboard").text) == ""
    first = made_by(su)
    page = stranger.get(first)
    assert page.status_code == 200
    assert 'id="tile-live"' in page.text
    assert "Li Na" not in page.text
    assert "/desk" not in page.text
    part = stranger.get(first, headers={"X-Fragment": "1"}).text
    assert part.lstrip().startswith('<div class="wall-page"')

    second = made_by(su)
    assert second != first
    assert (stranger.get(first).status_code, stranger.get(second).status_code) == (404, 200)
    su.post("/wallboard/link/end", data={})
    assert stranger.get(second).status_code == 404
    assert stranger.get("/wallboard/nobodys").status_code == 404


def test_it_ends_with_its_makers_right_to_see_the_board(world: World):
    su, stranger = world.browser("su@desk.example"), world.browser()
    link = made_by(su)
    assert stranger.get(link).status_code == 200
    with world.tx() as tx:
        agent = tx.session.query(Agent).filter_by(name="Su").one()
        agent.roles = ["agent"]
    assert stranger.get(link).status_code == 404
    assert world.browser("maya@desk.example").post("/wallboard/link", data={}).status_code == 403
