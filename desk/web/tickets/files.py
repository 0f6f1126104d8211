"""Files and original mails of tickets. Whoever may read the ticket may read them; nothing of them runs in our pages."""

from __future__ import annotations

import base64

from flask import Blueprint, current_app, make_response, render_template, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from channels.email.sanitise import remote_pictures, safe_html
from desk.access import Right, access_ticket
from desk.actions.complaints.evidence import looked_at
from desk.errors import NotFound
from desk.file_risk import risk_of
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.http.sending import PICTURES, send
from desk.models import Attachment, Message, Ticket
from desk.queries.complaints.complaints import is_in_evidence
from desk.web.console import keyless, small
from desk.web.mail.frame import USUAL, height_of

pages = Blueprint("files", __name__)
MOST_INLINE = 1_000_000  # bytes of a mail's own picture that is shown in its place


@pages.app_template_filter("risk")
def risk(file: Attachment) -> str:
    """What harm a file could do to who opens it; empty for none that we know of."""
    return risk_of(file.name, file.content_type)


@pages.get("/desk/files/<int:attachment_id>")
@needs(Right.SIGNED_IN)
def download(attachment_id: int) -> Response:
    with reading() as session:
        file, is_evidence = _attachment(session, attachment_id), is_in_evidence(session, attachment_id)
    if is_evidence and request.method == "GET":
        _note_look(attachment_id)
    return send(file, as_attachment=True)


@pages.get("/desk/files/<int:attachment_id>/picture")
@needs(Right.SIGNED_IN)
def inline(attachment_id: int) -> Response:
    """A picture to be shown in the page; only kinds that are nothing but pictures."""
    with reading() as session:
        file, is_evidence = _attachment(session, attachment_id), is_in_evidence(session, attachment_id)
    if file.content_type not in PICTURES:
        raise NotFound("This file is not shown as a picture.")
    if is_evidence and request.method == "GET":
        _note_look(attachment_id)
    return send(file, as_attachment=False)


@pages.get("/desk/messages/<int:message_id>/original")
@needs(Right.SIGNED_IN)
def original(message_id: int) -> Response:
    """A mail's own HTML, made safe, for a sandboxed frame, which fetches nothing: pictures from elsewhere are fetched by us.

    Their sender learns that somebody reads the mail, so that happens only when the reader has asked for it.
    """
    asked = request.args.get("pictures") == "1"
    with reading() as session:
        message = session.get(Message, message_id)
        ticket = session.get(Ticket, message.ticket_id) if message else None
        if message is None or ticket is None:
            raise NotFound("There is no such message.")
        access_ticket(session, viewer(), ticket.number or 0)
        inside = _pictures_inside(session, message)
    wanted = remote_pictures(message.html)
    fetched = current_app.extensions["pictures"].inside(wanted) if asked and request.method == "GET" else {}
    html = safe_html(keyless(message.html), pictures=fetched)
    body = Markup(_with_pictures(html, inside))  # noqa: S704 - made safe in the line before
    missing = len(wanted) - len(fetched) if asked else 0
    response = make_response(render_template("tickets/original.html", body=body, missing=missing))
    response.headers["X-Pictures"] = "left-out" if wanted and not asked else "all"
    width = request.args.get("width", USUAL, type=small) or USUAL
    response.headers["X-Height"] = str(height_of(message.html, width, frozenset((*inside, *(wanted if asked else ())))))
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; "
        "base-uri 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _attachment(session: Session, attachment_id: int) -> Attachment:
    file = session.get(Attachment, attachment_id)
    message = session.get(Message, file.message_id) if file and file.message_id else None
    ticket = session.get(Ticket, message.ticket_id) if message else None
    if file is None or ticket is None:
        raise NotFound("There is no such file.")
    access_ticket(session, viewer(), ticket.number or 0)
    return file


def _note_look(attachment_id: int) -> None:
    with writing() as tx:
        looked_at(tx, attachment_id)


def _pictures_inside(session: Session, message: Message) -> dict[str, str]:
    """The mail's own pictures as data addresses: the sealed frame may fetch nothing, not even from us."""
    query = select(Attachment).where(Attachment.message_id == message.id, Attachment.content_id != "")
    return {
        f"cid:{file.content_id}": f"data:{file.content_type};base64,"
        + base64.b64encode(installation().files.get(file.sha256)).decode("ascii")
        for file in session.scalars(query)
        if file.content_type in PICTURES and file.size <= MOST_INLINE
    }


def _with_pictures(html: str, inside: dict[str, str]) -> str:
    for address, data in inside.items():
        html = html.replace(f'src="{address}"', f'src="{data}"')
    return html
