"""What of an answer a colleague reads: who is rated sees the mark a day later, and the words when a supervisor has seen them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from desk.access import Viewer
from desk.models import Survey

MARK_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class Shown:
    """An answer, and what of it this viewer may read."""

    survey: Survey
    mark: bool
    comment: bool


def shown_to(viewer: Viewer, survey: Survey, now: datetime) -> Shown:
    """Everybody reads it whole but who is rated by it."""
    if viewer.agent_id is None or survey.agent_id != viewer.agent_id:
        return Shown(survey, mark=True, comment=True)
    ripe = survey.answered_at is not None and now >= survey.answered_at + MARK_AFTER
    return Shown(survey, mark=ripe, comment=ripe and survey.seen_at is not None)
