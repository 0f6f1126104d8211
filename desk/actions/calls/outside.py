"""A menu that leads to a number outside: it is rung into the caller's room; with no answer there the caller is ours again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.actions.calls.locks import lock_call
from desk.models import Call
from desk.models.call import IVR, OVER, OVERFLOW
from desk.queries.calls.voice_policy import voice_policy
from desk.store import Tx


@dataclass(frozen=True)
class Ring:
    """Whom to ring for which call, and the number that they see."""

    call_id: int
    conference: str
    to: str
    from_: str


def to_ring(session: Session, sid: str) -> Ring | None:
    """The number outside that this caller waits for and nobody has rung yet."""
    call = session.scalar(select(Call).where(Call.sid == sid))
    if call is None or call.state != IVR or call.menu.get("stage") != "outside" or call.menu.get("outside"):
        return None
    from_ = call.from_number if voice_policy(session).pass_on_caller_id and call.from_number else call.to_number
    return Ring(call.id, call.conference, str(call.menu["chosen"]["number"]), from_)


def rung(tx: Tx, ring: Ring, sid: str) -> None:
    """The carrier rings the number under this leg."""
    call = lock_call(tx, ring.call_id)
    call.menu = {**call.menu, "outside": sid}


def outside_status(tx: Tx, call: Call, status: str, final: bool) -> bool:
    """What became of the number outside. True when the caller has to be taken back, since nobody answered."""
    if status == "in-progress" and call.state == IVR:
        call.state, call.flow_out, call.flow_out_at = OVERFLOW, "transfer", tx.now
        tx.emit("call.sent_outside", call=call, customer=call.customer_id, data={"number": call.menu["chosen"].get("number", "")})
    if final and call.state == OVERFLOW:
        call.ended_at = call.ended_at or tx.now
    return final and call.state == IVR and call.menu.get("stage") == "outside"


def is_unwanted(call: Call) -> bool:
    """Whether the caller has left while the number was still ringing."""
    return call.state in OVER and call.state != OVERFLOW
