"""What supervisors do with calls from the board. Every step is in the audit; the agent sees it where the house wishes so."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.calls import help_wanted, supervision
from desk.actions.calls.locks import lock_call
from desk.actions.calls.supervision import supervised_call, supervisor_leg
from desk.errors import Conflict, NotFound
from desk.http.context import reading, viewer, writing
from desk.http.guard import needs
from desk.models import Agent, Call, HelpRequest, Queue
from desk.models.call import BARGE, LISTEN, WHISPER
from desk.queries.calls.live_call import agent_leg_sid
from desk.store import Tx
from desk.web.calls.calls import carry, line
from desk.web.console import done

pages = Blueprint("call_supervision", __name__)


@pages.post("/board/calls/<int:call_id>/listen")
@needs(Right.LISTEN_TO_CALLS)
def listen(call_id: int) -> Response:
    """Hear both, heard by nobody."""
    return _be(call_id, LISTEN)


@pages.post("/board/calls/<int:call_id>/whisper")
@needs(Right.LISTEN_TO_CALLS)
def whisper(call_id: int) -> Response:
    """Hear both, heard by the agent alone."""
    return _be(call_id, WHISPER)


@pages.post("/board/calls/<int:call_id>/barge")
@needs(Right.LISTEN_TO_CALLS)
def barge(call_id: int) -> Response:
    """Speak with both."""
    return _be(call_id, BARGE)


@pages.post("/board/calls/<int:call_id>/take-over")
@needs(Right.LISTEN_TO_CALLS)
def take_over(call_id: int) -> Response:
    """The call is the supervisor's from now on."""
    me = _me()
    with reading() as session:
        call = supervised_call(session, viewer(), call_id)
        leg, theirs = supervisor_leg(session, call, me), call.agent_id
    if leg is not None and leg.mode != BARGE:
        _change(call, leg.sid, BARGE, "")
    with writing() as tx:
        supervision.take_over(tx, _locked(tx, call_id), me, theirs)
    line().settle(call_id)
    return done(url_for("board.show"), toast=gettext("The call is yours now."), stay=True)


@pages.post("/board/calls/<int:call_id>/leave")
@needs(Right.LISTEN_TO_CALLS)
def leave(call_id: int) -> Response:
    """Leave the call to those who have it."""
    with writing() as tx:
        call = tx.session.get(Call, call_id)
        if call is None or supervisor_leg(tx.session, call, _me()) is None:
            raise NotFound("There is no such call.")
        supervision.leave(tx, call, _me())
    line().settle(call_id)
    return done(url_for("board.show"), stay=True)


@pages.post("/board/calls/<int:call_id>/move")
@needs(Right.SUPERVISE)
def move(call_id: int) -> Response:
    """Put the call into another queue."""
    with writing() as tx:
        call = _locked(tx, call_id)
        queue = tx.session.scalar(select(Queue).where(Queue.key == request.form.get("queue", "")))
        if queue is None:
            raise NotFound("There is no such queue.")
        supervision.move(tx, call, queue)
    line().settle(call_id)
    return done(url_for("board.show"), toast=gettext("The call has been passed on."), stay=True)


@pages.post("/board/help/<int:help_id>/answer")
@needs(Right.LISTEN_TO_CALLS)
def answer_help(help_id: int) -> Response:
    """Tell the agent that somebody is coming, and listen."""
    with writing() as tx:
        asked = tx.session.get(HelpRequest, help_id)
        if asked is None:
            raise NotFound("There is no such call.")
        call = supervised_call(tx.session, viewer(), asked.call_id)
        help_wanted.answer(tx, asked, tx.session.get_one(Agent, _me()))
    return _be(call.id, LISTEN)


def _be(call_id: int, mode: str) -> Response:
    """On the call in this way: rung into it, or changed there."""
    me = _me()
    with reading() as session:
        call = supervised_call(session, viewer(), call_id)
        supervision.check_mode(session, call, me)
        leg = supervisor_leg(session, call, me)
        agents = agent_leg_sid(session, call)
    coach = agents if mode == WHISPER else ""
    if mode == WHISPER and not agents:
        raise Conflict("The agent is not on the line just now.")
    if leg is None:
        carry(lambda: line().ring_supervisor(call, me, mode, coach=coach))
    elif leg.mode != mode:
        _change(call, leg.sid, mode, coach)
    if leg is None or leg.mode != mode:
        with writing() as tx:
            supervision.noted(tx, lock_call(tx, call_id), me, mode)
    return done(url_for("board.show"), stay=True)


def _change(call: Call, leg_sid: str, mode: str, coach: str) -> None:
    carrier = line().carrier
    carry(
        lambda: carrier.update_participant(
            call_sid=leg_sid, conference_sid=call.conference_sid, muted=mode == LISTEN, coach=coach
        )
    )


def _locked(tx: Tx, call_id: int) -> Call:
    lock_call(tx, supervised_call(tx.session, viewer(), call_id).id)
    return supervised_call(tx.session, viewer(), call_id)


def _me() -> int:
    return viewer().agent_id or 0
