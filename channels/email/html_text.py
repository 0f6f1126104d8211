"""HTML mail to plain text: paragraphs stay apart, quotes become `> `, nothing of scripts and styles remains."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator

LONGEST = 1_000_000
BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "div", "dl", "dt", "dd", "fieldset", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table",
    "tbody", "tr", "ul",
}  # fmt: skip
SPACED = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "ul", "ol"}
SILENT = {name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("script", "style", "title", "template", "noscript")}
OPENER = re.compile(r"<(?=[a-zA-Z/!?])")
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,40})")


def html_to_text(html: str) -> str:
    """The readable text of an HTML body; broken markup gives what can be read of it, never an error."""
    page = _Page()
    for closing, tag, text in _tokens(html[:LONGEST]):
        if not tag:
            page.write(text)
        elif closing:
            page.close(tag)
        else:
            page.open(tag)
    return page.result()


def _tokens(html: str) -> Iterator[tuple[bool, str, str]]:
    """(closing, tag, "") or (False, "", text) in order.

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
        yield bool(tag[1]), name, ""
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

    def open(self, tag: str) -> None:
        """A tag begins."""
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
        while self.lines and not self.lines[-1].strip("> "):
            self.lines.pop()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip()

    def _break(self, tag: str) -> None:
        self._end_line()
        if tag in SPACED and self.lines and self.lines[-1].strip("> "):
            self.lines.append(self._prefix().rstrip())

    def _end_line(self, *, keep_blank: bool = False) -> None:
        text = "".join(self.line).replace("\xa0", " ").rstrip()
        if text or keep_blank:
            self.lines.append((self._prefix() + text).rstrip())
        self.line = []

    def _prefix(self) -> str:
        return "> " * min(self.quotes, 10)
