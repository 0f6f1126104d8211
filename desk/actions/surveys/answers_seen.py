"""Somebody who supervises has read what customers answered: then whom they rate may read their words, too."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from desk.access import Right, untouched_by, viewer_of
from desk.models import Agent, Survey
from desk.store import Tx

MOST = 100


def see_answers(tx: Tx, agent: Agent, survey_ids: Sequence[int]) -> int:
    """Mark these answers as seen, but for those that rate this very agent, and of cases they are kept out of. Answers how many.

    Raises `NotAllowed` for who reads no complaints. Seeing twice changes nothing.
    """
    viewer = viewer_of(agent)
    viewer.require(Right.READ_COMPLAINTS)
    theirs = or_(Survey.agent_id.is_(None), Survey.agent_id != agent.id)
    new = select(Survey).where(Survey.id.in_(survey_ids[:MOST]), Survey.answered_at.is_not(None), Survey.seen_at.is_(None))
    found = tx.session.scalars(new.where(theirs, untouched_by(viewer, Survey.ticket_id))).all()
    for survey in found:
        survey.seen_at, survey.seen_by = tx.now, agent.name
        tx.emit("survey.seen", ticket=survey.ticket_id, agent=survey.agent_id, data={"survey": survey.id})
    return len(found)
