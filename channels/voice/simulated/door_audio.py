"""Sound between the pages of the carrier: which page has the sound of a leg, and what two browsers need to tell each other.

The sound itself goes from browser to browser (WebRTC). The carrier decides who hears whom, and passes offers and answers on only
between legs of which one hears the other. A page learns names of peers made for this purpose, never another leg's CallSid.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from channels.voice.simulated.carrier import NotPossible, SimulatedCarrier

# A page that lost its connection keeps the sound of its leg this long: the sound does not need us once it flows.
_GRACE_S = 30.0
# Two browsers connect with one offer and one answer of 1 to 6 kB; trouble makes a few more.
_LONGEST_SDP = 20_000
_MOST_SIGNALS, _WITHIN_S = 60, 10.0
_KINDS = ("offer", "answer", "again")

Answer = dict[str, Any]


class Teller(Protocol):
    """A door: says something to one connection."""

    def tell(self, event: str, data: Answer, to: str) -> None: ...


@dataclass
class Holder:
    """The page that has the sound of a leg. `peer` is how other pages know it; a page that is loaded again gets a new one."""

    leg: str
    page: str
    peer: str
    door: Teller
    socket: str
    away: bool = False
    told: list[Answer] | None = None
    signals: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_SIGNALS))


class AudioLines:
    """All pages with sound. One page has the sound of a leg; it is told its `peers` whenever they change.

    A peer is `{peer, hear, speak, offer}`. Of every two, the one with the greater name makes the offers: offers never cross.
    """

    def __init__(self, carrier: SimulatedCarrier, ice_servers: list[dict[str, Any]]) -> None:
        self._carrier = carrier
        self._ice_servers = ice_servers
        self._lock = threading.Lock()
        self._holders: dict[str, Holder] = {}
        carrier.watch_rooms(self._room_changed)

    def claim(self, door: Teller, socket: str, leg: str, data: Answer) -> Answer:
        """Give the sound of a leg to a page, unless another page has it and this one does not insist (`take`).

        `page` names the page, the same after a reload; `peer` is what it was called before its connection broke.
        """
        page = _name(data, "page")
        with self._lock:
            holder = self._holders.get(leg)
            if holder is not None and holder.page != page and not holder.away and data.get("take") is not True:
                return {"ok": True, "mine": False}
            if holder is not None and holder.page == page and holder.peer == data.get("peer"):
                holder.door, holder.socket, holder.away, holder.told = door, socket, False, None
            else:
                if holder is not None and holder.socket != socket:
                    holder.door.tell("audio", {"call_sid": leg, "mine": False}, to=holder.socket)
                holder = self._holders[leg] = Holder(leg, page, secrets.token_urlsafe(12), door, socket)
            self._tell_peers()
        return {"ok": True, "mine": True, "peer": holder.peer, "ice_servers": self._ice_servers}

    def signal(self, socket: str, leg: str, data: Answer) -> Answer:
        """Pass an offer or an answer on. Raises `NotPossible` for pages that may not, or not that much."""
        kind, turn, sdp, to = data.get("kind"), data.get("turn"), data.get("sdp", ""), _name(data, "to")
        if kind not in _KINDS or not isinstance(turn, int) or not isinstance(sdp, str) or len(sdp) > _LONGEST_SDP:
            raise NotPossible("bad_request", "This is no offer and no answer.")
        hears, heard_by = self._carrier.audible(leg)
        with self._lock:
            sender = self._holders.get(leg)
            if sender is None or sender.socket != socket:
                raise NotPossible("elsewhere", "The sound of this call is in another window.")
            self._count(sender)
            receiver = next((one for one in self._holders.values() if one.peer == to), None)
            if receiver is None or receiver.leg not in {*hears, *heard_by}:
                raise NotPossible("not_audible", "You do not hear each other.")
            told = {"call_sid": receiver.leg, "from": sender.peer, "kind": kind, "turn": turn, "sdp": sdp}
            receiver.door.tell("signal", told, to=receiver.socket)
        return {"ok": True}

    def gone(self, socket: str) -> None:
        """A page lost its connection: it may come back, and another one may take its sound."""
        with self._lock:
            lost = [holder for holder in self._holders.values() if holder.socket == socket]
            for holder in lost:
                holder.away = True
        if lost:
            self._carrier.later(_GRACE_S, self._forget_absent)

    def _forget_absent(self) -> None:
        with self._lock:
            self._holders = {leg: holder for leg, holder in self._holders.items() if not holder.away}
            self._tell_peers()

    def _room_changed(self, legs: list[str]) -> None:
        with self._lock:
            if not self._holders.keys().isdisjoint(legs):
                self._tell_peers()

    def _tell_peers(self) -> None:
        """Tell each page with whom it shares sound now, if that is news. Few people telephone by browser at the same time."""
        for holder in list(self._holders.values()):
            if self._carrier.ended(holder.leg):
                del self._holders[holder.leg]
        for holder in self._holders.values():
            peers = self._peers_of(holder)
            if peers != holder.told and not holder.away:
                holder.told = peers
                holder.door.tell("peers", {"call_sid": holder.leg, "peer": holder.peer, "peers": peers}, to=holder.socket)

    def _peers_of(self, holder: Holder) -> list[Answer]:
        hears, heard_by = self._carrier.audible(holder.leg)
        return [
            {"peer": one.peer, "hear": one.leg in hears, "speak": one.leg in heard_by, "offer": holder.peer > one.peer}
            for one in self._holders.values()
            if one.leg in hears or one.leg in heard_by
        ]

    def _count(self, sender: Holder) -> None:
        now = time.monotonic()
        if len(sender.signals) == _MOST_SIGNALS and now - sender.signals[0] < _WITHIN_S:
            raise NotPossible("too_fast", "Too many attempts to connect at once. Please wait a moment.")
        sender.signals.append(now)


def _name(data: Answer, field_name: str) -> str:
    value = data.get(field_name)
    if not isinstance(value, str) or not 1 <= len(value) <= 64:
        raise NotPossible("bad_request", f"The field {field_name} is missing.")
    return value
