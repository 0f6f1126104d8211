"""Address lists of a header into contacts, without believing that senders follow RFC 5322."""

from __future__ import annotations

import re

from channels.email.words import decode_words, tidy
from channels.message import Contact

MOST = 500
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|\((?:[^()\\]|\\.)*\)|<[^<>]*>|[,;]|[^"(<,;]+|.', re.DOTALL)
SIGNS = r"\s<>()\[\],;:\"'`@，。：；！？（）【】《》、“”「」"
# It may begin only where a word does: else a long word would be tried again from each of its letters.
SPEC = re.compile(rf"(?<![^{SIGNS}])[^{SIGNS}]{{1,320}}@[^{SIGNS}]{{1,320}}|\"[^\"@\s]{{1,320}}\"@[^\s<>,;\"@]{{1,320}}")


def contacts(value: str) -> tuple[Contact, ...]:
    """Every address of a list (encoded words still encoded), in order, each once, at most 500."""
    found: dict[str, Contact] = {}
    for name, address in _split(value):
        contact = _contact(name, address)
        if contact is not None:
            found.setdefault(contact.value, contact)
        if len(found) >= MOST:
            break
    return tuple(found.values())


def canonical(address: str) -> str:
    """The form in which addresses are compared: trimmed, lower case, no brackets, no trailing dot."""
    return address.strip().strip("<>").strip().rstrip(".").lower()


def _split(value: str) -> list[tuple[str, str]]:
    """(name, address) pairs; commas inside quotes, comments and brackets do not separate."""
    pairs: list[tuple[str, str]] = []
    name, address = "", ""
    for piece in [*PIECE.findall(value), ","]:
        if piece in {",", ";"}:
            if name.strip() or address:
                pairs.append((name, address))
            name, address = "", ""
        elif piece.startswith("<") and piece.endswith(">"):
            address = piece[1:-1]
        elif piece.startswith('"') and piece.endswith('"') and len(piece) > 1:
            name += re.sub(r"\\(.)", r"\1", piece[1:-1])
        elif piece.startswith("(") and piece.endswith(")"):
            name += f" ({piece[1:-1]})"
        else:
            # `Friends: a@b.example, c@d.example;` is a group: what is before the colon names nobody.
            name += piece.split(":", 1)[1] if ":" in piece and "@" not in piece.split(":", 1)[0] and not address else piece
    return pairs


def _contact(name: str, address: str) -> Contact | None:
    label = tidy(decode_words(name))
    spec = SPEC.search(tidy(decode_words(address)))
    if spec is None and not address:
        spec = SPEC.search(label)
        label = label.replace(spec[0], "") if spec else label
    if spec is None:
        return None
    label = tidy(label).strip("'\"<> ")
    if label.startswith("(") and label.endswith(")"):
        label = label[1:-1]
    value = canonical(spec[0])
    return Contact(kind="email", value=value, name="" if canonical(label) == value else label[:200])
