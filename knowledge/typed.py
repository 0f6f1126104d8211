"""What a title can be found by while somebody is still typing: the beginnings of its words."""

from __future__ import annotations

import re

from knowledge.fold import fold

_PART = re.compile(r"(?P<cjk>[\u3040-\u30ff\u3400-\u9fff]+)|(?P<word>[^\W_\u3040-\u30ff\u3400-\u9fff]+)")
_LONGEST = 12
_MOST_TYPED = 64


def start_tokens(title: str) -> list[str]:
    """Each beginning of each word, up to 12 letters; of Chinese each character and pair, since people start anywhere."""
    found: set[str] = set()
    for match in _PART.finditer(fold(title)):
        part = match[0]
        if match.lastgroup == "cjk":
            found.update(part)
            found.update(part[place : place + 2] for place in range(len(part) - 1))
        else:
            found.update(part[:size] for size in range(1, min(len(part), _LONGEST) + 1))
    return sorted(found)


def prefix_tokens(typed: str) -> list[str]:
    """The beginnings that a title must all have. A single Latin letter alone asks for nothing: it would be half of all titles."""
    found: list[str] = []
    for match in _PART.finditer(fold(typed[:_MOST_TYPED])):
        part = match[0]
        if match.lastgroup == "word":
            found.append(part[:_LONGEST])
        else:
            found.extend([part] if len(part) == 1 else (part[place : place + 2] for place in range(len(part) - 1)))
    found = list(dict.fromkeys(found))
    return [] if len(found) == 1 and len(found[0]) == 1 and found[0].isascii() else found
