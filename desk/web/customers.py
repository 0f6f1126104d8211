"""Customers: the list, and one customer with everything over all channels."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right, access_customer
from desk.actions.people import consents, customers, disclosure
from desk.errors import Invalid, NotFound
from desk.http.context import installation, is_fragment, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import moment
from desk.http.problems import say
from desk.models.customer import TIERS
from desk.queries.people.consents import consents_of
from desk.queries.people.customer_page import contact_of, happenings, list_rows, profile
from desk.queries.people.customers import PAGE, customer_list
from desk.queries.surveys.disclosure import shown_to
from desk.web import conduct
from desk.web.words import everything

pages = Blueprint("customers", __name__)
pages.register_blueprint(conduct.pages)


@pages.get("/desk/customers")
@needs(Right.READ_CUSTOMERS)
def everyone() -> str:
    search, tier = request.args.get("q", "")[:100], request.args.get("tier", "")
    with reading() as session:
        found = customer_list(
            session, viewer(), search=search, tier=tier if tier in TIERS else "", after=request.args.get("after", 0, type=int)
        )
        rows = list_rows(session, viewer(), found[:PAGE])
    return render_template(
        "customers/list.html", rows=rows, more=len(found) > PAGE, search=search, tier=tier, tiers=TIERS, terms=everything()
    )


@pages.get("/desk/customers/<int:customer_id>")
@needs(Right.READ_CUSTOMERS)
def one(customer_id: int) -> str:
    return _page(customer_id, {})


@pages.get("/desk/customers/<int:customer_id>/<any(card, timeline):part>")
@needs(Right.READ_CUSTOMERS)
def fragment(customer_id: int, part: str) -> str:
    """One live part of the page, or the page when it is opened by its address."""
    if not is_fragment():
        return _page(customer_id, {})
    return _page(customer_id, {}, template=f"customers/_{part}.html")


@pages.post("/desk/customers/<int:customer_id>/contacts/<int:contact_id>/reveal")
@needs(Right.REPLY)
def reveal(customer_id: int, contact_id: int) -> str:
    """The whole value, for whoever works with customers; looking is put on record."""
    with writing() as tx:
        customer = access_customer(tx.session, viewer(), customer_id)
        disclosure.reveal(tx, customer, contact_of(tx.session, customer, contact_id))
    return _page(customer_id, {}, template="customers/_card.html" if is_fragment() else "customers/one.html", revealed=contact_id)


@pages.post("/desk/customers/<int:customer_id>/tier")
@needs(Right.EDIT_CUSTOMERS)
def set_tier(customer_id: int) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            customers.set_tier(tx, access_customer(tx.session, viewer(), customer_id), request.form.get("tier", ""))
    except Invalid as wrong:
        return _page(customer_id, {"tier": say(wrong)}), wrong.status
    flash(gettext("Saved. What waits already keeps its place."), "good")
    return redirect(url_for("customers.one", customer_id=customer_id), 303)


@pages.post("/desk/customers/<int:customer_id>/contacts")
@needs(Right.EDIT_CUSTOMERS)
def add_contact(customer_id: int) -> Response | tuple[str, int]:
    kind, value = request.form.get("kind", ""), request.form.get("value", "")
    try:
        with writing() as tx:
            if kind not in ("phone", "email"):
                raise Invalid("Choose a phone number or an e-mail address.")
            customer = access_customer(tx.session, viewer(), customer_id)
            if not customers.add_contact_point(tx, customer, kind, value):
                raise Invalid("Another customer, or this one, is already known by it.")
    except Invalid as wrong:
        return _page(customer_id, {"value": say(wrong)}, filled={"kind": kind, "value": value}), wrong.status
    flash(gettext("Added."), "good")
    return redirect(url_for("customers.one", customer_id=customer_id), 303)


@pages.post("/desk/customers/<int:customer_id>/consents/withdraw")
@needs(Right.EDIT_CUSTOMERS)
def withdraw_consent(customer_id: int) -> Response:
    """The customer has told us that they take it back."""
    with writing() as tx:
        customer = access_customer(tx.session, viewer(), customer_id)
        consents.withdraw(tx, customer, request.form.get("purpose", ""), evidence=f"told to {tx.actor.name}")
    flash(gettext("Recorded: they have taken it back."), "good")
    return redirect(url_for("customers.one", customer_id=customer_id), 303)


def _page(
    customer_id: int,
    errors: dict[str, str],
    *,
    template: str = "customers/one.html",
    revealed: int | None = None,
    filled: dict[str, str] | None = None,
) -> str:
    before = _moment(request.args.get("before", ""))
    with reading() as session:
        customer = access_customer(session, viewer(), customer_id)
        card = profile(session, viewer(), customer, revealed=revealed)
        entries, later = happenings(session, viewer(), customer, before=before)
        how_reached = conduct.about(session, customer)
        agreed = consents_of(session, customer_id)
    return render_template(
        template,
        customer=customer,
        card=card,
        entries=entries,
        later=later.isoformat() if later else None,
        before=before.isoformat() if before else None,
        tiers=TIERS,
        errors=errors,
        filled=filled or {},
        terms=everything(),
        consents=agreed,
        **how_reached,
        shown=lambda survey: shown_to(viewer(), survey, installation().clock.now()),
    )


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    at = moment(text)
    if at is None:
        raise NotFound("There is no such page.")
    return at
