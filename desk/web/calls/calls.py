"""What agents do with their calls. The carrier is asked outside any transaction; what it did is recorded afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import urlencode

from flask import Blueprint, jsonify, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from channels.voice.port import CarrierFailed
from desk.access import Right, access_customer, access_ticket
from desk.actions.calls import calls, carrier_outage, help_wanted, outbound, segments, transfers
from desk.actions.calls import recording as call_recording
from desk.actions.calls.line import AWAY, HOOKS, Line
from desk.actions.calls.locks import lock_call
from desk.actions.calls.states import check
from desk.actions.people import customers
from desk.errors import Conflict, Invalid, NotFound
from desk.events import SYSTEM
from desk.http.context import change, installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Call, ContactPoint, Customer, Queue, Ticket
from desk.models.call import CONFERENCE, DIALING, HOLD, OFFERED, THIRD
from desk.models.ticket import WRAP_UP_CODES
from desk.queries.calls.carrier_state import failures
from desk.queries.calls.live_call import advising_leg, agent_leg_sid, call_for_wrap_up, held_call, other_leg
from desk.queries.calls.strip import call_strip
from desk.store import Tx
from desk.web import words
from desk.web.console import done
from desk.web.voice import survey

pages = Blueprint("calls", __name__)
KEYS = frozenset("0123456789*#")
MOST_KEYS = 32


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
        raise Conflict(AWAY, reason=str(failed).rstrip(".")) from failed
    return jsonify(asdict(pass_))


@pages.post("/desk/softphone/ready")
@needs(Right.TAKE_WORK)
def softphone_ready() -> Response:
    """The browser can take calls, again perhaps: an agent whose line broke is rung into the call that they were on."""
    with reading() as session:
        lost = session.scalar(
            select(Call).where(Call.agent_id == viewer().agent_id, Call.lost_until.is_not(None), Call.ended_at.is_(None))
        )
        ringing = lost is not None and agent_leg_sid(session, lost) != ""
    if lost is not None and not ringing:
        line().ring_back(lost.id)
    return Response(status=204)


@pages.post("/desk/calls/<int:call_id>/hold")
@needs(Right.TAKE_WORK)
def hold(call_id: int) -> Response:
    call, _leg = held(call_id)
    on = call.state != HOLD
    check(call, "hold" if on else "resume")
    carry(lambda: line().hold(call, call.sid, on))
    change(lambda tx: calls.set_hold(tx, lock_call(tx, call_id), on))
    return settled(call_id)


@pages.post("/desk/calls/<int:call_id>/mute")
@needs(Right.TAKE_WORK)
def mute(call_id: int) -> Response:
    call, leg_sid = held(call_id)
    check(call, "mute")
    if not leg_sid:
        raise Conflict("The call is not connected.")
    carry(lambda: line().carrier.mute(conference_sid=call.conference_sid, call_sid=leg_sid, on=not call.muted))
    change(lambda tx: calls.set_muted(tx, lock_call(tx, call_id), not call.muted))
    return settled(call_id)


@pages.post("/desk/calls/<int:call_id>/hang-up")
@needs(Right.TAKE_WORK)
def hang_up(call_id: int) -> Response:
    """End the call for everybody; of three who speak, a colleague goes on with the customer. Who was only asked just leaves."""
    with reading() as session:
        advising = advising_leg(session, viewer(), call_id)
    if advising is not None:
        carry(lambda: line().carrier.hang_up(advising.sid))
        return settled(call_id)
    call, leg = held(call_id)
    check(call, "hang_up")

    def begin(tx: Tx) -> bool:
        row = mine(tx, call_id)
        check(row, "hang_up")
        goes_on = row.state == CONFERENCE and transfers.colleague_is_there(tx, row)
        if goes_on:
            transfers.complete(tx, row)
        elif row.state != OFFERED:
            segments.is_ending(tx, row, "agent")
        return goes_on

    if not change(begin) and not survey.ask(call, leg):
        _end(call, leg)
    return settled(call_id)


@pages.post("/desk/calls/<int:call_id>/wrap-up")
@needs(Right.TAKE_WORK)
def wrap_up(call_id: int) -> Response:
    """How the agent's part ended: `outcome`, with `code` for what it was about, in the words of a ticket's category."""
    code, outcome = request.form.get("code", ""), request.form.get("outcome", "")
    if not outcome and code in WRAP_UP_CODES:
        code, outcome = "", code
    note, part = request.form.get("note", ""), request.form.get("segment", type=int)

    def finish(tx: Tx) -> None:
        call = call_for_wrap_up(tx.session, viewer(), call_id)
        agent = me(tx)
        calls.wrap_up(tx, call, agent, outcome, note, reason=code, segment_id=part)

    change(finish)
    return done(url_for("console.index"), toast=gettext("Your hands are free again."), stay=True)


@pages.post("/desk/calls/<int:call_id>/wrap-up/more")
@needs(Right.TAKE_WORK)
def wrap_up_more(call_id: int) -> Response:
    """A minute more for what is to be written."""
    with writing() as tx:
        call = call_for_wrap_up(tx.session, viewer(), call_id)
        agent = me(tx)
        segments.more_time(tx, call, agent, request.form.get("segment", type=int))
    return done(url_for("console.index"), stay=True)


@pages.post("/desk/calls/<int:call_id>/keys")
@needs(Right.TAKE_WORK)
def keys(call_id: int) -> Response:
    """Press keys towards whom we called, or towards the third one."""
    digits = request.form.get("digits", "")
    with reading() as session:
        call = held_call(session, viewer(), call_id)
        if not digits or not KEYS.issuperset(digits) or len(digits) > MOST_KEYS:
            raise Invalid("A telephone has the keys 0 to 9, * and #.")
        check(call, "keys")
        other = other_leg(session, call)
    to = other.sid if other is not None and other.party == THIRD else call.sid if call.direction == "out" else ""
    if not to:
        raise Conflict("Keys go to somebody whom you called.")
    url = installation().settings.base_url + HOOKS + "/keys?" + urlencode({"digits": digits})
    carry(lambda: line().carrier.send_keys(conference_sid=call.conference_sid, call_sid=to, digits=digits, play_url=url))
    change(lambda tx: calls.emit(tx, "call.keys_sent", lock_call(tx, call_id), data={"count": len(digits)}))
    return settled(call_id)


@pages.post("/desk/calls/<int:call_id>/recording")
@needs(Right.TAKE_WORK)
def recording(call_id: int) -> Response:
    """Pause the recording while card data is said, go on with it, or stop it for good."""
    do = request.form.get("do", "")
    with reading() as session:
        call = held_call(session, viewer(), call_id)
        if do not in ("pause", "resume", "stop"):
            raise Invalid("Choose whether to pause, resume or stop the recording.")
        sid = call_recording.check_change(session, call, do).sid
    carrier = line().carrier
    if do == "stop":
        carry(lambda: carrier.stop_recording(call_sid=call.sid, recording_sid=sid))
    else:
        carry(lambda: carrier.pause_recording(call_sid=call.sid, recording_sid=sid, on=do == "pause"))
    change(lambda tx: call_recording.changed(tx, lock_call(tx, call_id), do))
    return settled(call_id)


@pages.post("/desk/calls/<int:call_id>/help")
@needs(Right.TAKE_WORK)
def ask_for_help(call_id: int) -> Response:
    """Ask for a supervisor; asked again it is withdrawn."""
    with writing() as tx:
        call = mine(tx, call_id)
        help_wanted.ask(tx, call, me(tx), request.form.get("text", ""))
    return done(url_for("console.index"), stay=True)


@pages.post("/desk/calls/dial")
@needs(Right.MAKE_CALLS)
def dial() -> Response:
    """Call a number, or a customer by one of theirs: the agent's own phone rings first."""
    form = request.form
    with writing() as tx:
        agent = me(tx)
        ticket = access_ticket(tx.session, viewer(), form.get("ticket", 0, type=int)) if form.get("ticket") else None
        number, customer = _whom(tx, ticket)
        key = form.get("queue", "")
        queue = tx.session.scalar(select(Queue).where(Queue.key == key)) if key else None
        call = outbound.dial(tx, agent, number, customer, ticket=ticket, queue=queue)
    ring_agent(call)
    return done(url_for("console.index"), toast=gettext("Your phone rings first, then the customer's."), stay=True)


