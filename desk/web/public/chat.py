"""The web chat's door: the script that any site includes, the frame it opens, and a sample shop that has it."""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify, make_response, render_template, request
from flask_babel import get_locale
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from desk.actions.chats.chats import reception, visitor_says
from desk.errors import Conflict, Invalid
from desk.events import SYSTEM, Actor
from desk.file_risk import risk_of
from desk.files import KeptFile, content_type_of
from desk.http import sending
from desk.http.context import installation, reading, writing
from desk.http.guard import public, signed
from desk.models import Chat
from desk.models.chat import ENDED
from desk.queries.chats import chats
from desk.queries.chats.rules import asked_first, chat_rules, invitation_on
from desk.store import Tx
from desk.web.public.call_back_form import offered
from desk.web.public.rate import limit
from desk.web.public.shop_window import PLANS, PRODUCTS

pages = Blueprint("chat", __name__)

# Whichever site shows the frame, it holds no cookie's authority, only what its visitor's own secret opens.
FRAME_POLICY = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors {sites}"
)
MOST_BYTES = 10 * 1024 * 1024
AROUND_A_FILE = 16 * 1024  # bytes of a form beside the file in it


@pages.get("/chat/widget.js")
@public
def widget() -> Response:
    """The one line's script; every site may load it, and a new version reaches them within minutes."""
    response = current_app.send_static_file("chat/widget.js")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@pages.get("/chat/frame")
@public
def frame() -> Response:
    """What the widget shows; `lang` and `theme` come from the page that includes it."""
    desk, locale = installation(), str(get_locale())[:2]
    with reading() as session:
        there = reception(Tx(session, desk.clock.now(), SYSTEM, desk.settings), locale=locale)
        rules = chat_rules(session)
        asked = asked_first(session, rules)
    theme = request.args.get("theme")
    page = render_template(
        "chat/frame.html",
        reception=there.plain(),
        theme=theme if theme in ("light", "dark") else "",
        can_call_back=bool(offered()),
        rules=rules,
        asked=asked,
    )
    response = make_response(page)
    sites = " ".join(("'self'", *desk.settings.chat_sites)) if desk.settings.chat_sites else "*"
    response.headers["Content-Security-Policy"] = FRAME_POLICY.format(sites=sites)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@pages.get("/chat/invitation")
@public
def invitation() -> Response:
    """Whether somebody on this page is to be asked if they would like to chat, after how many seconds, and in which words.

    Asked by the widget from the page that includes it, when the visitor has been there for a while. Empty while nobody is free.
    """
    desk, locale = installation(), str(get_locale())[:2]
    with reading() as session:
        meant = invitation_on(chat_rules(session), request.args.get("page", "")[:500])
        there = None if meant is None else reception(Tx(session, desk.clock.now(), SYSTEM, desk.settings), locale=locale)
    is_free = there is not None and there.state == "open" and not there.minutes
    response = jsonify({} if meant is None or not is_free else {"after_s": meant.after_s, "text": meant.text[locale]})
    sites, origin = desk.settings.chat_sites, request.headers.get("Origin", "")
    if not sites or origin in sites:
        response.headers["Access-Control-Allow-Origin"] = origin if sites else "*"
    response.headers["Vary"] = "Origin"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@pages.get("/chat/files/<int:attachment_id>")
@signed
def file(attachment_id: int) -> Response:
    """A file sent in the chat, for the window that has its token. In a header: addresses end up in logs and histories."""
    with reading() as session:
        chat = chats.by_token(session, request.headers.get("X-Chat-Token"))
        sent = chats.file_of(session, chat, attachment_id)
    return sending.send(sent, as_attachment=True)


@pages.post("/chat/files")
@signed
def send() -> Response:
    """A file from the visitor, proved by their token as everything they say; sent again, it is the same message."""
    with reading() as session:
        chat = chats.by_token(session, request.headers.get("X-Chat-Token"))
    limit("chat files", "20 per 10 minutes", who=str(chat.id))
    if chat.state == ENDED:
        raise Conflict("This chat has ended. Please start a new one.")
    file = _harmless()
    with writing(Actor("customer", chat.customer_id, chat.visitor_name)) as tx:
        message = visitor_says(tx, tx.session.get_one(Chat, chat.id), request.form.get("client_id", ""), "", [file])
    return jsonify(id=message.id)


@pages.record_once
def _without_cookie(state: object) -> None:
    """The token in the header is what another site cannot know; the frame has no cookie that could act for anybody."""
    csrf: CSRFProtect = state.app.extensions["csrf"]  # type: ignore[attr-defined]
    csrf.exempt(send)


def _harmless() -> KeptFile:
    """The file that came, kept; raises `Invalid` for one that is too large, empty, or could harm who opens it."""
    too_large = Invalid("This file is too large: at most 10 MB.")
    if (request.content_length or 0) > MOST_BYTES + AROUND_A_FILE:
        raise too_large
    upload = request.files.get("files")
    data = upload.stream.read(MOST_BYTES + 1) if upload is not None else b""
    if len(data) > MOST_BYTES:
        raise too_large
    if upload is None or not data:
        raise Invalid("This file is empty.")
    name = upload.filename or ""
    if risk_of(name, content_type_of(data, name)):
        raise Invalid("Files of this kind cannot be sent here. Pictures, PDF and plain documents can.")
    return installation().files.keep(data, name, upload.mimetype)


@pages.get("/shop")
@public
def shop() -> str:
    """A page of a shop as any customer of the desk might have it, with the widget in one line."""
    return render_template("shop/index.html", products=PRODUCTS, plans=PLANS)
