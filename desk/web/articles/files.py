"""The files of an article on the pages of staff: opened, added, taken away, destroyed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.articles import files as article_files
from desk.errors import Invalid, NotAllowed
from desk.http.context import installation, keep_uploads, reading, viewer
from desk.http.guard import needs
from desk.http.sending import send
from desk.queries.articles.articles import access_article, may_edit
from desk.queries.articles.files import file_of
from desk.sentences import N_
from desk.web.articles.care import back, changing

pages = Blueprint("article_files", __name__, url_prefix="/desk/articles/<key>/files")


@pages.get("/<int:file_id>")
@needs(Right.READ_ARTICLES)
def download(key: str, file_id: int) -> Response:
    with reading() as session:
        file = file_of(session, access_article(session, viewer(), key), file_id, or_earlier=True)
    return send(file, as_attachment=True)


@pages.post("")
@needs(Right.WRITE_ARTICLES)
def add(key: str) -> Response:
    with reading() as session:  # whoever may not is told before their files are kept
        if not may_edit(viewer(), access_article(session, viewer(), key)):
            raise NotAllowed("Your role does not allow this.")
    files = keep_uploads()
    if not files:
        raise Invalid("Please choose a file.", {"files": N_("Please choose a file.")})
    with changing(key, may_edit) as (tx, article):
        article_files.add_files(tx, article, files)
    flash(gettext("Saved."), "good")
    return back(key)


@pages.post("/<int:file_id>/remove")
@needs(Right.WRITE_ARTICLES)
def remove(key: str, file_id: int) -> Response:
    with changing(key, may_edit) as (tx, article):
        article_files.remove_file(tx, article, file_id)
    return back(key)


@pages.post("/<int:file_id>/destroy")
@needs(Right.PUBLISH_ARTICLES)
def destroy(key: str, file_id: int) -> Response:
    """For what should never have been there: no version has it any more."""
    with changing(key) as (tx, article):
        unnamed = article_files.destroy_file(tx, article, file_id)
    if unnamed:
        installation().files.remove(unnamed)
    flash(gettext("The file is gone from every version."), "good")
    return redirect(url_for("articles.history", key=key), 303)
