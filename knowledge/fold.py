"""Bring text that means the same to the same characters: width, case, accents, Traditional and Simplified Chinese."""

from __future__ import annotations

import re
import unicodedata

from opencc import OpenCC

# The same word in another writing that the general table does not join: 帐号 and 账号, 回覆 and 回复, 螢幕 and 荧幕.
_BESIDE = {"帐": "账", "覆": "复", "萤": "荧", "祇": "只", "妳": "你", "牠": "它", "祂": "他"}
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3134F))


def _simplified() -> dict[int, str]:
    """Each character that has another form in Simplified Chinese, to that form.

    Character by character, so that places stay where they are; where the form depends on the word (乾, 著, 後) it is the one that
    is right most often, which is enough for finding.
    """
    characters = [chr(code) for first, last in _HAN for code in range(first, last + 1)]
    forms = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    table = {character: form for character, form in zip(characters, forms, strict=True) if form != character} | _BESIDE
    return {ord(character): table.get(form, form) for character, form in table.items()}


_SIMPLIFIED = _simplified()
_MAINLAND = OpenCC("tw2sp")
_LATIN_WITH_ACCENT = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")


def fold(text: str) -> str:
    """`text` in NFKC, lower case, without Latin accents, in Simplified Chinese. Its length may differ from the input's."""
    text = unicodedata.normalize("NFKC", text).lower().translate(_SIMPLIFIED)
    return _LATIN_WITH_ACCENT.sub(_without_accent, text)


def mainland(text: str) -> str:
    """What a text in Traditional characters would say on the mainland, word by word: 軟體 is 软件 there. Else empty."""
    return _MAINLAND.convert(text) if any(_SIMPLIFIED.get(ord(character)) for character in text) else ""


def _without_accent(match: re.Match[str]) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", match[0]) if not unicodedata.combining(char))
