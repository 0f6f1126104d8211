"""The wallboard for a screen that nobody is signed in at: a link that shows figures, no customer's name, and can do nothing.

It shows what its maker's own wallboard shows, and ends when they make another, take it back, or may not see the board any more.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, redirect, render_template, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, Viewer, viewer_of
from desk.errors import NotFound
from desk.http.context import installation, is_fragment, me, reading, viewer, writing
from desk.http.guard import needs, signed
from desk.models import Agent, Setting
from desk.queries.board.board import board
from desk.web.wall import turning
from desk.web.words import everything

pages = Blueprint("wall_link", __name__)


@pages.post("/wallboard/link")
@needs(Right.SUPERVISE)
def make() -> Response:
    """A link; one that was given out before ends."""
    with writing() as tx:
        tx.session.merge(Setting(key=_kept_at(me(tx).id), value=secrets.token_urlsafe(18)))
        tx.emit("setting.wall_link_made", agent=me(tx))
    return redirect(url_for("board.wall"), 303)


@pages.post("/wallboard/link/end")
@needs(Right.SUPERVISE)
def end() -> Response:
    """The link shows nothing any more."""
    with writing() as tx:
        kept = tx.session.get(Setting, _kept_at(me(tx).id))
        if kept is not None:
            tx.session.delete(kept)
            tx.emit("setting.wall_link_ended", agent=me(tx))
    return redirect(url_for("board.wall"), 303)


@pages.get("/wallboard/<link>")
@signed
def show(link: str) -> str:
    desk = installation()
    with reading() as session:
        seen = board(session, _whose(session, link), desk.clock.now(), desk.settings.timezone)
    page = "board/_wall.html" if is_fragment() else "board/wall_link.html"
    return render_template(page, board=seen, turning=turning(seen.all_queues), zone=desk.settings.timezone, terms=everything())


def link_of_viewer(session: Session) -> str:
    """The address that the viewer has given out; empty when there is none."""
    agent_id = viewer().agent_id
    kept = session.get(Setting, _kept_at(agent_id)) if agent_id is not None else None
    return "" if kept is None else url_for("board.wall_link.show", link=_keys().dumps([agent_id, kept.value]), _external=True)


def _whose(session: Session, link: str) -> Viewer:
    """By whose eyes the link sees; raises `NotFound` for one that is nobody's, or nobody's any more."""
    nothing = NotFound("This link shows nothing any more. Ask for a new one.")
    try:
        agent_id, secret = _keys().loads(link)
    except (BadSignature, ValueError, TypeError):
        raise nothing from None
    kept, agent = session.get(Setting, _kept_at(agent_id)), session.get(Agent, agent_id)
    if kept is None or agent is None or not agent.active or not secrets.compare_digest(kept.value, secret):
        raise nothing
    maker = viewer_of(agent)
    if not maker.can(Right.SUPERVISE):
        raise nothing
    return maker


def _kept_at(agent_id: int) -> str:
    return f"wallboard.link.{agent_id}"


def _keys() -> URLSafeSerializer:
    return URLSafeSerializer(installation().secret, salt="wallboard")
