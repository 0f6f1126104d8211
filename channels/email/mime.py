"""Cut a mail into its parts, with no more work than a few readings of its bytes, however it was made.

The standard library's parser keeps every line as an object and compares each with the boundary of every level; a mail of
the largest size we take would need gigabytes or minutes. Here a part is a slice of the original.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_PARTS = 1_000
DEEPEST = 120
MOST_FIELDS = 20_000
MOST_CANDIDATES = 100_000  # lines that may be a delimiter
MOST_COMPARED = 2_000_000  # the same, over all levels
LONGEST_HEADER = 4_000_000
LONGEST_FIELD = 100_000
MOST_FOLDS = 2_000
MOST_LINES = 50_000
HEADER_TOO_LONG = "too long a header: the rest is only in the original"
TOO_MUCH = "too many parts or levels: the rest is only in the original"
BOM = b"\xef\xbb\xbf"
LINE_END = re.compile(rb"\r*\n|\r")
DELIMITER_END = re.compile(rb"[ \t]*(?:\r*\n|\r|\Z)")
FIELD = re.compile(rb"([^\s:\x00-\x20\x7f]{1,200})[ \t]*:(.*)", re.DOTALL)
PLAIN_FIELD = re.compile(rb"[A-Za-z][A-Za-z0-9-]{1,60}[ \t]*:")
ENVELOPE = re.compile(rb">?From [^\r\n]{1,300}")
TYPE = re.compile(r"\s*([\w.+-]{1,80})\s*/\s*([\w.+-]{1,120})", re.ASCII)
BOUNDARY = re.compile(r"\bboundary(?:\*0?\*?)?\s*=\s*(?:\"([^\"]{1,300})\"?|'([^']{1,300})'|([^;\s]{1,300}))", re.IGNORECASE)
GUESSED = re.compile(rb"(?:^|[\r\n])--([^\s][^\r\n]{0,199}?)[ \t]*\r*[\n\r](?=[Cc]ontent-[A-Za-z-]+[ \t]*:)")
GUESS_WITHIN = 200_000


@dataclass
class Part:
    """One part: its fields as (lower-case name, value with raw bytes as surrogates) and where in the mail its content lies."""

    fields: list[tuple[str, str]]
    raw: bytes = b""
    begin: int = 0
    end: int = 0
    children: list[Part] = field(default_factory=list)
    default_type: str = "text/plain"

    @property
    def content(self) -> bytes:
        """The content, still encoded."""
        return self.raw[self.begin : self.end]

    def get(self, name: str) -> str:
        """The first value of a field, empty when there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def has(self, name: str) -> bool:
        """Whether a field of that name is there."""
        return any(key == name for key, _ in self.fields)

    @property
    def type(self) -> str:
        """The content type in lower case; what cannot be one counts as the default."""
        stated = self.get("content-type")
        match = TYPE.match(stated)
        if match:
            return f"{match[1]}/{match[2]}".lower()
        word = stated.split(";")[0].strip().lower()
        return {"multipart": "multipart/mixed", "html": "text/html"}.get(word, self.default_type)


@dataclass
class Cut:
    """A whole mail in parts, and what was wrong with it."""

    root: Part
    problems: list[str] = field(default_factory=list)
    parts: int = 0
    dashes: list[int] = field(default_factory=list)
    compared: int = 0

    def note(self, problem: str) -> None:
        """Remember a problem once."""
        if problem not in self.problems:
            self.problems.append(problem)

    @property
    def exhausted(self) -> bool:
        """Whether more has been looked at than an honest mail needs."""
        return self.parts >= MOST_PARTS or self.compared > MOST_COMPARED or len(self.dashes) >= MOST_CANDIDATES


def cut(raw: bytes) -> Cut:
    """The parts of a mail."""
    result = Cut(Part([]))
    start = _first_line(raw, result)
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    fields, body = split_fields(raw, start, len(raw), result)
    if not fields:
        result.note("no header")
    result.root = Part(fields, raw, body, len(raw))
    if any(key == "content-type" for key, _ in fields) or raw[body : body + 100].lstrip()[:2] == b"--":
        result.dashes = _dashes(raw, body)
    _fill(result.root, result, depth=0)
    return result


def groups(content: bytes) -> list[Part]:
    """The groups of fields of a report (RFC 3464 section 2.1): blocks parted by blank lines."""
    blocks = re.split(rb"(?:\r*\n|\r(?!\n))[ \t]*(?:\r*\n|\r)", content[:1_000_000])
    return [Part(top_fields(block.strip(b"\r\n"))) for block in blocks[:1_000] if block.strip()]


def top_fields(raw: bytes) -> list[tuple[str, str]]:
    """The header fields at the beginning of some bytes."""
    return split_fields(raw, 0, len(raw))[0]


def split_fields(raw: bytes, begin: int, end: int, result: Cut | None = None) -> tuple[list[tuple[str, str]], int]:
    """The header fields from `begin` on, and where the body begins. Lines that are no field join the one before."""
    found: list[tuple[str, list[bytes]]] = []
    at = begin
    for number, (start, stop, after) in enumerate(_lines(raw, begin, end)):
        line = raw[start:stop]
        match = None if line[:1] in b" \t" else FIELD.match(line)
        if not line.strip(b" \t"):
            # Blanks inside the header are a field folded badly, if a field follows; else they are the end.
            if not (line and found and FIELD.match(raw[after : after + 80])):
                at = after
                break
        elif match:
            found.append((match[1].decode("ascii", "replace").lower(), [match[2][:LONGEST_FIELD]]))
        elif found and (line[:1] in b" \t" or _field_follows(raw[after : after + 2_000])):
            if line[:1] not in b" \t":
                _note(result, "a broken line in the header")
            if len(found[-1][1]) < MOST_FOLDS:
                found[-1][1].append(b" " + line.strip()[:1_000])
        elif found or not ENVELOPE.fullmatch(line):
            _note(result, "no empty line after the header")
            at = start
            break
        at = after
        if len(found) > MOST_FIELDS or number > MOST_LINES or at - begin > LONGEST_HEADER:
            _note(result, HEADER_TOO_LONG)
            ends = [place + len(mark) for mark in (b"\n\r\n", b"\n\n") if (place := raw.find(mark, at, end)) >= 0]
            at = min(ends, default=end)
            break
    return [(name, b"".join(pieces).decode("utf-8", "surrogateescape").strip()) for name, pieces in found], at