@pages.post("/desk/calls/<int:call_id>/ring-back")
@needs(Right.MAKE_CALLS)
def ring_back(call_id: int) -> Response:
    """Call somebody whose call broke off."""
    with writing() as tx:
        old = call_for_wrap_up(tx.session, viewer(), call_id)
        agent = me(tx)
        call = outbound.ring_back(tx, agent, old)
    ring_agent(call)
    return done(url_for("console.index"), toast=gettext("Your phone rings first, then the customer's."), stay=True)


def ring_agent(call: Call) -> None:
    """Ring the browser of the agent who has just accepted the call, or was asked about it.

    Raises `Conflict` when the carrier does not do it; the caller is then first in the queue again.
    """
    try:
        asked(lambda: line().ring_agent(call, viewer().agent_id or 0))
    except CarrierFailed as failed:
        raise line().not_rung(call, failed) from failed


def line() -> Line:
    """The way to the carrier, in the viewer's name."""
    return Line(installation(), viewer().actor)


def asked(ask: Callable[[], object]) -> None:
    """Ask the carrier for something. That it may be away altogether is noted, and so is that it answers again."""
    try:
        ask()
    except CarrierFailed as failed:
        if failed.retryable:
            with writing(SYSTEM) as tx:
                carrier_outage.failed(tx, str(failed))
        raise
    with reading() as session:
        has_failed = failures(session) > 0
    if has_failed:
        with writing(SYSTEM) as tx:
            carrier_outage.answered(tx)


