"""Administration of people: who can sign in, with which roles, in which team, and how much work they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import ROLES, Right
from desk.actions.people import agents, teams
from desk.actions.work import channel_rules
from desk.config import LOCALES
from desk.errors import Conflict, Invalid
from desk.http.context import installation, is_fragment, reading, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.http.problems import say
from desk.models import Team
from desk.queries import admin as seen
from desk.store import Tx
from desk.web.admin.page import number, page

pages = Blueprint("admin", __name__)


@pages.get("/admin")
@needs(Right.ADMINISTER)
def people() -> str:
    search = request.args.get("q", "")
    name, _, key = request.args.get("after", "").rpartition(":")
    last = whole(key)
    after = None if last is None else (name, last)
    with reading() as session:
        found = seen.people(session, search=search, after=after)
    template = "admin/_people.html" if is_fragment() else "admin/people.html"
    return page(template, found=found[: seen.PAGE], more=len(found) > seen.PAGE, search=search)


@pages.get("/admin/people/new")
@needs(Right.ADMINISTER)
def new_person() -> str:
    return _new_person({}, {})


@pages.post("/admin/people/new")
@needs(Right.ADMINISTER)
def add_person() -> Response | tuple[str, int]:
    filled = {name: request.form.get(name, "") for name in ("email", "name", "team", "locale")}
    roles = request.form.getlist("roles")
    try:
        with writing() as tx:
            agent = agents.add_agent(
                tx,
                email=filled["email"],
                name=filled["name"],
                password=request.form.get("password", ""),
                roles=roles,
                team=_team(tx, filled["team"]),
                locale=filled["locale"] if filled["locale"] in LOCALES else "en",
            )
    except (Invalid, Conflict) as wrong:
        return _new_person({**filled, "roles": roles}, {_field_of(wrong): say(wrong)}), wrong.status
    flash(gettext("%(name)s can sign in now.", name=agent.name), "good")
    return redirect(url_for("admin.one_person", agent_id=agent.id), 303)


@pages.get("/admin/people/<int:agent_id>")
@needs(Right.ADMINISTER)
def one_person(agent_id: int) -> str:
    return _person(agent_id, {})


@pages.post("/admin/people/<int:agent_id>/<any(roles, active, team, capacity, sessions):what>")
@needs(Right.ADMINISTER)
def change_person(agent_id: int, what: str) -> Response | tuple[str, int]:
    """Each form of a person's page changes one thing."""
    try:
        with writing() as tx:
            _PERSON_CHANGES[what](tx, agent_id)
    except Invalid as wrong:
        return _person(agent_id, {what: say(wrong)}), wrong.status
    flash(gettext("Saved. It holds from now on."), "good")
    return redirect(url_for("admin.one_person", agent_id=agent_id), 303)


def _new_person(filled: dict[str, Any], errors: dict[str, str]) -> str:
    with reading() as session:
        return page("admin/new_person.html", filled=filled, errors=errors, teams=seen.teams(session), roles=ROLES)


def _person(agent_id: int, errors: dict[str, str]) -> str:
    with reading() as session:
        return page(
            "admin/person.html",
            person=seen.person(session, agent_id, installation().clock.now()),
            teams=seen.teams(session),
            roles=ROLES,
            errors=errors,
            filled_capacity=request.form.get("capacity", ""),
        )


def _set_roles(tx: Tx, agent_id: int) -> None:
    agents.set_roles(tx, seen.person(tx.session, agent_id, tx.now).agent, request.form.getlist("roles"))


def _set_active(tx: Tx, agent_id: int) -> None:
    agents.set_active(tx, seen.person(tx.session, agent_id, tx.now).agent, request.form.get("active") == "yes")


def _set_team(tx: Tx, agent_id: int) -> None:
    teams.set_team(tx, seen.person(tx.session, agent_id, tx.now).agent, _team(tx, request.form.get("team", "")))


def _set_capacity(tx: Tx, agent_id: int) -> None:
    agent = seen.person(tx.session, agent_id, tx.now).agent
    channel_rules.set_capacity(tx, agent, number(request.form.get("capacity", "")))


def _end_sessions(tx: Tx, agent_id: int) -> None:
    agents.end_sessions(tx, seen.person(tx.session, agent_id, tx.now).agent)


_PERSON_CHANGES: dict[str, Callable[[Tx, int], None]] = {
    "roles": _set_roles,
    "active": _set_active,
    "team": _set_team,
    "capacity": _set_capacity,
    "sessions": _end_sessions,
}


def _team(tx: Tx, key: str) -> Team | None:
    if not key:
        return None
    team = tx.session.get(Team, whole(key) or 0)
    if team is None:
        raise Invalid("There is no such team.")
    return team


def _field_of(wrong: Invalid | Conflict) -> str:
    """Which field of the form for a new person the sentence is about."""
    sentence = wrong.sentence.lower()
    for word, field in (("e-mail", "email"), ("password", "password"), ("roles", "roles"), ("team", "team")):
        if word in sentence:
            return field
    return "name"
