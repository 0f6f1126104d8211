"""What of all that may concern an agent does so now: found out at once, so that no screen asks for what is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, select
from sqlalchemy.orm import Session

from desk.access import Viewer
from desk.db import BIG, there_is
from desk.models import (
    Call,
    CallLeg,
    CallSegment,
    ComplaintNotice,
    CorrectiveAction,
    Draft,
    Mention,
    Offer,
    TicketFollower,
)
from desk.models.call import SUPERVISOR
from desk.models.corrective_action import DONE, OPEN
from desk.models.work_item import ACCEPTED, OFFERED

_AGENT = bindparam("agent", type_=BIG)


@dataclass(frozen=True)
class Concerns:
    """What there is. `checks`: corrective actions that somebody, it may be another, is to check.

    `follows`: they follow tickets, whether or not something is new there. `watches`: they listen to a call, or did.
    """

    actions: bool
    checks: bool
    drafts: bool
    follows: bool
    mentions: bool
    notices: bool
    offers: bool
    segments: bool
    watches: bool


_NOTHING = Concerns(*[False] * 9)


def concerns(session: Session, viewer: Viewer) -> Concerns:
    """One question for all of it."""
    if viewer.agent_id is None:
        return _NOTHING
    return Concerns(*(found is not None for found in session.execute(_ALL, {"agent": viewer.agent_id}).one()))


def _own(model: Any, *more: ColumnElement[bool]) -> ScalarSelect[int]:
    return there_is(model, model.agent_id == _AGENT, *more)


# In the order of the fields above.
_ALL = select(
    there_is(CorrectiveAction, CorrectiveAction.state == OPEN, CorrectiveAction.owner_id == _AGENT),
    there_is(CorrectiveAction, CorrectiveAction.state == DONE),
    _own(Draft),
    _own(TicketFollower),
    _own(Mention, Mention.seen_at.is_(None)),
    _own(ComplaintNotice, ComplaintNotice.seen_at.is_(None)),
    _own(Offer, Offer.state.in_((OFFERED, ACCEPTED))),
    _own(CallSegment, CallSegment.state != "done"),
    _own(CallLeg, CallLeg.party == SUPERVISOR, CallLeg.call_id == Call.id, Call.ended_at.is_(None)),
)
