"""Sessions of staff: good for a time, ended at once when something changes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk.actions.people import agents, sessions
from desk.actions.people.sessions import WrongSignIn
from desk.errors import Conflict, Invalid, TooMany
from desk.events import Actor
from desk.models import Agent, SignIn, StaffSession, Team

PASSWORD = "a good password"


@pytest.fixture
def maya(house):
    with house.tx() as tx:
        team = tx.session.scalars(select(Team)).first()
        return agents.add_agent(tx, email="maya@desk.example", name="Maya", password=PASSWORD, roles=["agent"], team=team)


def attempt(house, email="maya@desk.example", password=PASSWORD, address="10.0.0.1"):
    with house.tx() as tx:
        return sessions.attempt(tx, email, password, address=address, browser="Browser")


def who(house, token):
    with house.store.read() as reading:
        return sessions.signed_in(reading, token, house.clock.now())


def test_a_session_is_good_for_twelve_hours(house, maya):
    token, agent = attempt(house)
    assert agent.id == maya.id
    house.tick(12 * 3600 - 1)
    assert who(house, token).id == maya.id
    house.tick(1)
    assert who(house, token) is None
    assert who(house, "another token") is None
    assert token not in house.one(select(StaffSession.token_hash))


def test_every_attempt_is_on_record(house, maya):
    assert isinstance(attempt(house, password="wrong"), WrongSignIn)
    assert isinstance(attempt(house, email="nobody@desk.example"), WrongSignIn)
    attempt(house)
    assert house.all(select(SignIn.outcome).order_by(SignIn.id)) == ["wrong_password", "unknown", "ok"]
    assert house.kinds("agent.signed") == ["agent.signed_in"]


def test_too_many_attempts_are_refused_until_the_window_has_passed(house, maya):
    for _ in range(sessions.PER_EMAIL):
        assert isinstance(attempt(house, password="wrong"), WrongSignIn)
    assert isinstance(attempt(house), TooMany)
    assert isinstance(attempt(house, address="10.9.9.9"), TooMany)
    house.tick(601)
    assert not isinstance(attempt(house), TooMany)


def test_signing_out_ends_one_session_and_may_be_done_twice(house, maya):
    (first, _), (second, _) = attempt(house), attempt(house)
    for _ in range(2):
        with house.tx() as tx:
            sessions.sign_out(tx, first)
    assert who(house, first) is None
    assert who(house, second).id == maya.id
    assert house.kinds("agent.signed_out") == ["agent.signed_out"]


@pytest.mark.parametrize("change", ["roles", "active"])
def test_new_roles_and_a_lock_out_end_every_session(house, maya, change):
    tokens = [attempt(house)[0] for _ in range(2)]
    with house.tx() as tx:
        row = tx.session.get_one(Agent, maya.id)
        agents.set_roles(tx, row, ["senior"]) if change == "roles" else agents.set_active(tx, row, False)
    assert [who(house, token) for token in tokens] == [None, None]


def test_nobody_changes_their_own_roles_or_locks_themselves_out(house, maya):
    me = Actor("agent", maya.id, "Maya")
    for verb, value in ((agents.set_roles, ["admin"]), (agents.set_active, False)):
        with pytest.raises(Invalid), house.tx(me) as tx:
            verb(tx, tx.session.get_one(Agent, maya.id), value)
    assert house.again(maya).roles == ["agent"]
    assert house.again(maya).active


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"name": " "}, {"password": "short"}, {"roles": ["emperor"]}, {"roles": []}]
)
def test_a_person_who_cannot_be_is_refused(house, wrong):
    given = {"email": "new@desk.example", "name": "New", "password": PASSWORD, "roles": ["agent"], "team": None}
    with pytest.raises(Invalid), house.tx() as tx:
        agents.add_agent(tx, **{**given, **wrong})
    assert house.all(select(Agent)) == []


def test_an_address_belongs_to_one_person(house, maya):
    with pytest.raises(Conflict), house.tx() as tx:
        agents.add_agent(tx, email=" MAYA@desk.example", name="Other", password=PASSWORD, roles=["agent"], team=None)
