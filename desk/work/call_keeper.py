"""Keeps calls true: what is due on them, agents to be rung back, and now and then a look at what the carrier says of each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.voice.port import CallInfo, CarrierFailed, RoomInfo
from desk.actions.calls import calls, carrier_outage, healing, outbound
from desk.actions.calls import recording as call_recording
from desk.actions.calls.line import Due, Line, due
from desk.actions.calls.locks import lock_call
from desk.events import SYSTEM, Event
from desk.installation import Installation
from desk.models import Call
from desk.queries.calls.carrier_state import carrier_state

log = logging.getLogger(__name__)

CHECK_S = 60  # how long a call goes on without being compared
BATCH = 20  # comparisons in one turn
PROBE = "call-probe"  # a room that there never is
RING_AGAIN = ("call.agent_lost", "call.transfer_failed")


@dataclass(frozen=True)
class _Compared:
    """What the carrier says of a call, whether we know all of it, and what it does otherwise than our rows say."""

    call: Call
    room: RoomInfo | None
    legs: Mapping[str, CallInfo | None]
    agrees: bool
    due: Due

    @classmethod
    def of(cls, session: Session, call_id: int, room: RoomInfo | None, legs: Mapping[str, CallInfo | None]) -> _Compared:
        call = session.get_one(Call, call_id)
        agrees = call.direction == "in" and healing.agrees(session, call, room, legs)
        return cls(call, room, legs, agrees, due(session, call))


class CallKeeper:
    """One turn does what is due by the clock; comparing costs requests to the carrier, so it is spread over the turns."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._line = Line(desk)
        self._rung: set[tuple[int, str]] = set()
        self._began = False

    def follow(self, events: Sequence[Event]) -> bool:
        """Whether these events ask for a turn at once."""
        if any(event.kind == "setting.carrier_returned" for event in events):
            self._began = False  # nobody knows what was missed meanwhile
            return True
        return any(event.kind in RING_AGAIN or event.kind == "call.recording_paused" for event in events)

    def turn(self) -> float | None:
        if not self._began:
            self._compare_all()
            self._began = True
        self._ring_agents_back()
        self._give_up()
        self._resume_recordings()
        self._compare()
        self._probe()
        return self._next_s()

    def _ring_agents_back(self) -> None:
        """Once by ourselves for each time a line broke; after that when the agent's browser says that it is there again."""
        with self._desk.store.read() as session:
            lost = session.execute(
                select(Call.id, Call.lost_until).where(Call.ended_at.is_(None), Call.lost_until.is_not(None))
            ).all()
        self._rung &= {(call_id, str(until)) for call_id, until in lost}
        for call_id, until in lost:
            if (call_id, str(until)) not in self._rung:
                self._rung.add((call_id, str(until)))
                self._line.settle(call_id)
                self._line.ring_back(call_id)

    def _give_up(self) -> None:
        for call_id in self._due(Call.lost_until):
            with self._desk.store.tx(SYSTEM) as tx:
                call = lock_call(tx, call_id)
                if call.lost_until is not None and call.lost_until <= tx.now:
                    calls.give_up_on_agent(tx, call)
            self._line.settle(call_id)

    def _resume_recordings(self) -> None:
        for call_id in self._due(Call.recording_pause_until):
            with self._desk.store.read() as session:
                call = session.get_one(Call, call_id)
                recording = call_recording.running(session, call)
            if recording is not None:
                try:
                    self._desk.carrier.pause_recording(call_sid=call.sid, recording_sid=recording.sid, on=False)
                except CarrierFailed as failed:
                    log.warning("the recording of %s could not go on: %s", call.sid, failed)
                    if failed.retryable:
                        continue
            with self._desk.store.tx(SYSTEM) as tx:
                row = lock_call(tx, call_id)
                if row.recording_pause_until is not None and row.recording_pause_until <= tx.now:
                    call_recording.changed(tx, row, "resume", by_itself=True)

    def _due(self, column: object) -> list[int]:
        now = self._desk.clock.now()
        with self._desk.store.read() as session:
            return list(session.scalars(select(Call.id).where(Call.ended_at.is_(None), column <= now)))  # type: ignore[operator]

    def _compare_all(self) -> None:
        """At the start nobody knows what was missed."""
        with self._desk.store.read() as session:
            ids = session.scalars(select(Call.id).where(Call.ended_at.is_(None)).order_by(Call.id)).all()
        for start in range(0, len(ids), BATCH):
            if not self._compare_these(ids[start : start + BATCH]):
                break

    def _compare(self) -> None:
        before = self._desk.clock.now() - timedelta(seconds=CHECK_S)
        # A call that nobody has compared yet is as old as its beginning.
        last = func.coalesce(Call.checked_at, Call.arrived_at)
        with self._desk.store.read() as session:
            query = select(Call.id).where(Call.ended_at.is_(None), last <= before).order_by(last)
            ids = session.scalars(query.limit(BATCH)).all()
        self._compare_these(ids)

    def _probe(self) -> None:
        """A carrier that was away is asked again and again; when it is back every call is compared at once."""
        with self._desk.store.read() as session:
            state = carrier_state(session)
        if state.is_there:
            return
        try:
            self._desk.carrier.room_info(PROBE)
        except CarrierFailed:
            return
        with self._desk.store.tx(SYSTEM) as tx:
            carrier_outage.answered(tx)
        self._compare_all()

    def _compare_these(self, ids: Sequence[int]) -> bool:
        """Compare these calls. Mostly the carrier says what we know: of those it is noted all at once.

        False when the carrier is away, so that asking for others is no use either.
        """
        if not ids:
            return True
        same: list[int] = []
        with self._desk.store.read() as session:
            calls_to_compare = session.scalars(select(Call).where(Call.id.in_(ids)).order_by(Call.id)).all()
        there = all(self._compare_one(call, same) for call in calls_to_compare)
        if same:
            with self._desk.store.tx(SYSTEM) as tx:
                carrier_outage.answered(tx)
                healing.agreed(tx, same)
        return there

    def _compare_one(self, call: Call, same: list[int]) -> bool:
        """False when the carrier is away. A call of which nothing is to be changed is added to the `same`."""
        try:
            compared = self._ask(call)
        except CarrierFailed as failed:
            log.warning("the carrier did not say how %s stands: %s", call.sid, failed)
            if failed.retryable:
                with self._desk.store.tx(SYSTEM) as tx:
                    carrier_outage.failed(tx, str(failed))
            return not failed.retryable
        if compared.agrees:
            same.append(call.id)
            self._line.do(compared.call, compared.due)
            return True
        with self._desk.store.tx(SYSTEM) as tx:
            carrier_outage.answered(tx)
            row = lock_call(tx, call.id)
            outbound.forget_unrung(tx, row)
            if row.ended_at is None:
                healing.heal(tx, row, compared.room, compared.legs)
        self._line.settle(call.id)
        return True

    def _ask(self, call: Call) -> _Compared:
        """What the carrier says, held at once against the rows as they are then."""
        carrier = self._desk.carrier
        room = carrier.room_info(call.conference_sid or call.conference)
        with self._desk.store.read() as session:
            sids = healing.legs_to_ask(session, call, room)
            if not sids:
                return _Compared.of(session, call.id, room, {})
        legs = {sid: carrier.call_info(sid) for sid in sids}
        with self._desk.store.read() as session:
            return _Compared.of(session, call.id, room, legs)

    def _next_s(self) -> float | None:
        with self._desk.store.read() as session:
            query = select(func.min(Call.lost_until), func.min(Call.recording_pause_until))
            moments = session.execute(query.where(Call.ended_at.is_(None))).one()
        known = [each for each in moments if each is not None]
        return None if not known else (min(known) - self._desk.clock.now()).total_seconds()