def _note(result: Cut | None, problem: str) -> None:
    if result:
        result.note(problem)


def _first_line(raw: bytes, result: Cut) -> int:
    """Where the header begins: past blank lines, a byte order mark and the envelope line of a mailbox file."""
    at = len(BOM) if raw.startswith(BOM) else 0
    while at < len(raw) and raw[at] in b"\r\n \t\x00":
        at += 1
    first = LINE_END.split(raw[at : at + 2_000], maxsplit=1)[0]
    after = at + len(first)
    if ENVELOPE.fullmatch(first):
        return _past_line_end(raw, after)
    if first and not FIELD.match(first) and _field_follows(raw[after + 2 : after + 2_000]):
        result.note("junk before the header")
        return _past_line_end(raw, after)
    return at


def _past_line_end(raw: bytes, at: int) -> int:
    found = LINE_END.match(raw, at)
    return found.end() if found else at


def _lines(raw: bytes, at: int, last: int) -> Iterator[tuple[int, int, int]]:
    """(begin, end, begin of the next) of each line."""
    while at < last:
        found = LINE_END.search(raw, at, last)
        end, after = (found.start(), found.end()) if found else (last, last)
        yield at, end, after
        at = after


def _field_follows(following: bytes) -> bool:
    """Whether one of the next two lines is a header field, no empty line between."""
    for line in LINE_END.split(following, maxsplit=2)[:2]:
        if not line.strip():
            return False
        if PLAIN_FIELD.match(line):
            return True
    return False


def _fill(part: Part, result: Cut, depth: int) -> None:
    result.parts += 1
    boundary, guessed = _boundary(part, depth)
    if not boundary:
        return
    if depth >= DEEPEST or result.exhausted:
        result.note(TOO_MUCH)
        return
    segments, closed = _segments(part, boundary, result)
    if not segments and not guessed:
        boundary, guessed = _guess(part), True
        segments, closed = _segments(part, boundary, result) if boundary else ([], False)
    if not segments:
        return
    if guessed:
        result.note("the boundary of the parts had to be guessed")
    if not closed:
        result.note("the last boundary is missing")
    default_type = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
    for begin, end in segments:
        if result.exhausted:
            result.note(TOO_MUCH)
            break
        fields, at = split_fields(part.raw, begin, end)
        child = Part(fields, part.raw, at, end, default_type=default_type)
        part.children.append(child)
        _fill(child, result, depth + 1)


def _boundary(part: Part, depth: int) -> tuple[bytes, bool]:
    """The boundary of a part in several pieces, and whether it is only a guess; empty for a part in one piece."""
    if part.type.startswith("multipart/"):
        found = BOUNDARY.search(part.get("content-type"))
        value = next((one for one in found.groups() if one), "").strip() if found else ""
        return (value.encode("utf-8", "surrogateescape"), False) if value else (_guess(part), True)
    if depth == 0 and not part.has("content-type") and part.raw[part.begin : part.begin + 100].lstrip()[:2] == b"--":
        # A mail that lost its Content-Type on the way and yet begins with a delimiter and the fields of a part.
        return _guess(part), True
    return b"", False


def _guess(part: Part) -> bytes:
    found = GUESSED.search(part.raw[part.begin : min(part.end, part.begin + GUESS_WITHIN)])
    return found[1] if found else b""


def _segments(part: Part, boundary: bytes, result: Cut) -> tuple[list[tuple[int, int]], bool]:
    """Where each part begins and ends, and whether the closing delimiter is there.

    A delimiter after the closing one opens a part all the same: some gateways close too early.
    """
    raw, last, delimiter = part.raw, part.end, b"--" + boundary
    marks = []
    first, beyond = bisect_left(result.dashes, part.begin), bisect_left(result.dashes, part.end)
    for at in result.dashes[first:beyond]:
        result.compared += 1
        after = at + len(delimiter)
        if raw.startswith(delimiter, at) and after <= last:
            closing = raw[after : min(after + 2, last)] == b"--"
            rest = DELIMITER_END.match(raw, after + 2 if closing else after, last)
            if rest:
                marks.append((at, rest.end(), closing))
    out = []
    for (_, begin, closing), (following, _, _) in zip(marks, [*marks[1:], (-1, 0, False)], strict=False):
        if not closing:
            out.append((begin, last if following < 0 else _without_line_end(raw, begin, following)))
    return out, any(closing for _, _, closing in marks)


def _dashes(raw: bytes, begin: int) -> list[int]:
    """Where lines begin with two dashes, at most a hundred thousand: one of them may be a delimiter."""
    found = [begin] if raw.startswith(b"--", begin) else []
    for line_end in (b"\n--", b"\r--"):
        at = raw.find(line_end, begin)
        while at >= 0 and len(found) < MOST_CANDIDATES:
            found.append(at + 1)
            at = raw.find(line_end, at + 1)
    return sorted(found)


def _without_line_end(raw: bytes, begin: int, end: int) -> int:
    """The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1)."""
    if end > begin and raw[end - 1] == 0x0A:
        end -= 1
    if end > begin and raw[end - 1] == 0x0D:
        end -= 1
    return end
