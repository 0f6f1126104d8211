"""`kb import`, `kb reindex` and `kb query`: articles in bulk, the search index anew, many questions at once."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from desk.actions.articles import publish
from desk.app import install, prepare
from desk.config import Settings
from desk.errors import Invalid
from desk.events import SYSTEM
from desk.models.article import AUDIENCES
from desk.work.indexing import Indexing
from knowledge.transfer import BadLine, answer_line, read_articles, read_queries


def add(commands: Any) -> None:
    kb = commands.add_parser("kb", help="articles and their search index").add_subparsers(dest="verb", required=True)
    importing = kb.add_parser("import", help="add or change articles from a file of JSON lines")
    importing.add_argument("file", type=Path)
    importing.set_defaults(run=run_import)
    reindex = kb.add_parser("reindex", help="make the search index anew")
    reindex.set_defaults(run=run_reindex)
    query = kb.add_parser("query", help="answer a file of questions in JSON lines")
    query.add_argument("file", type=Path)
    query.add_argument("--top", type=int, default=10)
    query.set_defaults(run=run_query)


def run_import(chosen: Namespace) -> int:
    desk = install(Settings.from_env())
    prepare(desk)
    articles = _read(chosen.file, read_articles)
    with desk.store.tx(SYSTEM) as tx:
        for article in articles:
            publish(tx, article)
    indexed = Indexing(desk).rebuild()
    print(f"{len(articles)} articles imported, {indexed} in the index.")
    return 0


def run_reindex(_chosen: Namespace) -> int:
    print(f"{Indexing(install(Settings.from_env())).rebuild()} articles in the index.")
    return 0


def run_query(chosen: Namespace) -> int:
    desk = install(Settings.from_env())
    Indexing(desk).check()
    for question in _read(chosen.file, read_queries):
        hits = desk.knowledge.search(question.text, audiences=set(AUDIENCES), limit=chosen.top)
        print(answer_line(question.id, hits))
    return 0


def _read(path: Path, reader: Any) -> Any:
    try:
        with path.open(encoding="utf-8") as lines:
            return reader(lines)
    except OSError as error:
        raise Invalid("%(path)s cannot be read: %(reason)s", path=str(path), reason=error.strerror) from error
    except BadLine as error:
        print(f"{path}:", file=sys.stderr, end=" ")
        raise Invalid("%(reason)s", reason=str(error)) from error
