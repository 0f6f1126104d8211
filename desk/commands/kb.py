"""`kb import`, `export`, `reindex`, `query`, `judge`: articles in bulk, the index anew, questions, how good the answers are."""

from __future__ import annotations

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from desk.actions.articles.articles import publish
from desk.app import install, prepare
from desk.config import Settings
from desk.errors import Invalid
from desk.events import SYSTEM
from desk.files import KeptFile
from desk.installation import Installation
from desk.models.article import AUDIENCES
from desk.queries.articles.transfer import exported
from desk.work.indexing import Indexing
from knowledge.article import Article
from knowledge.front_matter import FrontMatterError, read_folder, write_folder
from knowledge.judged_sets import compared, read_set
from knowledge.transfer import BadLine, answer_line, article_lines, read_articles, read_queries

AT_ONCE = 500  # articles in one transaction: who works meanwhile waits for no more than that


def add(commands: Any) -> None:
    kb = commands.add_parser("kb", help="articles and their search index").add_subparsers(dest="verb", required=True)
    importing = kb.add_parser("import", help="add or change articles from a file of JSON lines or a folder of Markdown")
    importing.add_argument("file", type=Path)
    importing.set_defaults(run=run_import)
    exporting = kb.add_parser("export", help="write all articles with their files: JSON lines, or Markdown into a folder")
    exporting.add_argument("file", type=Path, help="ends in .jsonl, or names a folder")
    exporting.set_defaults(run=run_export)
    reindex = kb.add_parser("reindex", help="make the search index anew")
    reindex.set_defaults(run=run_reindex)
    query = kb.add_parser("query", help="answer a file of questions in JSON lines")
    query.add_argument("file", type=Path)
    query.add_argument("--top", type=int, default=10)
    query.set_defaults(run=run_query)
    judge = kb.add_parser("judge", help="how well the search answers a judged set of others, beside a tuned BM25")
    judge.add_argument("folder", type=Path, help="holds corpus.jsonl, queries.jsonl and qrels/PART.tsv, as BEIR has them")
    judge.add_argument("--part", default="test", help="which judgements (default: test)")
    judge.set_defaults(run=run_judge)


def run_import(chosen: Namespace) -> int:
    desk = install(Settings.from_env())
    prepare(desk)
    articles = _read(chosen.file, read_folder if chosen.file.is_dir() else read_articles)
    for start in range(0, len(articles), AT_ONCE):
        try:
            _take_in(desk, articles[start : start + AT_ONCE])
        except Invalid:
            print(f"({start} articles were imported before this.)", file=sys.stderr, end=" ")
            raise
    indexed = Indexing(desk).rebuild()
    print(f"{len(articles)} articles imported, {indexed} in the index.")
    return 0


def run_export(chosen: Namespace) -> int:
    desk = install(Settings.from_env())
    articles = exported(desk.store.read, desk.files)
    try:
        if chosen.file.suffix == ".jsonl":
            count = 0
            with chosen.file.open("w", encoding="utf-8") as file:
                for line in article_lines(articles):
                    file.write(f"{line}\n")
                    count += 1
        else:
            count = write_folder(chosen.file, articles)
    except OSError as error:
        raise Invalid("%(path)s cannot be written: %(reason)s", path=str(chosen.file), reason=error.strerror) from error
    print(f"{count} articles exported.")
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


def run_judge(chosen: Namespace) -> int:
    """In an index of its own, which is gone afterwards: the desk's articles have no part in it."""
    articles, judged = _read(chosen.folder, lambda folder: read_set(folder, chosen.part))
    with tempfile.TemporaryDirectory() as folder:
        for figures in compared(Path(folder), articles, judged):
            print(json.dumps(figures))
    return 0


def _take_in(desk: Installation, articles: Sequence[Article]) -> None:
    """The bytes of their files first, then all of them in one transaction."""
    files = [[desk.files.keep(file.data, file.name) for file in article.files] for article in articles]
    with desk.store.tx(SYSTEM) as tx:
        for article, kept in zip(articles, files, strict=True):
            _publish(tx, article, kept)


def _publish(tx: Any, article: Article, kept: Sequence[KeptFile]) -> None:
    try:
        publish(tx, article, kept)
    except Invalid:
        print(f"{article.id}:", file=sys.stderr, end=" ")
        raise


def _read(path: Path, reader: Any) -> Any:
    try:
        if path.is_dir():
            return reader(path)
        with path.open(encoding="utf-8") as lines:
            return reader(lines)
    except OSError as error:
        raise Invalid("%(path)s cannot be read: %(reason)s", path=str(path), reason=error.strerror) from error
    except (BadLine, FrontMatterError) as error:
        print(f"{path}:", file=sys.stderr, end=" ")
        raise Invalid("%(reason)s", reason=str(error)) from error
