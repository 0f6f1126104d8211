"""The call strip: mute, hold, end, wrap up. The carrier is asked outside any transaction; what it did is recorded afterwards."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, jsonify, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from channels.voice.port import CarrierFailed
from desk.access import Right
from desk.actions import calls
from desk.errors import Conflict
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Agent, Call
from desk.models.call import HOLD, TALKING
from desk.queries.call_strip import call_strip
from desk.queries.live_call import agent_leg_sid, held_call
from desk.web import words
from desk.web.console import done

pages = Blueprint("calls", __name__)
RING_S = 20


@pages.get("/desk/strip")
@needs(Right.TAKE_WORK)
def strip() -> str:
    with reading() as session:
        return render_template("console/_strip.html", strip=call_strip(session, viewer()), words=words.everything())


@pages.get("/desk/softphone")
@needs(Right.TAKE_WORK)
def softphone() -> Response:
    """What the browser needs to take calls; asked for again before it runs out."""
    try:
        pass_ = installation().carrier.client_token(f"agent-{viewer().agent_id}")
    except CarrierFailed as failed:
        raise _away(failed) from failed
    return jsonify(kind=pass_.kind, token=pass_.token, identity=pass_.identity, expires_in_s=pass_.expires_in_s)


@pages.post("/desk/calls/<int:call_id>/hold")
@needs(Right.TAKE_WORK)
def hold(call_id: int) -> Response:
    call, _leg = _held(call_id)
    on = call.state == TALKING
    if call.state not in (TALKING, HOLD) or not call.conference_sid:
        raise Conflict("The call is not connected.")
    url = installation().settings.base_url + "/hooks/twilio/voice/hold?" + urlencode({"locale": call.locale})
    try:
        installation().carrier.hold(conference_sid=call.conference_sid, call_sid=call.sid, on=on, hold_url=url)
    except CarrierFailed as failed:
        raise _away(failed) from failed
    with writing() as tx:
        calls.set_hold(tx, tx.session.get_one(Call, call_id), on)
    return done(url_for("console.index"), stay=True)


@pages.post("/desk/calls/<int:call_id>/mute")
@needs(Right.TAKE_WORK)
def mute(call_id: int) -> Response:
    call, leg_sid = _held(call_id)
    if call.state not in (TALKING, HOLD) or not call.conference_sid or not leg_sid:
        raise Conflict("The call is not connected.")
    try:
        installation().carrier.mute(conference_sid=call.conference_sid, call_sid=leg_sid, on=not call.muted)
    except CarrierFailed as failed:
        raise _away(failed) from failed
    with writing() as tx:
        calls.set_muted(tx, tx.session.get_one(Call, call_id), not call.muted)
    return done(url_for("console.index"), stay=True)


@pages.post("/desk/calls/<int:call_id>/hang-up")
@needs(Right.TAKE_WORK)
def hang_up(call_id: int) -> Response:
    call, leg = _held(call_id)
    carrier = installation().carrier
    try:
        if call.conference_sid:
            carrier.end_conference(call.conference_sid)
        else:
            # Nobody has met in a room that would take both along.
            carrier.hang_up(call.sid)
            if leg:
                carrier.hang_up(leg)
    except CarrierFailed as failed:
        raise _away(failed) from failed
    with writing() as tx:
        calls.caller_left(tx, tx.session.get_one(Call, call_id))
    return done(url_for("console.index"), stay=True)


@pages.post("/desk/calls/<int:call_id>/wrap-up")
@needs(Right.TAKE_WORK)
def wrap_up(call_id: int) -> Response:
    with writing() as tx:
        call = held_call(tx.session, viewer(), call_id)
        agent = tx.session.get_one(Agent, viewer().agent_id)
        calls.wrap_up(tx, call, agent, request.form.get("code", ""), request.form.get("note", ""))
    return done(url_for("console.index"), toast=gettext("Your hands are free again."), stay=True)


def ring_agent(call: Call) -> None:
    """Ring the browser of the agent who has just accepted the call.

    Raises `Conflict` when the carrier does not do it; the caller is then first in the queue again.
    """
    desk = installation()
    agent_id = viewer().agent_id
    query = urlencode({"call": call.id, "agent": agent_id})
    try:
        sid = desk.carrier.add_participant(
            conference=call.conference,
            to=f"client:agent-{agent_id}",
            from_=desk.settings.twilio_number or call.to_number,
            label=f"agent-{agent_id}",
            status_url=f"{desk.settings.base_url}/hooks/twilio/voice/status?{query}",
            ring_timeout_s=RING_S,
        )
    except CarrierFailed as failed:
        with writing() as tx:
            calls.leg_failed(tx, tx.session.get_one(Call, call.id), str(failed))
        raise Conflict(
            "Your phone could not be reached (%(reason)s). The caller is first in the queue again.", reason=str(failed)
        ) from failed
    with writing() as tx:
        wanted = calls.leg_rings(tx, tx.session.get_one(Call, call.id), sid, agent_id or 0)
    if not wanted:
        desk.carrier.hang_up(sid)


def _held(call_id: int) -> tuple[Call, str]:
    with reading() as session:
        call = held_call(session, viewer(), call_id)
        return call, agent_leg_sid(session, call)


def _away(failed: CarrierFailed) -> Conflict:
    return Conflict("The telephone carrier did not do it: %(reason)s. Please try again.", reason=str(failed))
