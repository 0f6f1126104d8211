"""Lengths of time as people type and read them: "90 s", "15 min", "1 h 30 min"; 90 alone means seconds."""

from __future__ import annotations

import re
import unicodedata

from flask_babel import gettext

_UNITS_S = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_NAMES = {
    "": "s",
    **dict.fromkeys(("s", "sec", "second", "seconds", "秒", "秒钟"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), "min"),
    **dict.fromkeys(("h", "hr", "hour", "hours", "时", "小时", "个小时"), "h"),
    **dict.fromkeys(("d", "day", "days", "天", "日"), "d"),
}
_PART = re.compile(r"(\d{1,9}(?:\.\d)?)\s*([^\W\d_]*)[\s,]*")


def seconds_of(text: str) -> int | None:
    """Whole seconds; None for what says no length of time."""
    rest = unicodedata.normalize("NFKC", text).strip().lower()
    total = 0.0
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in _NAMES:
            return None
        total += float(part[1]) * _UNITS_S[_NAMES[part[2]]]
        rest = rest[part.end() :]
    return round(total) if text.strip() else None


def span(seconds: float) -> str:
    """The length in the reader's language, exact to the second, without parts that are nothing."""
    rest = int(seconds)
    units = (
        (86400, lambda n: gettext("%(n)s d", n=n)),
        (3600, lambda n: gettext("%(n)s h", n=n)),
        (60, lambda n: gettext("%(n)s min", n=n)),
        (1, lambda n: gettext("%(n)s s", n=n)),
    )
    parts = []
    for size, words in units:
        count, rest = divmod(rest, size)
        if count:
            parts.append(words(count))
    return " ".join(parts) or gettext("%(n)s s", n=0)
