"""Walk the parts of a mail: which is the text, which the HTML, and what is attached."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels.email import cms, tnef
from channels.email.charset import decode
from channels.email.html_text import marked_text, unmarked
from channels.email.mime import Cut, Part, cut, groups, top_fields
from channels.email.names import default_name, safe_name, told_apart
from channels.email.parameters import parameter
from channels.email.plain import (
    PGP_ENCRYPTED,
    clean,
    looks_like_html,
    unflowed,
    without_clear_signature,
    without_tags,
    without_uuencoded,
)
from channels.email.transfer import decoded
from channels.email.words import header_text, tidy
from channels.message import File

MOST_OPENED = 10  # winmail.dat files and signed envelopes inside one mail
LONGEST_TEXT_PART = 4_000_000
LONGEST_HTML_PART = 8_000_000
META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
# What programs write into the plain part of a mail that only its HTML says.
PLACEHOLDER = re.compile(
    r"\W*(?:this (?:message|e-?mail|is an?) .{0,60}\bhtml\b|(?:your|please use an?) .{0,40}(?:html|mime)[ -].{0,40}"
    r"|to view (?:this|the) (?:message|e-?mail).{0,80}html|.{0,20}您的(?:邮件客户端|电子邮件|邮箱)?.{0,12}不支持\s?html).{0,120}",
    re.IGNORECASE | re.DOTALL,
)
NOT_APART = "the parts of the mail could not be told apart"
NAME_LIKE = re.compile(r".{1,150}\.\w{1,5}")
CUT_TEXT = "a part too long to be shown whole"
RETURNED = {"message/rfc822", "text/rfc822-headers", "message/global", "message/rfc822-headers", "message/global-headers"}


@dataclass
class Section:
    """A piece of what the writer wrote, plain, as HTML, or the same in both."""

    plain: str = ""
    html: str = ""

    def text(self) -> str:
        """The plain text, or that of the HTML, quotes marked, when the plain part says nothing."""
        if self.plain.strip() and not (self.html and PLACEHOLDER.fullmatch(self.plain[:400].strip())):
            return unmarked(self.plain.strip("\n"))
        return marked_text(self.html)


@dataclass
class Body:
    """What has been gathered so far, in order, so that a mail in several pieces keeps all of them.

    `marked` is their text with the marks of `html_text`. `reports`, `receipts` and `complaints` are the groups of fields of
    delivery reports, read receipts and feedback reports; `returned` the fields of mails that came back; `calendar` the methods
    of calendar parts; `signed` and `encrypted` by what; `charset` the first that is declared, for raw bytes in names.
    """

    sections: list[Section] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    reports: list[Part] = field(default_factory=list)
    receipts: list[Part] = field(default_factory=list)
    complaints: list[Part] = field(default_factory=list)
    returned: list[Part] = field(default_factory=list)
    calendar: list[str] = field(default_factory=list)
    charset: str = ""
    encrypted: str = ""
    signed: str = ""
    problems: list[str] = field(default_factory=list)
    opened: int = 0
    marked: str = ""

    @property
    def text(self) -> str:
        """All the writer's words, quotes included."""
        return unmarked(self.marked)

    @property
    def html(self) -> str:
        """All HTML pieces; plain ones between them are in `text`."""
        return "\n".join(section.html for section in self.sections if section.html)


def read_body(mail: Cut) -> Body:
    """Gather all parts of a mail; what was wrong is in `problems`."""
    body = Body(problems=list(mail.problems), charset=parameter(mail.root.get("content-type"), "charset"))
    _walk(mail.root, body, inside="", depth=0)
    body.marked = "\n\n".join(text for section in body.sections if (text := section.text()).strip())
    body.files = list(told_apart(body.files))
    return body


def _walk(part: Part, body: Body, inside: str, depth: int) -> None:
    kind = part.type
    if kind == "multipart/alternative" and part.children:
        _alternative(part, body, depth)
    elif part.children:
        if kind == "multipart/encrypted":
            body.encrypted = "PGP"
        elif kind == "multipart/signed":
            body.signed = "S/MIME" if any(child.type in SMIME_SIGNATURES for child in part.children) else "PGP"
        for child in part.children:
            _walk(child, body, kind, depth + 1)
    elif kind in REPORTS:
        _report(part, body, kind)
    elif kind in RETURNED:
        _nested(part, body, kind)
    else:
        _leaf(part, body, kind, inside, depth)


