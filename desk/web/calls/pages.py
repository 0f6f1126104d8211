"""Calls to read: the list, one call with its times and its sound; and the dialler, which says what a typed number is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer
from desk.days import day_of
from desk.http.context import installation, reading, viewer
from desk.http.guard import needs
from desk.models import Queue
from desk.queries.board.calls_now import calls_now
from desk.queries.calls.dialling import dialling
from desk.queries.calls.listing import OUTCOMES, PAGE, CallQuestion, call_list, people_on_calls
from desk.queries.calls.page import access_call, call_page
from desk.queries.calls.recordings import may_hear
from desk.queries.chats.silence import silent_chats
from desk.web import words
from desk.web.calls.words import CALL_OUTCOMES, ENDED_BY, SPANS, call_event
from desk.web.console import may_enter, small

pages = Blueprint("call_pages", __name__)


@pages.get("/desk/calls")
@needs(Right.SIGNED_IN)
def all_of_them() -> str:
    may_enter()
    with reading() as session:
        queues = session.scalars(select(Queue).order_by(Queue.position, Queue.id)).all()
        return render_template("calls/list.html", queues=queues, people=people_on_calls(session, viewer()), **_list(session))


@pages.get("/desk/calls/rows")
@needs(Right.SIGNED_IN)
def rows() -> str:
    may_enter()
    with reading() as session:
        return render_template("calls/_rows.html", **_list(session))


@pages.get("/desk/calls/<int:call_id>")
@needs(Right.SIGNED_IN)
def one(call_id: int) -> str:
    may_enter()
    with reading() as session:
        return render_template("calls/one.html", **_page(session, call_id))


@pages.get("/desk/calls/<int:call_id>/body")
@needs(Right.SIGNED_IN)
def body(call_id: int) -> str:
    may_enter()
    with reading() as session:
        return render_template("calls/_body.html", **_page(session, call_id))


@pages.get("/desk/dialer")
@needs(Right.TAKE_WORK)
def dialer() -> str:
    """The dialler: empty, with a number, or with a way to reach a customer that was chosen."""
    asked = request.args
    with reading() as session:
        found = dialling(
            session,
            viewer(),
            number=asked.get("number", ""),
            contact_id=asked.get("contact", type=small),
            ticket_number=asked.get("ticket", type=small),
        )
    page = "console/_dialer_about.html" if asked.get("about") else "console/_dialer.html"
    return render_template(page, found=found, words=words.everything())


@pages.get("/board/calls")
@needs(Right.SUPERVISE)
def now() -> str:
    """The calls on the line, as a part of the board."""
    with reading() as session:
        return render_template("board/_calls.html", floor=calls_now(session, viewer()), terms=words.everything())


@pages.get("/board/help")
@needs(Right.SUPERVISE)
def asking() -> str:
    """Who asks for help in a call, as a part of the board."""
    with reading() as session:
        floor, silent = calls_now(session, viewer()), silent_chats(session, viewer())
        return render_template("board/_help.html", floor=floor, silent=silent, terms=words.everything())


def live_topics(who: Viewer, *more: str) -> str:
    """What changes calls on a page: what the board hears for supervisors, what their own phone hears for others."""
    return " ".join(["board" if who.can(Right.SUPERVISE) else f"phone:{who.agent_id}", *more])


def _list(session: Session) -> dict[str, Any]:
    asked = request.args
    question = CallQuestion(
        first=day_of(asked.get("from", "")),
        last=day_of(asked.get("to", "")),
        queue_id=asked.get("queue", type=small),
        agent_id=asked.get("agent", type=small),
        outcome=asked.get("outcome", "") if asked.get("outcome", "") in OUTCOMES else "",
        number=asked.get("number", "")[:40],
    )
    before = asked.get("before", type=int)
    found = call_list(session, viewer(), question, installation().settings.timezone, before=before)
    kept = {name: value for name, value in asked.items() if value and name not in ("before", "lang")}
    later = url_for("call_pages.all_of_them", **{**kept, "before": found[PAGE - 1].call.id}) if len(found) > PAGE else None
    return {
        "rows": found[:PAGE],
        "asked": asked,
        "kept": kept,
        "later": later,
        "first_page": url_for("call_pages.all_of_them", **kept) if before else None,
        "outcomes": CALL_OUTCOMES,
        "words": words.everything(),
        "topics": live_topics(viewer()),
    }


def _page(session: Session, call_id: int) -> dict[str, Any]:
    call = access_call(session, viewer(), call_id)
    page = call_page(session, viewer(), call, installation().clock.now())
    audible = {each.recording.id for each in page.sounds if may_hear(session, viewer(), each.recording, call)}
    return {
        "page": page,
        "audible": audible,
        "spans": SPANS,
        "ended_by": ENDED_BY,
        "call_event": call_event,
        "words": words.everything(),
        "topics": live_topics(viewer(), *([f"ticket:{page.ticket.number}"] if page.ticket else [])),
    }
