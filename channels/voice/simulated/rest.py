"""The application's side of the simulated carrier: the REST calls of the real one, with its states and its errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from channels.voice.port import CallInfo, CarrierFailed, Finding, RoomInfo, SeatInfo
from channels.voice.simulated.answering import check_number
from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.recorder import ALL_EVENTS, CALL_API
from channels.voice.simulated.state import Call, Seat, new_sid
from channels.voice.simulated.switch import Switch

E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

_CLIENT = re.compile(r"client:([A-Za-z0-9_.-]{1,121})")
_LABEL = re.compile(r"(?!CA[0-9a-f]{32}$)[^/]{1,128}")
_TONES = re.compile(r"[0-9*#wW]{1,40}", re.ASCII)
_RING_S = (1, 600)
# The application asks for these events of a room that it begins itself (see `twiml.CONFERENCE_EVENTS`).
_ROOM_EVENTS = frozenset({"start", "end", "join", "leave", "mute", "hold"})


class Rest:
    """The port's verbs, for `SimulatedCarrier`. Error numbers are the real carrier's."""

    _switch: Switch
    _exchange: Exchange
    number: str

    # Legs and rooms

    def add_participant(
        self,
        *,
        conference: str,
        to: str,
        from_: str,
        label: str,
        status_url: str,
        ring_timeout_s: int = 30,
        end_conference_on_exit: bool = False,
        muted: bool = False,
        coach: str = "",
        start_on_enter: bool = True,
        machine_detection: bool = False,
        amd_url: str = "",
        time_limit_s: int = 0,
        room_url: str = "",
    ) -> str:
        client = _CLIENT.fullmatch(to)
        if client is None and not E164.fullmatch(to):
            raise CarrierFailed(f"{to} is neither a client nor a phone number.", retryable=False, code=21211)
        if not _LABEL.fullmatch(label):
            raise CarrierFailed(
                "A label has 1 to 128 characters, no slash and not the form of a CallSid.", retryable=False, code=16024
            )
        with self._rest():
            if client is None:
                check_number(to)
                self._check_caller_id(from_)
            room = self._switch.rooms.open(conference)
            problem = self._switch.cannot_coach(room, coach) if coach else None
            if problem is not None:
                raise CarrierFailed(problem[1], retryable=False, code=problem[0])
            if self._switch.rooms.label_taken(room, label):
                raise CarrierFailed("Somebody in the conference has this label already.", retryable=False, code=16026)
            if room_url and not room.entered and not room.invited:
                room.status_url, room.status_events = self._exchange.absolute(room_url), _ROOM_EVENTS
            call = Call(
                sid=new_sid("CA"),
                from_=from_,
                to=to,
                direction="outbound-api",
                status="initiated",
                status_url=self._exchange.absolute(status_url),
                identity=client.group(1) if client else None,
                amd_url=self._exchange.absolute(amd_url),
                detecting=machine_detection,
            )
            seat = Seat(room, label, start_on_enter=start_on_enter, end_on_exit=end_conference_on_exit, muted=muted, coach=coach)
            if time_limit_s:
                seat.time_limit_s = time_limit_s
            self._switch.ring_out(call, seat, min(max(ring_timeout_s, _RING_S[0]), _RING_S[1]))
            return call.sid

    def update_participant(
        self,
        *,
        conference_sid: str,
        call_sid: str,
        muted: bool | None = None,
        coach: str | None = None,
        end_on_exit: bool | None = None,
    ) -> None:
        with self._rest():
            call, seat = self._switch.participant(conference_sid, call_sid)
            problem = self._switch.cannot_coach(seat.room, coach) if coach else None
            if problem is not None:
                raise CarrierFailed(problem[1], retryable=False, code=problem[0])
            if coach is not None:
                self._switch.rooms.coach(call, seat, coach)
            if muted is not None:
                self._switch.rooms.mute(call, seat, muted)
            if end_on_exit is not None:
                self._switch.rooms.end_on_exit(call, seat, end_on_exit)

    def remove_participant(self, *, conference_sid: str, call_sid: str) -> None:
        with self._rest():
            room, call = self._switch.rooms.find(conference_sid), self._exchange.calls.get(call_sid)
            if room is None or call is None:
                return
            if call.seat is not None and call.seat.room is room:
                self._switch.kick(call)
            elif call.sid in room.invited:
                self._switch.hang_up(call, "other_side")

    def hold(self, *, conference_sid: str, call_sid: str, on: bool, hold_url: str) -> None:
        with self._rest():
            call, seat = self._switch.participant(conference_sid, call_sid)
            self._switch.rooms.hold(call, seat, on, self._exchange.absolute(hold_url))

    def mute(self, *, conference_sid: str, call_sid: str, on: bool) -> None:
        with self._rest():
            call, seat = self._switch.participant(conference_sid, call_sid)
            self._switch.rooms.mute(call, seat, on)

    def announce(self, *, conference_sid: str, call_sid: str, url: str) -> None:
        with self._rest():
            call, _seat = self._switch.participant(conference_sid, call_sid)
            self._switch.announce(call, self._exchange.absolute(url))

    def send_keys(self, *, conference_sid: str, call_sid: str, digits: str, play_url: str) -> None:
        if not _TONES.fullmatch(digits):
            raise CarrierFailed("A telephone has the keys 0 to 9, * and #.", retryable=False, code=13430)
        if not conference_sid:
            raise CarrierFailed("Keys can be pressed only while the call is connected.", retryable=False, code=20404)
        self.announce(conference_sid=conference_sid, call_sid=call_sid, url=play_url)

    def redirect(self, *, call_sid: str, url: str) -> None:
        with self._rest():
            call = self._call(call_sid)
            if call.status != "in-progress":
                raise CarrierFailed("This call is not in progress.", retryable=False, code=21220)
            self._switch.redirect(call, self._exchange.absolute(url))

    def hang_up(self, call_sid: str) -> None:
        with self._rest():
            call = self._exchange.calls.get(call_sid)
            if call is not None:
                self._switch.hang_up(call, "other_side")

    def end_conference(self, conference_sid: str) -> None:
        with self._rest():
            room = self._switch.rooms.find(conference_sid)
            if room is not None:
                self._switch.rooms.end(room, "conference-ended-via-api")

    # Recordings

    def start_recording(self, *, call_sid: str, status_url: str) -> str:
        with self._rest():
            call = self._call(call_sid)
            if call.status != "in-progress":
                raise CarrierFailed("This call is not in progress, so it cannot be recorded.", retryable=False, code=21220)
            url = self._exchange.absolute(status_url)
            recording = self._switch.recorder.start(call, source=CALL_API, channels=2, status_url=url, events=ALL_EVENTS)
            return recording.sid

    def pause_recording(self, *, call_sid: str, recording_sid: str, on: bool) -> None:
        with self._rest():
            recorder = self._switch.recorder
            recorder.pause(recorder.find(self._call(call_sid), recording_sid), on)

    def stop_recording(self, *, call_sid: str, recording_sid: str) -> None:
        with self._rest():
            recorder = self._switch.recorder
            recorder.stop(recorder.find(self._call(call_sid), recording_sid))

    def fetch_recording(self, recording_sid: str) -> tuple[Iterator[bytes], str]:
        with self._rest():
            recorder = self._switch.recorder
            return recorder.fetch(recorder.find(None, recording_sid))

    def delete_recording(self, recording_sid: str) -> None:
        with self._rest():
            recording = self._exchange.recordings.get(recording_sid)
            if recording is not None:
                self._switch.recorder.delete(recording)

    # Asking how things are

    def call_state(self, call_sid: str) -> str | None:
        with self._rest():
            call = self._exchange.calls.get(call_sid)
            return call.status if call is not None else None

    def call_info(self, call_sid: str) -> CallInfo | None:
        with self._rest():
            call = self._exchange.calls.get(call_sid)
            if call is None:
                return None
            return CallInfo(
                sid=call.sid,
                status=call.status,
                direction=call.direction,
                from_=call.from_,
                to=call.to,
                started_at=_moment(call.arrived_at),
                ended_at=_moment(call.ended_at) if call.ended_at is not None else None,
                answered_by=call.answered_by if call.amd_url and not call.detecting else "",
            )

    def room_info(self, conference: str) -> RoomInfo | None:
        with self._rest():
            room = self._switch.rooms.find(conference)
            if room is None:
                return None
            inside = [_seat_info(call, call.seat, "connected") for call in room.members if call.seat is not None]
            coming = [_seat_info(call, call.invited, _coming(call)) for call in room.invited.values() if call.invited is not None]
            return RoomInfo(room.sid, room.name, "in-progress" if room.started else "init", (*inside, *coming))

    def check(self) -> list[Finding]:
        findings = [
            Finding(
                "ok",
                "The simulated carrier is used: no call leaves this machine.",
                "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN for a real one.",
            )
        ]
        faults = self._exchange.webhooks.faults
        if faults.any:
            findings.append(
                Finding("warning", f"Faults are switched on: {faults}.", "Unset DESK_CARRIER_LOSS and the settings beside it.")
            )
        if not self._exchange.loop.running:
            findings.append(Finding("error", "The simulated carrier is not running.", "It runs with “serve”."))
        return findings

    @contextmanager
    def _rest(self) -> Iterator[None]:
        """One REST call: refused while the carrier is out of order or does not run."""
        if self._exchange.webhooks.faults.outage:
            raise CarrierFailed("The simulated carrier is out of order.", retryable=True, code=20500)
        if not self._exchange.loop.running:
            raise CarrierFailed("The simulated carrier is not running.", retryable=True)
        with self._exchange.lock:
            yield

    def _call(self, call_sid: str) -> Call:
        call = self._exchange.calls.get(call_sid)
        if call is None:
            raise CarrierFailed("There is no such call.", retryable=False, code=20404)
        return call

    def _check_caller_id(self, from_: str) -> None:
        """Only numbers of ours may be shown to those whom we call: not a word, and not the number of somebody who called us."""
        if not E164.fullmatch(from_):
            raise CarrierFailed("The number to call from is no phone number.", retryable=False, code=21212)
        if from_ != self.number and self._exchange.has_called(from_):
            raise CarrierFailed("The number to call from is not one of ours.", retryable=False, code=21210)


def _seat_info(call: Call, seat: Seat, status: str) -> SeatInfo:
    return SeatInfo(call_sid=call.sid, label=seat.label, muted=seat.muted, held=seat.held, coaching=seat.coach, status=status)


def _coming(call: Call) -> str:
    return "ringing" if call.status == "ringing" else "connecting"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
