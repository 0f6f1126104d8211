"""Files that belong to articles: added once they are found harmless, taken away, put back with their version, destroyed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import select

from desk.actions.articles.revisions import have_own_version, write_revision
from desk.errors import Invalid, NotFound
from desk.file_risk import risk_of
from desk.files import KeptFile
from desk.models import Article, ArticleFile, Attachment
from desk.models.article import AUDIENCES
from desk.queries.articles.files import MOST_FILES, files_of
from desk.sentences import N_
from desk.store import Tx

_ENDING = re.compile(r"(\.\w{1,10})?$")


def add_files(tx: Tx, article: Article, files: Sequence[KeptFile]) -> None:
    """Give an article these files, whose bytes are in the store; the same bytes under the same name once only.

    They make a new version of it, or belong to the one that this transaction has written. Readers open them on their own
    machines: what could do harm there, or is not what its name says, raises `Invalid`.
    """
    there = {(file.name, file.sha256) for _, file in files_of(tx.session, article)}
    new = [file for file in files if (file.name, file.sha256) not in there]
    for file in new:
        _check(file)
    if len(there) + len(new) > MOST_FILES:
        raise Invalid("An article has at most %(count)s files.", {"files": N_("Please change this.")}, count=MOST_FILES)
    if new:
        have_own_version(tx, article)
    taken = {name for name, _ in there}
    for file in new:
        name = _free(file.name, taken)
        taken.add(name)
        kept = Attachment(
            sha256=file.sha256,
            name=name,
            content_type=file.content_type,
            claimed_type=file.claimed_type,
            size=file.size,
            created_at=tx.now,
        )
        tx.session.add(kept)
        tx.session.flush()
        _belongs(tx, article, kept.id)
        tx.emit("article.file_added", article=article, data={"name": name, "sha256": file.sha256})


def remove_file(tx: Tx, article: Article, file_id: int) -> None:
    """Take a file away; earlier versions keep it. Raises `NotFound`."""
    row = _row(tx, article, file_id)
    if row.removed_in is not None:
        raise NotFound("There is no such file.")
    file = tx.session.get_one(Attachment, row.attachment_id)
    write_revision(tx, article)
    row.removed_in = article.version
    tx.emit("article.file_removed", article=article, data={"name": file.name, "sha256": file.sha256})


def destroy_file(tx: Tx, article: Article, file_id: int) -> str:
    """Take a file out of every version. Answers the SHA-256 of bytes that no row names any more, else ""; raises `NotFound`."""
    attachment_id = _row(tx, article, file_id).attachment_id
    file = tx.session.get_one(Attachment, attachment_id)
    rows = tx.session.scalars(
        select(ArticleFile).where(ArticleFile.article_id == article.id, ArticleFile.attachment_id == attachment_id)
    ).all()
    if any(row.removed_in is None for row in rows):
        write_revision(tx, article)
    for row in rows:
        tx.session.delete(row)
    tx.session.flush()
    tx.session.delete(file)
    tx.session.flush()
    tx.emit("article.file_destroyed", article=article, data={"name": file.name, "sha256": file.sha256})
    others = select(Attachment.id).where(Attachment.sha256 == file.sha256).limit(1)
    return "" if tx.session.scalar(others) else file.sha256


def put_back_files(tx: Tx, article: Article, version: int) -> None:
    """The article has the files that it had in this version, and no others; what is the same already stays untouched."""
    then = {file.id for _, file in files_of(tx.session, article, version)}
    now = {file.id: row_id for row_id, file in files_of(tx.session, article)}
    if then == now.keys():
        return
    have_own_version(tx, article)
    for attachment_id in sorted(now.keys() - then):
        tx.session.get_one(ArticleFile, now[attachment_id]).removed_in = article.version
    for attachment_id in sorted(then - now.keys()):
        _belongs(tx, article, attachment_id)
    tx.emit("article.files_put_back", article=article, data={"version": version})


def merge_files(tx: Tx, article: Article, into: Article) -> bool:
    """Give `into` the files of an article that is merged with it. False: they stay, as not all its readers could have them."""
    files = [file for _, file in files_of(tx.session, article)]
    if files and AUDIENCES.index(article.shown_to) > AUDIENCES.index(into.audience):
        return False
    add_files(tx, into, [KeptFile(file.sha256, file.name, file.content_type, file.size, file.claimed_type) for file in files])
    return True


def _row(tx: Tx, article: Article, file_id: int) -> ArticleFile:
    row = tx.session.get(ArticleFile, file_id)
    if row is None or row.article_id != article.id:
        raise NotFound("There is no such file.")
    return row


def _belongs(tx: Tx, article: Article, attachment_id: int) -> None:
    by = {"author_id": tx.actor.agent_id, "at": tx.now}
    tx.session.add(ArticleFile(article_id=article.id, attachment_id=attachment_id, added_in=article.version, **by))


def _check(file: KeptFile) -> None:
    wrong = {"files": N_("Please change this.")}
    if not re.search(r"\w", file.name) or file.name.startswith("."):
        raise Invalid("This file needs another name.", wrong)
    if risk_of(file.name, file.content_type):
        raise Invalid("“%(name)s” could do harm on a reader's machine, or is not what its name says.", wrong, name=file.name)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number where another file has it."""
    free, number = name, 1
    while free in taken:
        number += 1
        place = _ENDING.search(name).start()  # type: ignore[union-attr]  # it matches at the end of any text
        free = f"{name[:place]} ({number}){name[place:]}"
    return free
