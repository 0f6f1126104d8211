"""What the pages about people's data call things, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _

from desk.models.erasure import AGREED, ASKED, DONE, DROPPED, RESTRICTED, RUNNING


def states() -> dict[str, tuple[str, str]]:
    """Each state of an erasure as (word, kind of badge)."""
    return {
        ASKED: (_("waits for a supervisor"), "waiting"),
        AGREED: (_("is about to be erased"), "waiting"),
        RUNNING: (_("is being erased"), "waiting"),
        RESTRICTED: (_("restricted"), "waiting"),
        DONE: (_("erased"), "live"),
        DROPPED: (_("given up"), ""),
    }


def going() -> dict[str, str]:
    return {
        "contacts": _("numbers and addresses"),
        "messages": _("messages"),
        "notes": _("notes of colleagues"),
        "files": _("files"),
        "recordings": _("recordings"),
        "raw_mails": _("mails as they came"),
        "waiting_mails": _("mails that wait to be sent"),
        "drafts": _("drafts"),
        "comments": _("comments on surveys"),
        "case_texts": _("texts of complaints"),
        "entries": _("entries of the log lose their words"),
    }


def staying() -> dict[str, str]:
    return {
        "tickets": _("tickets: channel, times, category, outcome"),
        "calls": _("calls: times and outcome"),
        "chats": _("chats: times and mark"),
        "marks": _("marks given in surveys"),
        "cases": _("complaints: dates, category, severity, outcome"),
        "consents": _("proofs of consent, without a name"),
    }
