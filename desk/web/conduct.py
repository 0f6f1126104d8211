"""A warning after abuse, and the limit that a supervisor decides on; see `desk.actions.people.conduct`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_customer, access_ticket
from desk.actions.people import conduct
from desk.days import day_begins, day_ends
from desk.errors import Conflict, Invalid, NotFound
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Customer
from desk.queries.people.contact_limits import latest_warning, limit_row, limits, people_for_limit, running_limit
from desk.web.admin.page import field_errors
from desk.web.console import done, small

pages = Blueprint("conduct", __name__)
TYPED = ("kind", "person", "reason", "review", "until")


@pages.get("/desk/limits")
@needs(Right.SUPERVISE)
def all_limits() -> str:
    """Every limit that lasts, the first to be looked at again first."""
    with reading() as session:
        return render_template("customers/limits.html", rows=limits(session, viewer()), now=installation().clock.now())


@pages.post("/desk/tickets/<int:number>/warn")
@needs(Right.REPLY)
def warn(number: int) -> Response:
    """The customer was told what follows if it goes on."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        conduct.warn(tx, ticket, me(tx), request.form.get("happened", ""), ticket.locale)
    return done(url_for("tickets.one", number=number), toast=gettext("Recorded."), stay=True)


@pages.get("/desk/customers/<int:customer_id>/limit")
@needs(Right.READ_CUSTOMERS)
def one(customer_id: int) -> str:
    return _page(customer_id, {})


@pages.post("/desk/customers/<int:customer_id>/limit")
@needs(Right.SUPERVISE)
def set_limit(customer_id: int) -> Response | tuple[str, int]:
    form, zone = request.form, installation().settings.timezone
    try:
        with writing() as tx:
            conduct.set_limit(
                tx,
                access_customer(tx.session, viewer(), customer_id),
                me(tx),
                form.get("kind", ""),
                reason=form.get("reason", ""),
                review_at=day_begins(form.get("review", ""), zone),
                until=day_ends(form.get("until", ""), zone),
                person_id=form.get("person", type=small),
            )
    except (Invalid, Conflict) as wrong:
        return _page(customer_id, field_errors(wrong, "reason")), wrong.status
    flash(gettext("Decided. Everybody who deals with them sees it."), "good")
    return redirect(url_for("customers.one", customer_id=customer_id), 303)


@pages.post("/desk/customers/<int:customer_id>/limit/review")
@needs(Right.SUPERVISE)
def review(customer_id: int) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            customer = access_customer(tx.session, viewer(), customer_id)
            limit = running_limit(tx.session, customer.id, tx.now)
            if limit is None:
                raise NotFound("No limit holds for this customer.")
            conduct.review(tx, limit, me(tx), request.form.get("reason", ""), goes_on=bool(request.form.get("goes_on")))
    except Invalid as wrong:
        return _page(customer_id, field_errors(wrong, "reason")), wrong.status
    flash(gettext("Recorded."), "good")
    return redirect(url_for("customers.one", customer_id=customer_id), 303)


def about(session: Session, customer: Customer) -> dict[str, Any]:
    """What a customer's page says of it."""
    return {
        "limit": limit_row(session, customer.id, installation().clock.now()),
        "warning": latest_warning(session, customer.id),
        "people": people_for_limit(session) if viewer().can(Right.SUPERVISE) else (),
    }


def _page(customer_id: int, errors: dict[str, str]) -> str:
    """The form alone, as it was filled in."""
    with reading() as session:
        customer = access_customer(session, viewer(), customer_id)
        typed = {name: request.form.get(name, "") for name in TYPED}
        return render_template("customers/limit.html", customer=customer, errors=errors, filled=typed, **about(session, customer))
