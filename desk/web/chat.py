"""The web chat's door: the script that any site includes, the frame it opens, and a sample shop that has it."""

from __future__ import annotations

from flask import Blueprint, current_app, make_response, render_template, request, send_file
from flask_babel import get_locale
from werkzeug.wrappers import Response

from desk.actions.chats import reception
from desk.events import SYSTEM
from desk.http.context import installation, reading
from desk.http.guard import public, signed
from desk.queries import chats
from desk.store import Tx
from desk.web.call_back_form import offered
from desk.web.shop_window import PLANS, PRODUCTS

pages = Blueprint("chat", __name__)

# Any site may show the frame: it holds no cookie's authority, only what its visitor's own secret opens.
FRAME_POLICY = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors *"
)


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
    theme = request.args.get("theme")
    page = render_template(
        "chat/frame.html",
        reception=there.plain(),
        theme=theme if theme in ("light", "dark") else "",
        can_call_back=bool(offered()),
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@pages.get("/chat/files/<int:attachment_id>")
@signed
def file(attachment_id: int) -> Response:
    """A file sent in the chat, for the window that has its token. In a header: addresses end up in logs and histories."""
    with reading() as session:
        chat = chats.by_token(session, request.headers.get("X-Chat-Token"))
        sent = chats.file_of(session, chat, attachment_id)
    path = installation().files.path(sent.sha256)
    return send_file(path, mimetype=sent.content_type, as_attachment=True, download_name=sent.name)


@pages.get("/shop")
@public
def shop() -> str:
    """A page of a shop as any customer of the desk might have it, with the widget in one line."""
    return render_template("shop/index.html", products=PRODUCTS, plans=PLANS)