def _alternative(part: Part, body: Body, depth: int) -> None:
    """The same said several times: one section of it all."""
    before, body.sections = body.sections, []
    for child in part.children:
        _walk(child, body, "multipart/alternative", depth + 1)
    plain = "\n\n".join(section.plain.strip("\n") for section in body.sections if section.plain.strip())
    html = "\n".join(section.html for section in body.sections if section.html)
    body.sections = [*before, Section(plain, html)] if plain or html else before


def _leaf(part: Part, body: Body, kind: str, inside: str, depth: int) -> None:
    textual = kind.startswith("text/") and kind != "text/calendar"
    data, problem = decoded(part.content, header_text(part.get("content-transfer-encoding")), text=textual)
    if problem:
        _note(body, problem)
    name, disposition = file_name(part, body.charset), _disposition(part)
    attached = disposition == "attachment" or bool(name and inside != "multipart/alternative" and not _is_body(part, body, depth))
    if kind in OPENERS or name.lower() in {"winmail.dat", "win.dat"}:
        _open(part, body, data, kind, name, depth)
    elif kind in {"text/plain", "text/markdown", "text/enriched", "text/richtext"} and not attached:
        _text(part, body, data, kind)
    elif kind == "text/html" and not attached:
        _html(part, body, data)
    elif kind in {"text/x-amp-html", "text/watch-html"} and inside == "multipart/alternative":
        pass  # A third way to say the same, for one program.
    elif kind.startswith("multipart/") and not attached:
        # Declared as several parts but no boundary was found: what is there is still the message.
        _note(body, NOT_APART)
        _text(part, body, data, "text/plain")
    elif data or name or kind.startswith("message/"):
        if kind == "text/calendar":
            body.calendar.append(_calendar_method(part, data))
        _attach(part, body, data, kind)


def _is_body(part: Part, body: Body, depth: int) -> bool:
    """A text part with a name is the body all the same where there is no other: some programs name everything."""
    return (
        part.type in {"text/plain", "text/html"}
        and depth <= 1
        and not body.sections
        and (depth == 0 or _disposition(part) == "inline")
    )


def _text(part: Part, body: Body, data: bytes, kind: str) -> None:
    if len(data) > LONGEST_TEXT_PART:
        _note(body, CUT_TEXT)
    declared = parameter(part.get("content-type"), "charset")
    body.charset = body.charset or declared
    text = clean(decode(data[:LONGEST_TEXT_PART], declared))
    if looks_like_html(text):
        body.sections.append(Section(html=text))
        return
    if kind in {"text/enriched", "text/richtext"}:
        text = without_tags(text)
    text, files = without_uuencoded(text)
    body.files += files
    if parameter(part.get("content-type"), "format").lower() == "flowed":
        text = unflowed(text, delete_space=parameter(part.get("content-type"), "delsp").lower() == "yes")
    if PGP_ENCRYPTED in text[:2_000]:
        body.encrypted = "PGP"
    bare = without_clear_signature(text)
    if bare != text:
        text, body.signed = bare, "PGP"
    if text.strip():
        body.sections.append(Section(plain=text))


def _html(part: Part, body: Body, data: bytes) -> None:
    if len(data) > LONGEST_HTML_PART:
        _note(body, CUT_TEXT)
    meta = META_CHARSET.search(data[:4096])
    declared = parameter(part.get("content-type"), "charset") or (meta[1].decode("ascii") if meta else "")
    body.charset = body.charset or declared
    text = clean(decode(data[:LONGEST_HTML_PART], declared))
    if text.strip():
        body.sections.append(Section(html=text))


def _report(part: Part, body: Body, kind: str) -> None:
    """A report for programs, which people may want to see as well: it stays among the files."""
    data, _ = decoded(part.content, header_text(part.get("content-transfer-encoding")))
    getattr(body, REPORTS[kind]).extend(groups(data))
    _attach(part, body, data, kind)


