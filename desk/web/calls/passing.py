"""Passing a call on: to a queue, a colleague or a number, at once or after asking them."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.calls import calls, legs, transfers
from desk.actions.calls.locks import lock_call
from desk.actions.calls.segments import is_on_hold
from desk.actions.calls.states import check
from desk.actions.calls.transfers import AGENT_GOAL, NUMBER_GOAL, QUEUE_GOAL, Goal, read_goal
from desk.errors import Conflict, DeskError
from desk.http.context import change, installation, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Call
from desk.models.call import TALKING, THIRD
from desk.queries.calls.live_call import held_call, other_leg
from desk.queries.calls.targets import call_targets
from desk.store import Tx
from desk.web import words
from desk.web.calls.calls import carry, held, line, mine, settled

pages = Blueprint("call_passing", __name__)


@pages.get("/desk/calls/<int:call_id>/targets")
@needs(Right.TAKE_WORK)
def targets(call_id: int) -> str:
    """Who and what this call can be passed on to."""
    now = installation().clock.now()
    with reading() as session:
        call = held_call(session, viewer(), call_id)
        found = call_targets(session, viewer(), now, request.args.get("q", ""), consult=request.args.get("mode") == "consult")
        return render_template(
            "console/_targets.html",
            call=call,
            targets=found,
            mode=request.args.get("mode", "transfer"),
            words=words.everything(),
        )


@pages.post("/desk/calls/<int:call_id>/transfer")
@needs(Right.TAKE_WORK)
def transfer(call_id: int) -> Response:
    """Pass the call on without asking first."""

    def pass_on(tx: Tx) -> tuple[Call, Goal]:
        call = mine(tx, call_id)
        goal = read_goal(request.form.get("to", ""), QUEUE_GOAL, AGENT_GOAL, NUMBER_GOAL)
        transfers.transfer(tx, call, goal, request.form.get("note", ""))
        return call, goal

    call, goal = change(pass_on)
    if goal.kind == NUMBER_GOAL:
        _ring_third(call, goal.key, alone=True)
    return settled(call_id, gettext("The call has been passed on."))


@pages.post("/desk/calls/<int:call_id>/consult")
@needs(Right.TAKE_WORK)
def consult(call_id: int) -> Response:
    """Ask somebody while the customer hears music."""
    call, _leg = held(call_id)
    goal = read_goal(request.form.get("to", ""), AGENT_GOAL, NUMBER_GOAL)
    check(call, "consult")
    if call.state == TALKING:
        carry(lambda: line().hold(call, call.sid, True))

    def begin(tx: Tx) -> None:
        row = mine(tx, call_id)
        calls.note_held(tx, row.sid, True)
        transfers.consult(tx, row, goal, request.form.get("note", ""))

    try:
        change(begin)
    except DeskError:
        change(lambda tx: calls.note_held(tx, call.sid, True))
        line().settle(call_id)  # takes the customer off hold where they were not before
        raise
    if goal.kind == NUMBER_GOAL:
        _ring_third(call, goal.key, alone=False)
    return settled(call_id)


@pages.post("/desk/calls/<int:call_id>/consult/complete")
@needs(Right.TAKE_WORK)
def complete(call_id: int) -> Response:
    """Leave the customer with whoever was asked."""

    def hand_over(tx: Tx) -> Call:
        call = mine(tx, call_id)
        transfers.complete(tx, call)
        return call

    call = change(hand_over)
    with reading() as session:
        third = other_leg(session, call)
    if third is not None and third.party == THIRD:
        carry(lambda: line().carrier.update_participant(conference_sid=call.conference_sid, call_sid=third.sid, end_on_exit=True))
    return settled(call_id, gettext("The call has been passed on."))


@pages.post("/desk/calls/<int:call_id>/consult/join")
@needs(Right.TAKE_WORK)
def join(call_id: int) -> Response:
    """All three speak with one another."""
    change(lambda tx: transfers.join(tx, mine(tx, call_id)))
    return settled(call_id)


@pages.post("/desk/calls/<int:call_id>/consult/cancel")
@needs(Right.TAKE_WORK)
def cancel(call_id: int) -> Response:
    """Back to the customer alone."""
    change(lambda tx: transfers.cancel(tx, mine(tx, call_id)))
    return settled(call_id)


@pages.post("/desk/calls/<int:call_id>/consult/swap")
@needs(Right.TAKE_WORK)
def swap(call_id: int) -> Response:
    """Speak with the other one of the two."""
    with reading() as session:
        call = held_call(session, viewer(), call_id)
        check(call, "swap")
        other = other_leg(session, call)
        customer = legs.leg_of(session, call.sid)
    if other is None or customer is None or other.status != "in-progress":
        raise Conflict("Nobody has answered there yet. Wait, or go back to the customer.")
    to_customer = is_on_hold(call)
    waits, speaks = (other.sid, customer.sid) if to_customer else (customer.sid, other.sid)
    carry(lambda: line().hold(call, waits, True))
    try:
        carry(lambda: line().hold(call, speaks, False))
    except Conflict:
        change(lambda tx: calls.note_held(tx, waits, True))
        line().settle(call_id)  # back to how it was
        raise
    change(lambda tx: transfers.swapped(tx, mine(tx, call_id), not to_customer))
    return settled(call_id)


def _ring_third(call: Call, number: str, *, alone: bool) -> None:
    try:
        carry(lambda: line().ring_third(call, number, alone=alone))
    except Conflict:
        with writing() as tx:
            transfers.not_rung(tx, lock_call(tx, call.id))
        line().settle(call.id)
        raise
