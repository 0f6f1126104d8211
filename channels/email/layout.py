"""What a mail of ours looks like: plain text and HTML from the same words, with signature and the mail that it answers.

Styles stand on the elements, since mail programs drop style sheets. The marks of the history are those by which Gmail, Outlook
and QQ fold it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

FONTS = "-apple-system,'Segoe UI',Roboto,'PingFang SC','Microsoft YaHei',sans-serif"
BODY = f"font-family:{FONTS};font-size:15px;line-height:1.6;color:#1f2933"
QUOTE = "margin:0 0 14px 8px;padding:0 0 0 12px;border-left:3px solid #cbd2d9;color:#52606d"
PICTURE = "max-width:100%;height:auto;border-radius:4px"
FAINT = "color:#616e7c;font-size:13px"
MOST_QUOTED = 20_000
MOST_LINES = 400

LINK = re.compile(
    r"\[([^\[\]\n]{1,200})\]\((https?://[^\s()<>]{1,1000})\)|(https?://[^\s<>\"'）】」]{1,1000})|\*\*([^*\n]{1,500})\*\*"
)
TRAILING = ".,;:!?。，；：！？、)"
ITEM = re.compile(r"\s{0,3}(?:[-*•]|(\d{1,3})[.)、])\s+(\S.*)")


@dataclass(frozen=True)
class Quoted:
    """The mail that is answered: `intro` says who wrote it and when, in the reader's language."""

    intro: str
    text: str


def plain(text: str, *, signature: str = "", quoted: Quoted | None = None) -> str:
    """The text part. A link with words becomes the words with the address behind them."""
    parts = [LINK.sub(_plain_mark, text.strip())]
    if signature:
        parts.append(f"-- \n{signature.strip()}")
    if quoted is not None:
        lines = _cut(quoted.text).splitlines()
        parts.append("\n".join([quoted.intro, *(f"> {line}".rstrip() for line in lines)]))
    return "\n\n".join(parts) + "\n"


def html(
    text: str,
    *,
    locale: str,
    signature: str = "",
    footer: str = "",
    quoted: Quoted | None = None,
    pictures: Sequence[tuple[str, str]] = (),
) -> str:
    """The HTML part. `footer` is a faint last line, such as the company's name; `pictures` are (Content-ID, name) of parts."""
    parts = [_blocks(text)]
    for content_id, name in pictures:
        parts.append(
            f'<p style="margin:0 0 14px"><img src="cid:{escape(content_id)}" alt="{escape(name)}" style="{PICTURE}"></p>'
        )
    if signature:
        parts.append(f'<div style="margin-top:20px;{FAINT}">-- <br>{_lines(signature.strip())}</div>')
    if footer:
        rule = "margin-top:24px;padding-top:12px;border-top:1px solid #e4e7eb"
        parts.append(f'<div style="{rule};{FAINT}">{escape(footer)}</div>')
    if quoted is not None:
        words = "".join(f"<div>{_inline(line) or '<br>'}</div>" for line in _cut(quoted.text).splitlines())
        intro = f'<div class="gmail_attr" style="{FAINT}">{escape(quoted.intro)}</div>'
        parts.append(
            f'<div class="gmail_quote" style="margin-top:24px">{intro}'
            f'<blockquote class="gmail_quote" type="cite" style="{QUOTE}">{words}</blockquote></div>'
        )
    language = "zh-CN" if locale == "zh" else "en"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light"></head>'
        '<body style="margin:0;padding:16px;background:#ffffff">'
        f'<div style="max-width:640px;{BODY}">{"".join(parts)}</div></body></html>'
    )


def _blocks(text: str) -> str:
    """Paragraphs, lists and quotations, told apart by their lines."""
    out: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text.strip().replace("\r\n", "\n")):
        kind, held = "", []
        for line in block.split("\n"):
            its = _kind_of(line)
            if its != kind and held:
                out.append(_block(kind, held))
                held = []
            kind = its
            held.append(line)
        out.append(_block(kind, held))
    return "".join(out)


def _kind_of(line: str) -> str:
    if line.lstrip().startswith(">"):
        return "quote"
    item = ITEM.fullmatch(line)
    return ("ol" if item[1] else "ul") if item else "p"


def _block(kind: str, lines: list[str]) -> str:
    if kind == "quote":
        return f'<blockquote style="{QUOTE}">{_lines(chr(10).join(line.lstrip()[1:].strip() for line in lines))}</blockquote>'
    if kind in ("ul", "ol"):
        items = [item for line in lines if (item := ITEM.fullmatch(line))]
        start = f' start="{items[0][1]}"' if kind == "ol" and items[0][1] != "1" else ""
        words = "".join(f"<li>{_inline(item[2])}</li>" for item in items)
        return f'<{kind}{start} style="margin:0 0 14px;padding-left:24px">{words}</{kind}>'
    return f'<p style="margin:0 0 14px">{_lines(chr(10).join(lines))}</p>'


def _lines(text: str) -> str:
    return "<br>".join(_inline(line) for line in text.split("\n"))


def _inline(line: str) -> str:
    """Escaped words with links and strong words; nothing in `line` can be anything but text."""
    out, at = [], 0
    for found in LINK.finditer(line):
        out.append(escape(line[at : found.start()]))
        at = found.end()
        if found[4]:
            out.append(f"<strong>{escape(found[4])}</strong>")
            continue
        address = found[2] or found[3].rstrip(TRAILING)
        out.append(f'<a href="{escape(address)}" style="color:#0b69a3">{escape(found[1] or address)}</a>')
        out.append(escape("" if found[2] else found[3][len(address) :]))
    return "".join([*out, escape(line[at:])])


def _plain_mark(found: re.Match[str]) -> str:
    if found[2]:
        return f"{found[1]} ({found[2]})"
    return found[4] or found[0]


def _cut(text: str) -> str:
    return "\n".join(text.strip()[:MOST_QUOTED].splitlines()[:MOST_LINES])
