"""Mail HTML made safe to show inside the agent's page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from types import MappingProxyType

import nh3

from channels.email.html_text import html_to_text
from channels.email.links import with_real_hosts

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "col", "colgroup", "dd", "del", "div", "dl",
    "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre", "q", "s",
    "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt",
    "u", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"style", "align", "valign", "dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "font": {"color", "size", "face"},
    "td": {"colspan", "rowspan", "width", "height", "bgcolor"},
    "th": {"colspan", "rowspan", "width", "height", "bgcolor", "scope"},
    "table": {"width", "border", "cellpadding", "cellspacing", "bgcolor"},
    "tr": {"bgcolor"},
    "col": {"width", "span"},
    "ol": {"start", "type"},
}
# Nothing that positions, overlays, animates or fetches: a mail must stay inside its own box.
STYLES = {
    "color", "background-color", "font-family", "font-size", "font-style", "font-weight", "text-align",
    "text-decoration", "line-height", "vertical-align", "white-space", "padding", "padding-left", "padding-right",
    "padding-top", "padding-bottom", "border", "border-collapse", "border-left", "border-right", "border-top",
    "border-bottom", "border-color", "border-style", "border-width", "border-spacing", "width", "max-width", "height",
    "list-style-type", "text-indent",
}  # fmt: skip
SWALLOWED = {
    "script", "style", "title", "template", "noscript", "textarea", "select", "option", "button", "object", "svg",
    "math", "iframe",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
DATA_IMAGE = re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/=\s]+", re.IGNORECASE)
FETCHES = re.compile(r"url\s*\(|expression\s*\(|@import|image-set|\\", re.IGNORECASE)
NO_PICTURES: Mapping[str, str] = MappingProxyType({})
LONGEST = 1_000_000
DEEPEST = 500
MOST_AMPERSANDS = 60_000
NO_END = "p|li|td|th|tr|dd|dt|br|img|hr|meta|link|col|input|option|html|body|tbody|o:p"
NESTING = re.compile(rf"<(/?)(?!(?:{NO_END})\b)[a-z]", re.IGNORECASE)


def safe_html(html: str, *, pictures: Mapping[str, str] = NO_PICTURES) -> str:
    """HTML without scripts, forms, overlays and tracking. `cid:` images stay; of remote ones those that `pictures` has.

    Links open in a new window, give away neither referrer nor opener, and show their host where their words name another.
    Markup nested or littered beyond any use is shown as its text.
    """
    return with_real_hosts(_cleaned(html, pictures.get))


def remote_pictures(html: str) -> list[str]:
    """The addresses of pictures that `safe_html` leaves out and the agent may ask for, each once."""
    found = dict[str, None]()
    _cleaned(html, found.setdefault)
    return list(found)


def _cleaned(html: str, remote: Callable[[str], str | None]) -> str:
    """`remote` gives what is shown in the place of a picture from elsewhere."""
    if _made_to_stall(html):
        return f"<pre>{escape(html_to_text(html))}</pre>"

    def filtered(_tag: str, attribute: str, value: str) -> str | None:
        if attribute == "style":
            return None if FETCHES.search(value) else value
        if attribute == "src":
            source = value.strip()
            if source.lower().startswith(("http://", "https://")):
                return remote(source)
            return value if source.lower().startswith("cid:") or DATA_IMAGE.fullmatch(source) else None
        # An address without a scheme would lead to a page of ours.
        if attribute == "href" and not value.strip().lower().startswith(("http://", "https://", "mailto:", "tel:")):
            return None
        return value

    return nh3.clean(
        html[:LONGEST].replace("\x00", ""),
        tags=TAGS,
        clean_content_tags=SWALLOWED,
        attributes=ATTRIBUTES,
        attribute_filter=filtered,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        filter_style_properties=STYLES,
        strip_comments=True,
    )


def _made_to_stall(html: str) -> bool:
    """Whether the cleaner, whose time grows with depth, would be kept busy for minutes."""
    if html.count("&") > MOST_AMPERSANDS:
        return True
    depth = deepest = 0
    for tag in NESTING.finditer(html[:LONGEST]):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest > DEEPEST
