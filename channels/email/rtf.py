"""Rich text as Outlook packs it: decompress (MS-OXRTFCP) and read the words of it, or the HTML it wraps (MS-OXRTFEX)."""

from __future__ import annotations

import re
import struct

from channels.email.charset import codec_for

COMPRESSED, STORED = 0x75465A4C, 0x414C454D
LARGEST = 1_000_000
DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}"
    b"{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbol"
    b"ArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
TOKEN = re.compile(r"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.IGNORECASE)
SILENT = {
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "listtable",
    "listoverridetable",
    "generator",
    "header",
    "footer",
}
BREAKS = {"par": "\n", "line": "\n", "tab": "\t", "cell": "\t", "row": "\n", "emdash": "—", "endash": "–", "bullet": "•",
          "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”"}  # fmt: skip


def decompress(data: bytes) -> bytes:
    """The rich text of a PR_RTF_COMPRESSED value, at most a million bytes; what is cut off ends early."""
    if len(data) < 16:
        return b""
    _, size, kind, _ = struct.unpack_from("<IIII", data)
    if kind == STORED:
        return data[16 : 16 + size]
    if kind != COMPRESSED:
        return b""
    window = bytearray(DICTIONARY.ljust(4096, b"\x00"))
    write, at, out = len(DICTIONARY), 16, bytearray()
    limit = min(size, LARGEST)
    while at < len(data) and len(out) < limit:
        flags = data[at]
        at += 1
        for bit in range(8):
            if not flags >> bit & 1:
                if at >= len(data):
                    return bytes(out)
                copied = data[at : at + 1]
                at += 1
            else:
                if at + 2 > len(data):
                    return bytes(out)
                offset, length = data[at] << 4 | data[at + 1] >> 4, (data[at + 1] & 15) + 2
                at += 2
                if offset == write:
                    return bytes(out)
                copied = b""
            for step in range(len(copied) or length):
                byte = copied[0] if copied else window[(offset + step) % 4096]
                out.append(byte)
                window[write] = byte
                write = (write + 1) % 4096
    return bytes(out[:limit])


def rtf_to_text(rtf: bytes, codec: str = "cp1252") -> str:
    """The words of a rich text; of one that wraps HTML, the words of that."""
    text = rtf.decode("latin-1")
    stated = re.search(r"\\ansicpg(\d{3,5})", text[:2_000])
    codec = (codec_for(f"cp{stated[1]}") if stated else "") or codec
    out: list[str] = []
    pending = bytearray()
    silent: list[bool] = [False]
    skip = 0
    for token in TOKEN.finditer(text[:LARGEST]):
        word, number, byte, sign, brace, plain = (one or "" for one in token.groups())
        if byte and not silent[-1]:
            if skip:
                skip -= 1
            else:
                pending.append(int(byte, 16))
            continue
        if pending:
            out.append(pending.decode(codec, "replace"))
            pending.clear()
        if brace == "{":
            silent.append(silent[-1])
        elif brace and len(silent) > 1:
            silent.pop()
        elif sign == "*" or word in SILENT:
            silent[-1] = True
        elif word == "u" and number and not silent[-1]:
            out.append(chr(int(number) % 0x10000))
            skip = 1
        elif not silent[-1]:
            piece = BREAKS.get(word, "") if word else plain or {"~": " ", "_": "-"}.get(sign, sign)
            if skip and plain:
                piece, skip = plain[1:], 0
            out.append(piece)
    return "".join([*out, pending.decode(codec, "replace")]).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
