"""Closing the lines in an emergency, in one step, and opening them again. New callers hear it at once; it ends by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid
from desk.models import LineClosure
from desk.queries.calls.closures import current_closure
from desk.sentences import N_
from desk.store import Tx

LONGEST_REASON = 80
LONGEST = timedelta(days=7)
END_TIMER = "voice.closure_ends"


def close_lines(
    tx: Tx, *, reason_zh: str, reason_en: str, expires_at: datetime | None, expected_at: datetime | None = None
) -> LineClosure:
    """Close the lines until `expires_at` at the latest. Raises `Invalid` with the fields, `Conflict` when they are closed.

    The reason completes “因…，热线暂停” and “Because of … our lines are closed”.
    """
    reason_zh, reason_en = " ".join(reason_zh.split()), " ".join(reason_en.split())
    wrong = {name: _BAD_REASON for name, text in (("reason_zh", reason_zh), ("reason_en", reason_en)) if not _is_reason(text)}
    if expires_at is None or not tx.now < expires_at <= tx.now + LONGEST:
        wrong["expires_at"] = N_("Choose an end within the next seven days.")
    if expected_at is not None and expected_at <= tx.now:
        wrong["expected_at"] = N_("The lines are expected back at a time to come.")
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    assert expires_at is not None
    if current_closure(tx.session, tx.now) is not None:
        raise Conflict("The lines are closed already.")
    closure = LineClosure(
        reason_zh=reason_zh,
        reason_en=reason_en,
        expected_at=expected_at,
        expires_at=expires_at,
        began_at=tx.now,
        began_by=tx.actor.name,
    )
    tx.session.add(closure)
    tx.session.flush()
    set_timer(tx, END_TIMER, str(closure.id), expires_at, {"closure_id": closure.id})
    told = {"expires_at": expires_at.isoformat(), "expected_at": expected_at.isoformat() if expected_at else ""}
    tx.emit("voice.lines_closed", data={"closure": closure.id, "reason_zh": reason_zh, "reason_en": reason_en, **told})
    return closure


def open_lines(tx: Tx, closure: LineClosure) -> bool:
    """End a closure before its time. False when it was over already."""
    tx.session.refresh(closure, with_for_update=True)
    if closure.ended_at is not None or closure.expires_at <= tx.now:
        return False
    closure.ended_at, closure.ended_by = tx.now, tx.actor.name
    clear_timer(tx, END_TIMER, str(closure.id))
    tx.emit("voice.lines_opened", data={"closure": closure.id})
    return True


def expire(tx: Tx, data: dict[str, Any]) -> None:
    """Timer: the time of a closure is over. Callers heard so to the second; now everybody who looks at a screen sees it."""
    closure = tx.session.get_one(LineClosure, data["closure_id"], with_for_update=True)
    if closure.ended_at is None:
        closure.ended_at, closure.ended_by = closure.expires_at, tx.actor.name
        tx.emit("voice.lines_opened", data={"closure": closure.id, "expired": True})


_BAD_REASON = N_("Say why, in a few words that fit the sentence: at most 80 characters, no braces.")


def _is_reason(text: str) -> bool:
    return 0 < len(text) <= LONGEST_REASON and "{" not in text and "}" not in text
