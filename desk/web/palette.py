"""The command palette's pages, and each person's own keys."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import force_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response

from desk.access import Right, Viewer
from desk.actions.people import own_keys
from desk.config import BABEL_LOCALES
from desk.errors import Invalid
from desk.http.context import me, viewer, writing
from desk.http.guard import needs
from desk.web.shortcut_words import SHORTCUTS, chosen_keys, normal

pages = Blueprint("palette", __name__)

# Address, any of these rights, icon, name.
PLACES: tuple[tuple[str, tuple[Right, ...], str, Any], ...] = (
    ("/desk", (Right.TAKE_WORK, Right.READ_TICKETS), "bubble", lazy_gettext("Console")),
    ("/desk/tickets", (Right.READ_TICKETS, Right.TAKE_WORK), "envelope", lazy_gettext("All tickets")),
    ("/desk/tickets/new", (Right.REPLY,), "plus", lazy_gettext("New ticket")),
    ("/desk/papers/new", (Right.REPLY,), "note", lazy_gettext("Enter a letter or fax")),
    ("/desk/calls", (Right.READ_TICKETS, Right.TAKE_WORK), "phone", lazy_gettext("Calls")),
    ("/desk/callbacks", (Right.READ_TICKETS,), "phone-out", lazy_gettext("Promised calls")),
    ("/desk/complaints", (Right.READ_COMPLAINTS,), "form", lazy_gettext("Complaints")),
    ("/desk/customers", (Right.READ_CUSTOMERS,), "users", lazy_gettext("Customers")),
    ("/desk/articles", (Right.READ_ARTICLES,), "book", lazy_gettext("Knowledge")),
    ("/desk/articles/new", (Right.WRITE_ARTICLES,), "plus", lazy_gettext("Write an article")),
    ("/desk/canned", (Right.REPLY,), "note", lazy_gettext("Canned replies and macros")),
    ("/desk/search", (Right.SIGNED_IN,), "search", lazy_gettext("Search")),
    ("/desk/me", (Right.REPLY,), "settings", lazy_gettext("Your settings")),
    ("/desk/keys", (Right.SIGNED_IN,), "keyboard", lazy_gettext("Your keys")),
    ("/board", (Right.SUPERVISE,), "board", lazy_gettext("Board")),
    ("/board/chats", (Right.SUPERVISE,), "bubble", lazy_gettext("Measures of chats")),
    ("/board/staffing", (Right.SUPERVISE,), "users", lazy_gettext("Staffing")),
    ("/wallboard", (Right.SUPERVISE,), "board", lazy_gettext("Wallboard")),
    ("/admin/mail", (Right.READ_AUDIT,), "envelope", lazy_gettext("Mail that came in")),
    ("/admin", (Right.ADMINISTER,), "settings", lazy_gettext("Admin")),
    ("/admin/skills", (Right.READ_SETTINGS,), "star", lazy_gettext("Skills")),
    ("/admin/queues", (Right.READ_SETTINGS,), "swap", lazy_gettext("Queues")),
    ("/admin/calendars", (Right.READ_SETTINGS,), "clock", lazy_gettext("Opening hours")),
    ("/admin/channels", (Right.READ_SETTINGS,), "bubble", lazy_gettext("Channels")),
    ("/admin/letters", (Right.ADMINISTER,), "envelope", lazy_gettext("Letters")),
    ("/admin/voice", (Right.READ_SETTINGS,), "phone", lazy_gettext("Telephone")),
    ("/admin/tokens", (Right.ADMINISTER,), "lock", lazy_gettext("API tokens")),
    ("/admin/audit", (Right.READ_AUDIT,), "search", lazy_gettext("Audit log")),
)


@pages.app_template_global("own_key")
def own_key(key: str) -> str:
    """The key that stands for this shortcut for whoever looks at the page."""
    return g.get("own_keys", {}).get(key, key)


@pages.get("/desk/palette")
@needs(Right.SIGNED_IN)
def places() -> str:
    """The pages that the viewer may open, each findable by its name in either language; and the keys' names for those."""
    return render_template(
        "search/_places.html",
        places=[(href, icon, name, _in_each_language(name)) for href, icon, name in places_for(viewer())],
        shortcuts={key: _in_each_language(name) for key, name in SHORTCUTS.items()},
    )


@pages.get("/desk/keys")
@needs(Right.SIGNED_IN)
def keys() -> str:
    return _page({key: g.own_keys.get(key, key) for key in SHORTCUTS}, {})


@pages.post("/desk/keys")
@needs(Right.SIGNED_IN)
def save() -> Response | tuple[str, int]:
    typed = {key: request.form.get(f"key-{place}", "")[:20] for place, key in enumerate(SHORTCUTS)}
    if request.form.get("do") == "reset":
        typed = {}
    single = request.form.get("single", "") == "1" or request.form.get("do") == "reset"
    try:
        chosen = chosen_keys(typed)
    except Invalid as wrong:
        places_of = {key: str(place) for place, key in enumerate(SHORTCUTS)}
        errors = {f"key-{places_of[key]}": gettext(sentence) for key, sentence in wrong.fields.items()}
        return _page({key: normal(mine) or key for key, mine in typed.items()}, errors), 422
    with writing() as tx:
        own_keys.choose(tx, me(tx), chosen, single=single)
    flash(gettext("Saved."), "good")
    return redirect(url_for("palette.keys"), 303)


def places_for(who: Viewer) -> list[tuple[str, str, Any]]:
    """The pages that somebody may open."""
    return [(href, icon, name) for href, rights, icon, name in PLACES if any(who.can(right) for right in rights)]


def _page(values: dict[str, str], errors: dict[str, str]) -> str:
    return render_template("search/keys.html", shortcuts=SHORTCUTS, values=values, errors=errors, single_keys=g.single_keys)


def _in_each_language(name: Any) -> str:
    found = []
    for locale in BABEL_LOCALES.values():
        with force_locale(locale):
            found.append(str(name))
    return " ".join(dict.fromkeys(found))
