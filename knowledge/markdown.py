"""Markdown to HTML that is safe to put in a page, and to plain text for search and previews.

Raw HTML in the source is shown as text, and the result is cleaned a second time, so that a bug in one of the two does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.fold import fold

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

_TAGS = {
    *("a", "blockquote", "br", "code", "em", "hr", "img", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "code": {"class"},
} | {f"h{level}": {"id"} for level in range(2, 7)}
_ALIGNED = {"align-left", "align-center", "align-right"}
_NOT_IN_ID = re.compile(r"[^\w]+")
_LOOKS_LIKE_MARKDOWN = re.compile(r"[*_`#\[\]<>|~&\\!=]|^\s{0,3}(?:[-+]|\d+[.)])\s", re.MULTILINE)


def to_html(markdown: str) -> str:
    """Safe HTML. Headings get an id (`kb-` and their words) and start at h2, since the page's h1 is the article's title."""
    parsed = _PARSER.parse(markdown)
    _prepare(parsed)
    return nh3.clean(
        _PARSER.renderer.render(parsed, _PARSER.options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes={"td": _ALIGNED, "th": _ALIGNED},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )


def to_text(markdown: str) -> str:
    """The words without the markup: a line for each paragraph, heading, list item or table row."""
    if not _LOOKS_LIKE_MARKDOWN.search(markdown):
        # Parsing costs fifty times the search for markup, and an imported corpus is mostly plain text.
        return "\n".join(line for line in (raw.strip() for raw in markdown.splitlines()) if line)
    lines: list[str] = []
    row: list[str] | None = None
    for token in _PARSER.parse(markdown):
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            lines.append(" ".join(row))
            row = None
        elif token.type in ("inline", "fence", "code_block"):
            text = _inline_text(token.children) if token.children else token.content
            (lines if row is None else row).append(text.strip())
    return "\n".join(line for line in lines if line)


def _prepare(parsed: Sequence[Token]) -> None:
    taken: set[str] = set()
    for place, token in enumerate(parsed):
        if token.type == "heading_open":
            token.attrSet("id", _free_id(_inline_text(parsed[place + 1].children or ()), taken))
        if token.type in ("heading_open", "heading_close") and token.tag == "h1":
            token.tag = "h2"
        if token.type in ("td_open", "th_open") and (style := token.attrs.pop("style", None)):
            # A style attribute would be refused by the page's content security policy.
            token.attrSet("class", f"align-{str(style).rpartition(':')[2]}")


def _free_id(words: str, taken: set[str]) -> str:
    base = "kb-" + (_NOT_IN_ID.sub("-", fold(words)).strip("-")[:60] or "section")
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name


def _inline_text(children: Sequence[Token]) -> str:
    parts = []
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "image":
            parts.append(_inline_text(child.children or ()))
        elif child.type in ("text", "code_inline", "text_special"):
            parts.append(child.content)
    return "".join(parts)
