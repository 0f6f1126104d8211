"""HTML mail to plain text: paragraphs stay apart, quotes become `> `, nothing of scripts and styles remains.

Where a mail program names in its markup what it quotes, the line gets a mark that no text can hold; `reply_text` reads it.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator
from itertools import islice

LONGEST = 1_000_000
MOST_TOKENS = 150_000
BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "div", "dl", "dt", "dd", "fieldset", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table",
    "tbody", "tr", "ul",
}  # fmt: skip
MARKED = {"div", "hr", "blockquote", "p", "table", "section", "span"}
SPACED = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "ul", "ol"}
SILENT = {name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("script", "style", "title", "template", "noscript")}
OPENER = re.compile(r"<(?=[a-zA-Z/!?])")
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,40})")


DATA_URI = re.compile(r"data:[^\"'>\s]{2000,}")
# A line that begins with COPIED begins a copied mail; one that begins with NAMED only says whose words follow.
COPIED, NAMED = "\ufdd0", "\ufdd1"
UNMARKED = {ord(COPIED): None, ord(NAMED): None}
# The containers of Outlook on the web and on the desk, Zimbra, Yahoo, QQ, NetEase, Proton, Aliyun, Lark, Tutanota, Exchange.
COPIES = re.compile(
    r"""id\s*=\s*["']?(?:divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION|isReplyContent|reply139content|zwchr|stopSpelling"""
    r"""|mail-editor-reference-message-container|x_divRplyFwdMsg|ydp\w{6,12}yahoo_quoted_\d+|lark-mail-quote-\w+|replySplit)\b"""
    r"""|class\s*=\s*["']?[^"'<>]{0,80}\b(?:yahoo_quoted|history-quote-wrapper|lark-mail-quote|__aliyun_previous_email|zmail_extra"""
    r"""|alimail-quote|reply-previous-email|ntes-history)"""
    r"""|border\s*:\s*none\s*;\s*border-top\s*:\s*solid\s+#(?:E1E1E1|B5C4DF)\b""",
    re.IGNORECASE,
)
NAMES = re.compile(r"""class\s*=\s*["']?[^"'<>]{0,80}\b(?:gmail_attr|moz-cite-prefix|protonmail_quote_header)\b""", re.IGNORECASE)
# Where Outlook, Gmail and Apple put the signature; it gets the line that says so in plain text (RFC 3676 section 4.3).
SIGNS = re.compile(
    r"""id\s*=\s*["']?(?:x_)*(?:Signature|ms-outlook-mobile-signature|AppleMailSignature|lineBreakAtBeginningOfSignature)["'\s]"""
    r"""|class\s*=\s*["']?(?:x_)*gmail_signature["'\s]""",
    re.IGNORECASE,
)
SIGN = "--"
LONGEST_TAG = 3_000
QUOTE_SIGNS = f"> {COPIED}{NAMED}"


def html_to_text(html: str) -> str:
    """The readable text of an HTML body; broken markup gives what can be read of it, never an error."""
    return unmarked(marked_text(html))


def marked_text(html: str) -> str:
    """The same, with marks where the markup says that a quote begins."""
    page = _Page()
    if len(html) > LONGEST // 4:
        html = DATA_URI.sub("", html)
    for closing, tag, text in islice(_tokens(unmarked(html[:LONGEST])), MOST_TOKENS):
        if not tag:
            page.write(text)
        elif closing:
            page.close(tag)
        else:
            page.open(tag, text)
    return page.result()


def unmarked(text: str) -> str:
    """Text without the marks."""
    return text.translate(UNMARKED) if COPIED in text or NAMED in text else text


def _tokens(html: str) -> Iterator[tuple[bool, str, str]]:
    """(closing, tag, its attributes) or (False, "", text) in order.

    Every search either moves on or ends the walk, so that no markup, however broken, takes more than linear time: the
    standard library's parser can be made to run for minutes by one mail.
    """
    at = 0
    while at < len(html):
        opener = OPENER.search(html, at)
        begin = opener.start() if opener else -1
        if begin != at:
            yield False, "", entities.unescape(html[at:begin] if begin >= 0 else html[at:])
        if begin < 0:
            return
        tag = TAG.match(html, begin)
        comment = html.startswith("<!--", begin)
        end = html.find("-->" if comment else ">", begin)
        if end < 0:
            return
        at = end + (3 if comment else 1)
        if tag is None:
            continue
        name = tag[2].lower()
        yield bool(tag[1]), name, html[tag.end() : min(end, tag.end() + LONGEST_TAG)]
        if name in SILENT and not tag[1]:
            closed = SILENT[name].search(html, at)
            if closed is None:
                return
            at = closed.start()


class _Page:
    """Lines being gathered."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.preformatted = 0
        self.mark = ""

    def open(self, tag: str, attributes: str) -> None:
        """A tag begins."""
        if tag == "includetail" or (tag in MARKED and attributes and COPIES.search(attributes)):
            self._end_line()
            self.mark = COPIED
        elif tag in {"div", "p", "span"} and attributes and NAMES.search(attributes):
            self._end_line()
            self.mark = self.mark or NAMED
        elif tag == "div" and attributes and SIGNS.search(f"{attributes} ") and not self.quotes:
            self._end_line()
            if any(line.strip() for line in self.lines[-3:]) and SIGN not in (line.strip() for line in self.lines[-3:]):
                self.lines.append(SIGN)
        if tag == "br":
            self._end_line(keep_blank=True)
        elif tag in BLOCKS:
            self._break(tag)
            self.quotes += tag == "blockquote"
            self.preformatted += tag == "pre"
            if tag == "li":
                self.line = ["- "]
            elif tag == "hr":
                self.lines.append(self._prefix() + "-" * 8)
        elif tag in {"td", "th"} and self.line:
            self.line.append(" ")

    def close(self, tag: str) -> None:
        """A tag ends."""
        if tag in BLOCKS:
            self._end_line()
            self.quotes = max(0, self.quotes - (tag == "blockquote"))
            self.preformatted = max(0, self.preformatted - (tag == "pre"))
            self._break(tag)

    def write(self, text: str) -> None:
        """Text between tags; white space counts only where it is preformatted."""
        if not self.preformatted:
            text = re.sub(r"[ \t\r\n\f]+", " ", text)
            self.line.append(text if self.line else text.lstrip(" "))
            return
        first, *rest = text.split("\n")
        self.line.append(first)
        for more in rest:
            self._end_line(keep_blank=True)
            self.line.append(more)

    def result(self) -> str:
        """All lines, runs of blank ones made one."""
        self._end_line()
        while self.lines and not self.lines[-1].strip(QUOTE_SIGNS):
            self.lines.pop()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip()

    def _break(self, tag: str) -> None:
        self._end_line()
        if tag in SPACED and self.lines and self.lines[-1].strip(QUOTE_SIGNS):
            self.lines.append(self._prefix().rstrip())

    def _end_line(self, *, keep_blank: bool = False) -> None:
        text = "".join(self.line).replace("\xa0", " ").rstrip()
        if text or keep_blank:
            mark = self.mark if text else ""
            self.lines.append((mark + self._prefix() + text).rstrip())
            self.mark = "" if mark else self.mark
        self.line = []

    def _prefix(self) -> str:
        return "> " * min(self.quotes, 10)