def _nested(part: Part, body: Body, kind: str) -> None:
    """A mail inside a mail, as a file named by its subject; an encoding that somebody applied against the rules is undone."""
    data, _ = decoded(part.content, header_text(part.get("content-transfer-encoding")), text=True)
    inner = Part(top_fields(data[:500_000].lstrip(b"\r\n")))
    body.returned.append(inner)
    subject = safe_name(header_text(inner.get("subject"))[:150]) if kind in {"message/rfc822", "message/global"} else ""
    name = file_name(part, body.charset) or (f"{subject}.eml" if subject else default_name(kind, len(body.files) + 1))
    _attach(part, body, data, kind, name)


def _open(part: Part, body: Body, data: bytes, kind: str, name: str, depth: int) -> None:
    """A container that only some programs can open. What it holds joins the mail; winmail.dat itself stays beside it."""
    body.opened += 1
    if body.opened > MOST_OPENED:
        _attach(part, body, data, kind)
        return
    if kind in SMIME and name.lower() not in {"winmail.dat", "win.dat"}:
        inner = cms.signed_content(data)
        if inner:
            body.signed = "S/MIME"
            _walk(cut(inner).root, body, "multipart/signed", depth + 1)
            return
        if cms.is_encrypted(data):
            body.encrypted = "S/MIME"
        _attach(part, body, data, kind)
        return
    opened = tnef.unpack(data)
    if opened is None or opened.broken:
        _note(body, "winmail.dat could not be read to its end")
    if opened:
        if (opened.text.strip() or opened.html.strip()) and not any(section.text().strip() for section in body.sections):
            body.sections.append(Section(clean(opened.text), clean(opened.html)))
        for one in opened.files:
            kind_inside = one.content_type or "application/octet-stream"
            label = safe_name(tidy(one.name)) or default_name(kind_inside, len(body.files) + 1)
            body.files.append(File(label, kind_inside, one.data, one.content_id, bool(one.content_id)))
    _attach(part, body, data, kind)


def _attach(part: Part, body: Body, data: bytes, kind: str, name: str = "") -> None:
    content_id = tidy(header_text(part.get("content-id"))).strip("<>")
    inline = _disposition(part) == "inline" or (
        bool(content_id) and kind.startswith("image/") and _disposition(part) != "attachment"
    )
    name = name or file_name(part, body.charset) or default_name(kind, len(body.files) + 1)
    body.files.append(File(name=name, content_type=kind, data=data, content_id=content_id, inline=inline))


def file_name(part: Part, charset: str = "") -> str:
    """The name of a part: of its disposition, or of its type when that is missing or damaged."""
    disposition = part.get("content-disposition")
    stated = parameter(disposition, "filename", charset) or parameter(disposition, "name", charset)
    damaged = not stated or "\ufffd" in stated or "??" in stated
    typed = parameter(part.get("content-type"), "name", charset) if damaged else ""
    described = header_text(part.get("content-description")) if not stated and not typed and disposition else ""
    return safe_name(typed or stated or (described if NAME_LIKE.fullmatch(described) else ""))


def _disposition(part: Part) -> str:
    return header_text(part.get("content-disposition")[:2_000]).split(";")[0].strip().lower()


def _calendar_method(part: Part, data: bytes) -> str:
    stated = parameter(part.get("content-type"), "method")
    inside = re.search(rb"^METHOD:([A-Za-z]{1,20})", data[:20_000], re.MULTILINE)
    return (stated or (inside[1].decode("ascii") if inside else "")).upper()


def _note(body: Body, problem: str) -> None:
    if problem not in body.problems:
        body.problems.append(problem)


REPORTS = {
    "message/delivery-status": "reports",
    "message/global-delivery-status": "reports",
    "message/disposition-notification": "receipts",
    "message/global-disposition-notification": "receipts",
    "message/feedback-report": "complaints",
}
SMIME_SIGNATURES = {"application/pkcs7-signature", "application/x-pkcs7-signature"}
SMIME = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
OPENERS = SMIME | {"application/ms-tnef", "application/vnd.ms-tnef", "application/x-ms-tnef"}
