"""What is done about a mail on a ticket: try again, another address, leave it, see the sender's pictures, have it as it came."""

from __future__ import annotations

import re

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext
from sqlalchemy import delete, select
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.mail import outbox, showing, strangers
from desk.errors import NotFound
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.sending import SEALED
from desk.models import Message, OutboxMail, OutboxRecipient, PictureTrust, RawMail
from desk.queries.mail.deliveries import mail_of
from desk.store import Tx
from desk.web.console import done, may_enter, person, small
from desk.web.tickets.work import message_of

ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,64}@[\w.-]{1,253}")

pages = Blueprint("mail_work", __name__, url_prefix="/desk/tickets/<int:number>/messages/<int:message_id>")


@pages.app_template_filter("discreet")
def discreet(text: str) -> str:
    """A relay's words, with the addresses in them as the viewer may see them."""
    return ADDRESS.sub(lambda found: person(found[0]), str(text))


@pages.post("/send-again")
@needs(Right.REPLY)
def send_again(number: int, message_id: int) -> Response:
    with writing() as tx:
        outbox.send_again(tx, _mail(tx, number, message_id))
    return _stay(number, gettext("It is tried again now."))


@pages.post("/readdress")
@needs(Right.REPLY)
def readdress(number: int, message_id: int) -> Response:
    """Another address instead of the one that did not get it; the others do not get it twice."""
    with writing() as tx:
        mail = _mail(tx, number, message_id)
        recipient = tx.session.get(OutboxRecipient, request.form.get("recipient", 0, type=small))
        if recipient is None or recipient.mail_id != mail.id:
            raise NotFound("There is no such recipient.")
        outbox.change_address(tx, mail, recipient.address, request.form.get("new", ""))
    return _stay(number, gettext("It is tried again now."))


@pages.post("/leave")
@needs(Right.REPLY)
def leave(number: int, message_id: int) -> Response:
    with writing() as tx:
        outbox.leave(tx, _mail(tx, number, message_id))
    return _stay(number)


@pages.post("/pictures")
@needs(Right.SIGNED_IN)
def pictures(number: int, message_id: int) -> Response:
    """From now on show (or no longer show) the pictures in mails of this sender to the viewer, and to nobody else."""
    may_enter()
    with writing() as tx:
        address = message_of(tx, number, message_id).from_address.lower()
        own = (PictureTrust.agent_id == viewer().agent_id, PictureTrust.address == address)
        known = tx.session.scalar(select(PictureTrust.id).where(*own))
        if request.form.get("always") != "yes":
            tx.session.execute(delete(PictureTrust).where(*own))
        elif known is None and address:
            tx.session.add(PictureTrust(agent_id=viewer().agent_id, address=address, created_at=tx.now))
    return done(url_for("tickets.one", number=number))


@pages.get("/eml")
@needs(Right.REVEAL_CONTACTS)
def as_it_came(number: int, message_id: int) -> Response:
    """The mail as it was delivered, byte for byte, to be saved; never opened here."""
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        message = session.get(Message, message_id)
        raw = session.scalar(select(RawMail).where(RawMail.message_id == message_id).order_by(RawMail.id).limit(1))
        if message is None or message.ticket_id != ticket.id or raw is None or not raw.sha256:
            raise NotFound("The original of this message is not there.")
    response = send_file(
        installation().files.path(raw.sha256),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=f"{ticket.number}-{message_id}.eml",
    )
    response.headers["Content-Security-Policy"] = SEALED
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@pages.post("/confirm-sender")
@needs(Right.REPLY)
def confirm_sender(number: int, message_id: int) -> Response:
    """It is the customer who wrote, though nobody vouches for it: somebody has asked them."""
    with writing() as tx:
        strangers.confirm(tx, message_of(tx, number, message_id))
    return _stay(number, gettext("The ticket is this customer’s now."))


@pages.post("/show")
@needs(Right.REPLY)
def show(number: int, message_id: int) -> Response:
    """A colleague's mail becomes an answer to the customer."""
    with writing() as tx:
        message = message_of(tx, number, message_id)
        showing.show(tx, message, me(tx))
        said = gettext("It goes to the customer now.") if message.delivery else gettext("It is part of the conversation now.")
    return _stay(number, said)


@pages.post("/hide")
@needs(Right.REPLY)
def hide(number: int, message_id: int) -> Response:
    with writing() as tx:
        showing.hide(tx, message_of(tx, number, message_id))
    return _stay(number)


def _mail(tx: Tx, number: int, message_id: int) -> OutboxMail:
    mail = mail_of(tx.session, message_of(tx, number, message_id))
    if mail is None:
        raise NotFound("There is no such mail.")
    return mail


def _stay(number: int, toast: str = "") -> Response:
    return done(url_for("tickets.one", number=number), toast=toast, stay=True)
