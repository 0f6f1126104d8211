"""The seven-bit charsets of mail before UTF-8, which switch sets inside the text and which Python reads too strictly."""

from __future__ import annotations

import re

HZ = re.compile(rb"~\{(.*?)(?:~\}|(?=\n)|\Z)|~~|~\r?\n", re.DOTALL)
ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([@BDOQ]|\([BJIH])")
LONGEST_MENDED = 100_000  # bytes; what is mended by hand takes a second for each three hundred thousand
TO_HIGH = bytes(min(byte | 0x80, 0xFF) if 0x21 <= byte <= 0x7E else byte for byte in range(256))


def from_hz(data: bytes) -> str:
    """HZ (RFC 1843), also when it forgets to shift back or holds characters that GB2312 does not."""
    out, at = [], 0
    for match in HZ.finditer(data):
        out.append(data[at : match.start()].decode("ascii", "replace"))
        out.append(
            match[1].translate(TO_HIGH).decode("gb18030", "replace") if match[1] is not None else "~" * (match[0] == b"~~")
        )
        at = match.end()
    return "".join(out) + data[at:].decode("ascii", "replace")


def from_iso_2022_jp(data: bytes) -> str:
    """ISO-2022-JP (RFC 1468), with the characters that Windows programs add to it and single-byte kana."""
    try:
        return data.decode("iso2022_jp_ext")
    except UnicodeDecodeError:
        if len(data) > LONGEST_MENDED:
            return data.decode("iso2022_jp_ext", "replace")
    out, at, mode = [], 0, b"(B"
    for match in [*ESCAPE.finditer(data), None]:
        piece = data[at : match.start()] if match else data[at:]
        out.append(_in_mode(piece, mode))
        if match:
            at, mode = match.end(), match[1]
    return "".join(out)


def _in_mode(piece: bytes, mode: bytes) -> str:
    if mode in {b"$B", b"$@"}:
        lines = piece.splitlines(keepends=True)
        return "".join(_shift_jis(line).decode("cp932", "replace") for line in lines)
    if mode == b"(I":
        return piece.translate(TO_HIGH).decode("cp932", "replace")
    if mode == b"$(D":
        return piece.decode("ascii", "replace") if not piece.strip() else "\ufffd" * (len(piece) // 2)
    return piece.decode("cp932", "replace")


def _shift_jis(line: bytes) -> bytes:
    """JIS X 0208 rows and cells to Shift_JIS; what is no pair stays."""
    out = bytearray()
    at = 0
    while at < len(line):
        pair = line[at : at + 2]
        if len(pair) == 2 and all(0x21 <= byte <= 0x7E for byte in pair):
            row, cell = pair
            lead = (row - 0x21) // 2 + 0x81
            trail = cell + (0x7E if row % 2 == 0 else 0x1F + (cell >= 0x60))
            out += bytes((lead if lead <= 0x9F else lead + 0x40, trail))
            at += 2
        else:
            out.append(line[at])
            at += 1
    return bytes(out)
