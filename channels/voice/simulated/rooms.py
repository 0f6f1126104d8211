"""Conferences of the simulated carrier: who is in, who hears whom, and what is reported about it."""

from __future__ import annotations

from collections.abc import Callable

from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.player import Player
from channels.voice.simulated.recorder import Recorder
from channels.voice.simulated.state import Audible, Call, Room, Run, Seat, new_sid

_OWN_MUSIC = "carrier:music"
UPDATED, HUNG_UP, ADD_FAILED = "participant_updated_via_api", "participant_hung_up", "participant_add_failed"


class Rooms:
    """All methods are called with the exchange's lock held. `left(call, seat)` is told of a leg whose room ended under it."""

    def __init__(self, exchange: Exchange, player: Player, recorder: Recorder, *, left: Callable[[Call, Seat], None]) -> None:
        self._exchange = exchange
        self._player = player
        self._recorder = recorder
        self._left = left
        self._by_name: dict[str, Room] = {}

    def find(self, name_or_sid: str) -> Room | None:
        """The room in progress with this SID or friendly name."""
        return self._exchange.rooms.get(name_or_sid) or self._by_name.get(name_or_sid)

    def open(self, name: str) -> Room:
        """The room in progress with this name, or a new one."""
        room = self.find(name)
        if room is None:
            room = Room(sid=new_sid("CF"), name=name)
            self._exchange.rooms[room.sid] = self._by_name[name] = room
        return room

    def label_taken(self, room: Room, label: str) -> bool:
        seats = [member.seat for member in room.members] + [call.invited for call in room.invited.values()]
        return bool(label) and any(seat is not None and seat.label == label for seat in seats)

    def enter(self, call: Call, seat: Seat) -> None:
        room = seat.room
        if room.ended:
            # The room closed while this phone rang; the carrier opens a new one under the same name.
            room = seat.room = self.open(room.name)
        room.invited.pop(call.sid, None)
        room.members.append(call)
        room.entered = True
        call.seat = seat
        self._exchange.report_room(room, "participant-join", call)
        self._exchange.perceive(call, "joined", room=room.name)
        self._beep(room, seat, "onEnter")
        starts = len(room.members) > 1 and any(member.seat.start_on_enter for member in room.members if member.seat)
        self._exchange.journal.entered(call.sid, room.name, seat.label)
        if room.started:
            self._exchange.perceive(call, "connected", room=room.name)
        elif starts:
            self._start(room)
        else:
            self._play_wait(call)
        self._listen_again(room)

    def leave(self, call: Call, reason: str, *, kicked: bool = False) -> Seat | None:
        """Take a leg out. The room ends when it was the last one, or when the room was to end with it."""
        seat = call.seat
        if seat is None:
            return None
        room = seat.room
        self._take_out(call, reason)
        how = "kicked" if kicked else "left"
        if seat.end_on_exit:
            self.end(room, f"participant-with-end-conference-on-exit-{how}", call, seat.label)
        elif not room.members:
            self.end(room, f"last-participant-{how}", call, seat.label)
        else:
            self._beep(room, seat, "onExit")
            self._listen_again(room)
        return seat

    def end(self, room: Room, reason: str, by: Call | None = None, label: str = "") -> None:
        if room.ended:
            return
        self._forget(room)
        sent_home = [(member, member.seat) for member in room.members if member.seat is not None]
        for member, _ in sent_home:
            self._take_out(member, "moderator_ended_conference" if by is not None else "conference_ended_via_api")
        ending = {"CallSidEndingConference": by.sid, "ParticipantLabelEndingConference": label} if by is not None else {}
        self._exchange.report_room(room, "conference-end", ReasonConferenceEnded=reason, Reason=reason, **ending)
        for member, seat in sent_home:
            self._left(member, seat)

    def never_came(self, call: Call) -> None:
        """A leg that was called into a room did not get there."""
        seat = call.invited
        if seat is None or seat.room.invited.pop(call.sid, None) is None:
            return
        call.seat = seat  # so that the report says whose leg it was
        self._exchange.report_room(
            seat.room, "participant-leave", call, ReasonParticipantLeft=ADD_FAILED, ParticipantCallStatus=call.status
        )
        call.seat = None
        if not seat.room.members and not seat.room.invited and not seat.room.ended:
            self._forget(seat.room)

    def hold(self, call: Call, seat: Seat, on: bool, url: str) -> None:
        if seat.held == on:
            return
        seat.held = on
        self._exchange.report_room(seat.room, "participant-hold" if on else "participant-unhold", call)
        self._exchange.journal.held(call.sid, on)
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
        self._listen_again(seat.room)

    def mute(self, call: Call, seat: Seat, on: bool) -> None:
        if seat.muted == on:
            return
        seat.muted = on
        self._exchange.report_room(seat.room, "participant-mute" if on else "participant-unmute", call)
        self._exchange.perceive(call, "mute", on=on)
        self._listen_again(seat.room)

    def coach(self, call: Call, seat: Seat, whom: str) -> None:
        """`whom` alone hears this leg from now on; "" for everybody."""
        if seat.coach == whom:
            return
        seat.coach = whom
        self._exchange.report_room(seat.room, "participant-modify", call)
        self._exchange.perceive(call, "coach", call_sid=whom)
        self._listen_again(seat.room)

    def end_on_exit(self, call: Call, seat: Seat, on: bool) -> None:
        if seat.end_on_exit != on:
            seat.end_on_exit = on
            self._exchange.report_room(seat.room, "participant-modify", call)

    def speak(self, call: Call, text: str, seconds: float) -> int:
        """Pass on what somebody said. Answers how many heard it."""
        hearers = self._hearers(call)
        self._exchange.perceive(call, "said", text=text, heard_by=len(hearers))
        if hearers:
            self._recorder.words(call, call.sid, seconds)
        for hearer in hearers:
            self._exchange.perceive(hearer, "heard", text=text, by=call.identity or call.from_, by_identity=call.identity)
            self._recorder.words(hearer, call.sid, seconds)
        return len(hearers)

    def listen_again(self, call: Call) -> None:
        """The leg itself has changed (its microphone): tell those concerned."""
        if call.seat is not None:
            self._listen_again(call.seat.room)

    def _hearers(self, call: Call) -> list[Call]:
        seat = call.seat
        if seat is None or not seat.room.started or seat.muted or seat.held or call.self_muted:
            return []
        others = [one for one in seat.room.members if one is not call and one.seat is not None and not one.seat.held]
        return [one for one in others if not seat.coach or one.sid == seat.coach]

    def _listen_again(self, room: Room) -> None:
        """Work out who hears whom, and tell everybody for whom it has changed."""
        hears: dict[str, list[str]] = {member.sid: [] for member in room.members}
        heard_by = {member.sid: [hearer.sid for hearer in self._hearers(member)] for member in room.members}
        for speaker, hearers in heard_by.items():
            for hearer in hearers:
                hears[hearer].append(speaker)
        for member in room.members:
            self._now_hears(member, Audible(tuple(hears[member.sid]), tuple(heard_by[member.sid])))
        self._exchange.room_changed(room)

    def _now_hears(self, call: Call, audible: Audible) -> None:
        if call.audible == audible:
            return
        call.audible = audible
        self._exchange.journal.talks(call.sid, tuple(sid for sid in audible.hears if sid in audible.heard_by))
        self._recorder.hearing(call)

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
        status = call.status
        self._exchange.report_room(
            seat.room, "participant-leave", call, ReasonParticipantLeft=reason, ParticipantCallStatus=status
        )
        seat.room.members.remove(call)
        self._exchange.journal.held(call.sid, False)
        call.seat = None
        if call.limit_timer is not None:
            call.limit_timer.cancel()
        self._hush(call)
        if call.aside is not None:
            call.aside.cancel()
            call.aside = None
        self._now_hears(call, Audible())

    def _beep(self, room: Room, seat: Seat, when: str) -> None:
        if seat.beep in ("true", when):
            for member in room.members:
                self._exchange.perceive(member, "beep")

    def _forget(self, room: Room) -> None:
        room.ended = True
        self._exchange.rooms.pop(room.sid, None)
        if self._by_name.get(room.name) is room:
            del self._by_name[room.name]

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
