"""Asking the next support level from a ticket, and answering when one is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Blueprint, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.work import hand_ups
from desk.http.context import me, viewer, writing
from desk.http.guard import needs
from desk.models import HandUp
from desk.store import Tx
from desk.web.console import done, small

pages = Blueprint("hand_ups", __name__, url_prefix="/desk/tickets/<int:number>/hand-up")

WITHIN_MINUTES = (30, 60, 120, 240, 480, 1440, 2880, 7200)


@pages.post("")
@needs(Right.REPLY)
def ask(number: int) -> Response:
    form = request.form
    within = form.get("within", type=small)
    with writing() as tx:
        hand_ups.hand_up(
            tx,
            access_ticket(tx.session, viewer(), number),
            me(tx),
            problem=form.get("problem", ""),
            tried=form.get("tried", ""),
            question=form.get("question", ""),
            needed_by=tx.now + timedelta(minutes=within) if within in WITHIN_MINUTES else None,
            to_level=form.get("level", type=small),
        )
    return _stay(number, gettext("The next level is asked. You stay the one who writes to the customer."))


@pages.post("/answer")
@needs(Right.REPLY)
def answer(number: int) -> Response:
    _with_open(number, lambda tx, asked: hand_ups.answer(tx, asked, me(tx), request.form.get("answer", "")))
    return _stay(number, gettext("Answered. The owner has the ticket again."))


@pages.post("/return")
@needs(Right.REPLY)
def send_back(number: int) -> Response:
    _with_open(number, lambda tx, asked: hand_ups.send_back(tx, asked, me(tx), request.form.get("answer", "")))
    return _stay(number, gettext("Sent back. The owner has the ticket again."))


@pages.post("/withdraw")
@needs(Right.REPLY)
def withdraw(number: int) -> Response:
    _with_open(number, lambda tx, asked: hand_ups.withdraw(tx, asked, me(tx)))
    return _stay(number, gettext("The question was taken back."))


def _with_open(number: int, act: Callable[[Tx, HandUp], None]) -> None:
    with writing() as tx:
        act(tx, hand_ups.require_open(tx, access_ticket(tx.session, viewer(), number)))


def _stay(number: int, toast: str) -> Response:
    return done(url_for("tickets.one", number=number), toast=toast, stay=True)
