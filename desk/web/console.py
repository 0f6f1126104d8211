"""The agent console's frame: what every page of it shows (own presence, the call, the work list), and its live parts."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, Viewer, shown_name
from desk.actions.work import presence
from desk.actions.work.presence import AWAY_REASONS
from desk.errors import NotAllowed
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Agent
from desk.queries.calls.strip import call_strip
from desk.queries.work.concerns import concerns
from desk.queries.work.work_list import work_list
from desk.web import words

pages = Blueprint("console", __name__)
SECRET_LINK = re.compile(r"(/(?:track|survey|complaints/received)/)[\w-]{16,}")


@pages.app_template_filter("person")
def person(name: str) -> str:
    """A person's name as the viewer may see it."""
    return shown_name(viewer(), name)


@pages.app_template_filter("keyless")
def keyless(text: str) -> str:
    """A text without the secret part of customers' own links: who has it acts as the customer, and rates our work."""
    return SECRET_LINK.sub(r"\1…", text)


@pages.get("/desk")
@needs(Right.SIGNED_IN)
def index() -> Response | str:
    may_enter()
    if not viewer().can(Right.TAKE_WORK):
        return redirect(url_for("tickets.all_of_them"))
    with reading() as session:
        return render_template("console/index.html", **frame(session))


@pages.get("/desk/worklist")
@needs(Right.SIGNED_IN)
def worklist() -> str:
    may_enter()
    with reading() as session:
        return render_template(
            "console/_worklist.html",
            work=work_list(session, viewer(), installation().clock.now()),
            open_number=request.args.get("open", type=small),
            words=words.everything(),
        )


@pages.get("/desk/presence")
@needs(Right.TAKE_WORK)
def own_presence() -> str:
    with reading() as session:
        return render_template("console/_presence.html", words=words.everything(), **_self(session))


@pages.get("/desk/welcome")
@needs(Right.TAKE_WORK)
def welcome() -> str:
    with reading() as session:
        return render_template("console/_welcome.html", **_self(session))


@pages.post("/desk/presence")
@needs(Right.TAKE_WORK)
def set_presence() -> Response:
    reason = request.form.get("reason", "")
    with writing() as tx:
        agent = me(tx)
        presence.set_presence(tx, agent, request.form.get("presence", ""), reason)
    return done(url_for("console.index"), stay=True)


def frame(session: Session, number: int | None = None) -> dict[str, Any]:
    """What the frame of every console page needs; `number` is the ticket that is open beside the list.

    Who goes from one of them to another has the bars around it already, and asks for the panes alone.
    """
    who, only_panes = viewer(), request.headers.get("X-Part") == "panes"
    there = concerns(session, who)
    return {
        "work": work_list(session, who, installation().clock.now(), there),
        "strip": call_strip(session, who, there) if who.can(Right.TAKE_WORK) and not only_panes else None,
        "open_number": number,
        "words": words.everything(),
        "only_panes": only_panes,
        **_self(session),
    }


def may_enter(who: Viewer | None = None) -> None:
    """The console is for those who work on tickets or may read them; raises `NotAllowed` for the others."""
    who = who or viewer()
    if not any(who.can(right) for right in (Right.TAKE_WORK, Right.READ_TICKETS, Right.READ_COMPLAINTS)):
        raise NotAllowed("Your role does not allow this.")


def small(text: str) -> int:
    """A number that fits into a column, for `type=`; raises `ValueError` for any other, which then counts as not given."""
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError(text)
    return value


def done(path: str, *, toast: str = "", kind: str = "good", stay: bool = False) -> Response:
    """The answer to an action: scripts are told where to go next (or to stay) and what to say, other browsers are sent there."""
    if request.headers.get("HX-Request") != "true":
        return redirect(path, 303)
    response = make_response("", 204)
    events: dict[str, Any] = {"desk:done": {"path": "" if stay else path}}
    if toast:
        events["toast"] = {"text": toast, "kind": kind}
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def _self(session: Session) -> dict[str, Any]:
    return {"me": session.get(Agent, viewer().agent_id), "away_reasons": AWAY_REASONS}
