"""Pages of text as PDF, in both languages. The same text makes the same bytes: no clock, no random name goes in.

Chinese is set in a font that every reader of PDF brings along for it (Adobe's CID fonts), so that none of 10 MB is sent with a
page of text. What no font has (pictograms) is shown as an empty box.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

CHINESE, LATIN, BOLD = "STSong-Light", "Helvetica", "Helvetica-Bold"
BOX = "□"
_NOT_LATIN = re.compile(r"[^\x20-\x7e\xa0-\xff–—‘’“”•…€]+")
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]|[^\x00-\uffff]")
registerFont(UnicodeCIDFont(CHINESE))
MOSTLY = 0.3  # from this share of other signs on, a line is broken as Chinese is: anywhere
_TEXT = ParagraphStyle("text", fontName=LATIN, fontSize=10.5, leading=16)
_HEADING = ParagraphStyle("heading", parent=_TEXT, fontName=BOLD, fontSize=12, leading=17, spaceBefore=10, keepWithNext=1)
_TITLE = ParagraphStyle("title", parent=_TEXT, fontName=BOLD, fontSize=16, leading=22, spaceAfter=8)
_ITEM = ParagraphStyle("item", parent=_TEXT, leftIndent=14)


@dataclass(frozen=True)
class Part:
    """A heading (none is "") with a text, or with items that are counted."""

    heading: str
    text: str = ""
    items: Sequence[str] = ()


def made_pdf(title: str, parts: Sequence[Part]) -> bytes:
    """The title and the parts on as many A4 pages as it takes, each with its number."""
    made = io.BytesIO()
    told = _shown(title)
    margins = {"leftMargin": 22 * mm, "rightMargin": 22 * mm, "topMargin": 20 * mm, "bottomMargin": 20 * mm}
    document = SimpleDocTemplate(made, pagesize=A4, title=told, author="", invariant=1, **margins)
    body: list[Flowable] = [_paragraph(told, _TITLE)]
    for part in parts:
        if part.heading:
            body.append(_paragraph(_shown(part.heading), _HEADING))
        body += [_paragraph(line, _TEXT) if line else Spacer(1, 6) for line in _shown(part.text).split("\n")]
        for number, item in enumerate(part.items, 1):
            first, *rest = _shown(item).split("\n")
            body.append(_paragraph(f"{number}. {first}", _ITEM))
            body += [_paragraph(line, _ITEM) for line in rest if line]
    document.build(body, onFirstPage=_foot, onLaterPages=_foot)
    return made.getvalue()


def _paragraph(line: str, style: ParagraphStyle) -> Paragraph:
    others = sum(len(run) for run in _NOT_LATIN.findall(line))
    return Paragraph(
        _marked(line), ParagraphStyle("line", parent=style, wordWrap="CJK") if others > MOSTLY * len(line) else style
    )


def _foot(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont(LATIN, 8)
    canvas.drawRightString(A4[0] - 22 * mm, 12 * mm, str(document.page))


def _shown(text: str) -> str:
    return _NOT_SHOWN.sub(BOX, text.replace("\r\n", "\n").replace("\t", "    "))


def _marked(line: str) -> str:
    """The line for a paragraph: what Helvetica lacks is set in the Chinese font."""
    runs, at = [], 0
    for other in _NOT_LATIN.finditer(line):
        runs.append(escape(line[at : other.start()]))
        runs.append(f'<font name="{CHINESE}">{escape(other[0])}</font>')
        at = other.end()
    return "".join([*runs, escape(line[at:])])
