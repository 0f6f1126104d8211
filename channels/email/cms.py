"""Open S/MIME that is signed but not encrypted (RFC 5652): the mail lies readable inside. Nothing is verified here."""

from __future__ import annotations

from collections.abc import Iterator

SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
ENVELOPED_DATA = bytes.fromhex("2a864886f70d010703")
AUTHENTICATED_ENVELOPED_DATA = bytes.fromhex("2a864886f70d0109100117")
COMPRESSED_DATA = bytes.fromhex("2a864886f70d0109100109")
SEQUENCE, OCTETS, OBJECT_ID = 0x30, 0x04, 0x06
MOST_ELEMENTS = 50_000
DEEPEST = 12


def signed_content(data: bytes) -> bytes | None:
    """The mail inside an opaque signature, None when there is none to read."""
    try:
        kind, content = _content_info(data)
        if kind != SIGNED_DATA:
            return None
        for tag, begin, end in _elements(data, *content):
            if tag == SEQUENCE:
                return _encapsulated(data, begin, end)
    except ValueError:
        pass
    return None


def is_encrypted(data: bytes) -> bool:
    """Whether only the holder of a key can read it."""
    try:
        return _content_info(data)[0] in {ENVELOPED_DATA, AUTHENTICATED_ENVELOPED_DATA}
    except ValueError:
        return False


def _content_info(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """The object identifier of a ContentInfo and where the fields of its content are."""
    tag, begin, end, _ = _element(data, 0, len(data))
    if tag != SEQUENCE:
        raise ValueError("no content info")
    fields = list(_first(_elements(data, begin, end), 2))
    if len(fields) < 2 or fields[0][0] != OBJECT_ID:
        raise ValueError("no content info")
    (_, id_begin, id_end), (_, outer_begin, outer_end) = fields
    inner = _element(data, outer_begin, outer_end)
    return data[id_begin:id_end], (inner[1], inner[2])


def _encapsulated(data: bytes, begin: int, end: int) -> bytes | None:
    for tag, inner, last in _elements(data, begin, end):
        if tag == 0xA0:
            return b"".join(_octets(data, inner, last, 0))
    return None


def _octets(data: bytes, begin: int, end: int, depth: int) -> Iterator[bytes]:
    """The bytes of an octet string, which may be cut into many."""
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    for tag, inner, last in _elements(data, begin, end):
        if tag == OCTETS:
            yield data[inner:last]
        elif tag == OCTETS | 0x20:
            yield from _octets(data, inner, last, depth + 1)


def _first(elements: Iterator[tuple[int, int, int]], count: int) -> Iterator[tuple[int, int, int]]:
    for _, element in zip(range(count), elements, strict=False):
        yield element


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(tag, begin, end) of each element; stops at the mark that ends an element of unstated length."""
    for _ in range(MOST_ELEMENTS):
        if at >= end or data[at : at + 2] == b"\x00\x00":
            return
        tag, begin, last, at = _element(data, at, end)
        yield tag, begin, last


def _element(data: bytes, at: int, end: int, depth: int = 0) -> tuple[int, int, int, int]:
    """Tag, content and end of the element at a place. Raises ValueError for what is no BER."""
    if at + 2 > end or depth > DEEPEST:
        raise ValueError("cut off")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise ValueError("a tag nobody uses here")
    at += 2
    if length == 0x80:
        last = at
        for _ in range(MOST_ELEMENTS):
            if data[last : last + 2] == b"\x00\x00":
                return tag, at, last, last + 2
            last = _element(data, last, end, depth + 1)[3]
        raise ValueError("too many elements")
    if length & 0x80:
        count = length & 0x7F
        if count > 8 or at + count > end:
            raise ValueError("no length")
        length = int.from_bytes(data[at : at + count])
        at += count
    # A file cut off at its end still gives what is there.
    return tag, at, min(at + length, end), min(at + length, end)
