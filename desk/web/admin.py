"""Administration: people, queues, tokens, who signed in, what happened, and how the system is."""

from __future__ import annotations

import platform
import secrets
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import ROLES, Right
from desk.actions import agents, queues, teams, tokens
from desk.config import LOCALES
from desk.errors import Conflict, Invalid, NotFound
from desk.http.context import installation, is_fragment, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.http.problems import say
from desk.models import ApiToken, Team
from desk.queries import admin as seen
from desk.queries import audit
from desk.store import Tx
from desk.web.words import everything
from routing.choice import MODES
from routing.order import TARGETS_S, TIERS

pages = Blueprint("admin", __name__)

OUTCOMES = ("ok", "wrong_password", "unknown", "inactive", "too_many")


@pages.get("/admin")
@needs(Right.ADMINISTER)
def people() -> str:
    search = request.args.get("q", "")
    name, _, key = request.args.get("after", "").rpartition(":")
    last = whole(key)
    after = None if last is None else (name, last)
    with reading() as session:
        found = seen.people(session, search=search, after=after)
    page = "admin/_people.html" if is_fragment() else "admin/people.html"
    return _page(page, found=found[: seen.PAGE], more=len(found) > seen.PAGE, search=search)


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


@pages.post("/admin/people/<int:agent_id>/<any(roles, active, team, skill, sessions):what>")
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


@pages.get("/admin/queues")
@needs(Right.ADMINISTER)
def all_queues() -> str:
    with reading() as session:
        return _page("admin/queues.html", found=seen.queues(session))


@pages.get("/admin/queues/<int:queue_id>")
@needs(Right.ADMINISTER)
def one_queue(queue_id: int) -> str:
    return _queue(queue_id, {})


@pages.post("/admin/queues/<int:queue_id>")
@needs(Right.ADMINISTER)
def change_queue(queue_id: int) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            queues.set_queue(tx, seen.queue(tx.session, queue_id), **_queue_form())
    except Invalid as wrong:
        return _queue(queue_id, {name: gettext(sentence) for name, sentence in wrong.fields.items()}), wrong.status
    flash(gettext("Saved. What comes in from now on goes by it; what waits keeps its place."), "good")
    return redirect(url_for("admin.one_queue", queue_id=queue_id), 303)


@pages.get("/admin/tokens")
@needs(Right.ADMINISTER)
def all_tokens() -> str:
    return _tokens()


@pages.post("/admin/tokens")
@needs(Right.ADMINISTER)
def create_token() -> str | tuple[str, int]:
    """The secret is in this one answer and nowhere else."""
    secret = secrets.token_urlsafe(32)
    try:
        with writing() as tx:
            tokens.create(tx, name=request.form.get("name", ""), role=request.form.get("role", ""), secret=secret)
    except Invalid as wrong:
        field = "name" if not request.form.get("name", "").strip() else "role"
        return _tokens(errors={field: say(wrong)}), wrong.status
    return _tokens(secret=secret)


@pages.post("/admin/tokens/<int:token_id>/revoke")
@needs(Right.ADMINISTER)
def revoke_token(token_id: int) -> Response:
    with writing() as tx:
        token = tx.session.get(ApiToken, token_id)
        if token is None:
            raise NotFound("There is no such token.")
        tokens.revoke(tx, token)
    flash(gettext("The token opens nothing any more."), "good")
    return redirect(url_for("admin.all_tokens"), 303)


@pages.get("/admin/sign-ins")
@needs(Right.READ_AUDIT)
def sign_ins() -> str:
    outcome = request.args.get("outcome", "")
    with reading() as session:
        found = seen.sign_ins(
            session, viewer(), before=request.args.get("before", type=int), outcome=outcome if outcome in OUTCOMES else ""
        )
    return _page("admin/sign_ins.html", found=found[: seen.PAGE], more=len(found) > seen.PAGE, outcome=outcome, outcomes=OUTCOMES)


@pages.get("/admin/audit")
@needs(Right.READ_AUDIT)
def audit_log() -> str:
    asked = {name: request.args.get(name, "").strip() for name in ("kind", "person", "ticket", "day")}
    errors = {}
    day = _day(asked["day"])
    if asked["day"] and day is None:
        errors["day"] = gettext("This is no day. Write it like 2026-03-31.")
    number = whole(asked["ticket"].lstrip("#"))
    if asked["ticket"] and number is None:
        errors["ticket"] = gettext("A ticket number has only digits.")
    with reading() as session:
        lines = (
            []
            if errors
            else audit.audit_log(
                session,
                viewer(),
                kind=asked["kind"],
                agent_id=whole(asked["person"]),
                number=number,
                day=day,
                zone=installation().settings.timezone,
                before=request.args.get("before", type=int),
            )
        )
        persons = audit.audited_people(session, viewer())
    return _page(
        "admin/audit.html",
        lines=lines[: audit.PAGE],
        more=len(lines) > audit.PAGE,
        asked=asked,
        errors=errors,
        persons=persons,
        nouns=audit.NOUNS,
    )


