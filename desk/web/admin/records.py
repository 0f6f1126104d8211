"""Administration: API tokens, who signed in, what happened, and how the system is."""

from __future__ import annotations

import platform
import secrets

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_babel import get_locale, gettext
from werkzeug.wrappers import Response

from desk.access import ROLES, Right
from desk.actions.people import tokens
from desk.days import day_of
from desk.errors import Invalid, NotFound
from desk.http.context import installation, is_fragment, me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.http.problems import say
from desk.mail_key import signing_key
from desk.models import ApiToken
from desk.queries import admin as seen
from desk.queries import audit
from desk.queries.board.board import start_of_day
from desk.queries.calls.carrier_state import carrier_state
from desk.queries.calls.closures import current_closure
from desk.queries.mail import ledger
from desk.queries.work.queues import names
from desk.web.admin.page import page
from desk.web.admin.words import happened
from desk.web.console import small
from desk.web.event_words import event_word

pages = Blueprint("admin_records", __name__)

OUTCOMES = ("ok", "wrong_password", "unknown", "inactive", "too_many")


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
            words = {name: request.form.get(name, "") for name in ("name", "role")}
            tokens.create(tx, **words, secret=secret, made_by=me(tx), held_by_id=request.form.get("held_by", type=small))
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
    return redirect(url_for("admin_records.all_tokens"), 303)


@pages.get("/admin/sign-ins")
@needs(Right.READ_AUDIT)
def sign_ins() -> str:
    outcome = request.args.get("outcome", "")
    with reading() as session:
        found = seen.sign_ins(
            session, viewer(), before=request.args.get("before", type=int), outcome=outcome if outcome in OUTCOMES else ""
        )
    return page("admin/sign_ins.html", found=found[: seen.PAGE], more=len(found) > seen.PAGE, outcome=outcome, outcomes=OUTCOMES)


@pages.get("/admin/audit")
@needs(Right.READ_AUDIT)
def audit_log() -> str:
    asked = {name: request.args.get(name, "").strip() for name in ("kind", "person", "ticket", "day")}
    errors = {}
    day = day_of(asked["day"])
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
        meant = names(session, str(get_locale())[:2])
    return page(
        "admin/audit.html",
        lines=lines[: audit.PAGE],
        more=len(lines) > audit.PAGE,
        asked=asked,
        errors=errors,
        persons=persons,
        nouns=audit.NOUNS,
        event_word=event_word,
        happened=lambda event: happened(event.kind, event.data, meant),
        queue_names=meant["queue_id"],
    )


@pages.get("/admin/health")
@needs(Right.ADMINISTER)
def health() -> str:
    desk = installation()
    background = current_app.extensions.get("background")
    now = desk.clock.now()
    with reading() as session:
        mail = seen.mail_state(session, start_of_day(now, desk.settings.timezone))
        mail_in = ledger.state(session, now)
        late, router = seen.late_timers(session, now), seen.router_state(session)
        closure = current_closure(session, now)
        phone = carrier_state(session)
        version = ".".join(str(part) for part in session.get_bind().dialect.server_version_info or ())
    template = "admin/_health.html" if is_fragment() else "admin/health.html"
    return page(
        template,
        now=now,
        parts=background.health() if background is not None else {},
        mail=mail,
        mail_in=mail_in,
        late=late,
        closure=closure,
        router=router,
        database=f"{desk.store.engine.dialect.name} {version}".strip(),
        carrier=desk.carrier.name,
        phone=phone,
        articles=desk.knowledge.count(),
        index_bytes=seen.folder_size(desk.data_dir / "knowledge"),
        file_bytes=seen.folder_size(desk.data_dir / "files"),
        python=platform.python_version(),
        settings=desk.settings,
        key=signing_key(desk.settings) if desk.settings.mail_relay else None,
    )


def _tokens(secret: str = "", errors: dict[str, str] | None = None) -> str:
    with reading() as session:
        people = seen.names_of_people(session)
        about = {"found": seen.tokens(session), "people": people, "names": dict(people)}
        return page("admin/tokens.html", **about, secret=secret, errors=errors or {}, roles=ROLES)
