"""What an e-mail address looks like, as far as we take it."""

from __future__ import annotations

import re

LONGEST = 254
_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+")


def is_address(text: str) -> bool:
    """Whether mail can be sent to it; nothing around it, one only."""
    return len(text) <= LONGEST and _ADDRESS.fullmatch(text) is not None