@pages.get("/admin/health")
@needs(Right.ADMINISTER)
def health() -> str:
    desk = installation()
    background = current_app.extensions.get("background")
    now = desk.clock.now()
    with reading() as session:
        mail, late, router = seen.mail_state(session), seen.late_timers(session, now), seen.router_state(session)
        version = ".".join(str(part) for part in session.get_bind().dialect.server_version_info or ())
    page = "admin/_health.html" if is_fragment() else "admin/health.html"
    return _page(
        page,
        now=now,
        parts=background.health() if background is not None else {},
        mail=mail,
        late=late,
        router=router,
        database=f"{desk.store.engine.dialect.name} {version}".strip(),
        carrier=desk.carrier.name,
        articles=desk.knowledge.count(),
        index_bytes=seen.folder_size(desk.data_dir / "knowledge"),
        file_bytes=seen.folder_size(desk.data_dir / "files"),
        python=platform.python_version(),
        settings=desk.settings,
        mask=audit.masked_data,
    )


def _page(template: str, **values: Any) -> str:
    return render_template(template, terms=everything(), **values)


def _new_person(filled: dict[str, Any], errors: dict[str, str]) -> str:
    with reading() as session:
        return _page("admin/new_person.html", filled=filled, errors=errors, teams=seen.teams(session), roles=ROLES)


def _person(agent_id: int, errors: dict[str, str]) -> str:
    with reading() as session:
        return _page(
            "admin/person.html",
            person=seen.person(session, agent_id, installation().clock.now()),
            teams=seen.teams(session),
            skills=seen.known_skills(session),
            roles=ROLES,
            errors=errors,
        )


def _set_roles(tx: Tx, agent_id: int) -> None:
    agents.set_roles(tx, seen.person(tx.session, agent_id, tx.now).agent, request.form.getlist("roles"))


def _set_active(tx: Tx, agent_id: int) -> None:
    agents.set_active(tx, seen.person(tx.session, agent_id, tx.now).agent, request.form.get("active") == "yes")


def _set_team(tx: Tx, agent_id: int) -> None:
    teams.set_team(tx, seen.person(tx.session, agent_id, tx.now).agent, _team(tx, request.form.get("team", "")))


def _set_skill(tx: Tx, agent_id: int) -> None:
    level = request.form.get("level", "")
    if level and whole(level) is None:
        raise Invalid("A skill level is a number from 1 to 10.")
    agent = seen.person(tx.session, agent_id, tx.now).agent
    agents.set_skill(tx, agent, request.form.get("skill", ""), whole(level))


def _end_sessions(tx: Tx, agent_id: int) -> None:
    agents.end_sessions(tx, seen.person(tx.session, agent_id, tx.now).agent)


_PERSON_CHANGES: dict[str, Callable[[Tx, int], None]] = {
    "roles": _set_roles,
    "active": _set_active,
    "team": _set_team,
    "skill": _set_skill,
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


def _queue(queue_id: int, errors: dict[str, str]) -> str:
    with reading() as session:
        queue = seen.queue(session, queue_id)
        return _page(
            "admin/queue.html",
            queue=queue,
            filled=request.form if errors else None,
            skills=seen.known_skills(session),
            errors=errors,
            modes=tuple(MODES),
            targets=TARGETS_S,
            tiers=TIERS,
        )


def _queue_form() -> dict[str, Any]:
    """The form as `set_queue` takes it; what is no number becomes one that is refused."""
    form = request.form
    pairs = zip(form.getlist("skill"), form.getlist("level"), strict=False)
    targets: dict[str, dict[str, int]] = {}
    for channel in TARGETS_S:
        for tier in TIERS:
            text = form.get(f"{channel}.{tier}", "").strip()
            if text:
                targets.setdefault(channel, {})[tier] = _number(text)
    return {
        "name": form.get("name", ""),
        "name_zh": form.get("name_zh", ""),
        "requires": [[skill.strip().lower(), _number(level)] for skill, level in pairs if skill.strip()],
        "targets": targets,
        "choice": form.get("choice", ""),
        "offer_timeout_s": _number(form.get("offer_timeout_s", "")),
        "wrap_up_s": _number(form.get("wrap_up_s", "")),
    }


def _number(text: str) -> int:
    number = whole(text.strip())
    return -1 if number is None else number


def _tokens(secret: str = "", errors: dict[str, str] | None = None) -> str:
    with reading() as session:
        return _page("admin/tokens.html", found=seen.tokens(session), secret=secret, errors=errors or {}, roles=ROLES)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1 < day.year < 9999 else None  # in another time zone the first and last day of all lie outside of the calendar
