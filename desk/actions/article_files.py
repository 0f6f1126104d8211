"""Files that belong to articles: added once they are found harmless, and taken away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import select

from desk.errors import Invalid, NotFound
from desk.file_risk import risk_of
from desk.files import KeptFile
from desk.models import Article, ArticleFile, Attachment
from desk.queries.article_files import MOST_FILES, files_of
from desk.sentences import N_
from desk.store import Tx

_ENDING = re.compile(r"(\.\w{1,10})?$")


def add_files(tx: Tx, article: Article, files: Sequence[KeptFile]) -> None:
    """Give an article these files, whose bytes are in the store; the same bytes under the same name once only.

    Readers open them on their own machines: what could do harm there, or is not what its name says, raises `Invalid`.
    """
    there = {(file.name, file.sha256) for _, file in files_of(tx.session, article)}
    new = [file for file in files if (file.name, file.sha256) not in there]
    for file in new:
        _check(file)
    if len(there) + len(new) > MOST_FILES:
        raise Invalid("An article has at most %(count)s files.", {"files": N_("Please change this.")}, count=MOST_FILES)
    author = tx.actor.id if tx.actor.kind == "agent" else None
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
        tx.session.add(ArticleFile(article_id=article.id, attachment_id=kept.id, author_id=author, at=tx.now))
        tx.emit("article.file_added", article=article, data={"name": name, "sha256": file.sha256})
    if new:
        article.updated_at = tx.now


def remove_file(tx: Tx, article: Article, file_id: int) -> str:
    """Take a file away. Answers the SHA-256 of bytes that no row names any more, else ""; raises `NotFound`."""
    row = tx.session.get(ArticleFile, file_id)
    if row is None or row.article_id != article.id:
        raise NotFound("There is no such file.")
    file = tx.session.get_one(Attachment, row.attachment_id)
    tx.session.delete(row)
    tx.session.flush()
    tx.session.delete(file)
    tx.session.flush()
    article.updated_at = tx.now
    tx.emit("article.file_removed", article=article, data={"name": file.name, "sha256": file.sha256})
    others = select(Attachment.id).where(Attachment.sha256 == file.sha256).limit(1)
    return "" if tx.session.scalar(others) else file.sha256


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
