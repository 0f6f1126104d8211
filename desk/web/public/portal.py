"""A customer's own requests, behind a link that is mailed to them: no password to remember, none to be stolen."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from channels.form import MAX_TEXT, addition
from channels.message import Contact
from desk.actions import intake
from desk.actions.mail import mailed_links
from desk.errors import Invalid, NotFound, NotSignedIn
from desk.events import Actor
from desk.http.context import installation, keep_uploads, reading, writing
from desk.http.guard import public, signed
from desk.http.problems import say
from desk.http.sending import send
from desk.models import Customer
from desk.models.mailed_link import PORTAL
from desk.models.ticket import CLOSED
from desk.queries.people.portal import customer_with, own_file, own_ticket, own_tickets, said_on
from desk.sentences import N_
from desk.web.public.rate import limit
from desk.web.public.reader import language

pages = Blueprint("portal", __name__)
COOKIE = "portal"  # the link's secret, in the signed cookie


@dataclass(frozen=True)
class Visit:
    """Who is here, by which address."""

    customer: Customer
    email: str


def for_visitor(page: Callable[..., Response | str]) -> Callable[..., Response | str]:
    """The page is called with who has come by a link; everybody else is sent to ask for one."""

    @wraps(page)
    def shown(**about: int) -> Response | str:
        try:
            visit = _visit()
        except NotSignedIn:
            return redirect(url_for("portal.home"))
        return page(visit, **about)

    return shown


@pages.get("/portal")
@public
def home() -> str:
    """The list for who is signed in, for everybody else the way in."""
    try:
        visit = _visit()
    except NotSignedIn:
        return render_template("portal/ask.html", sent=False, email="")
    with reading() as found:
        return render_template("portal/tickets.html", tickets=own_tickets(found, visit.customer), email=visit.email)


@pages.post("/portal")
@public
def send_link() -> str:
    """The same answer whether or not we know the address."""
    limit("portal link", "20 per hour")
    email = request.form.get("email", "").strip()[:254]
    if email:
        with writing(Actor("customer", None, "visitor")) as tx:
            mailed_links.mail_portal_link(tx, email, language())
    return render_template("portal/ask.html", sent=bool(email), email=email)


@pages.get("/portal/enter/<key>")
@signed
def door(key: str) -> str | tuple[str, int]:
    """Only a press of the button uses the link up: programs that check mails open links, too."""
    try:
        with reading() as found:
            mailed_links.good_link(found, PORTAL, key, installation().clock.now())
    except NotFound as gone:
        return render_template("portal/ask.html", sent=False, email="", gone=say(gone)), 404
    return render_template("portal/enter.html")


@pages.post("/portal/enter/<key>")
@signed
def enter(key: str) -> Response | tuple[str, int]:
    try:
        with writing(Actor("customer", None, "visitor")) as tx:
            mailed_links.begin_visit(tx, key)
    except NotFound as gone:
        return render_template("portal/ask.html", sent=False, email="", gone=say(gone)), 404
    session[COOKIE] = key
    return redirect(url_for("portal.home"), 303)


@pages.post("/portal/leave")
@signed
def leave() -> Response:
    with writing(Actor("customer", None, "visitor")) as tx:
        mailed_links.end_visit(tx, session.pop(COOKIE, ""))
    return redirect(url_for("portal.home"), 303)


@pages.get("/portal/<int:number>")
@signed
@for_visitor
def one(visit: Visit, number: int) -> Response | str:
    return _page(visit, number)


@pages.post("/portal/<int:number>")
@signed
def answer(number: int) -> Response | tuple[str, int]:
    """The customer goes on with it, as if they had answered by mail. Sent twice, it counts once."""
    visit, text = _visit(), request.form.get("text", "").strip()
    limit("portal answer", "30 per 10 minutes", who=visit.email)
    token = request.form.get("token", "")
    try:
        if not text or len(text) > MAX_TEXT or not 16 <= len(token) <= 64:
            raise Invalid(N_("Please write something.") if not text else N_("This text is too long; please attach it as a file."))
        files = keep_uploads()
    except Invalid as wrong:
        return _page(visit, number, error=say(wrong), text=text), 422
    with writing(Actor("customer", visit.customer.id, visit.customer.name)) as tx:
        ticket = own_ticket(tx.session, visit.customer, number)
        said = addition(f"{number}:{token}", Contact("email", visit.email, visit.customer.name), text, ticket.locale)
        # One that was closed long ago is not opened again: then this begins another, which says so.
        where = {"ticket_number": number} if ticket.status == CLOSED else {"ticket": ticket}
        received = intake.receive(tx, said, files, **where)
        number = received.ticket.number or 0
    flash(gettext("Thank you. We have it, and answer you by mail."), "good")
    return redirect(url_for("portal.one", number=number), 303)


@pages.get("/portal/<int:number>/files/<int:attachment_id>")
@signed
@for_visitor
def file(visit: Visit, number: int, attachment_id: int) -> Response | str:
    with reading() as found:
        return send(own_file(found, visit.customer, own_ticket(found, visit.customer, number), attachment_id), as_attachment=True)


def _visit() -> Visit:
    """Who has come by a link; raises `NotSignedIn` when nobody has, or when it was too long ago."""
    with reading() as found:
        link = mailed_links.visit_of(found, str(session.get(COOKIE, "")), installation().clock.now())
        if link is None:
            raise NotSignedIn("Please ask for a link to your requests.")
        return Visit(customer_with(found, link.email), link.email)


def _page(visit: Visit, number: int, *, error: str = "", text: str = "") -> str:
    with reading() as found:
        ticket = own_ticket(found, visit.customer, number)
        return render_template(
            "portal/ticket.html",
            ticket=ticket,
            messages=said_on(found, visit.customer, ticket),
            token=secrets.token_urlsafe(16),
            errors={"text": error} if error else {},
            text=text,
            email=visit.email,
        )
