"""How tall a mail's own HTML is in its frame. The frame is sealed, from our page too, so that nobody can measure it there."""

from __future__ import annotations

import re
from math import ceil
from unicodedata import east_asian_width

from channels.email.html_text import html_to_text

LINE_PX, LETTER_PX, EDGES_PX = 21, 7.3, 24  # as the style of tickets/original.html makes them
NARROWEST, USUAL, WIDEST = 200, 640, 2000
PICTURE_PX = 210  # for one that does not say how tall it is
MOST_COUNTED = 200_000  # characters; a mail as long as that scrolls in any frame
_PICTURE = re.compile(r"<img\b[^>]{0,2000}>", re.IGNORECASE)
_SIDE = re.compile(r"\b(width|height)\s*=\s*[\"']?(\d{1,4})(?:px)?[\"'\s/>]", re.IGNORECASE)


def height_of(html: str, width: int, shown: frozenset[str] = frozenset()) -> int:
    """About so many pixels in a frame of `width` pixels; `shown` are the addresses of the pictures that will be seen in it."""
    inner = min(max(width, NARROWEST), WIDEST) - EDGES_PX
    lines = sum(max(1, ceil(_letters(line) * LETTER_PX / inner)) for line in html_to_text(html)[:MOST_COUNTED].splitlines())
    pictures = sum(_picture(tag, inner) for tag in _PICTURE.findall(html) if any(each in tag for each in shown))
    return lines * LINE_PX + pictures + 2 * EDGES_PX


def _letters(line: str) -> int:
    """The width of a line in Latin letters; a Chinese character takes two."""
    return len(line) if line.isascii() else sum(2 if east_asian_width(each) in "WF" else 1 for each in line)


def _picture(tag: str, inner: int) -> int:
    """Pixels; a picture that is wider than the frame is shown smaller."""
    sides = {name.lower(): int(size) for name, size in _SIDE.findall(tag)}
    height = sides.get("height") or PICTURE_PX
    return ceil(height * min(1.0, inner / sides["width"])) if sides.get("width") else height
