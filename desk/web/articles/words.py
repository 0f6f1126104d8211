"""The words of the knowledge pages for what the tables say by codes."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

from desk.web.words import everything

CONFIDENCES = {
    "wip": lazy_gettext("In progress"),
    "not_validated": lazy_gettext("Not validated"),
    "validated": lazy_gettext("Validated"),
}
GOVERNANCE = {
    "experience": lazy_gettext("whoever has the right to"),
    "compliance": lazy_gettext("only its owner and editors"),
}
FLAG_REASONS = {
    "wrong": lazy_gettext("It is wrong"),
    "outdated": lazy_gettext("It is out of date"),
    "unclear": lazy_gettext("It is hard to understand"),
    "duplicate": lazy_gettext("There is another one like it"),
    "incomplete": lazy_gettext("Something is missing"),
    "other": lazy_gettext("Something else"),
}
VOTE_REASONS = {
    "wrong": lazy_gettext("It is wrong"),
    "unclear": lazy_gettext("It is hard to understand"),
    "other_question": lazy_gettext("I was looking for something else"),
    "did_not_work": lazy_gettext("I tried it and it did not work"),
}
FIELDS = {
    "title": lazy_gettext("Title"),
    "question": lazy_gettext("Words customers use for it"),
    "environment": lazy_gettext("Holds for"),
    "cause": lazy_gettext("Cause"),
    "summary": lazy_gettext("Summary"),
    "audience": lazy_gettext("Who may read it"),
}
WORK_LISTS = {
    "gaps": (lazy_gettext("Gaps"), lazy_gettext("What people ask and no article answers.")),
    "stale": (lazy_gettext("To be looked at again"), lazy_gettext("Their review date is past.")),
    "flagged": (lazy_gettext("Faults"), lazy_gettext("Colleagues or readers found something wrong.")),
    "unhealthy": (lazy_gettext("Low health"), lazy_gettext("Old, unused, incomplete or not helpful: below 50 of 100.")),
    "unfinished": (lazy_gettext("Unfinished"), lazy_gettext("In progress for more than 30 days: finish or put away.")),
    "unvalidated": (lazy_gettext("To be validated"), lazy_gettext("Nobody but the author has said that they are right.")),
    "behind": (lazy_gettext("Translations"), lazy_gettext("The other language has changed since.")),
}


def knowledge_words() -> dict[str, Any]:
    """The tables for templates, under the name `terms`."""
    return everything() | {
        "confidences": CONFIDENCES,
        "governance": GOVERNANCE,
        "flag_reasons": FLAG_REASONS,
        "vote_reasons": VOTE_REASONS,
        "article_fields": FIELDS,
        "work_lists": WORK_LISTS,
    }
