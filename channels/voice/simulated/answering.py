"""Telephone numbers that behave in a certain way when they are called, so that outbound calls can be tried and tested.

Every number rings on the try page or in a test until somebody answers it there, except:

| number        | what happens |
| ------------- | ------------ |
| +15005550001  | refused: not a valid number (21217) |
| +15005550002  | refused: cannot be reached (21214) |
| +15005550003  | refused: no permission to call that country (21215) |
| +15005550004  | refused: blocked (21216) |
| +15005550101  | a person answers after 3 s and says hello |
| +15005550102  | busy |
| +15005550103  | nobody answers |
| +15005550104  | an answering machine after 8 s: greeting, beep (`machine_start`) |
| +15005550105  | somebody answers after 3 s and hangs up at once |
| +15005550106  | a fax after 3 s (`fax`) |
| +15005550107  | the network fails (`failed`) |
| +15005550108  | a machine with a menu after 2 s: key 1 reaches a person who says hello |
| +15005550109  | the call is declined after 5 s (`busy`) |

The first four are the real carrier's own numbers for tests; the others lie in the same range, which belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from channels.voice.port import CarrierFailed
from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.state import Call

_REFUSED = {
    "+15005550001": (21217, "This phone number is not valid."),
    "+15005550002": (21214, "This phone number cannot be reached."),
    "+15005550003": (21215, "We have no permission to call that country."),
    "+15005550004": (21216, "Calls to this phone number are blocked."),
}
_DETECTION_S = 4.0
_GREETING_S = 6.0
_HELLO = "Hello?"


@dataclass(frozen=True)
class _Party:
    """What happens after `after_s` of ringing, who answers then, and what they say."""

    then: Literal["answers", "busy", "no-answer", "failed", "hangs up"]
    after_s: float
    by: str = "human"
    says: str = ""
    menu: bool = False


_PARTIES = {
    "+15005550101": _Party("answers", 3, says=_HELLO),
    "+15005550102": _Party("busy", 0),
    "+15005550103": _Party("no-answer", 0),
    "+15005550104": _Party("answers", 8, by="machine_start", says="We are not at home. Please speak after the tone."),
    "+15005550105": _Party("hangs up", 3),
    "+15005550106": _Party("answers", 3, by="fax"),
    "+15005550107": _Party("failed", 1),
    "+15005550108": _Party("answers", 2, by="machine_start", says="For a person press 1.", menu=True),
    "+15005550109": _Party("busy", 5),
}


def check_number(number: str) -> None:
    """Raises `CarrierFailed` for a number that the carrier does not call."""
    if number in _REFUSED:
        code, reason = _REFUSED[number]
        raise CarrierFailed(reason, retryable=False, code=code)


class Answering:
    """The people and machines at those numbers. All methods are called with the exchange's lock held."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        take: Callable[[Call], None],
        end: Callable[[Call, str, str], None],
        speak: Callable[[Call, str], object],
    ) -> None:
        self._exchange = exchange
        self._take = take
        self._end = end
        self._speak = speak

    def rings(self, call: Call) -> None:
        """A leg rings at a number: whoever is there does what they do."""
        party = _PARTIES.get(call.to) if call.identity is None else None
        if party is None:
            return
        call.answered_by = party.by
        match party.then:
            case "answers":
                self._exchange.after(party.after_s, lambda: self._answers(call, party))
            case "hangs up":
                self._exchange.after(party.after_s, lambda: self._answers(call, party))
                self._exchange.after(party.after_s + 1, lambda: self._ends(call, "completed", "hung_up"))
            case "busy" | "failed":
                self._exchange.after(party.after_s, lambda: self._ends(call, party.then, "rejected"))
            case "no-answer":
                pass

    def answered(self, call: Call) -> None:
        """Somebody took an outbound call: machine detection listens for a while and says who."""
        call.answered_by = call.answered_by or "human"
        if call.detecting:
            self._exchange.after(_DETECTION_S, lambda: self._found(call))

    def hears_keys(self, call: Call, digits: str) -> None:
        """Tones reach this leg: a machine with a menu puts through to a person."""
        party = _PARTIES.get(call.to)
        if party is not None and party.menu and "1" in digits and not call.ended:
            self._exchange.after(1, lambda: self._says(call, _HELLO))

    def _answers(self, call: Call, party: _Party) -> None:
        if call.ended or call.answered_at is not None:
            return
        self._take(call)
        if party.says:
            self._exchange.after(1, lambda: self._says(call, party.says))
        if party.by == "machine_start" and not party.menu:
            self._exchange.after(_GREETING_S, lambda: self._says(call, "(beep)"))

    def _ends(self, call: Call, status: str, reason: str) -> None:
        if not call.ended:
            self._end(call, status, reason)

    def _says(self, call: Call, text: str) -> None:
        if not call.ended:
            self._speak(call, text)

    def _found(self, call: Call) -> None:
        if call.detecting and not call.ended:
            call.detecting = False
            self._exchange.report_machine(call, _DETECTION_S)
