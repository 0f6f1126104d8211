"""Bytes to text when the sender's word about the charset may be missing, wrong or in a dialect."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

from channels.email.letters import likelihood
from channels.email.shifted import from_hz, from_iso_2022_jp

# Senders name the small old set and use the large new one: GB2312 mail holds GBK characters, Big5 mail holds Hong Kong ones.
# Names are written without case and without signs, since senders put those anywhere.
ALIASES = {
    "gb2312": "gb18030", "gb231280": "gb18030", "gbk": "gb18030", "xgbk": "gb18030", "cp936": "gb18030", "ms936": "gb18030",
    "windows936": "gb18030", "euccn": "gb18030", "xeuccn": "gb18030", "cngb": "gb18030", "cngb2312": "gb18030", "gb": "gb18030",
    "gb180302000": "gb18030", "gb180302005": "gb18030", "chinese": "gb18030", "csgb2312": "gb18030", "xgb2312": "gb18030",
    "gb2312gbk": "gb18030", "isoir58": "gb18030", "hzgb2312": "hz", "hz": "hz",
    "big5": "big5hkscs", "xxbig5": "big5hkscs", "xbig5": "big5hkscs", "cnbig5": "big5hkscs", "big5hkscs": "big5hkscs",
    "big5eten": "big5hkscs", "chinesebig5": "big5hkscs", "csbig5": "big5hkscs", "windows950": "cp950", "ms950": "cp950",
    "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "windows31j": "cp932", "mskanji": "cp932", "shiftjisx0213": "cp932",
    "iso2022jp": "iso2022_jp_ext", "csiso2022jp": "iso2022_jp_ext", "iso2022jpms": "iso2022_jp_ext", "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext", "xeucjp": "euc_jp", "ujis": "euc_jp", "cp51932": "euc_jp",
    "ksc56011987": "cp949", "ksc56011989": "cp949", "ksc5601": "cp949", "euckr": "cp949", "xeuckr": "cp949", "korean": "cp949",
    "ksc5601c": "cp949", "uhc": "cp949", "xwindows949": "cp949", "ms949": "cp949", "iso2022kr": "iso2022_kr",
    "iso88598i": "iso8859-8", "iso88598e": "iso8859-8", "windows874": "cp874", "tis620": "cp874", "iso885911": "cp874",
    "unicode11utf7": "utf-7", "utf7": "utf-7", "xunicode20utf7": "utf-7", "utf8": "utf-8", "utf8mb4": "utf-8", "utfe8": "utf-8",
    "uft8": "utf-8", "unicode11utf8": "utf-8", "unicode": "utf-16", "utf16": "utf-16", "ucs2": "utf-16", "utf32": "utf-32",
    "latin1": "cp1252", "l1": "cp1252", "iso88591": "cp1252", "isolatin1": "cp1252", "ansi": "cp1252", "western": "cp1252",
    "iso88599": "cp1254", "macintosh": "mac_roman", "xmacroman": "mac_roman", "mac": "mac_roman", "koi8": "koi8_r",
    "koi8r": "koi8_r", "koi8u": "koi8_u",
    "koi8ru": "koi8_u", "xmaccyrillic": "mac_cyrillic", "visual": "iso8859-8",
    "xunknown": "", "unknown8bit": "", "unknown": "", "8bit": "", "binary": "", "default": "", "defaultcharset": "",
    "usascii": "", "ascii": "", "ansix341968": "", "ansix3110": "", "iso646us": "", "xuserdefined": "", "none": "", "auto": "",
    "utf": "utf-8", "iso8859": "cp1252", "charset": "", "text": "", "undefined": "", "null": "",
}  # fmt: skip
NUMBERED = re.compile(r"(?:windows|win|cp|ibm|xcp|ms|codepage)(\d{3,5})")
ISO_8859 = re.compile(r"iso8859(\d{1,2})")
SHIFTED = {"hz", "iso2022_jp_ext", "iso2022_kr", "utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32"}
CJK_CODECS = {"gb18030", "big5hkscs", "cp950", "cp932", "cp949", "euc_jp"}
# In the order in which they win a draw. Those that differ by a few letters only are left to the statistics of a library.
CJK_CANDIDATES = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949")
SINGLE_CANDIDATES = ("cp1252", "cp1251", "koi8_r", "cp1250", "cp1254", "cp1253", "cp1255", "cp1256", "cp874")
CANDIDATES = ["cp1252", "cp1251", "koi8_r", "cp1250", "cp1253", "cp1255", "cp1256", "cp874", "cp866"]
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
HIGH_BYTES = bytes(range(128, 256))
FIRST_GB = re.compile(rb"(?:[\x00-\x7f]|[\xb0-\xd7][\xa1-\xfe])+")
FIRST_BIG5 = re.compile(rb"(?:[\xa4-\xc6][\x40-\x7e\xa1-\xfe]|[\x00-\x7f])+")
KANA = re.compile("[\u3041-\u30fa]")
KANA_FREE = {"gb18030", "big5hkscs", "cp950", "cp949"}
HIGH = re.compile("[^\x00-\x7f]")
LONGEST_SUBJECT = 500
FEW = 12  # bytes that are not ASCII: less is a name or a word
HIGH_RUN = re.compile(rb"[\x80-\xff]")
SAMPLE = 8_192
STATISTICS_SAMPLE = 2_048
TOLERATED_DAMAGE = 0.1  # of the characters that are not ASCII
GOOD, BAD = 0.55, 0.3


def decode(data: bytes, declared: str = "") -> str:
    """Decode a body or header value; never raises. `declared` is the charset its sender named, empty when none.

    The sender is believed first, unless the bytes can only be UTF-8 or read far better as something else.
    """
    codec = codec_for(declared)
    for bom, stated in BOMS:
        if data.startswith(bom) and (stated == "utf-8-sig" or codec in SHIFTED or b"\x00" in data):
            return _whole(data.decode(stated, "replace"))
    if data.isascii():
        return _from_ascii(data, codec)
    if codec in SHIFTED:
        return _whole(_as_declared(data, codec) or _as_detected(data) or data.decode(codec, "replace"))
    text = _strict(data, "utf-8")
    if text is not None and (codec not in CJK_CODECS or likelihood(text[:SAMPLE]) > 0):
        return text
    return _as_declared(data, codec) or _as_detected(data) or data.decode(codec or "cp1252", "replace")


@lru_cache(maxsize=512)
def codec_for(name: str) -> str:
    """The Python codec for a charset name as mail spells it, empty when we do not know it or it says nothing."""
    plain = name.strip().lower().partition("*")[0].removeprefix("charset=").strip("\"' ")[:60]
    squashed = re.sub(r"[^a-z0-9]", "", plain)
    numbered, iso = NUMBERED.match(squashed), ISO_8859.match(squashed)
    codec = plain
    if squashed in ALIASES:
        codec = ALIASES[squashed]
    elif numbered:
        codec = ALIASES.get(f"cp{numbered[1]}", f"cp{numbered[1]}")
    elif iso:
        codec = f"iso8859-{iso[1]}"
    elif "utf8" in squashed:
        codec = "utf-8"
    elif "gb2312" in squashed or "gbk" in squashed or "gb18030" in squashed:
        codec = "gb18030"
    # `base64`, `zip` and the like are codecs from bytes to bytes, which the sender of a mail must not be able to choose:
    # `bytes.decode` refuses those, so one harmless byte tells. Escapes give text but are no charset.
    try:
        b"a".decode(codec or "no charset", "replace")
    except (LookupError, ValueError):
        return ""
    return "" if "escape" in codec or codec in {"idna", "punycode", "undefined"} else codec


def _from_ascii(data: bytes, codec: str) -> str:
    """Seven-bit bytes: plain, or one of the charsets that shift with escapes, declared or not."""
    if codec == "hz" or (b"~{" in data and not codec and re.search(rb"~\{(?:[!-w][!-~]){2,}~\}", data[:SAMPLE])):
        return from_hz(data)
    if codec == "iso2022_jp_ext" or b"\x1b$B" in data or b"\x1b$@" in data:
        return from_iso_2022_jp(data)
    if codec in SHIFTED and (b"\x00" in data or codec in {"iso2022_kr", "utf-7"}):
        return _whole(data.decode(codec, "replace"))
    return data.decode("ascii")


def _whole(text: str) -> str:
    """UTF-7 can spell half a character, which no other encoding can write down."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _as_declared(data: bytes, codec: str) -> str | None:
    """The text if the declared charset reads it, with hardly any damage, and nothing else reads it far better."""
    if not codec:
        return None
    text = _strict(data, codec)
    if text is None:
        text = data.decode(codec, "replace")
        if text.count("\ufffd") > TOLERATED_DAMAGE * (len(text) - len(data.translate(None, HIGH_BYTES))):
            return None
    score = _score(text[:SAMPLE], codec)
    if codec in SHIFTED or score >= (GOOD if _is_odd(text[:SAMPLE], codec) else BAD):
        return text
    better = _best_cjk(data) or (_best_single(data) if score < 0 and codec not in CJK_CODECS else "")
    return data.decode(better, "replace") if better and better != codec else text


