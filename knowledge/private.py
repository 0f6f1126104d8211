"""What must not be in an article: addresses, numbers and names of people. Found by shape; a name only when it is given."""

from __future__ import annotations

import re
from collections.abc import Iterable

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"https?://\S+")
_DIGITS = re.compile(r"(?<![\w.])(?!\d{4}-\d\d-\d\d(?!\d))\+?\d(?:[ \-()]{0,2}[\dXx]){6,20}(?![\w])")
_ID_NUMBER = re.compile(r"(?<!\w)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)")
_CODE = re.compile(r"(?<![\w-])(?=[\w-]*\d{4})[A-Z]{1,5}-?\d[\w-]{3,}(?![\w])")
_GREETINGS = "dear|hello|hi|best regards|kind regards|regards|yours|thanks|此致|敬礼|您好|你好"
_GREETING = re.compile(rf"(?im)^\s*(?:{_GREETINGS})\b[^\n]{{0,40}}$")
HIDDEN = "[…]"


def without_personal(text: str, names: Iterable[str] = ()) -> str:
    """The text with mail addresses, links, numbers of seven digits and more, order codes and the given names taken out.

    Lines that only greet or take leave go too. What reads like ordinary words stays: a person has to look over it.
    """
    for pattern in (_EMAIL, _LINK, _ID_NUMBER, _CODE, _DIGITS):
        text = pattern.sub(HIDDEN, text)
    for part in sorted({part for name in names for part in _parts(name)}, key=len, reverse=True):
        exact = re.escape(part)
        text = re.sub(rf"(?<!\w){exact}(?!\w)" if part.isascii() else exact, HIDDEN, text, flags=re.IGNORECASE)
    text = _GREETING.sub("", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def secrets_in(text: str) -> list[str]:
    """Card and identity numbers in a text, by their check digits: no article needs one."""
    found = [match[0] for match in _ID_NUMBER.finditer(text) if _is_identity(match[0])]
    return found + [match[0] for match in _DIGITS.finditer(text) if _is_card(re.sub(r"\D", "", match[0]))]


def _parts(name: str) -> list[str]:
    """The name as a whole and its parts; a single letter is no name."""
    whole = " ".join(name.split())
    return [part for part in (whole, *whole.split()) if len(part) > 1]


def _is_card(digits: str) -> bool:
    if not 15 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_identity(number: str) -> bool:
    """GB 11643: the last character checks the seventeen before it."""
    rest = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(number[:17])) % 11
    return "10X98765432"[rest] == number[17].upper()
