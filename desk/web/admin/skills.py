"""Who can do what: the matrix of people and skills, edited in place or for several at once, and one person through time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.people import agents
from desk.errors import Conflict, DeskError, Invalid, NotFound
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.http.problems import say
from desk.models import Agent, Team
from desk.queries.admin import teams
from desk.queries.people import skill_matrix as seen
from desk.queries.people.skills import known_skills
from desk.web.admin.page import number, page

pages = Blueprint("admin_skills", __name__)

MOST_AT_ONCE = 200


@pages.get("/admin/skills")
@needs(Right.READ_SETTINGS)
def matrix() -> str:
    return _matrix({}, {})


@pages.post("/admin/skills")
@needs(Right.SET_SKILLS)
def give() -> Response | tuple[str, int]:
    """Set one skill of everybody who is ticked."""
    typed = {name: request.form.get(name, "").strip() for name in ("skill", "level", "since", "until")}
    chosen = sorted({number(each) for each in request.form.getlist("agent")})[:MOST_AT_ONCE]
    errors: dict[str, str] = {}
    span = _span(typed, errors)
    if not chosen:
        errors["give"] = gettext("Tick the people first.")
    if not errors:
        try:
            with writing() as tx:
                for agent_id in chosen:
                    agent = seen.access_to_skills(tx.session, viewer(), agent_id)
                    agents.set_skill(tx, agent, typed["skill"], number(typed["level"]), *span)
        except Invalid as wrong:
            errors[_field_of(wrong)] = say(wrong)
    if errors:
        return _matrix(typed, errors, chosen), 422
    count = len(chosen)
    flash(ngettext("Set for %(num)s person. It holds now.", "Set for %(num)s people. It holds now.", count), "good")
    here = {name: request.args.get(name) for name in ("team", "q", "after", "from")}
    return redirect(url_for("admin_skills.matrix", **here), 303)


@pages.post("/admin/skills/cell")
@needs(Right.SET_SKILLS)
def set_cell() -> tuple[str, int]:
    """One level, typed into the matrix; `was` is what stood there. Answers with the cell as it is now, whatever became of it."""
    agent_id, skill = number(request.form.get("agent", "")), request.form.get("skill", "").strip().lower()
    was, level = request.form.get("was", ""), request.form.get("level", "").strip()
    status, problem = 200, ""
    try:
        with writing() as tx:
            agent = seen.access_to_skills(tx.session, viewer(), agent_id)
            tx.session.refresh(agent, with_for_update=True)
            now = seen.one_cell(tx.session, tx.now, agent_id, skill).level
            if was != str(now or ""):
                raise Conflict("Somebody else has just changed this level. Look at it; if yours is right, type it again.")
            agents.change_level(tx, agent, skill, number(level) if level else None)
    except (Invalid, Conflict) as wrong:
        status, problem = wrong.status, say(wrong)
    with reading() as session:
        cell = seen.one_cell(session, installation().clock.now(), agent_id, skill)
        person = session.get(Agent, agent_id)
        if person is None:
            raise NotFound("There is no such person.")
        return page("admin/_cell_alone.html", agent=person, skill=skill, cell=cell, may=True, problem=problem), status


@pages.get("/admin/skills/<int:agent_id>")
@needs(Right.READ_SETTINGS)
def one_person(agent_id: int) -> str:
    return _person(agent_id, {}, {})


@pages.post("/admin/skills/<int:agent_id>")
@needs(Right.SET_SKILLS)
def set_skill(agent_id: int) -> Response | tuple[str, int]:
    """Give or change a skill from a day to a day, or with `end` take it away for that time."""
    typed = {name: request.form.get(name, "").strip() for name in ("skill", "level", "since", "until")}
    errors: dict[str, str] = {}
    span = _span(typed, errors)
    try:
        with writing() as tx:
            agent = seen.access_to_skills(tx.session, viewer(), agent_id)
            if not errors:
                level = None if request.form.get("end") == "yes" else number(typed["level"])
                agents.set_skill(tx, agent, typed["skill"], level, *span)
    except Invalid as wrong:
        errors[_field_of(wrong)] = say(wrong)
    if errors:
        return _person(agent_id, typed, errors), 422
    flash(gettext("Saved."), "good")
    return redirect(url_for("admin_skills.one_person", agent_id=agent_id), 303)


def _matrix(typed: dict[str, str], errors: dict[str, str], chosen: list[int] | None = None) -> str:
    name, _, key = request.args.get("after", "").rpartition(":")
    last = whole(key)
    asked = {field: request.args.get(field, "").strip() for field in ("team", "q")}
    first = request.args.get("from", 0, type=int)
    with reading() as session:
        now = installation().clock.now()
        found = seen.matrix(
            session,
            now,
            team_id=whole(asked["team"]),
            search=asked["q"],
            after=None if last is None else (name, last),
            first=first if 0 <= first < 10_000 else 0,
        )
        return page(
            "admin/skills.html",
            found=found,
            first=first,
            step=seen.MOST_SKILLS,
            asked=asked,
            teams=teams(session),
            may={agent.id for agent, _ in found.people if seen.may_set_skills(viewer(), agent)},
            typed=typed,
            errors=errors,
            chosen=chosen or [],
            today=_today(),
        )


def _person(agent_id: int, typed: dict[str, str], errors: dict[str, str]) -> str:
    with reading() as session:
        agent = session.get(Agent, agent_id)
        if agent is None:
            raise NotFound("There is no such person.")
        return page(
            "admin/person_skills.html",
            agent=agent,
            team=session.get(Team, agent.team_id) if agent.team_id else None,
            spells=seen.spells(session, installation().clock.now(), agent_id),
            skills=known_skills(session),
            may=seen.may_set_skills(viewer(), agent),
            typed=typed,
            errors=errors,
            today=_today(),
            last_day=_last_day,
        )


def _span(typed: dict[str, str], errors: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """From the first day (today means now) until the end of the last; what is no day is noted in `errors`."""
    days = {}
    for name in ("since", "until"):
        try:
            days[name] = date.fromisoformat(typed[name]) if typed[name] else None
        except ValueError:
            days[name] = None
        if typed[name] and (days[name] is None or not 2000 < days[name].year < 2200):
            errors[name] = gettext("This is no day. Write it like 2026-03-31.")
    if errors:
        return None, None
    since, until = days["since"], days["until"]
    return (
        None if since is None or since == _today() else _midnight(since),
        None if until is None else _midnight(until + timedelta(days=1)),
    )


def _field_of(wrong: DeskError) -> str:
    """Which field the sentence is about."""
    words = (("level", "level"), ("past", "since"), ("last day", "until"))
    return next((field for word, field in words if word in wrong.sentence.lower()), "skill")


def _zone() -> ZoneInfo:
    return ZoneInfo(installation().settings.timezone)


def _today() -> date:
    return installation().clock.now().astimezone(_zone()).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), _zone())


def _last_day(until: datetime) -> date:
    """The last day on which it still holds, at least in part."""
    return (until.astimezone(_zone()) - timedelta(microseconds=1)).date()
