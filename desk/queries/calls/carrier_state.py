"""Whether the telephone carrier answers us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from desk.models import Setting

SETTING = "voice.carrier_state"
ENOUGH = 3  # failures in a row before it counts as away


@dataclass(frozen=True)
class CarrierState:
    """`since` is when it first failed, `reason` what was said last; both empty while all is well."""

    is_there: bool
    since: datetime | None
    reason: str


def carrier_state(session: Session) -> CarrierState:
    """How the carrier was when it was last asked."""
    row = session.get(Setting, SETTING)
    kept = {} if row is None else row.value
    if int(kept.get("failures", 0)) < ENOUGH:
        return CarrierState(True, None, "")
    return CarrierState(False, datetime.fromisoformat(kept["since"]), str(kept.get("reason", "")))


def failures(session: Session) -> int:
    """How often in a row the carrier has not answered."""
    row = session.get(Setting, SETTING)
    return 0 if row is None else int(row.value.get("failures", 0))