def carry(ask: Callable[[], object]) -> None:
    """Ask the carrier for something; raises `Conflict` when it does not do it."""
    try:
        asked(ask)
    except CarrierFailed as failed:
        raise Conflict(AWAY, reason=str(failed).rstrip(".")) from failed


def mine(tx: Tx, call_id: int) -> Call:
    """The viewer's call, which nobody else changes while this transaction lasts."""
    lock_call(tx, held_call(tx.session, viewer(), call_id).id)
    return held_call(tx.session, viewer(), call_id)


def held(call_id: int) -> tuple[Call, str]:
    """The viewer's call, and the carrier's name for their own connection."""
    with reading() as session:
        call = held_call(session, viewer(), call_id)
        return call, agent_leg_sid(session, call)


def settled(call_id: int, toast: str = "") -> Response:
    """The carrier is brought in line with what was recorded, and the agent stays where they are."""
    line().settle(call_id)
    return done(url_for("console.index"), toast=toast, stay=True)


def _end(call: Call, leg: str) -> None:
    try:
        carry(lambda: line().end(call, call.sid, leg))
    except Conflict:
        change(lambda tx: segments.is_ending(tx, lock_call(tx, call.id), ""))
        raise
    change(lambda tx: _ended_by_agent(tx, lock_call(tx, call.id)))


def _ended_by_agent(tx: Tx, call: Call) -> None:
    if call.state == DIALING:
        outbound.agent_left(tx, call, tx.now)
    else:
        calls.caller_left(tx, call, by="caller" if call.state == OFFERED else "agent")


def _whom(tx: Tx, ticket: Ticket | None) -> tuple[str, Customer]:
    """The number to call and whose it is, by the form: a contact point, or a number as it was typed."""
    contact_id = request.form.get("contact", type=int)
    if contact_id is not None:
        point = tx.session.get(ContactPoint, contact_id)
        if point is None or point.kind != "phone":
            raise NotFound("There is no such number.")
        customer = tx.session.get_one(Customer, point.customer_id)
        if ticket is None or ticket.customer_id != customer.id:
            access_customer(tx.session, viewer(), customer.id)
        return point.value, customer
    typed = request.form.get("number", "")
    number = customers.normal("phone", typed)
    if ticket is not None:
        return number, tx.session.get_one(Customer, ticket.customer_id)
    return number, customers.identify(tx, "phone", number)
