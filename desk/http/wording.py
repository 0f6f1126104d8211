"""What every template asks for hundreds of times a page, made quick: sentences of the catalogue, dates and times.

The same words as Flask-Babel's. That finds out the catalogue anew for each sentence, and Jinja copies all variables of the page
for it inside every loop; a date is written by Babel in a hundred steps, and the same ones stand on page after page, in elements
that are alike.
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
    app.jinja_env.globals.update(written_time=_time)
    app.jinja_env.filters.update(datetimeformat=datetimeformat, timeformat=timeformat, dateformat=dateformat)


def moments() -> Callable[..., Markup]:
    """How the reader of this page writes a moment, asked once for many: `written(at, tick, style, warn, kind)`.

    `tick` is how the page goes on telling it (`ago`, `until`, `since`, `countdown`), with a warning `warn` seconds before;
    `style` is `time`, `date`, `full` or short; `kind` is the element's class. Empty for no moment.
    """
    zone, locale = get_timezone(), get_locale()

    def written(at: Any, tick: str = "", style: str = "", warn: int = 0, kind: str = "") -> Markup:
        if not at:
            return Markup("")
        make = _element if isinstance(at, datetime) else _element.__wrapped__
        return make(at, at.isoformat(), tick, style, warn, kind, zone, locale)

    return written


def _time(at: Any, tick: str = "", warn: int = 0, **more: str) -> Markup:
    """One moment of a page; `format` is the style, `class` the element's."""
    return moments()(at, tick, more.get("format", ""), warn, more.get("class", ""))


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


datetimeformat = _written(dates.format_datetime, flask_babel.format_datetime)
timeformat = _written(dates.format_time, flask_babel.format_time)
dateformat = _written(_day, flask_babel.format_date)
_SHOWN: dict[str, tuple[Callable[..., str], str]] = {
    "time": (timeformat, "short"),
    "date": (dateformat, "long"),
    "full": (datetimeformat, "long"),
}
_TIME = Markup('<time datetime="{}"\n  title="{}"{}>{}</time>')
_TICK = Markup(' data-tick="{}" aria-live="off"')
_WARN = Markup(' data-warn="{}"')
_CLASS = Markup(' class="{}"')


@lru_cache(maxsize=KEPT)
def _element(at: Any, told: str, tick: str, style: str, warn: int, kind: str, _zone: Any, _locale: Any) -> Markup:
    """The element of a moment, for scripts and for people. The same moment may be `told` in another zone, and is another then."""
    write, length = _SHOWN.get(style, (datetimeformat, "short"))
    of_page = (_TICK, tick), (_WARN, warn), (_CLASS, kind)
    more = Markup("").join(each.format(value) for each, value in of_page if value)
    return _TIME.format(told, datetimeformat(at, "medium"), more, write(at, length))