def _as_detected(data: bytes) -> str | None:
    better = _best_cjk(data) or _best_single(data) or _best_of_few(data)
    if better:
        return data.decode(better, "replace")
    best = from_bytes(_high_lines(data)[:STATISTICS_SAMPLE], cp_isolation=CANDIDATES).best()
    if best is not None:
        return data.decode(best.encoding, "replace")
    return _strict(data, "cp1252")


def _best_cjk(data: bytes) -> str:
    """The double-byte charset in which the bytes make good text, empty when they do in none."""
    sample = _high_lines(data)
    count = len(HIGH_RUN.findall(sample))
    if count < 2:
        return ""
    best, found = GOOD, ""
    for codec in ("utf-8", *CJK_CANDIDATES):
        text = sample.decode(codec, "replace")
        score = _score(text, codec)
        if text.count("\ufffd") <= (2 if count > FEW else 0) and score > best + 0.02 and len(HIGH.findall(text)) > 1:
            best, found = score, codec
    return found if count > FEW or best >= _single(sample)[0] else ""


def _best_single(data: bytes) -> str:
    """The same for charsets of one byte a character."""
    score, codec = _single(_high_lines(data))
    return codec if score >= GOOD else ""


def _single(sample: bytes) -> tuple[float, str]:
    """How good the text is in the best of them. A few bytes are Thai too easily: nearly each is a letter there."""
    codecs = SINGLE_CANDIDATES if len(HIGH_RUN.findall(sample)) > FEW else SINGLE_CANDIDATES[:-1]
    scores = [(likelihood(sample.decode(codec, "replace")), codec) for codec in codecs]
    return max(scores, key=lambda one: one[0])


