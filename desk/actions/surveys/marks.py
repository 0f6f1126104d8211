"""What an answer says of us: a mark so low, or such words, that somebody else asks what went wrong."""

from __future__ import annotations

import re

from desk.models import Survey
from desk.models.survey import INDEX, LOW, LOW_INDEX

COMPLAINS = re.compile(r"投诉|举报|\bcomplain(?:t|ts|ed|ing)?\b", re.IGNORECASE)
NO_COMPLAINT = re.compile(
    r"(?:没有|没|无|不想|不是|不)(?:任何|什么|来|要)?(?:投诉|举报)|\b(?:no|not|never|nothing to|without(?: any)?)\s+complain\w*",
    re.IGNORECASE,
)


def is_low(survey: Survey) -> bool:
    """Whether somebody should ask what went wrong."""
    if survey.score is None:
        return False
    if survey.kind == INDEX:
        return bool(survey.expected) and survey.score / (survey.expected or 1) < LOW_INDEX
    return survey.score <= LOW[survey.kind]


def complains(survey: Survey) -> bool:
    """Whether the customer says in their own words that they complain; that they do not is no complaint."""
    return COMPLAINS.search(NO_COMPLAINT.sub("", survey.comment)) is not None
