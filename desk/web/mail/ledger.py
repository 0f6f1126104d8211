"""Incoming mail: the ledger that proves that nothing is lost, its rows, and the quarantine."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right, masked
from desk.actions.mail import quarantine, silences
from desk.errors import Invalid, NotFound
from desk.http.context import installation, is_fragment, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import moment, whole
from desk.http.sending import SEALED
from desk.models import MailSilence, RawMail
from desk.models.mail import OUTCOMES, QUARANTINED
from desk.queries.mail import ledger as seen
from desk.web.admin.page import field_errors, page
from desk.web.mail.words import OUTCOME_WORDS, REASON_WORDS, VERDICT_WORDS

pages = Blueprint("mail_ledger", __name__)


@pages.get("/admin/mail")
@needs(Right.READ_AUDIT)
def ledger() -> str:
    """What came on each day to each address, and what became of it."""
    desk = installation()
    now = desk.clock.now()
    with reading() as session:
        lines = seen.ledger(session, now, desk.settings.timezone)
        state = seen.state(session, now)
    return _page("_ledger.html" if is_fragment() else "ledger.html", lines=lines, state=state)


@pages.get("/admin/mail/rows")
@needs(Right.READ_AUDIT)
def rows() -> str:
    asked = {name: request.args.get(name, "") for name in ("day", "mailbox", "outcome")}
    return _page("rows.html", asked=asked, **_rows(asked["day"], request.args.get("mailbox"), asked["outcome"]))


@pages.get("/admin/mail/quarantine")
@needs(Right.READ_AUDIT)
def in_quarantine() -> str:
    return _page("_quarantine.html" if is_fragment() else "quarantine.html", **_rows("", None, QUARANTINED))


@pages.get("/admin/mail/<int:mail_id>")
@needs(Right.READ_AUDIT)
def one(mail_id: int) -> str:
    return _one(mail_id, {})


@pages.get("/admin/mail/<int:mail_id>/original")
@needs(Right.READ_AUDIT)
def original(mail_id: int) -> Response:
    """The bytes as they came, to be saved; it is on record who took them."""
    desk = installation()
    with reading() as session:
        row = seen.one(session, viewer(), mail_id)
    if not seen.may_read_original(viewer(), row):
        raise NotFound("There is no such mail.")
    path = desk.files.path(row.mail.sha256)
    with writing() as tx:
        tx.emit("mail.original_read", ticket=row.mail.ticket_id, data={"mail": mail_id})
    response = send_file(path, mimetype="application/octet-stream", as_attachment=True, download_name=f"mail-{mail_id}.eml")
    response.headers["Content-Security-Policy"] = SEALED
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@pages.post("/admin/mail/<int:mail_id>/<any(retry, release, discard):what>")
@needs(Right.SETTLE_MAIL)
def settle(mail_id: int, what: str) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            mail = seen.one(tx.session, viewer(), mail_id).mail
            if what == "discard":
                quarantine.discard(tx, mail, request.form.get("reason", ""))
            else:
                quarantine.read_again(tx, mail, _raw(mail), as_person=what == "release")
    except Invalid as wrong:
        return _one(mail_id, field_errors(wrong, "reason")), wrong.status
    said = {
        "retry": gettext("The mail is being read again."),
        "release": gettext("The mail is let in as what a person wrote."),
        "discard": gettext("The mail is put away; the ledger keeps it."),
    }
    flash(said[what], "good")
    return redirect(url_for("mail_ledger.one", mail_id=mail_id), 303)


@pages.post("/admin/mail/silences/<int:silence_id>/lift")
@needs(Right.SETTLE_MAIL)
def lift(silence_id: int) -> Response:
    with writing() as tx:
        found = tx.session.get(MailSilence, silence_id)
        if found is None:
            raise NotFound("There is no such address.")
        silences.lift(tx, found)
    flash(gettext("Automatic mail may go there again."), "good")
    return redirect(url_for("mail_ledger.ledger"), 303)


def _raw(mail: RawMail) -> bytes:
    if not mail.sha256:
        raise NotFound("This file is not there.")
    return installation().files.get(mail.sha256)


def _rows(day: str, mailbox: str | None, outcome: str) -> dict[str, Any]:
    desk = installation()
    at, _, last = request.args.get("before", "").partition("~")
    since, key = moment(at), whole(last)
    before = None if since is None or key is None else (since, key)
    with reading() as session:
        found = seen.rows(
            session,
            viewer(),
            now=desk.clock.now(),
            zone=desk.settings.timezone,
            day=day,
            mailbox=mailbox,
            outcome=outcome,
            before=before,
        )
    end = found[seen.PAGE - 1].mail if len(found) > seen.PAGE else None
    kept = {name: value for name, value in request.args.items() if name != "before"}
    later = url_for(request.endpoint or "", **{**kept, "before": f"{end.received_at.isoformat()}~{end.id}"}) if end else ""
    return {"found": found[: seen.PAGE], "later": later}


def _one(mail_id: int, errors: dict[str, str]) -> str:
    with reading() as session:
        row = seen.one(session, viewer(), mail_id)
    return _page("one.html", row=row, errors=errors, original=seen.may_read_original(viewer(), row))


def _page(template: str, **values: Any) -> str:
    return page(
        f"mail/{template}",
        outcomes=OUTCOMES,
        outcome_words=OUTCOME_WORDS,
        verdict_words=VERDICT_WORDS,
        reason_words=REASON_WORDS,
        who=_who,
        **values,
    )


def _who(address: str) -> str:
    """An address as the viewer may see it."""
    return masked(address, "email") if viewer().masked and "@" in address else address
