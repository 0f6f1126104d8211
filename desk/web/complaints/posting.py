"""Letters to print and post: the list, one as it goes into the envelope, and the day on which it went."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.complaints import posting
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import PaperLetter
from desk.queries.calls.voice_texts import company
from desk.queries.complaints.complaints import zone_of
from desk.queries.complaints.posting import lately_posted, one_letter, to_post
from desk.web.console import done, frame

pages = Blueprint("posting", __name__, url_prefix="/desk/papers/letters")


@pages.get("")
@needs(Right.REPLY)
def index() -> str:
    with reading() as session:
        waiting, gone = to_post(session, viewer()), lately_posted(session, viewer())
        today = installation().clock.now().astimezone(ZoneInfo(installation().settings.timezone)).date()
        return render_template(
            "complaints/posting.html", **frame(session), waiting=waiting, gone=gone, today=today.isoformat(), kinds=_kinds()
        )


@pages.get("/<int:letter_id>")
@needs(Right.REVEAL_CONTACTS)
def one(letter_id: int) -> str:
    """The letter alone, as the printer gets it."""
    with reading() as session:
        letter, ticket, message = one_letter(session, viewer(), letter_id)
        made = letter.made_at.astimezone(ZoneInfo(zone_of(session, ticket)))
        about = {"letter": letter, "ticket": ticket, "message": message, "made": made}
        return render_template("complaints/posted_letter.html", **about, sender=company(session, ticket.locale))


@pages.post("/<int:letter_id>/posted")
@needs(Right.REPLY)
def posted(letter_id: int) -> Response:
    with writing() as tx:
        letter = one_letter(tx.session, viewer(), letter_id)[0]
        posting.posted(tx, tx.session.get_one(PaperLetter, letter.id), me(tx), request.form.get("day", ""))
    return done(url_for("posting.index"), toast=_("Recorded."))


def _kinds() -> dict[str, str]:
    return {
        "acknowledgement": _("Acknowledgement"),
        "decision": _("Decision"),
        "extension": _("More time"),
        "holding": _("Holding reply"),
        "not_reached": _("Not reached"),
        "notice": _("Notice"),
        "paused": _("Pause"),
        "retyped": _("No complaint after all"),
        "summary": _("Summary"),
    }
