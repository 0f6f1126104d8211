"""Chat: what visitors are asked first and agree to, how long they may come back, who is invited, and who is kept out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.chats import blocks
from desk.actions.chats.rules import set_rules
from desk.actions.editing import fingerprint
from desk.errors import Conflict, Invalid, NotFound
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Chat, Ticket
from desk.models.chat import BLOCK_KINDS, BROWSER
from desk.queries.chats.blocks import kept_out, marks_of, one_block
from desk.queries.chats.rules import ASKED, LANGS, NOT_ASKED, ChatRules, Invitation, chat_rules
from desk.queries.tickets.own_fields import fields_asked
from desk.queries.work.queues import last_change
from desk.web.admin.page import field_errors, number, page

pages = Blueprint("admin_chatting", __name__)

SPARE_LINES = 2  # empty lines for further invitations
USUAL_DAYS = 30


@pages.get("/admin/chat")
@needs(Right.READ_SETTINGS)
def rules() -> str:
    with reading() as session:
        return _rules(chat_rules(session))


@pages.post("/admin/chat")
@needs(Right.ADMINISTER)
def set_all() -> Response | tuple[str, int]:
    typed, was = _typed(), request.form.get("seen", "")
    try:
        with writing() as tx:
            set_rules(tx, typed, seen=was)
    except Invalid as wrong:
        return _rules(typed, errors=field_errors(wrong), seen_as=was), wrong.status
    except Conflict as wrong:
        return _rules(typed, errors=field_errors(wrong)), wrong.status
    flash(gettext("Saved. Visitors find it so from their next page on."), "good")
    return redirect(url_for("admin_chatting.rules"), 303)


@pages.get("/admin/chat/kept-out")
@needs(Right.SUPERVISE)
def list_kept_out() -> str:
    with reading() as session:
        return page("admin/chat_kept_out.html", found=kept_out(session, viewer(), installation().clock.now()))


@pages.post("/admin/chat/kept-out/<int:block_id>/lift")
@needs(Right.SUPERVISE)
def lift(block_id: int) -> Response:
    with writing() as tx:
        blocks.lift(tx, one_block(tx.session, block_id))
    flash(gettext("They may chat again from now on."), "good")
    return redirect(url_for("admin_chatting.list_kept_out"), 303)


@pages.get("/desk/chats/<int:chat_id>/keep-out")
@needs(Right.SUPERVISE)
def ask_to_keep_out(chat_id: int) -> str:
    return _keep_out(chat_id, {"marks": [BROWSER], "days": USUAL_DAYS})


@pages.post("/desk/chats/<int:chat_id>/keep-out")
@needs(Right.SUPERVISE)
def keep_out(chat_id: int) -> Response | tuple[str, int]:
    form = request.form
    typed = {
        "marks": [kind for kind in BLOCK_KINDS if f"mark-{kind}" in form],
        "reason": form.get("reason", ""),
        "days": number(form.get("days", "")),
    }
    try:
        with writing() as tx:
            blocks.block(tx, _chat(tx.session, chat_id)[0], **typed)
    except Invalid as wrong:
        return _keep_out(chat_id, typed, errors=field_errors(wrong)), wrong.status
    flash(gettext("They cannot chat until the day that you set."), "good")
    return redirect(url_for("admin_chatting.list_kept_out"), 303)


def _chat(session: Any, chat_id: int) -> tuple[Chat, Ticket]:
    """The chat, for who may see its ticket."""
    chat = session.get(Chat, chat_id)
    if chat is None:
        raise NotFound("There is no such chat.")
    return chat, access_ticket(session, viewer(), session.get_one(Ticket, chat.ticket_id).number)


def _keep_out(chat_id: int, typed: dict[str, Any], *, errors: dict[str, str] | None = None) -> str:
    with reading() as session:
        chat, ticket = _chat(session, chat_id)
        return page(
            "admin/chat_keep_out.html",
            chat=chat,
            ticket=ticket,
            marks=list(marks_of(session, chat)),
            typed=typed,
            errors=errors or {},
        )


def _typed() -> ChatRules:
    form = request.form
    invitations = []
    for line in form.getlist("line")[:100]:
        text = {lang: form.get(f"text-{line}-{lang}", "").strip() for lang in LANGS}
        where = form.get(f"page-{line}", "").strip()
        if where or any(text.values()):  # an emptied line goes
            invitations.append(Invitation(where, number(form.get(f"after-{line}", "")), text))
    return ChatRules(
        phone=form.get("phone", ""),
        fields={
            key.removeprefix("field-"): asked for key, asked in form.items() if key.startswith("field-") and asked != NOT_ASKED
        },
        consent={lang: form.get(f"consent_{lang}", "").strip() for lang in LANGS},
        reopen_h=number(form.get("reopen_h", "")),
        most_waiting=number(form.get("most_waiting", "")),
        invitations=tuple(invitations),
    )


def _rules(typed: ChatRules, *, errors: dict[str, str] | None = None, seen_as: str = "") -> str:
    with reading() as session:
        now = chat_rules(session)
        changed = last_change(session, "setting.chat_set", lambda _event: True)
        return page(
            "admin/chat.html",
            typed=typed,
            errors=errors or {},
            seen=seen_as or fingerprint(now.to_dict()),
            version=now.consent_version,
            by=changed,
            own=fields_asked(session),
            asked=ASKED,
            lines=[*typed.invitations, *[Invitation("", 0, dict.fromkeys(LANGS, ""))] * SPARE_LINES],
        )
