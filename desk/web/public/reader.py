"""The language of pages that a customer reaches by a link in a mail: theirs, unless they have chosen another one here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request, session
from flask_babel import force_locale, get_locale
from sqlalchemy.orm import Session

from desk.config import BABEL_LOCALES, LOCALES
from desk.http.context import reading


def in_language_of(find: Callable[[Session, str], str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run a view that takes a key in the language that `find(session, key)` says the customer uses; empty: as elsewhere."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def speaking(key: str) -> Any:
            chosen = chosen_language()
            if chosen is None:
                with reading() as found:
                    chosen = find(found, key)
            with force_locale(BABEL_LOCALES.get(chosen, BABEL_LOCALES[language()])):
                return view(key)

        return speaking

    return decorate


def chosen_language() -> str | None:
    """What the reader has asked for: in the address, by the page whose part is fetched again, or for all pages."""
    asked = request.args.get("lang") or request.headers.get("X-Language") or session.get("locale")
    return asked if asked in LOCALES else None


def language() -> str:
    """The language of this page: `en` or `zh`."""
    return "zh" if get_locale().language == "zh" else "en"
