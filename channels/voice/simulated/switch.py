"""The life of a call in the simulated carrier: rung, taken, put into a room, out of it again, ended."""

from __future__ import annotations

from urllib.parse import urljoin

from channels.voice.port import CarrierFailed
from channels.voice.simulated.answering import Answering
from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.player import Player, speaking_s
from channels.voice.simulated.recorder import Recorder
from channels.voice.simulated.rooms import ADD_FAILED, HUNG_UP, UPDATED, Rooms
from channels.voice.simulated.state import Call, Room, Run, Seat, new_sid
from channels.voice.simulated.verbs import COACH, LABEL_IN_USE, ROOM_IS_FULL, Dial


class NotPossible(Exception):
    """The telephone cannot do that now. `code` is for programs (`no_such_call`, `not_ringing`, ...), the text for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Switch:
    """Joins documents, rooms and legs. All methods are called with the exchange's lock held."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.recorder = Recorder(exchange)
        self.player = Player(
            exchange,
            self.recorder,
            answer=self.take,
            dial=self._dial,
            end=self.end,
            unwelcome=self._unwelcome,
            tones=self._tones,
        )
        self.rooms = Rooms(exchange, self.player, self.recorder, left=self._left)
        self.answering = Answering(exchange, take=self.take, end=self.end, speak=self.say)

    def ring_in(self, from_: str, to: str, voice_url: str, status_url: str) -> Call:
        """A telephone calls: ask the application what to do with it."""
        call = Call(sid=new_sid("CA"), from_=from_, to=to, direction="inbound", status="ringing", status_url=status_url)
        call.main = Run(url=voice_url, purpose="main")
        self.exchange.note_caller(from_)
        self._begin(call)
        self.exchange.perceive(call, "status", status="ringing")
        self.player.fetch(call, call.main, "")
        return call

    def ring_out(self, call: Call, seat: Seat, ring_timeout_s: float) -> None:
        """The application calls somebody into a room."""
        call.invited = seat
        seat.room.invited[call.sid] = call
        self._begin(call, seat.label)
        self.exchange.report_call(call)
        call.status = "ringing"
        self.exchange.report_call(call)
        told = {"from": call.from_, "to": call.to, "room": seat.room.name, "label": seat.label}
        self.exchange.perceive(call, "ringing", **told)
        call.ring_timer = self.exchange.after(ring_timeout_s, lambda: self.end(call, "no-answer", "no_answer"))
        self.answering.rings(call)

    def take(self, call: Call) -> None:
        """The call is answered, by the application (inbound) or by a person; a second time changes nothing."""
        if call.answered_at is not None:
            return
        self._stop_ringing(call)
        call.status = "in-progress"
        call.answered_at = self.exchange.loop.elapsed_s
        self.exchange.journal.answered(call.sid)
        if not call.inbound:
            self.exchange.report_call(call)
        self.exchange.perceive(call, "answered")
        if call.invited is None:
            return
        trouble = self._cannot_coach(call.invited)
        if trouble:
            self.end(call, "failed", trouble)
            return
        self.answering.answered(call)
        self._enter(call, call.invited)

    def redirect(self, call: Call, url: str) -> None:
        """Out of the room and of the document, on with another one."""
        for run in (call.main, call.over):
            if run is not None:
                run.cancel()
        call.main = Run(url=url, purpose="main")
        self.rooms.leave(call, UPDATED)
        self.player.fetch(call, call.main, "")

    def leave_by_star(self, call: Call) -> bool:
        """The key that leads out of a room, when the document gave it that meaning."""
        if call.seat is None or not call.seat.leave_on_star:
            return False
        seat = self.rooms.leave(call, HUNG_UP)
        if seat is not None:
            self._left(call, seat)
        return True

    def kick(self, call: Call) -> None:
        """Out of the room; the call goes on with its document, or ends when it has none."""
        seat = self.rooms.leave(call, UPDATED, kicked=True)
        if seat is not None:
            self._left(call, seat)

    def announce(self, call: Call, url: str) -> None:
        """Let this leg alone hear a document beside its room; a new one ends the one before."""
        if call.aside is not None:
            call.aside.cancel()
        call.aside = Run(url=url, purpose="announce")
        self.exchange.perceive(call, "announcement", on=True)
        self.player.fetch(call, call.aside, "")

    def press(self, call: Call, digit: str) -> bool:
        """A key on this leg. False when nothing was listening for it."""
        if call.seat is not None:
            return digit == "*" and self.leave_by_star(call)
        if call.main is None:
            return False
        return self.player.gathering.press(call, call.main, digit) or self.player.voicemail.press(call, call.main, digit)

    def say(self, call: Call, text: str) -> int:
        """Words on this leg: for whoever can hear them, a menu or a voicemail among them. Answers how many that are."""
        seconds = speaking_s(text, "zh" if any(ord(sign) > 0x2E7F for sign in text) else "en")
        if call.seat is not None or call.main is None:
            return self.rooms.speak(call, text, seconds)
        heard = self.player.gathering.say(call, call.main, text) or self.player.voicemail.say(call, call.main, seconds, text)
        self.exchange.perceive(call, "said", text=text, heard_by=int(heard))
        return int(heard)

    def hang_up(self, call: Call, reason: str) -> None:
        """End a call under the status that fits how far it came."""
        self.end(call, "completed" if call.answered_at is not None else "canceled", reason)

    def end(self, call: Call, status: str, reason: str) -> None:
        """The call is over; a second time changes nothing. The room hears of it before whoever follows the call does."""
        if call.ended:
            return
        self._stop_ringing(call)
        for run in (call.main, call.over, call.aside):
            if run is not None:
                run.cancel()
        call.status, call.ended_at = status, self.exchange.now()
        if call.main is not None:
            self.player.voicemail.hung_up(call, call.main)
        if call.seat is not None:
            self.rooms.leave(call, HUNG_UP if reason == "hung_up" else UPDATED)
        else:
            self.rooms.never_came(call)
        self.recorder.stop_all(call)
        self.exchange.journal.ended(call.sid, status, reason)
        self.exchange.report_call(call)
        self.exchange.perceive(call, "ended", reason=reason, status=status)
        self.exchange.forget_oldest(call)

    # Finding calls

    def known(self, call_sid: str) -> Call:
        """The call, ended or not. Raises `NotPossible`."""
        call = self.exchange.calls.get(call_sid)
        if call is None:
            raise NotPossible("no_such_call", "There is no such call.")
        return call

    def live(self, call_sid: str) -> Call:
        """The call, unless it has ended. Raises `NotPossible`."""
        call = self.known(call_sid)
        if call.ended:
            raise NotPossible("ended", "This call has ended.")
        return call

    def ringing(self, call_sid: str, identity: str | None) -> Call:
        """The call that rings at this softphone (None: at a telephone). Raises `NotPossible`."""
        call = self.live(call_sid)
        if call.identity != identity or call.inbound:
            raise NotPossible("no_such_call", "There is no such call.")
        if call.status != "ringing":
            raise NotPossible("not_ringing", "This call does not ring any more.")
        return call

    def participant(self, conference_sid: str, call_sid: str) -> tuple[Call, Seat]:
        """A leg and its place in this room. Raises `CarrierFailed`."""
        room = self.rooms.find(conference_sid)
        call = self.exchange.calls.get(call_sid)
        if room is None or call is None or call.seat is None or call.seat.room is not room:
            raise CarrierFailed("This call is not in that conference.", retryable=False, code=20404)
        return call, call.seat

    def cannot_coach(self, room: Room, whom: str) -> tuple[int, str] | None:
        """Why nobody can coach this leg in this room now: the carrier's number and words, or None when one can."""
        coached = self.exchange.calls.get(whom)
        if coached is None or coached.seat is None or coached.seat.room is not room:
            return 16028, "The person to be coached is not in the conference."
        if coached.seat.held:
            return 16027, "The person to be coached is on hold."
        return None

    # What documents and rooms lead to

    def _begin(self, call: Call, label: str = "") -> None:
        call.arrived_at = self.exchange.now()
        self.exchange.calls[call.sid] = call
        self.exchange.journal.arrived(
            call.sid, direction=call.direction, from_=call.from_, to=call.to, identity=call.identity or "", label=label
        )

    def _dial(self, call: Call, verb: Dial) -> None:
        here = call.main.url if call.main is not None else ""
        room = self.rooms.open(verb.room)
        problem = self._refusal(room, verb)
        if problem is not None:
            code, message = problem
            self.exchange.perceive(call, "error", code=code, message=message)
            if call.main is not None:
                self.player.go_on(call, call.main)
            return
        if not room.entered:
            # Only who enters first decides where the events go.
            room.status_url = urljoin(here, verb.status_url) if verb.status_url else ""
            room.status_events = verb.status_events
        seat = Seat(
            room,
            verb.label,
            start_on_enter=verb.start_on_enter,
            end_on_exit=verb.end_on_exit,
            muted=verb.muted,
            leave_on_star=verb.hangup_on_star,
            after=verb.action,
            wait_url=urljoin(here, verb.wait_url) if verb.wait_url else verb.wait_url,
            beep=verb.beep,
            coach=verb.coach,
            time_limit_s=verb.time_limit_s,
        )
        self._enter(call, seat)

    def _refusal(self, room: Room, verb: Dial) -> tuple[int, str] | None:
        if len(room.members) >= verb.most:
            return ROOM_IS_FULL, "The conference is full."
        if self.rooms.label_taken(room, verb.label):
            return LABEL_IN_USE, "Somebody in the conference has this label already."
        if verb.coach and self.cannot_coach(room, verb.coach):
            return COACH, "The call to coach is not in the conference."
        return None

    def _cannot_coach(self, seat: Seat) -> str:
        problem = self.cannot_coach(seat.room, seat.coach) if seat.coach else None
        return f"cannot_coach_{problem[0]}" if problem is not None else ""

    def _enter(self, call: Call, seat: Seat) -> None:
        self.rooms.enter(call, seat)
        limit_s = seat.time_limit_s
        call.limit_timer = self.exchange.after(limit_s, lambda: self.end(call, "completed", "time_limit"))

    def _tones(self, call: Call, digits: str) -> None:
        self.answering.hears_keys(call, digits)

    def _unwelcome(self, call: Call) -> None:
        seat = self.rooms.leave(call, ADD_FAILED)
        if seat is not None:
            self._left(call, seat)

    def _left(self, call: Call, seat: Seat) -> None:
        """A leg is out of its room without having hung up: go on with its document, or end when it has none."""
        if call.ended:
            return
        if call.main is None:
            self.end(call, "completed", "room_ended")
        elif seat.after:
            self.player.fetch(call, call.main, seat.after, DialCallStatus="completed")
        else:
            self.player.go_on(call, call.main)

    def _stop_ringing(self, call: Call) -> None:
        if call.ring_timer is not None:
            call.ring_timer.cancel()
            call.ring_timer = None
