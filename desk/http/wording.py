"""What every template asks for hundreds of times a page, made quick: sentences of the catalogue, dates and times.

The same words as Flask-Babel's. That finds out the catalogue anew for each sentence, and Jinja copies all variables of the page
for it inside every loop; a date is written by Babel in a hundred steps, and the same ones stand on page after page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

import flask_babel
from babel import Locale, dates, support
from flask import Flask
from flask_babel import get_locale, get_timezone
from markupsafe import Markup

KEPT = 20_000  # moments as they were written, a few megabytes


def install(app: Flask) -> None:
    """Take the place of Flask-Babel's own in templates; after it."""
    spoken: dict[Locale | None, support.NullTranslations] = {}

    def catalogue() -> Any:
        locale = get_locale()
        found = spoken.get(locale)
        if found is None:
            found = spoken[locale] = flask_babel.get_translations()
        return found

    def gettext(sentence: str, **values: Any) -> Markup:
        return _filled(catalogue().ugettext(sentence), values)

    def ngettext(one: str, many: str, num: int, **values: Any) -> Markup:
        return _filled(catalogue().ungettext(one, many, num), {"num": num} | values)

    def pgettext(context: str, sentence: str, **values: Any) -> Markup:
        return _filled(catalogue().upgettext(context, sentence), values)

    def npgettext(context: str, one: str, many: str, num: int, **values: Any) -> Markup:
        return _filled(catalogue().unpgettext(context, one, many, num), {"num": num} | values)

    app.jinja_env.globals.update(_=gettext, gettext=gettext, ngettext=ngettext, pgettext=pgettext, npgettext=npgettext)
    app.jinja_env.filters.update(
        datetimeformat=_written(dates.format_datetime, flask_babel.format_datetime),
        timeformat=_written(dates.format_time, flask_babel.format_time),
        dateformat=_written(_day, flask_babel.format_date),
    )


def _filled(sentence: str, values: dict[str, Any]) -> Markup:
    """Sentences of ours are HTML, what is put into them is not."""
    words = Markup(sentence)  # noqa: S704
    return words % values if values or "%" in sentence else words


def _written(write: Callable[..., str], usual: Callable[..., str]) -> Callable[..., str]:
    """A moment as the reader's clock shows it; what is none (a day, a time of day) is written as usual."""

    @lru_cache(maxsize=KEPT)
    def kept(at: datetime, style: str, zone: tzinfo, locale: Locale) -> str:
        return write(at, style, tzinfo=zone, locale=locale)

    def written(at: Any, style: str = "medium") -> str:
        return kept(at, style, get_timezone(), get_locale()) if isinstance(at, datetime) else usual(at, style)

    return written


def _day(at: datetime, style: str, *, tzinfo: tzinfo, locale: Locale) -> str:
    return dates.format_date(at.astimezone(tzinfo), style, locale=locale)
