"""What a text part may hold besides its text: flowed lines, files in uuencode, an OpenPGP signature around it."""

from __future__ import annotations

import re

from channels.email.names import safe_name
from channels.email.transfer import from_uuencode
from channels.message import File

UU_NAME = re.compile(r"begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,200})")
UU_MARK = re.compile(r"^begin(?:-base64)? [0-7]{3,4} ", re.MULTILINE)
MOST_UUENCODED = 100
PGP_BEGIN, PGP_SIGNATURE = "-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP SIGNATURE-----"
PGP_ENCRYPTED = "-----BEGIN PGP MESSAGE-----"
PGP_END = re.compile(r"-----END PGP SIGNATURE-----[ \t]*\n?")
TAGS = re.compile(r"</?[A-Za-z][A-Za-z0-9:-]{0,30}(?:>|\s[^<>]{0,500}>)")
SIGNATURE_LINE = "-- "
QUOTE_MARKS = re.compile(r">(?: ?>)*(?: |$)")
FLOWED_WIDTH = 72


def clean(text: str) -> str:
    """One kind of line end, no zero bytes."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def unflowed(text: str, *, delete_space: bool) -> str:
    """The paragraphs of `format=flowed` text (RFC 3676) on one line each, quote marks kept."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = -1

    def finish() -> None:
        if paragraph:
            out.append((">" * depth + " " if depth else "") + "".join(paragraph))
            paragraph.clear()

    for line in text.split("\n"):
        bare = line.lstrip(">")
        marks = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        if paragraph and marks != depth:
            finish()
        depth = marks
        flows = bare.endswith(" ") and bare != SIGNATURE_LINE
        if bare == SIGNATURE_LINE:
            finish()
        paragraph.append(bare[:-1] if flows and delete_space else bare)
        if not flows:
            finish()
    finish()
    return "\n".join(out)


def flowed(text: str) -> str:
    """Text as `format=flowed` (RFC 3676 §4.2): long lines broken after a space, so that every program may fold them anew.

    Lines without spaces, as Chinese ones are, stay long: nothing could be put together again that was cut there.
    """
    out = []
    for line in text.split("\n"):
        marks = QUOTE_MARKS.match(line)
        prefix, words = (">" * line[: marks.end()].count(">") + " ", line[marks.end() :]) if marks else ("", line)
        words = words if words == SIGNATURE_LINE else words.rstrip(" ")
        while len(words) > FLOWED_WIDTH and (at := words.rfind(" ", 0, FLOWED_WIDTH)) > 0:
            out.append(prefix + _stuffed(words[: at + 1], prefix))
            words = words[at + 1 :]
        out.append((prefix + _stuffed(words, prefix)) if words else prefix.rstrip())
    return "\n".join(out)


def _stuffed(words: str, prefix: str) -> str:
    return f" {words}" if not prefix and words.startswith((" ", ">", "From ")) else words


def without_uuencoded(text: str) -> tuple[str, list[File]]:
    """The text, and the files that stood in it in uuencode."""
    if not UU_MARK.search(text):
        return text, []
    out, files, at = [], [], 0
    while len(files) < MOST_UUENCODED:
        mark = UU_MARK.search(text, at)
        end = _uu_end(text, mark.start()) if mark else 0
        if not mark or not end:
            break
        block = text[mark.start() : end]
        data = from_uuencode(block.encode("utf-8", "replace"))
        name = UU_NAME.match(block)
        out.append(text[at : mark.start()] if data else text[at:end])
        if data:
            label = safe_name(name[1]) if name else ""
            files.append(
                File(name=label or f"attachment-{len(files) + 1}.bin", content_type="application/octet-stream", data=data)
            )
        at = end
    return "".join([*out, text[at:]]), files


def without_clear_signature(text: str) -> str:
    """The words of an OpenPGP clear-signed text (RFC 9580 section 7), its armour and signature left out."""
    begin = text.find(PGP_BEGIN)
    signature = text.find("\n" + PGP_SIGNATURE, begin) if begin >= 0 else -1
    if signature < 0:
        return text
    head, _, body = text[begin:signature].partition("\n\n")
    if len(head) > 1_000:
        return text
    body = re.sub(r"^- ", "", body, flags=re.MULTILINE)
    end = PGP_END.search(text, signature)
    return text[:begin] + body + "\n" + (text[end.end() :] if end else "")


def looks_like_html(text: str) -> bool:
    """Whether text that calls itself plain is a page all the same."""
    start = text[:3_000].lstrip().lower()
    return start.startswith(("<!doctype html", "<html")) and bool(TAGS.search(start))


def without_tags(text: str) -> str:
    """The words of `text/enriched` (RFC 1896), in which `<<` is a sign and a single line end is only a fold."""
    words = TAGS.sub("", re.sub(r"<param>[^<>]{0,200}</param>", "", text, flags=re.IGNORECASE)).replace("<<", "<")
    return re.sub(r"\n(\n*)", lambda match: match[1] or " ", words)


def _uu_end(text: str, begin: int) -> int:
    """Where a uuencoded block ends, 0 when it is none: every line must be as long as its first character says."""
    at = text.find("\n", begin) + 1
    base64 = text.startswith("begin-base64", begin)
    lines = 0
    while at:
        end = text.find("\n", at)
        line = text[at : end if end >= 0 else len(text)].rstrip()
        if line in {"end", "===="}:
            return (end if end >= 0 else len(text)) if lines else 0
        if not base64 and line not in {"", "`"} and not (" " <= line[0] <= "`" and len(line) <= 90):
            return 0
        lines += 1
        at = end + 1
    return 0
