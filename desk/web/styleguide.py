"""Every part of the pages on one page, to look at and to compare."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template

from desk.access import Right
from desk.http.context import installation
from desk.http.guard import needs

pages = Blueprint("styleguide", __name__)


@pages.get("/desk/styleguide")
@needs(Right.SIGNED_IN)
def index() -> str:
    now = installation().clock.now()
    return render_template("styleguide/index.html", ago=lambda seconds: now - timedelta(seconds=seconds))
