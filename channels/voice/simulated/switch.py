"""The life of a call in the simulated carrier: rung, taken, put into a room, out of it again, ended."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

from channels.voice.port import CarrierFailed
from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.player import Player
from channels.voice.simulated.rooms import Rooms
from channels.voice.simulated.script import Dial
from channels.voice.simulated.state import Call, Run, Seat, new_sid


class NotPossible(Exception):
    """The telephone cannot do that now. `code` is for programs (`no_such_call`, `not_ringing`, ...), the text for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Switch:
    """Joins documents, rooms and legs. All methods are called with the exchange's lock held."""

    def __init__(self, exchange: Exchange, *, now: Callable[[], float]) -> None:
        self.exchange = exchange
        self._now = now
        self.player = Player(exchange, answer=self.take, dial=self._dial, end=self.end)
        self.rooms = Rooms(exchange, self.player, left=self._left)

    def ring_in(self, from_: str, to: str, voice_url: str, status_url: str) -> Call:
        """A telephone calls: ask the application what to do with it."""
        call = Call(sid=new_sid("CA"), from_=from_, to=to, direction="inbound", status="ringing", status_url=status_url)
        call.main = Run(url=voice_url, purpose="main")
        self.exchange.calls[call.sid] = call
        self.exchange.perceive(call, "status", status="ringing")
        self.player.fetch(call, call.main, "")
        return call

    def ring_out(self, call: Call, seat: Seat, ring_timeout_s: float) -> None:
        """The application calls somebody into a room."""
        call.invited = seat
        self.exchange.calls[call.sid] = call
        self.exchange.report_call(call)
        call.status = "ringing"
        self.exchange.report_call(call)
        told = {"from": call.from_, "to": call.to, "room": seat.room.name, "label": seat.label}
        self.exchange.perceive(call, "ringing", **told)
        call.ring_timer = self.exchange.after(ring_timeout_s, lambda: self.end(call, "no-answer", "no_answer"))

    def take(self, call: Call) -> None:
        """The call is answered, by the application (inbound) or by a person; a second time changes nothing."""
        if call.answered_at is not None:
            return
        self._stop_ringing(call)
        call.status = "in-progress"
        call.answered_at = self._now()
        if not call.inbound:
            self.exchange.report_call(call)
        self.exchange.perceive(call, "answered")
        if call.invited is not None:
            self.rooms.enter(call, call.invited)

    def redirect(self, call: Call, url: str) -> None:
        """Out of the room and of the document, on with another one."""
        for run in (call.main, call.over):
            if run is not None:
                run.cancel()
        call.main = Run(url=url, purpose="main")
        self.rooms.leave(call, "participant_redirected")
        self.player.fetch(call, call.main, "")

    def leave_by_star(self, call: Call) -> bool:
        """The key that leads out of a room, when the document gave it that meaning."""
        if call.seat is None or not call.seat.leave_on_star:
            return False
        seat = self.rooms.leave(call, "participant_pressed_star")
        if seat is not None:
            self._left(call, seat)
        return True

    def hang_up(self, call: Call, reason: str) -> None:
        """End a call under the status that fits how far it came."""
        self.end(call, "completed" if call.answered_at is not None else "canceled", reason)

    def end(self, call: Call, status: str, reason: str) -> None:
        """The call is over; a second time changes nothing. The room hears of it before whoever follows the call does."""
        if call.ended:
            return
        self._stop_ringing(call)
        for run in (call.main, call.over):
            if run is not None:
                run.cancel()
        call.status = status
        if call.seat is not None:
            self.rooms.leave(call, "participant_hung_up" if reason == "hung_up" else "participant_updated_via_api")
        elif call.invited is not None:
            self.rooms.close_if_empty(call.invited.room)
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
            raise CarrierFailed("This call is not in that conference.", retryable=False)
        return call, call.seat

    # What documents and rooms lead to

    def _dial(self, call: Call, verb: Dial) -> None:
        here = call.main.url if call.main is not None else ""
        room = self.rooms.open(verb.room)
        if verb.status_url and not room.status_url:
            room.status_url, room.status_events = urljoin(here, verb.status_url), verb.status_events
        seat = Seat(
            room,
            verb.label,
            start_on_enter=verb.start_on_enter,
            end_on_exit=verb.end_on_exit,
            muted=verb.muted,
            leave_on_star=verb.hangup_on_star,
            after=verb.action,
            wait_url=urljoin(here, verb.wait_url) if verb.wait_url else verb.wait_url,
        )
        self.rooms.enter(call, seat)

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
