"""What may happen to a call in which state: one table for the states, one for the verbs that people press."""

from __future__ import annotations

from collections.abc import Mapping

from desk.errors import Conflict
from desk.models import Call
from desk.models.call import (
    ABANDONED,
    BUSY,
    CALLBACK_SET,
    CONFERENCE,
    CONSULT,
    DIALING,
    DONE,
    FAILED,
    HOLD,
    IVR,
    MACHINE,
    NO_ANSWER,
    OFFERED,
    OVER,
    OVERFLOW,
    QUEUED,
    RINGING_IN,
    TALKING,
    TRANSFERRED,
    VOICEMAIL,
    WITH_AGENT,
    WRAP_UP,
)
from desk.sentences import N_

_LEFT = {ABANDONED, FAILED, VOICEMAIL, CALLBACK_SET, OVERFLOW}
_TALK = {TALKING, HOLD, CONSULT, CONFERENCE, TRANSFERRED, QUEUED, OFFERED, WRAP_UP, DONE}

# From each state, those that may follow. Nothing follows the end but the wrap-up's end.
MOVES: Mapping[str, frozenset[str]] = {
    RINGING_IN: frozenset({IVR, QUEUED} | _LEFT),
    IVR: frozenset({QUEUED} | _LEFT),
    QUEUED: frozenset({IVR, OFFERED, TALKING, HOLD, WRAP_UP} | _LEFT),
    OFFERED: frozenset({QUEUED, TALKING, WRAP_UP, ABANDONED, FAILED}),
    DIALING: frozenset({TALKING, WRAP_UP, NO_ANSWER, BUSY, MACHINE, FAILED, ABANDONED}),
    TALKING: frozenset({MACHINE} | _TALK),
    HOLD: frozenset(_TALK),
    CONSULT: frozenset(_TALK),
    CONFERENCE: frozenset(_TALK),
    TRANSFERRED: frozenset({HOLD, QUEUED, WRAP_UP, DONE}),
    WRAP_UP: frozenset({DONE}),
    **{over: frozenset() for over in OVER if over != WRAP_UP},
}

# The verbs of agents and supervisors, and the states in which the call takes them.
VERBS: Mapping[str, frozenset[str]] = {
    "hold": frozenset({TALKING}),
    "resume": frozenset({HOLD}),
    "mute": frozenset(WITH_AGENT),
    "hang_up": frozenset({OFFERED, DIALING, *WITH_AGENT}),
    "transfer": frozenset({TALKING, HOLD}),
    "consult": frozenset({TALKING, HOLD}),
    "complete": frozenset({CONSULT, CONFERENCE}),
    "join": frozenset({CONSULT}),
    "cancel": frozenset({CONSULT, CONFERENCE}),
    "swap": frozenset({CONSULT}),
    "keys": frozenset({TALKING, CONSULT, CONFERENCE}),
    "record": frozenset(WITH_AGENT),
    "help": frozenset({OFFERED, DIALING, *WITH_AGENT}),
    "listen": frozenset(WITH_AGENT),
    "take_over": frozenset({TALKING, HOLD}),
    "move": frozenset({QUEUED, TALKING, HOLD}),
}

_NOT_CONNECTED = N_("The call is not connected.")
_SENTENCES: Mapping[str, str] = {
    DIALING: N_("Nobody has answered yet. You can end the call."),
    OFFERED: _NOT_CONNECTED,
    QUEUED: _NOT_CONNECTED,
    TALKING: N_("You are speaking with the customer; that needs nothing on hold and nobody else on the line."),
    HOLD: N_("The customer is on hold. Take them back, or pass the call on."),
    CONSULT: N_("You are asking somebody else. Hand over, join the calls, or go back to the customer first."),
    CONFERENCE: N_("Three are on the line. Leave the others together, or let the third one go first."),
    TRANSFERRED: N_("This call has been passed on."),
}
OVER_SENTENCE = N_("The call is over.")
LOST_SENTENCE = N_("The line to the agent broke. It is being connected again; please wait a moment.")


def check(call: Call, verb: str) -> None:
    """Raises `Conflict`, with what can be done instead, when the call does not take this verb in its state."""
    if call.lost_until is not None and call.state not in OVER and verb not in ("hang_up", "help", "move"):
        raise Conflict(LOST_SENTENCE)
    if call.state not in VERBS[verb]:
        raise Conflict(OVER_SENTENCE if call.state in OVER else _SENTENCES.get(call.state, _NOT_CONNECTED))


def go(call: Call, state: str) -> None:
    """Bring the call into the state. Raises `Conflict` for a move that the table does not have; the same state is no move."""
    if state == call.state:
        return
    if state not in MOVES[call.state]:
        raise Conflict(OVER_SENTENCE if call.state in OVER else _SENTENCES.get(call.state, _NOT_CONNECTED))
    call.state = state
