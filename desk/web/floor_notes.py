"""A few words of a supervisor to somebody of their team: written on the board, read on whatever page that person is."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.work.floor_notes import LONGEST, mark_seen, write_to
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.queries.board.board import access_agent
from desk.queries.board.floor_notes import notes_to, own_note, unseen_of
from desk.web.console import done

pages = Blueprint("floor_notes", __name__)


@pages.get("/board/agents/<int:agent_id>/notes")
@needs(Right.SUPERVISE)
def to_agent(agent_id: int) -> str:
    """What has been written to them, what of it they have seen, and a field for more."""
    with reading() as session:
        agent = access_agent(session, viewer(), agent_id)
        return render_template("board/_notes.html", agent=agent, notes=notes_to(session, agent.id), longest=LONGEST)


@pages.post("/board/agents/<int:agent_id>/notes")
@needs(Right.SUPERVISE)
def write(agent_id: int) -> Response:
    with writing() as tx:
        agent = access_agent(tx.session, viewer(), agent_id)
        write_to(tx, agent, me(tx), request.form.get("text", ""))
    return done("/board", toast=gettext("%(name)s can read it now.", name=agent.name), stay=True)


@pages.get("/desk/notes")
@needs(Right.TAKE_WORK)
def own() -> str:
    """What somebody has written to the viewer and they have not seen."""
    with reading() as session:
        notes = unseen_of(session, viewer().agent_id or 0)
        return render_template("console/_notes.html", notes=notes, now=installation().clock.now())


@pages.post("/desk/notes/<int:note_id>/seen")
@needs(Right.TAKE_WORK)
def seen(note_id: int) -> Response:
    with writing() as tx:
        mark_seen(tx, own_note(tx.session, viewer(), note_id))
    return done("/desk", stay=True)
