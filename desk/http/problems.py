"""Errors, mapped once: pages get a page, fragments and scripts a line, the API a problem document; nobody gets a stack trace."""

from __future__ import annotations

import logging

from flask import Flask, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from desk.errors import Conflict, DeskError, Invalid

log = logging.getLogger(__name__)


def say(error: DeskError) -> str:
    """The error's sentence in the reader's language."""
    return gettext(error.sentence, **error.values) if error.values else gettext(error.sentence)


def install(app: Flask) -> None:
    """Register the handlers."""
    app.jinja_env.filters["say"] = say

    @app.errorhandler(DeskError)
    def known(error: DeskError) -> tuple[Response | str, int, dict[str, str]]:
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        extra = {}
        if isinstance(error, Conflict) and error.allowed:
            extra["allowed"] = list(error.allowed)
        if isinstance(error, Invalid) and error.fields:
            extra["fields"] = {name: gettext(sentence) for name, sentence in error.fields.items()}
        return (*_answer(error.status, say(error), **extra), headers)

    @app.errorhandler(CSRFError)
    def forged(_error: CSRFError) -> tuple[Response | str, int]:
        return _answer(400, gettext("This form is too old or came from another page. Load the page again and send it once more."))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response | tuple[Response | str, int]:
        if error.code is None or error.code < 400:
            return error.get_response()
        sentences = {
            404: gettext("There is no such page."),
            405: gettext("This address cannot be used in this way."),
            413: gettext("That is too large to be sent."),
        }
        return _answer(error.code, sentences.get(error.code, gettext("This request cannot be used.")))

    @app.errorhandler(IntegrityError)
    def at_the_same_moment(error: IntegrityError) -> ResponseReturnValue:
        """The same thing is being done twice, at the same moment: done again, it meets what the other has written."""
        if request.method == "POST" and not g.get("done_again"):
            g.done_again = True
            for file in request.files.values():
                file.seek(0)
            try:
                return current_app.view_functions[request.endpoint or ""](**(request.view_args or {}))
            except Exception as second:  # noqa: BLE001 - as if it had been the first
                return app.handle_user_exception(second)
        return unknown(error)

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> tuple[Response | str, int]:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return _answer(500, gettext("Something went wrong on our side and nothing was changed. Please try again."))


def _answer(status: int, sentence: str, **extra: object) -> tuple[Response | str, int]:
    if request.path.startswith("/api/"):
        problem = jsonify(type="about:blank", title=_TITLES.get(status, "Error"), status=status, detail=sentence, **extra)
        problem.headers["Content-Type"] = "application/problem+json"
        return problem, status
    wants_json = request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    if wants_json or request.headers.get("HX-Request") or request.headers.get("X-Fragment"):
        return jsonify(detail=sentence, **extra), status
    page = f"errors/{_PAGES.get(status, 500)}.html"
    return render_template(page, detail=sentence), status


_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    422: "Invalid",
    429: "Too many requests",
    503: "Unavailable",
}
_PAGES = {code: code for code in (400, 401, 403, 404, 409, 413, 429, 500)} | {422: 400, 405: 404}
