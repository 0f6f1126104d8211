"""What the pages about incoming mail say in words."""

from __future__ import annotations

from flask_babel import lazy_gettext

OUTCOME_WORDS = {
    "opened": lazy_gettext("opened a ticket"),
    "appended": lazy_gettext("joined a ticket"),
    "noted": lazy_gettext("noted (automatic, or came back)"),
    "duplicate": lazy_gettext("came before"),
    "quarantined": lazy_gettext("in quarantine"),
    "refused": lazy_gettext("turned away"),
}
VERDICT_WORDS = {
    "person": lazy_gettext("Written by a person"),
    "auto_reply": lazy_gettext("Automatic answer"),
    "out_of_office": lazy_gettext("Out of office"),
    "bounce": lazy_gettext("Mail came back"),
    "delay": lazy_gettext("Mail is delayed"),
    "list": lazy_gettext("From a mailing list"),
    "loop": lazy_gettext("Goes round in a circle"),
    "feedback": lazy_gettext("Report of unwanted mail"),
    "too_large": lazy_gettext("Too large"),
    "unreadable": lazy_gettext("Could not be read"),
    "refused": lazy_gettext("Turned away at the door"),
}
REASON_WORDS = {
    "loop": lazy_gettext("It looks like our own mail coming back. Let it in if a person wrote it."),
    "unreadable": lazy_gettext("Reading it failed several times. A ticket holds it as it came."),
}
