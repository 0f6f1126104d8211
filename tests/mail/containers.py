"""Containers built by hand for the tests: winmail.dat (TNEF) and S/MIME, whole and broken."""

from __future__ import annotations

import struct


def attribute(level: int, tag: int, kind: int, value: bytes) -> bytes:
    """One TNEF attribute with its checksum."""
    return struct.pack("<BHHI", level, tag, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def mapi(*properties: tuple[int, int, bytes]) -> bytes:
    """A block of variable-length MAPI properties, each (type, id, value)."""
    out = struct.pack("<I", len(properties))
    for kind, key, value in properties:
        out += struct.pack("<HHII", kind, key, 1, len(value)) + value + b"\x00" * (-len(value) % 4)
    return out


def tnef(*attributes: bytes) -> bytes:
    """A winmail.dat."""
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


def tnef_file(title: bytes, data: bytes, *properties: tuple[int, int, bytes]) -> bytes:
    """A file inside a winmail.dat."""
    return (
        attribute(2, 0x9002, 6, b"\x00" * 14)
        + attribute(2, 0x8010, 1, title + b"\x00")
        + attribute(2, 0x800F, 6, data)
        + (attribute(2, 0x9005, 6, mapi(*properties)) if properties else b"")
    )


def der(tag: int, *content: bytes) -> bytes:
    """An element of stated length."""
    body = b"".join(content)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(size))) + size + body


def ber(tag: int, *content: bytes) -> bytes:
    """The same of unstated length."""
    return bytes((tag, 0x80)) + b"".join(content) + b"\x00\x00"


def signed(content: bytes, *, cut: int = 0) -> bytes:
    """A mail inside an opaque signature; its bytes in pieces of `cut` if given."""
    data_type, signed_type = der(6, bytes.fromhex("2a864886f70d010701")), der(6, bytes.fromhex("2a864886f70d010702"))
    if cut:
        pieces = [der(4, content[at : at + cut]) for at in range(0, len(content), cut)]
        inside = ber(0x30, data_type, ber(0xA0, ber(0x24, *pieces)))
        return ber(0x30, signed_type, ber(0xA0, ber(0x30, der(2, b"\x01"), der(0x31), inside, der(0x31))))
    inside = der(0x30, data_type, der(0xA0, der(4, content)))
    return der(0x30, signed_type, der(0xA0, der(0x30, der(2, b"\x01"), der(0x31), inside, der(0x31))))


def enveloped() -> bytes:
    """A mail that only the holder of a key can read."""
    return der(0x30, der(6, bytes.fromhex("2a864886f70d010703")), der(0xA0, der(0x30, der(2, b"\x00"), der(0x31))))
