"""What is new in a mail body: without what it quotes or forwards and without the signature, but never nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels.email.html_text import COPIED, NAMED, unmarked
from channels.email.phrases import LABELS
from channels.email.quote_marks import (
    ANYWHERE,
    BEFORE_QUOTE,
    DASHED,
    ENDING,
    INLINE,
    LABEL,
    NAMED_ONLY,
    POINTER,
    REPLY_ABOVE,
    STRONG,
    WEAK,
    forwards,
    names_original,
    separates,
)
from channels.email.signature import without_signature

LONGEST = 400_000
MOST_LINES = 5_000
LONGEST_LINE = 600
ATTRIBUTION_LINES = 5
REACH = 8  # the same with blank lines between
HEADER_LINES = 9
MOST_ADDRESSES = 6
LONGEST_POINTER = 60
MOST_TRIED = 400  # texts looked at as an attribution: no honest mail has so many that could be one
ANY_LANGUAGE = (ANYWHERE, NAMED_ONLY)
ALL = (*STRONG, *WEAK, *ANY_LANGUAGE)
QUOTED = re.compile(r"^\s{0,3}(?:>|\|(?!.*\|\s*$)(?=\s|$))")
HARD_SPACES = re.compile(r"^(?:\s*&nbsp;)+\s*$")  # QQ leaves them in its plain text, alone in a line
COLON = re.compile("[:：|]")
INVISIBLE = str.maketrans(
    "\xa0\u3000\u202f", "   ", "\u200b\u200e\u200f\ufeff\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def reply_text(body: str, *, forwarded: bool = False) -> str:
    """The new text of `body`. Quotes above, below and between are left out; a body that is all quote is returned whole.

    `body` may carry the marks of `html_text`. What is forwarded stays if the mail is a forward (`forwarded`, by its subject)
    or if the words above it only point to it.
    """
    lines = body[:LONGEST].replace("\r\n", "\n").replace("\r", "\n").translate(INVISIBLE).split("\n")
    lines = _split_inline([HARD_SPACES.sub("", line.rstrip()) for line in lines])
    segments, attributed = _segments(lines, forwarded)
    kept = [without_signature(segment) for segment in segments]
    if not attributed:
        kept = _without_trailing_quote(_between_quotes(kept))
        kept = [without_signature(segment) for segment in kept]
    answer = _join(kept)
    return unmarked(answer or _join([without_signature(lines)]) or body.strip())


@dataclass
class _Endings:
    """The lines at which an attribution may end, and which texts have been found to be one, by the patterns tried."""

    at: set[int]
    known: dict[tuple[str, int], bool] = field(default_factory=dict)

    def attributes(self, joined: str, patterns: tuple[re.Pattern[str], ...]) -> bool:
        """Whether a text is an attribution; False for all when too many have been asked for."""
        key = (joined, id(patterns))
        if key not in self.known:
            self.known[key] = len(self.known) < MOST_TRIED and _attributes(joined, patterns)
        return self.known[key]


def _segments(lines: list[str], forwarded: bool) -> tuple[list[list[str]], bool]:
    """The runs of lines between attributed quotes, and whether any quote was attributed.

    Quotes that nobody is named for stay: they may be the writer's own, and are dropped only at the end.
    """
    segments: list[list[str]] = [[]]
    attributed = written = False
    ends = _Endings({at for at, line in enumerate(lines[: MOST_LINES + REACH]) if ENDING.search(line[-60:])})
    at = 0
    while at < len(lines):
        if at >= MOST_LINES:
            segments[-1] += lines[at:]
            break
        if _copied_mail_starts(lines, at):
            if not written:
                return [lines], attributed
            if forwards(lines[at]) and (forwarded or _only_points(segments)):
                segments[-1] += lines[at:]
            break
        end = _attribution_end(lines, at, ends)
        if end:
            if not _quoted_next(lines, end) and written:
                break
            attributed = True
            segments.append([])
            at = end
        elif QUOTED.match(lines[at]) and (attributed or _names_its_writer(lines, at, ends)):
            attributed = True
            segments.append([])
            at = _past_quote(lines, at)
        else:
            segments[-1].append(lines[at])
            written = written or bool(lines[at].strip())
            at += 1
    return segments, attributed


def _only_points(segments: list[list[str]]) -> bool:
    """Whether all that was written is a word or two that send the reader to what follows: `FYI`, `请看下面`."""
    said = " ".join(line.strip() for segment in segments for line in segment if line.strip())
    return len(said) <= LONGEST_POINTER and bool(POINTER.fullmatch(said))


def _attribution_end(lines: list[str], start: int, ends: _Endings) -> int:
    """Where the quote begins if a line such as `On … wrote:` starts here, else 0. It may be broken over five lines."""
    if lines[start].startswith(NAMED):
        return start + 1
    if ends.at.isdisjoint(range(start, start + REACH)):
        return 0
    end = _span(lines, start, STRONG, ends)
    if end:
        # The nearer start is the true one: the sentence before an attribution may itself begin with `On`.
        return 0 if any(_span(lines, later, STRONG, ends) == end for later in range(start + 1, end)) else end
    end = _span(lines, start, WEAK, ends)
    if not end:
        end = _span(lines, start, ANY_LANGUAGE, ends)
        if not end or not _quoted_next(lines, end) or not (end == start + 1 or _opens(lines[start])):
            return 0
        return 0 if any(_span(lines, later, ALL, ends) for later in range(start + 1, end)) else end
    if end > start + 1:
        named = "@" in lines[start] or "<" in lines[start] or lines[start + 1].lstrip().startswith("<")
        if not named or any(_span(lines, later, STRONG, ends) for later in range(start + 1, end)):
            return 0
    return end


def _opens(line: str) -> bool:
    """Whether a line can begin an attribution that goes on below: it has a day, an hour or an address itself."""
    return bool(re.search(r"\d{4}|\d[:.]\d\d|\S@\S|<", line))


def _span(lines: list[str], start: int, patterns: tuple[re.Pattern[str], ...], ends: _Endings) -> int:
    """One past the last line of an attribution that starts here by one of the patterns, else 0."""
    if not lines[start].strip() or QUOTED.match(lines[start]):
        return 0
    joined, seen = "", 0
    for at in range(start, min(start + REACH, len(lines))):
        line = lines[at].strip()
        if not line:
            continue
        seen += 1
        joined = f"{joined} {line}" if joined else line
        if seen > ATTRIBUTION_LINES or len(joined) > 600:
            return 0
        if at in ends.at and ends.attributes(joined, patterns):
            return at + 1
    return 0


def _attributes(joined: str, patterns: tuple[re.Pattern[str], ...]) -> bool:
    text = joined.strip("-—=*_ ").strip()
    if text.count("@") > MOST_ADDRESSES:
        return False
    if joined.startswith("---") and re.fullmatch(r".{2,80} wrote", text):
        return True
    return bool(re.search(r"[@\d]", text)) and any(pattern.match(text) for pattern in patterns)


def _copied_mail_starts(lines: list[str], at: int) -> bool:
    """`-----Original Message-----` in any words, a request to write above, or a copied header."""
    line = lines[at]
    if line.startswith(COPIED):
        return True
    if len(line) > LONGEST_LINE:
        return False
    dashed = DASHED.fullmatch(line) or names_original(line)
    if separates(line) or REPLY_ABOVE.fullmatch(line) or (dashed and _header_follows(lines, at + 1)):
        return True
    return _header_starts(lines, at)


def _header_follows(lines: list[str], at: int) -> bool:
    """Whether the next line that says something begins a copied header or an attribution."""
    for following in range(at, min(at + 4, len(lines))):
        if lines[following].strip():
            joined = lines[following].strip()
            return _header_starts(lines, following) or (len(joined) < LONGEST_LINE and _attributes(joined, (*STRONG, *WEAK)))
    return False


def _header_starts(lines: list[str], at: int) -> bool:
    """At least two copied header fields that can only come from a mail."""
    line = lines[at]
    if len(line) > LONGEST_LINE:
        return False
    first = LABEL.match(line) if COLON.search(line[:40]) else None
    if not first:
        return False
    kinds, values, misses = {_kind(first)}, first["value"], 0
    for following in lines[at + 1 : at + HEADER_LINES]:
        match = LABEL.match(following[:LONGEST_LINE])
        if match:
            kinds.add(_kind(match))
        elif not following.strip():
            break
        else:
            misses += 1
        if misses > 3:
            break
        values += " " + (match["value"] if match else following)
    if "from" in kinds:
        return len(kinds) >= 2 and ("@" in values or "subject" in kinds or len(kinds) >= 4)
    return "date" in kinds and bool(kinds & {"to", "subject"}) and "@" in values


def _kind(match: re.Match[str]) -> str:
    return next(kind for kind in LABELS if match[kind])


def _quoted_next(lines: list[str], at: int) -> bool:
    following = next((line for line in lines[at : at + 6] if line.strip()), "")
    return bool(QUOTED.match(following))


def _names_its_writer(lines: list[str], at: int, ends: _Endings) -> bool:
    """Whether a quote has its attribution inside, as Apple's programs write it: `> On 5 March Ann wrote:`."""
    joined = ""
    for line in lines[at : at + 3]:
        if not QUOTED.match(line) or len(line) > LONGEST_LINE:
            return False
        joined = f"{joined} {line.lstrip(' >|')}".strip()
        if ENDING.search(joined[-60:]) and ends.attributes(joined, ALL):
            return True
    return False


