"""Noticing that the telephone carrier does not answer, and that it does again: what agents and the health page are told."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.exc import IntegrityError

from desk.models import Setting
from desk.queries.calls.carrier_state import ENOUGH, SETTING, carrier_state
from desk.store import Tx


def failed(tx: Tx, reason: str) -> None:
    """The carrier did not answer. After `ENOUGH` in a row it counts as away."""
    row = tx.session.get(Setting, SETTING, with_for_update=True)
    if row is None:
        with suppress(IntegrityError), tx.session.begin_nested():  # somebody else may notice it at this moment
            tx.session.add(Setting(key=SETTING, value={}))
        row = tx.session.get_one(Setting, SETTING, with_for_update=True)
    count = int(row.value.get("failures", 0)) + 1
    since = row.value.get("since") or tx.now.isoformat()
    row.value = {"failures": count, "since": since, "reason": reason[:200]}
    if count == ENOUGH:
        tx.emit("setting.carrier_lost", data={"reason": reason[:200]})


def answered(tx: Tx) -> None:
    """The carrier answered."""
    row = tx.session.get(Setting, SETTING, with_for_update=True)
    if row is None or not row.value.get("failures"):
        return
    was_away = not carrier_state(tx.session).is_there
    row.value = {}
    if was_away:
        tx.emit("setting.carrier_returned")
