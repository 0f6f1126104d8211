"""What is said to the carrier about calls, outside any transaction, and recorded afterwards.

`settle` brings the carrier in line with the rows: it ends connections that are not wanted, plays music to who waits, starts the
recording. It may be called at any time and any number of times, so that whatever went wrong once is put right by the next call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.voice.port import CarrierFailed
from desk.actions.calls import calls, outbound, recording
from desk.actions.calls import legs as call_legs
from desk.actions.calls.legs import Party
from desk.actions.calls.locks import lock_call
from desk.errors import Conflict
from desk.events import SYSTEM, Actor
from desk.installation import Installation
from desk.models import Call, CallSegment
from desk.models.call import AGENT, CONSULTED, CUSTOMER, OFFERED, OVER, QUEUED, SUPERVISOR, THIRD, TRANSFERRED
from desk.queries.calls.voice_policy import voice_policy
from desk.sentences import N_
from desk.store import Found, Tx

log = logging.getLogger(__name__)

HOOKS = "/hooks/twilio/voice"
RING_S = 20  # an agent's or supervisor's browser, which answers by itself
PARTY_RING_S = 45  # somebody outside
CALLBACK_RING_S = 28  # a customer whom we promised to ring: the agent waits meanwhile
AWAY = N_("The telephone carrier did not do it: %(reason)s. Please try again.")


@dataclass(frozen=True)
class Due:
    """What the carrier does otherwise than the rows say: legs to end, legs that are to hear music or not, what to record."""

    unwanted: list[str]
    held: list[tuple[str, bool]]
    notice: bool
    record: bool


def due(session: Session, call: Call, *, music: bool = True) -> Due:
    """What is to be asked of the carrier about this call; without `music` who hears it stays as it is."""
    notice = recording.needs_notice(session, call)
    return Due(
        call_legs.unwanted(session, call),
        call_legs.wrongly_held(session, call) if music else [],
        notice,
        notice or recording.may_begin(session, call),  # nobody takes the turn to write for nothing
    )


class Line:
    """Speaks to the carrier in somebody's name (`actor`)."""

    def __init__(self, desk: Installation, actor: Actor = SYSTEM) -> None:
        self._desk = desk
        self._actor = actor
        self.carrier = desk.carrier

    def ring_agent(self, call: Call, agent_id: int) -> None:
        """Ring the browser of the agent who has this call or is asked about it. Raises `CarrierFailed`."""
        if call.agent_id == agent_id:
            self._ring(call, Party(call.id, AGENT, f"agent-{agent_id}", agent_id, f"client:agent-{agent_id}"))
        else:
            self._ring(call, Party(call.id, CONSULTED, f"consult-{agent_id}", agent_id, f"client:agent-{agent_id}"))

    def ring_third(self, call: Call, number: str, *, alone: bool) -> None:
        """Ring somebody outside into the room; `alone` when the customer is left with them. Raises `CarrierFailed`."""
        with self._desk.store.read() as session:
            passes_on = voice_policy(session).pass_on_caller_id
        theirs = call.to_number if call.direction == "out" else call.from_number
        party = Party(call.id, THIRD, f"third-{call.id}", None, number)
        self._ring(call, party, from_=theirs if passes_on else "", ends_room=alone, ring_s=PARTY_RING_S)

    def ring_customer(self, call_id: int) -> None:
        """Ring whom an agent calls, once the agent is on the line. Being asked again it does nothing."""

        def claim(tx: Tx) -> tuple[Call, bool]:
            call = lock_call(tx, call_id)
            return call, outbound.claim_ringing(tx, call)

        call, ours = self._write(claim)
        if not ours:
            return
        try:
            sid = self._desk.carrier.add_participant(
                conference=call.conference,
                to=call.to_number,
                from_=call.from_number,
                label=CUSTOMER,
                status_url=self._reports(Party(call.id, CUSTOMER, CUSTOMER)),
                ring_timeout_s=PARTY_RING_S if call.callback_id is None else CALLBACK_RING_S,
                end_conference_on_exit=True,
                machine_detection=True,
                amd_url=self._url("/amd", call=call.id),
                room_url=self._url("/conference"),
            )
        except CarrierFailed as failed:
            reason = str(failed)[:200]

            def note(tx: Tx) -> None:
                call = lock_call(tx, call_id)
                outbound.was_not_reached(tx, call, "failed", tx.now)
                calls.emit(tx, "call.leg_failed", call, data={"reason": reason})

            self._write(note)
            self.settle(call_id)
            return
        if not self._write(lambda tx: outbound.is_rung(tx, lock_call(tx, call_id), sid)):
            self._end(sid)

    def ring_supervisor(self, call: Call, agent_id: int, mode: str, *, coach: str) -> None:
        """Ring a supervisor's browser: to listen (muted), to whisper (`coach` is the agent's leg) or to speak with both."""
        party = Party(call.id, SUPERVISOR, f"supervisor-{agent_id}", agent_id, f"client:agent-{agent_id}", mode)
        self._ring(call, party, muted=mode == "listen", coach=coach)

    def _ring(
        self,
        call: Call,
        party: Party,
        *,
        from_: str = "",
        ends_room: bool = False,
        ring_s: int = RING_S,
        muted: bool = False,
        coach: str = "",
    ) -> None:
        ours, room = call.from_number if call.direction == "out" else call.to_number, call.conference
        sid = self._desk.carrier.add_participant(
            conference=room,
            to=party.to,
            from_=from_ or self._desk.settings.twilio_number or ours,
            label=party.label,
            status_url=self._reports(party),
            ring_timeout_s=ring_s,
            end_conference_on_exit=ends_room,
            muted=muted,
            coach=coach,
            room_url=self._url("/conference"),
        )
        if self._write(lambda tx: call_legs.rings(tx, sid, party, room)):
            return
        self._end(sid)
        with self._desk.store.read() as session:
            call = session.get_one(Call, call.id)
        # The caller has left that room by the star, to come back into another one.
        if call.conference != room and call.state not in OVER and (party.party != AGENT or call.agent_id == party.agent_id):
            self._ring(call, party, from_=from_, ends_room=ends_room, ring_s=ring_s, muted=muted, coach=coach)

    def hold(self, call: Call, leg_sid: str, on: bool, why: str = "") -> None:
        """Let this leg hear music, or the others again. Raises `CarrierFailed`."""
        url = self._url("/hold", call=call.id, locale=call.locale, **({"why": why} if why else {}))
        self._desk.carrier.hold(conference_sid=call.conference_sid, call_sid=leg_sid, on=on, hold_url=url)

    def end(self, call: Call, *legs: str) -> None:
        """Send everybody home: legs first, as whose room ends before they do goes on with a document. Raises `CarrierFailed`."""
        for leg in legs:
            if leg.startswith("CA"):
                self._desk.carrier.hang_up(leg)
        if call.conference_sid:
            self._desk.carrier.end_conference(call.conference_sid)

    def settle(self, call_id: int, *, music: bool = True) -> None:
        """Bring the carrier in line with the rows; without `music` who hears it stays as it is.

        What the carrier refuses is logged, and tried again at the next occasion.
        """
        with self._desk.store.read() as session:
            call = session.get(Call, call_id)
            if call is None:
                return
            to_do = due(session, call, music=music)
        self.do(call, to_do)

    def do(self, call: Call, to_do: Due) -> None:
        """Ask the carrier for what is due with this call."""
        for leg in to_do.unwanted:
            self._end(leg)
        self._let_hear(call, to_do.held)
        if to_do.notice:
            self._announce(call)
        if to_do.record:
            self._record(call.id)

    def ring_back(self, call_id: int) -> None:
        """Ring the agent whose line broke, or to whom a call came back, into the same room."""
        with self._desk.store.read() as session:
            call = session.get_one(Call, call_id)
        if call.lost_until is None or call.agent_id is None:
            return
        try:
            self.ring_agent(call, call.agent_id)
        except CarrierFailed as failed:
            log.warning("the agent of %s could not be rung again: %s", call.sid, failed)

    def ring_anew(self, call_id: int) -> None:
        """Ring the call's agent into the room that it has now: they were being rung into one that its caller has left."""
        self.settle(call_id)
        with self._desk.store.read() as session:
            call = session.get_one(Call, call_id)
        if call.agent_id is None or call.state in OVER:
            return
        try:
            self.ring_agent(call, call.agent_id)
        except CarrierFailed as failed:
            self.not_rung(call, failed)

    def not_rung(self, call: Call, failed: CarrierFailed) -> Conflict:
        """An agent took a call and their phone could not be rung: what they are told, once it is recorded."""

        def note(tx: Tx) -> None:
            row = lock_call(tx, call.id)
            if row.state == OFFERED:
                calls.leg_failed(tx, row, str(failed))
            elif row.direction == "out":
                outbound.agent_left(tx, row, tx.now)

        self._write(note)
        self.settle(call.id)
        if call.direction == "out":
            return Conflict("Your phone could not be reached (%(reason)s). Nobody was called.", reason=str(failed))
        return Conflict(
            "Your phone could not be reached (%(reason)s). The caller is first in the queue again.", reason=str(failed)
        )

    def _let_hear(self, call: Call, held: list[tuple[str, bool]]) -> None:
        """Who is to hear whom may change while the carrier is asked; whoever asked last looks whether it is still right."""
        while held:
            for leg, on in held:
                self._keep_company(call, leg, on)
            with self._desk.store.read() as session:
                call = session.get_one(Call, call.id)
                held = [each for each in call_legs.wrongly_held(session, call) if each not in held]

    def _keep_company(self, call: Call, leg_sid: str, on: bool) -> None:
        try:
            self.hold(call, leg_sid, on, self._why_held(call) if on else "")
        except CarrierFailed as failed:
            log.warning("the caller of %s could not be told what goes on: %s", call.sid, failed)
            return
        self._write(lambda tx: calls.note_held(tx, leg_sid, on))

    def _why_held(self, call: Call) -> str:
        """What somebody whom we let wait is told: `back` when a line broke, `passed` when the call goes on to somebody else."""
        with self._desk.store.read() as session:
            parts = select(CallSegment.ended_by).where(CallSegment.call_id == call.id, CallSegment.ended_by != "")
            ended_by = session.scalar(parts.order_by(CallSegment.id.desc()).limit(1)) or ""
        if call.lost_until is not None or ended_by == "lost":
            return "back"
        goes_on = call.state in (QUEUED, OFFERED, TRANSFERRED) and ended_by.startswith("transfer")
        return "passed" if goes_on else ""

    def _announce(self, call: Call) -> None:
        url = self._url("/notice", call=call.id)
        try:
            self._desk.carrier.announce(conference_sid=call.conference_sid, call_sid=call.sid, url=url)
        except CarrierFailed as failed:
            log.warning("%s has not heard that the call is recorded, so it is not: %s", call.sid, failed)
            return
        self._write(lambda tx: recording.announced(tx, lock_call(tx, call.id)))

    def _record(self, call_id: int) -> None:
        def claim(tx: Tx) -> tuple[Call, bool]:
            call = lock_call(tx, call_id)
            return call, recording.claim(tx, call)

        call, ours = self._write(claim)
        if not ours:
            return
        try:
            sid = self._desk.carrier.start_recording(call_sid=call.sid, status_url=self._url("/recording"))
        except CarrierFailed as failed:
            log.warning("%s could not be recorded: %s", call.sid, failed)
            reason = str(failed)
            self._write(lambda tx: recording.not_started(tx, lock_call(tx, call_id), reason))
            return
        self._write(lambda tx: recording.started(tx, lock_call(tx, call_id), sid))

    def _write(self, act: Callable[[Tx], Found]) -> Found:
        """What the carrier has done is recorded, though it collides with others: it was asked once."""
        return self._desk.store.write(self._actor, act)

    def _end(self, sid: str) -> None:
        try:
            self._desk.carrier.hang_up(sid)
        except CarrierFailed as failed:
            log.warning("the leg %s that nobody wants any more could not be ended: %s", sid, failed)

    def _reports(self, party: Party) -> str:
        about = {"call": party.call_id, "party": party.party, "label": party.label, "mode": party.mode}
        return self._url("/status", **about, **({} if party.agent_id is None else {"agent": party.agent_id}))

    def _url(self, path: str, **args: object) -> str:
        query = "?" + urlencode(args) if args else ""
        return f"{self._desk.settings.base_url}{HOOKS}{path}{query}"