def _best_of_few(data: bytes) -> str:
    """A name or two are seldom of frequent letters: it is enough that they are all in the first half of the charset."""
    if len(data) > LONGEST_SUBJECT or not 2 <= len(HIGH_RUN.findall(data)) <= FEW:
        return ""
    for codec, plain in (("gb18030", FIRST_GB), ("big5hkscs", FIRST_BIG5)):
        if plain.fullmatch(data) and _strict(data, codec) is not None and len(HIGH.findall(data.decode(codec))) > 1:
            return codec
    return ""


def _score(text: str, codec: str) -> float:
    """Chinese and Korean hold no kana: where they seem to, it is Japanese in a charset that has them in the same place."""
    return likelihood(text) - (0.3 if codec in KANA_FREE and KANA.search(text) else 0.0)


def _is_odd(text: str, codec: str) -> bool:
    """Whether the text is not what its charset is used for, so that it must be good to be believed."""
    if codec not in KANA_FREE:
        return False
    return bool(KANA.search(text)) or (codec == "gb18030" and _strict_out(text, "gb2312") is None)


def _high_lines(data: bytes) -> bytes:
    """A sample of the lines that are not plain ASCII: those say in which charset they are."""
    if len(data) <= SAMPLE:
        return data
    first = HIGH_RUN.search(data)
    begin = data.rfind(b"\n", 0, first.start()) + 1 if first else 0
    sample = data[begin if first and first.start() - begin < SAMPLE // 2 else first.start() if first else 0 :][:SAMPLE]
    return sample[: sample.rfind(b"\n") + 1] or sample


def _strict_out(text: str, codec: str) -> bytes | None:
    try:
        return text.encode(codec)
    except UnicodeError:
        return None


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return None
