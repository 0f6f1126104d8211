"""The built-in mailbox: with no relay set, mail that the desk sends is read and answered here, in the place of its recipients."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from channels.email.parse import parse
from channels.message import Contact, SendFailed
from desk.demo.people import patrons
from desk.demo.post import send_mail
from desk.errors import NotFound
from desk.http.context import installation, reading
from desk.http.guard import public
from desk.models import MailboxMail
from desk.web.public.rate import limit

pages = Blueprint("mailbox", __name__)
# Signing in or out in another tab ends the tokens of this page's forms. They act for nobody in particular and only in the demo,
# where everybody may do what they do, so they go without.
pages.record(lambda setup: setup.app.extensions["csrf"].exempt(pages))

AT_ONCE = 100
MOST_TEXT = 20_000
_LINK = re.compile(r"https?://[^\s<>\"）)]+[^\s<>\"）).,;:!?。，；：！？]")


@dataclass(frozen=True)
class Letter:
    """A mail as the page shows it. `parts` is its text, cut into (words, whether they are an address to follow)."""

    id: int
    at: datetime
    recipient: str
    subject: str
    sender: str
    answer_to: str
    message_id: str
    references: tuple[str, ...]
    text: str
    parts: tuple[tuple[str, bool], ...]


@pages.get("/mailbox")
@public
def index() -> str:
    _mailbox_only()
    return _page(None)


@pages.get("/mailbox/<int:mail_id>")
@public
def read(mail_id: int) -> str:
    _mailbox_only()
    return _page(_letter(mail_id))


@pages.get("/mailbox/list")
@public
def rows() -> str | tuple[str, int]:
    """The list alone, when something has come since `after`; otherwise nothing, so that the page stays as it is."""
    _mailbox_only()
    to, current = request.args.get("to", ""), request.args.get("current", 0, type=int)
    listed = _listed(to)
    if listed["newest"] == request.args.get("after", 0, type=int):
        return "", 204
    return render_template("mailbox/_list.html", current=current, **listed)


@pages.post("/mailbox/<int:mail_id>/answer")
@public
def answer(mail_id: int) -> Response | tuple[str, int]:
    """Answer as the recipient, with a mail by SMTP that names what it answers."""
    _mailbox_only()
    limit("mailbox answer", "60 per 10 minutes")
    letter, text = _letter(mail_id), request.form.get("text", "").strip()
    if not text or len(text) > MOST_TEXT:
        wrong = gettext("This text is too long.") if text else gettext("Please write something before sending.")
        return _page(letter, text, {"text": wrong}), 422
    desk = installation()
    try:
        send_mail(
            desk.settings,
            Contact("email", letter.recipient, _name_of(letter.recipient)),
            letter.subject if letter.subject.lower().startswith("re:") else f"Re: {letter.subject}",
            f"{text}\n\n{_quoted(letter)}",
            at=desk.clock.now(),
            to=letter.answer_to,
            in_reply_to=letter.message_id,
            references=(*letter.references, letter.message_id),
        )
    except SendFailed as failure:
        return _page(letter, text, {"text": gettext("The mail did not leave: %(reason)s", reason=str(failure))}), 502
    flash(gettext("Your answer is at the desk and joins its ticket."), "good")
    return redirect(url_for("mailbox.read", mail_id=mail_id), 303)


def _page(letter: Letter | None, text: str = "", errors: dict[str, str] | None = None) -> str:
    current = letter.id if letter else 0
    return render_template(
        "mailbox/page.html", letter=letter, text=text, errors=errors or {}, current=current, **_listed(request.args.get("to", ""))
    )


def _listed(to: str) -> dict[str, object]:
    """The newest mails, of one recipient or of all, the recipients to choose from, and the newest id of all."""
    listed = select(MailboxMail.id, MailboxMail.at, MailboxMail.recipient, MailboxMail.subject).order_by(MailboxMail.id.desc())
    if to:
        listed = listed.where(MailboxMail.recipient == to)
    count = func.count().label("count")
    recipients = select(MailboxMail.recipient, count).group_by(MailboxMail.recipient).order_by(MailboxMail.recipient)
    with reading() as session:
        return {
            "to": to,
            "mails": session.execute(listed.limit(AT_ONCE)).all(),
            "recipients": session.execute(recipients).all(),
            "newest": session.scalar(select(func.max(MailboxMail.id))) or 0,
            "names": {patron.email: patron.name for patron in patrons()},
        }


def _letter(mail_id: int) -> Letter:
    with reading() as session:
        row = session.get(MailboxMail, mail_id)
    if row is None:
        raise NotFound("There is no such mail.")
    mail = parse(row.raw)
    return Letter(
        id=row.id,
        at=row.at,
        recipient=row.recipient,
        subject=mail.subject,
        sender=f"{mail.from_name} <{mail.from_address}>" if mail.from_name else mail.from_address,
        answer_to=mail.reply_to[0].value if mail.reply_to else mail.from_address,
        message_id=mail.message_id,
        references=mail.references,
        text=mail.text,
        parts=_with_links(mail.text),
    )


def _with_links(text: str) -> tuple[tuple[str, bool], ...]:
    parts, at = [], 0
    for found in _LINK.finditer(text):
        parts += [(text[at : found.start()], False), (found.group(), True)]
        at = found.end()
    return tuple(part for part in (*parts, (text[at:], False)) if part[0])


def _quoted(letter: Letter) -> str:
    """The mail as mail programs put it below an answer."""
    said = "\n".join(f"> {line}".rstrip() for line in letter.text.strip().splitlines())
    return f"On {letter.at:%Y-%m-%d %H:%M}, {letter.sender} wrote:\n{said}"


def _name_of(address: str) -> str:
    return next((patron.name for patron in patrons() if patron.email == address), "")


def _mailbox_only() -> None:
    settings = installation().settings
    if not settings.demo or settings.mail_relay:
        abort(404)