def _between_quotes(segments: list[list[str]]) -> list[list[str]]:
    """The answers alone, where a text begins with a quote and goes on by turns: nobody is named, and yet it is plain."""
    lines = [line for segment in segments for line in segment if line.strip()]
    runs = sum(1 for before, line in zip(["", *lines], lines, strict=False) if QUOTED.match(line) and not QUOTED.match(before))
    if runs < 2 or not QUOTED.match(lines[0]) or all(QUOTED.match(line) for line in lines):
        return segments
    return [["" if QUOTED.match(line) else line for line in segment] for segment in segments]


def _past_quote(lines: list[str], at: int) -> int:
    """The end of a run of quoted lines; links that a program broke out of the quote belong to it."""
    while at < len(lines):
        line = lines[at]
        link = re.match(r"^\s*[(<]https?://\S*[)>]", line)
        # The end of a link that was folded out of the quote.
        broken = line and " " not in line and "http" in lines[at - 1] and QUOTED.match((lines[at + 1 : at + 2] or [""])[0])
        if not QUOTED.match(line) and not link and not broken:
            return at
        at += 1
    return at


def _without_trailing_quote(segments: list[list[str]]) -> list[list[str]]:
    lines = [line for segment in segments for line in segment]
    end = len(lines)
    while end and (not lines[end - 1].strip() or QUOTED.match(lines[end - 1])):
        end -= 1
    return [lines[:end] if any(line.strip() for line in lines[:end]) else lines]


def _split_inline(lines: list[str]) -> list[str]:
    """Give an attribution a line of its own that stands behind text, or before what it quotes."""
    out: list[str] = []
    begun = False
    for at, line in enumerate(lines):
        quoted = BEFORE_QUOTE.match(line) if begun and len(line) <= LONGEST_LINE else None
        begun = begun or bool(line)
        if quoted:
            out += [line[: quoted.end()].strip(), line[quoted.end() :]]
            continue
        found = INLINE.search(line) if len(line) <= LONGEST_LINE and not QUOTED.match(line) else None
        found = found if found and _quoted_next(lines, at + 1) else None
        before = line[: found.start()].strip() if found else ""
        out += [before, line[found.start() :].strip()] if found and before else [line]
    return out


def _join(segments: list[list[str]]) -> str:
    texts = ("\n".join(segment).strip("\n").rstrip() for segment in segments)
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(text for text in texts if text.strip())).strip()
