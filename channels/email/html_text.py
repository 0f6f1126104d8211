"""HTML mail to plain text: paragraphs stay apart, quotes become `> `, nothing of scripts and styles remains."""

from __future__ import annotations

import re
from html.parser import HTMLParser

LONGEST = 2_000_000
BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "div", "dl", "dt", "dd", "fieldset", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section",
    "table", "tbody", "tr", "ul",
}  # fmt: skip
SPACED = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "ul", "ol"}
SILENT = {"script", "style", "head", "title", "template", "noscript"}


def html_to_text(html: str) -> str:
    """The readable text of an HTML body; broken markup gives what can be read of it, never an error."""
    reader = _Reader()
    reader.feed(html[:LONGEST])
    reader.close()
    return reader.result()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line = ""
        self.silent = 0
        self.quotes = 0
        self.preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            # A head that was never closed must not swallow the body.
            self.silent = 0
        if tag in SILENT:
            self.silent += 1
        elif tag == "br":
            self._end_line(keep_blank=True)
        elif tag in BLOCKS:
            self._break(tag)
            if tag == "blockquote":
                self.quotes += 1
            elif tag == "li":
                self.line = "- "
            elif tag == "hr":
                self.lines.append(self._prefix() + "-" * 8)
            self.preformatted += tag == "pre"
        elif tag in {"td", "th"} and self.line.strip():
            self.line += " "

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in BLOCKS:
            self._end_line()
            if tag == "blockquote":
                self.quotes = max(0, self.quotes - 1)
            if tag == "pre":
                self.preformatted = max(0, self.preformatted - 1)
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        if self.preformatted:
            first, *rest = data.split("\n")
            self.line += first
            for more in rest:
                self._end_line(keep_blank=True)
                self.line = more
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", data)
        self.line += text.lstrip() if not self.line else text

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
        text = self.line.replace("\xa0", " ").rstrip()
        if text or keep_blank:
            self.lines.append((self._prefix() + text).rstrip())
        self.line = ""

    def _prefix(self) -> str:
        return "> " * min(self.quotes, 10)
