"""The list of who was erased, kept beside the database: what an older backup brings back goes again.

It holds numbers, moments and no names, one line of JSON for each word that two people gave: `agreed`, and `ended` once nothing is
left. It is only ever added to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Customer, Erasure
from desk.models.erasure import AGREED, ASKED, CUSTOMER, DONE, STANDING
from desk.queries.privacy.erasures import standing
from desk.store import Tx

NAME = "erased.jsonl"
WAS_AGREED, HAS_ENDED = "agreed", "ended"


def write_down(path: Path, erasures: Iterable[Erasure]) -> None:
    """Add what these have come to, on the disk when this returns; a line that is there already is not written again."""
    _add(path, [_line(each) for each in erasures])


def take_over(other: Path, path: Path) -> None:
    """Add what another list says, such as that of the desk before."""
    _add(path, read(other))


def _add(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    known = {json.dumps(line, sort_keys=True) for line in read(path)}
    new = [line for line in (json.dumps(each, sort_keys=True) for each in lines) if line not in known]
    if not new:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # A last line that a crash cut off ends here, so that it does not spoil ours.
    cut_off = path.is_file() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="ascii") as file:
        file.write("\n" if cut_off else "")
        file.write("".join(f"{line}\n" for line in new))
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """The lines; a last one that was cut off by a crash is not one."""
    if not path.is_file():
        return []
    found = []
    for text in path.read_text("ascii").splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def listed(path: Path) -> set[tuple[int | None, str]]:
    """Whose erasing is on the list as ended: number and moment of each record."""
    return {(line["customer"], line["since"]) for line in read(path) if line["did"] == HAS_ENDED}


def ask_again(tx: Tx, lines: Iterable[dict[str, Any]]) -> int:
    """Let the worker do again what this database does not know to be done. Answers how many customers that is."""
    last: dict[tuple[int, str], dict[str, Any]] = {}
    for line in lines:
        key = (line["customer"], line["since"])
        if last.get(key, {}).get("did") != HAS_ENDED:
            last[key] = line
    return sum(_ask(tx, customer_id, since, line) for (customer_id, since), line in last.items())


def _ask(tx: Tx, customer_id: int, since: str, line: dict[str, Any]) -> bool:
    customer = tx.session.get(Customer, customer_id)
    if customer is None or customer.created_at != datetime.fromisoformat(since) or customer.erased_at is not None:
        return False
    found, ended = standing(tx.session, customer_id), line["did"] == HAS_ENDED
    if found is not None and found.state != ASKED and not (ended and not found.ended):
        return False
    if found is None:
        found = Erasure(kind=CUSTOMER, customer_id=customer_id, customer_since=customer.created_at, asked_at=tx.now)
        tx.session.add(found)
    found.asked_by, found.judged_by, found.judged_at = line["asked_by"], line["judged_by"], tx.now
    found.state, found.repeated, found.ended = AGREED, True, ended
    tx.emit("erasure.repeated", customer=customer, data={"erasure": found.id})
    return True


def unwritten(session: Session, path: Path) -> list[Erasure]:
    """Those that were agreed on and do not stand on the list as far as they have come."""
    known = {(line["customer"], line["since"], line["did"]) for line in read(path)}
    agreed = select(Erasure).where(Erasure.kind == CUSTOMER, Erasure.state.in_((*STANDING[1:], DONE)))
    return [each for each in session.scalars(agreed) if (each.customer_id, _since(each), _did(each)) not in known]


def _line(erasure: Erasure) -> dict[str, Any]:
    return {
        "customer": erasure.customer_id,
        "since": _since(erasure),
        "did": _did(erasure),
        "asked_by": erasure.asked_by,
        "judged_by": erasure.judged_by,
    }


def _since(erasure: Erasure) -> str:
    assert erasure.customer_since is not None
    return erasure.customer_since.isoformat()


def _did(erasure: Erasure) -> str:
    return HAS_ENDED if erasure.state == DONE else WAS_AGREED
