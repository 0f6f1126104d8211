"""Tell Chinese from English by the characters."""

from __future__ import annotations

import re
from typing import Literal

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")


def guess(text: str) -> Literal["zh", "en"]:
    """`zh` when there are at least as many Chinese characters as a third of the Latin words, else `en`.

    A Chinese text full of product names stays Chinese; an English one that quotes a Chinese word stays English.
    """
    return "zh" if 3 * len(_HAN.findall(text)) > len(_LATIN_WORD.findall(text)) else "en"
