"""Bytes to text when the sender's word about the charset may be missing, wrong or in a dialect."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

# Senders name the small old set and use the large new one: GB2312 mail holds GBK characters, Big5 mail holds Hong Kong ones.
ALIASES = {
    "gb2312": "gb18030", "gb_2312-80": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030", "ms936": "gb18030",
    "windows-936": "gb18030", "euc-cn": "gb18030", "cn-gb": "gb18030", "gb": "gb18030", "gb18030-2000": "gb18030",
    "chinese": "gb18030", "hz-gb-2312": "hz", "big5": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs",
    "big5-hkscs": "big5hkscs", "big5-eten": "big5hkscs", "chinesebig5": "big5hkscs", "windows-950": "cp950",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949",
    "iso-8859-8-i": "iso8859-8", "iso-8859-8-e": "iso8859-8", "windows-874": "cp874", "unicode-1-1-utf-7": "utf-7",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252",
    "utf8mb4": "utf-8", "unicode": "utf-16", "x-unknown": "", "unknown-8bit": "", "unknown": "", "8bit": "", "binary": "",
    "default": "", "us-ascii": "", "ascii": "", "ansi_x3.4-1968": "", "iso-646-us": "", "x-user-defined": "",
}  # fmt: skip
CANDIDATES = ["utf_8", "gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "cp1252", "cp1251", "koi8_r"]
CJK_CODECS = {"gb18030", "big5hkscs", "cp950", "cp932", "cp949", "euc_jp"}
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
HAN = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")
GB_PAIR = re.compile(rb"[\x81-\xfe][\xa1-\xfe]")
ASCII = bytes(range(128))
SAMPLE = 32_768
TOLERATED_DAMAGE = 0.02


def decode(data: bytes, declared: str = "") -> str:
    """Decode a body or header value; never raises. `declared` is the charset its sender named, empty when none.

    The sender is believed first, unless the bytes can only be UTF-8; then a short list of likely charsets is tried.
    """
    for bom, codec in BOMS:
        if data.startswith(bom):
            return data.decode(codec, "replace")
    codec = codec_for(declared)
    if data.isascii() and codec not in {"hz", "iso2022_jp_ext", "iso2022_kr", "utf-7", "utf-16", "utf-16-le", "utf-16-be"}:
        return data.decode("ascii")
    if not codec or codec == "cp1252" or codec in CJK_CODECS:
        text = _strict(data, "utf-8")
        if text is not None and (codec not in CJK_CODECS or HAN.search(text)):
            return text
    return _as_declared(data, codec) or _as_detected(data) or data.decode(codec or "cp1252", "replace")


def codec_for(name: str) -> str:
    """The Python codec for a charset name as mail spells it, empty when we do not know it or it says nothing."""
    plain = name.strip().strip("\"'").lower().partition("*")[0]
    codec = ALIASES.get(plain, ALIASES.get(plain.replace("_", "-"), plain))
    if not codec:
        return ""
    # `base64`, `zip` and the like are codecs from bytes to bytes, which the sender of a mail must not be able to choose:
    # `bytes.decode` refuses those, so one harmless byte tells. Escapes give text but are no charset.
    try:
        b"a".decode(codec, "replace")
    except (LookupError, ValueError):
        return ""
    return "" if "escape" in codec or codec in {"idna", "punycode", "undefined"} else codec


def _as_declared(data: bytes, codec: str) -> str | None:
    if not codec:
        return None
    text = _strict(data, codec)
    if text is not None:
        return text
    utf8 = _strict(data, "utf-8")
    if utf8 is not None:
        return utf8
    text = data.decode(codec, "replace")
    return text if text.count("\ufffd") <= TOLERATED_DAMAGE * len(text) else None


def _as_detected(data: bytes) -> str | None:
    if _reads_as_chinese(data[:SAMPLE]):
        return data.decode("gb18030", "replace")
    best = from_bytes(data[:SAMPLE], cp_isolation=CANDIDATES).best()
    if best is not None:
        return data.decode(best.encoding, "replace")
    return _strict(data, "gb18030")


def _reads_as_chinese(data: bytes) -> bool:
    """Whether nearly all characters are the common ones of GB2312, which detectors take for Korean when there are few.

    Korean syllables end at lead byte C8; of Chinese text a good part lies above (the sounds from S to Z).
    """
    pairs = [pair for pair in GB_PAIR.findall(data) if pair[0] >= 0xA1]
    if not pairs or sum(map(len, pairs)) < len(data.translate(None, ASCII)):
        return False
    common = sum(1 for pair in pairs if pair[0] <= 0xA3 or 0xB0 <= pair[0] <= 0xD7)
    late = sum(1 for pair in pairs if 0xC9 <= pair[0] <= 0xD7)
    return common >= 0.9 * len(pairs) and late >= 0.1 * len(pairs)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return None
