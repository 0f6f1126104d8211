"""Signing in and out: nobody learns who works here, nobody guesses for long, nobody is sent elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests
from sqlalchemy import select

from desk.actions.people import agents
from desk.clock import FrozenClock
from desk.models import Agent, SignIn, StaffSession
from tests.world import PASSWORD, running, settings_for


@pytest.fixture
def clock():
    return FrozenClock(datetime(2026, 11, 20, 2, 0, tzinfo=UTC))


@pytest.fixture
def world(tmp_path, clock):
    with running(settings_for(tmp_path), clock=clock, background=False) as world:
        yield world


def sign_in(client, email, password=PASSWORD, **more):
    return client.post("/login", data={"email": email, "password": password, **more})


def failed(world, emails):
    """Attempts of a moment ago, without the time that each real one takes."""
    with world.tx() as tx:
        tx.session.add_all([SignIn(at=tx.now, email=email, outcome="wrong_password", address="127.0.0.1") for email in emails])


def outcomes(world):
    return world.all(select(SignIn.outcome).order_by(SignIn.id))


def test_the_right_password_opens_the_console_and_is_on_record(world):
    maya = world.agent()
    client = world.browser()
    answer = sign_in(client, "  Maya@Desk.Example ")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk")
    assert client.get("/desk").status_code == 200
    row = world.one(select(SignIn))
    assert (row.outcome, row.agent_id, row.email, row.address) == ("ok", maya.id, maya.email, "127.0.0.1")
    assert client.get("/login", allow_redirects=False).status_code == 302


def test_a_supervisor_begins_at_the_board(world):
    sam = world.agent("Sam", roles=("supervisor",))
    assert sign_in(world.browser(), sam.email).headers["Location"].endswith("/board")


def test_a_wrong_password_an_unknown_person_and_a_locked_out_one_get_the_same_answer(world):
    world.agent("Maya")
    locked = world.agent("Locked")
    with world.tx() as tx:
        agents.set_active(tx, tx.session.get_one(Agent, locked.id), False)
    answers = []
    for email, password in (("maya@desk.example", "wrong"), ("nobody@desk.example", "wrong"), (locked.email, PASSWORD)):
        answer = sign_in(world.browser(), email, password)
        assert answer.status_code == 422
        answers.append(seen(answer.text).replace(email, "somebody"))
    assert len(set(answers)) == 1
    assert "E-mail address or password is wrong." in answers[0]
    assert outcomes(world) == ["wrong_password", "unknown", "inactive"]
    assert world.one(select(StaffSession)) is None


def test_what_was_typed_comes_back_without_the_password(world):
    page = sign_in(world.browser(), "maya@desk.example", "secret-wrong-password").text
    assert "maya@desk.example" in page
    assert "secret-wrong-password" not in page


def test_guessing_one_persons_password_is_stopped_even_with_the_right_one_at_last(world, clock):
    world.agent()
    failed(world, ["maya@desk.example"] * 5)
    assert sign_in(world.browser(), "maya@desk.example", "wrong").status_code == 422
    answer = sign_in(world.browser(), "maya@desk.example")
    assert answer.status_code == 429
    assert outcomes(world)[-1] == "too_many"
    clock.tick(601)
    assert sign_in(world.browser(), "maya@desk.example").status_code == 302


def test_trying_on_while_stopped_does_not_keep_the_door_shut_for_ever(world, clock):
    world.agent()
    failed(world, ["maya@desk.example"] * 6)
    for _ in range(4):
        clock.tick(140)
        assert sign_in(world.browser(), "maya@desk.example").status_code == 429
    clock.tick(60)
    assert sign_in(world.browser(), "maya@desk.example").status_code == 302


def test_guessing_many_peoples_passwords_from_one_place_is_stopped(world):
    failed(world, [f"person{number}@desk.example" for number in range(29)])
    client = world.browser()
    assert sign_in(client, "person29@desk.example", "wrong").status_code == 422
    assert sign_in(client, "person99@desk.example", "wrong").status_code == 429


def test_a_form_from_elsewhere_is_refused(world):
    world.agent()
    for headers in ({}, {"X-CSRFToken": "forged"}):
        answer = requests.post(
            world.url + "/login", data={"email": "maya@desk.example", "password": PASSWORD}, headers=headers, timeout=60
        )
        assert answer.status_code == 400
    assert outcomes(world) == []


def test_the_session_cookie_cannot_be_read_by_scripts_nor_sent_from_other_sites(world):
    world.agent()
    cookie = sign_in(world.browser(), "maya@desk.example").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # this desk is served by plain http


def test_under_https_the_cookie_is_never_sent_in_the_open(tmp_path):
    settings = settings_for(tmp_path, DESK_BASE_URL="https://desk.example")
    with running(settings, background=False) as world:
        answer = requests.get(f"http://127.0.0.1:{settings.http_port}/login", timeout=60)
        assert "Secure" in answer.headers["Set-Cookie"]
        assert world.url == "https://desk.example"


def test_the_token_is_new_at_each_sign_in_and_only_its_hash_is_kept(world):
    maya = world.agent()
    first, second = world.browser(maya.email), world.browser(maya.email)
    assert first.cookies["desk"] != second.cookies["desk"]
    hashes = world.all(select(StaffSession.token_hash))
    assert len(set(hashes)) == 2
    assert all(len(each) == 64 for each in hashes)


@pytest.mark.parametrize(
    "address",
    [
        *("https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example"),
        *("http:evil.example", "javascript:alert(1)", "/\t/evil.example", " //evil.example", "https:///evil.example"),
        *("@evil.example", "desk.evil.example", "http://127.0.0.1.evil.example/", "/%0d%0aSet-Cookie:x=1"),
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(world, address):
    world.agent()
    location = sign_in(world.browser(), "maya@desk.example", next=address).headers["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    joined = requests.compat.urljoin(world.url, location)
    assert requests.compat.urlsplit(joined).netloc == requests.compat.urlsplit(world.url).netloc


def test_whoever_asked_for_a_page_gets_there_after_signing_in(world):
    world.agent()
    client = world.browser()
    asked = client.get("/desk/customers?q=li&page=2", allow_redirects=False)
    assert asked.status_code == 302
    form = client.get(asked.headers["Location"])
    assert "/desk/customers?q=li&amp;page=2" in form.text
    assert sign_in(client, "maya@desk.example", next="/desk/customers?q=li").headers["Location"] == "/desk/customers?q=li"


def test_after_signing_out_the_cookie_opens_nothing(world):
    maya = world.agent()
    client = world.browser(maya.email)
    kept = client.cookies["desk"]
    assert client.post("/logout").status_code == 302
    assert requests.get(world.url + "/desk", cookies={"desk": kept}, allow_redirects=False, timeout=60).status_code == 302
    assert world.one(select(StaffSession.ended_at)) is not None


@pytest.mark.parametrize("change", ["roles", "locked out", "time"])
def test_a_session_ends_with_a_change_of_roles_a_lock_out_and_after_twelve_hours(world, clock, change):
    maya = world.agent()
    client = world.browser(maya.email)
    clock.tick(11.9 * 3600)
    assert client.get("/desk").status_code == 200
    with world.tx() as tx:
        row = tx.session.get_one(Agent, maya.id)
        if change == "roles":
            agents.set_roles(tx, row, ["senior"])
        elif change == "locked out":
            agents.set_active(tx, row, False)
        else:
            clock.tick(0.2 * 3600)
    assert client.get("/desk", allow_redirects=False).headers["Location"].startswith("/login")
    refused = client.post("/desk/presence", data={"presence": "available"})
    assert refused.status_code == 401
    assert world.one(select(Agent.presence).where(Agent.id == maya.id)) == "offline"


def test_the_language_chosen_before_signing_in_stays(world):
    world.agent()
    client = world.browser()
    assert client.post("/language", data={"locale": "zh", "next": "/login"}).headers["Location"] == "/login"
    assert 'lang="zh' in client.get("/login").text
    sign_in(client, "maya@desk.example")
    assert 'lang="zh' in client.get("/desk").text
    assert client.post("/language", data={"locale": "fr"}).status_code == 422


def seen(page: str) -> str:
    """The page without what differs from one request to the next anyway."""
    return "\n".join(line for line in page.splitlines() if "csrf" not in line)


def test_the_parts_of_a_page_keep_its_language_when_they_are_fetched_again(world):
    world.agent()
    browser = world.browser("maya@desk.example")
    assert "处理中" in browser.get("/desk/worklist", headers={"X-Fragment": "1", "X-Language": "zh"}).text
    assert "处理中" not in browser.get("/desk/worklist", headers={"X-Fragment": "1"}).text
    assert "处理中" in browser.get("/desk/worklist?lang=zh", headers={"X-Language": "en"}).text
    assert browser.get("/desk/worklist", headers={"X-Language": "no such"}).ok
