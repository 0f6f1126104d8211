"""Conferences of the simulated carrier: who is in, who hears whom, and what is reported about it."""

from __future__ import annotations

from collections.abc import Callable

from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.player import Player
from channels.voice.simulated.state import Call, Room, Run, Seat, new_sid

_OWN_MUSIC = "carrier:music"


class Rooms:
    """All methods are called with the exchange's lock held. `left(call, seat)` is told of a leg whose room ended under it."""

    def __init__(self, exchange: Exchange, player: Player, *, left: Callable[[Call, Seat], None]) -> None:
        self._exchange = exchange
        self._player = player
        self._left = left

    def find(self, name_or_sid: str) -> Room | None:
        """The room in progress with this SID or friendly name."""
        rooms = self._exchange.rooms
        return rooms.get(name_or_sid) or next((room for room in rooms.values() if room.name == name_or_sid), None)

    def open(self, name: str) -> Room:
        """The room in progress with this name, or a new one."""
        room = self.find(name)
        if room is None:
            room = Room(sid=new_sid("CF"), name=name)
            self._exchange.rooms[room.sid] = room
        return room

    def enter(self, call: Call, seat: Seat) -> None:
        room = seat.room
        if room.ended:
            # The room closed while this phone rang; the carrier opens a new one under the same name.
            room = seat.room = self.open(room.name)
        room.members.append(call)
        call.seat = seat
        self._exchange.report_room(room, "participant-join", call)
        self._exchange.perceive(call, "joined", room=room.name)
        if room.started:
            self._exchange.perceive(call, "connected", room=room.name)
        elif len(room.members) > 1 and any(member.seat.start_on_enter for member in room.members if member.seat):
            self._start(room)
        else:
            self._play_wait(call)

    def leave(self, call: Call, reason: str) -> Seat | None:
        """Take a leg out. The room ends when it was the last one, or when the room was to end with it."""
        seat = call.seat
        if seat is None:
            return None
        room = seat.room
        self._take_out(call, reason)
        if seat.end_on_exit:
            self.end(room, "participant-with-end-conference-on-exit-left", call)
        elif not room.members:
            self.end(room, "last-participant-left", call)
        return seat

    def end(self, room: Room, reason: str, by: Call | None = None) -> None:
        if room.ended:
            return
        room.ended = True
        self._exchange.rooms.pop(room.sid, None)
        sent_home = [(member, member.seat) for member in room.members if member.seat is not None]
        for member, _ in sent_home:
            self._take_out(member, "conference_ended")
        ending = {"CallSidEndingConference": by.sid} if by is not None else {}
        self._exchange.report_room(room, "conference-end", ReasonConferenceEnded=reason, **ending)
        for member, seat in sent_home:
            self._left(member, seat)

    def close_if_empty(self, room: Room) -> None:
        """Forget a room that was opened for a leg that never came."""
        if not room.members and not room.ended:
            room.ended = True
            self._exchange.rooms.pop(room.sid, None)

    def hold(self, call: Call, seat: Seat, on: bool, url: str) -> None:
        if seat.held == on:
            return
        seat.held = on
        self._exchange.report_room(seat.room, "participant-hold" if on else "participant-unhold", call)
        self._exchange.perceive(call, "hold", on=on)
        if on and url:
            self._play_over(call, Run(url=url, purpose="hold"))
        elif on:
            self._hush(call)
            self._exchange.perceive(call, "music", url=_OWN_MUSIC)
        elif seat.room.started:
            self._hush(call)
        else:
            self._play_wait(call)

    def mute(self, call: Call, seat: Seat, on: bool) -> None:
        if seat.muted == on:
            return
        seat.muted = on
        self._exchange.report_room(seat.room, "participant-mute" if on else "participant-unmute", call)
        self._exchange.perceive(call, "mute", on=on)

    def speak(self, call: Call, text: str) -> int:
        """Pass on what somebody said. Answers how many heard it."""
        hearers = self._hearers(call)
        self._exchange.perceive(call, "said", text=text, heard_by=len(hearers))
        for hearer in hearers:
            self._exchange.perceive(hearer, "heard", text=text, by=call.identity or call.from_, by_identity=call.identity)
        return len(hearers)

    def audible(self, call: Call) -> tuple[list[Call], list[Call]]:
        """Whom this leg hears, and who hears it."""
        members = call.seat.room.members if call.seat is not None else []
        return [one for one in members if call in self._hearers(one)], self._hearers(call)

    def _hearers(self, call: Call) -> list[Call]:
        seat = call.seat
        if seat is None or not seat.room.started or seat.muted or seat.held or call.self_muted:
            return []
        return [one for one in seat.room.members if one is not call and one.seat is not None and not one.seat.held]

    def _start(self, room: Room) -> None:
        room.started = True
        self._exchange.report_room(room, "conference-start")
        for member in room.members:
            if member.seat is not None and not member.seat.held:
                self._hush(member)
            self._exchange.perceive(member, "connected", room=room.name)

    def _take_out(self, call: Call, reason: str) -> None:
        seat = call.seat
        if seat is None:
            return
        self._exchange.report_room(seat.room, "participant-leave", call, ReasonParticipantLeft=reason)
        seat.room.members.remove(call)
        call.seat = None
        self._hush(call)

    def _play_wait(self, call: Call) -> None:
        if call.seat is None:
            return
        if call.seat.wait_url:
            self._play_over(call, Run(url=call.seat.wait_url, purpose="wait"))
        elif call.seat.wait_url is None:
            self._exchange.perceive(call, "music", url=_OWN_MUSIC)

    def _play_over(self, call: Call, run: Run) -> None:
        self._hush(call)
        call.over = run
        self._player.fetch(call, run, "")

    def _hush(self, call: Call) -> None:
        if call.over is not None:
            call.over.cancel()
            call.over = None
