"""The search index over articles: Whoosh underneath, nothing of Whoosh in the interface.

The index is derived data. Whoosh never calls fsync, so a power cut can harm it; `open` notices and the caller rebuilds from the
database. Only what all forks of Whoosh share is used, and text goes in already cut, so that no code of ours is pickled into it.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whoosh import index as whoosh_index
from whoosh.analysis import SpaceSeparatedTokenizer
from whoosh.fields import ID, STORED, TEXT, Schema
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex
from whoosh.query import And, Or, Term
from whoosh.scoring import BM25F
from whoosh.searching import Searcher

from knowledge import tokens
from knowledge.article import AUDIENCES, LANGS, Article
from knowledge.fold import fold
from knowledge.markdown import to_text
from knowledge.snippet import mark_starts, snippet
from knowledge.typed import prefix_tokens, start_tokens

LAYOUT = 1
"""Changes when the fields or their weights change: an index of another layout has to be rebuilt."""

# How often a title's tokens are written for each time a body's are: BM25F's field weight, applied before saturation, which keeps
# a query to one field and half the posting lists.
_TITLE, _QUESTION, _TAGS = 3, 2, 2
_MOST_TERMS = 32
_SUGGEST_CHARACTERS = 6_000


@dataclass(frozen=True)
class Hit:
    """One found article; `snippet_html` is escaped text with `<mark>`. Scores compare within one answer, not between answers."""

    id: str
    score: float
    title: str
    snippet_html: str
    lang: str


class KnowledgeIndex:
    """The index in `folder`. One instance per process serves all threads; several processes may share the folder.

    Call `open` first. A rebuild or update by another process is seen by the next search.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._current = self._folder / "current.json"
        self._searcher: Searcher | None = None
        self._index: FileIndex | None = None
        self._seen: tuple[int, int, int] | None = None
        self._allowed: dict[tuple[frozenset[str], str | None], set[int]] = {}
        # A Whoosh reader keeps file positions, so one searcher serves one thread at a time. Opening a searcher for each request
        # would cost tens of milliseconds; searching is pure Python and gains nothing from running in two threads anyway.
        self._reading = threading.RLock()
        self._writing = threading.Lock()

    def open(self) -> bool:
        """Make the index ready. True: it has to be rebuilt (absent, of another version, damaged) and finds nothing until then."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._reading:
            self.close()
            try:
                searcher = self._fresh_searcher()
                return searcher is None or not _is_sound(searcher)
            except Exception:  # noqa: BLE001  A damaged file makes Whoosh raise anything: struct.error, EOFError, KeyError...
                self.close()
                return True

    def rebuild(self, articles: Iterable[Article]) -> int:
        """Write a new index beside the old one, then swap; searches go on meanwhile. Returns the number of articles.

        Pass a generator: it is read after the lock is taken, so that a change made meanwhile is in it or waits to be written
        after it. If `articles` raises, or has an id twice (ValueError), the old index stays.
        """
        with self._writer_lock():
            name = f"index-{secrets.token_hex(6)}"
            folder = self._folder / name
            folder.mkdir()
            try:
                count = _write_all(folder, articles)
                _sync(folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            old = self._stamp().get("folder")
            self._point_to(name)
            self._sweep(keep={name, old})
        with self._reading:
            self._fresh_searcher()
        return count

    def update(self, upserts: Iterable[Article] = (), deletes: Iterable[str] = ()) -> None:
        """Put in and take out articles in one commit; an id in both is put in. RuntimeError: the index has to be rebuilt first."""
        wanted = {article.id: article for article in upserts}
        gone = set(deletes) | set(wanted)
        if not gone:
            return
        with self._writer_lock():
            folder = self._live_folder()
            if folder is None:
                raise RuntimeError("the article index has to be rebuilt before it can be updated")
            index = whoosh_index.open_dir(str(folder))
            try:
                with index.writer(timeout=10.0) as writer:
                    for article_id in gone:
                        writer.delete_by_term("id", article_id)
                    for article in wanted.values():
                        writer.add_document(**_document(article))
            finally:
                index.close()
            _sync(folder)

    def search(
        self, query: str, *, audiences: Collection[str], lang: str | None = None, limit: int = 10, offset: int = 0
    ) -> list[Hit]:
        """The best articles for a question that `audiences` may read, best first; all languages unless `lang` is given.

        Nothing is found for a query without words, no audiences, or while the index has to be rebuilt.
        """
        return self._find(tokens.weighted_query_tokens(query), audiences, lang, limit, offset)

    def suggest(self, text: str, *, audiences: Collection[str], lang: str | None = None, limit: int = 5) -> list[Hit]:
        """The best articles for a long text such as a mail: only its most telling terms are looked for.

        A term tells more the oftener it stands in the text and the rarer it is in the articles.
        """
        return self._find(tokens.weighted_query_tokens(text[:_SUGGEST_CHARACTERS]), audiences, lang, limit, 0)

    def title_prefix(self, typed: str, *, audiences: Collection[str], lang: str | None = None, limit: int = 8) -> list[Hit]:
        """Articles whose title has words that begin like all of those `typed`; the snippet is the title, marked.

        Word starts are in the index, so no term range is walked: with a prefix query one letter could take seconds.
        """
        starts = prefix_tokens(typed)
        if not starts:
            return []
        with self._reading:
            searcher = self._fresh_searcher()
            if searcher is None or not audiences:
                return []
            query = And([Term("starts", start) for start in starts])
            found = [hit.fields() for hit in searcher.search(query, limit=50, filter=self._readable(searcher, audiences, lang))]
        begun = fold(typed.strip())
        found.sort(key=lambda fields: (not fold(fields["title"]).startswith(begun), len(fields["title"]), fields["id"]))
        return [Hit(f["id"], 1.0, f["title"], mark_starts(f["title"], starts), f["lang"]) for f in found[:limit]]

    def count(self) -> int:
        """Articles in the index, whoever may read them; 0 while it has to be rebuilt."""
        with self._reading:
            searcher = self._fresh_searcher()
            return searcher.doc_count() if searcher else 0

    def close(self) -> None:
        """Let go of the files; a later search opens them again."""
        with self._reading:
            if self._searcher is not None:
                self._searcher.close()
            if self._index is not None:
                self._index.close()
            self._searcher, self._index, self._seen = None, None, None
            self._allowed.clear()

    def _find(
        self,
        weights: dict[str, float],
        audiences: Collection[str],
        lang: str | None,
        limit: int,
        offset: int,
    ) -> list[Hit]:
        if limit <= 0 or offset < 0:
            raise ValueError("limit must be positive and offset must not be negative")
        if not weights or not audiences:
            return []
        with self._reading:
            searcher = self._fresh_searcher()
            if searcher is None:
                return []
            terms = _telling(searcher, weights)
            if not terms:
                return []
            words = Or([Term("words", token, boost=weight) for token, weight in terms.items()])
            found = searcher.search(words, limit=offset + limit, filter=self._readable(searcher, audiences, lang))
            rows = [(hit.score, hit.fields()) for hit in found]
        rows.sort(key=lambda row: (-row[0], row[1]["id"]))
        return [
            Hit(fields["id"], float(score), fields["title"], snippet(fields["text"], terms), fields["lang"])
            for score, fields in rows[offset : offset + limit]
        ]

    def _readable(self, searcher: Searcher, audiences: Collection[str], lang: str | None) -> set[int]:
        """The numbers of the documents a reader may see, kept until the next commit.

        They go into the search itself, so that what is hidden takes no place among the best. A set and not a sub-query: Whoosh's
        Require and And skip matching documents when one side scores nothing, and in its oldest version let wrong ones through.
        """
        unknown = set(audiences) - set(AUDIENCES)
        if unknown:
            raise ValueError(f"unknown audience {', '.join(sorted(unknown))}")
        if lang is not None and lang not in LANGS:
            raise ValueError(f"unknown language {lang!r}")
        key = (frozenset(audiences), lang)
        if key not in self._allowed:
            allowed = set(searcher.docs_for_query(Or([Term("audience", audience) for audience in sorted(audiences)])))
            self._allowed[key] = allowed.intersection(searcher.docs_for_query(Term("lang", lang))) if lang else allowed
        return self._allowed[key]

    def _fresh_searcher(self) -> Searcher | None:
        """The process's one searcher, brought up to the last commit; call it with the reading lock held.

        Not by Whoosh's own refresh: where it reuses readers, it brings back the articles of segments that a commit merged away.
        """
        version = self._version()
        if self._searcher is None or version != self._seen:
            self.close()
            folder = self._live_folder()
            if folder is None:
                return None
            self._index = whoosh_index.open_dir(str(folder))
            # Read before the searcher opens: a commit between the two costs one more opening, never a missed change.
            self._seen = self._version()
            self._searcher = self._index.searcher(weighting=_Bm25())
        return self._searcher

    def _version(self) -> tuple[int, int, int] | None:
        """What changes with every rebuild and every commit, by whichever process."""
        try:
            status = self._current.stat()
        except FileNotFoundError:
            return None
        try:
            generation = self._index.latest_generation() if self._index is not None else -1
        except FileNotFoundError:
            generation = -1
        return status.st_ino, status.st_mtime_ns, generation

    def _live_folder(self) -> Path | None:
        stamp = self._stamp()
        if stamp.get("layout") != LAYOUT or stamp.get("tokens") != tokens.VERSION:
            return None
        folder = self._folder / str(stamp.get("folder"))
        return folder if folder.is_dir() else None

    def _stamp(self) -> dict[str, Any]:
        try:
            stamp = json.loads(self._current.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def _point_to(self, name: str) -> None:
        new = self._current.with_suffix(".new")
        new.write_text(json.dumps({"folder": name, "layout": LAYOUT, "tokens": tokens.VERSION}), "utf-8")
        _sync(self._folder, [new])
        os.replace(new, self._current)
        _sync(self._folder, [])

    def _sweep(self, keep: set[Any]) -> None:
        """Remove what older rebuilds left. The folder just replaced stays until the next one: another process may read it."""
        for folder in self._folder.glob("index-*"):
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _writer_lock(self) -> Iterator[None]:
        """One writer at a time, in this process and in all others (a reindex command beside a running desk)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._writing:
            lock = FileStorage(str(self._folder)).lock("writer.lock")
            lock.acquire(blocking=True)
            try:
                yield
            finally:
                lock.release()


class _Bm25(BM25F):
    """BM25 with the usual inverse document frequency; Whoosh's own never falls below one, which overrates words that all have."""

    def idf(self, searcher: Searcher, fieldname: str, text: str) -> float:
        parent = searcher.get_parent()
        return _idf(parent.doc_count_all(), parent.doc_frequency(fieldname, text))


def _idf(documents: int, having: int) -> float:
    return math.log(1 + (max(documents, having) - having + 0.5) / (having + 0.5))


def _schema() -> Schema:
    cut = SpaceSeparatedTokenizer()
    return Schema(
        id=ID(unique=True, stored=True),
        audience=ID(),
        lang=ID(stored=True),
        words=TEXT(analyzer=cut, phrase=False),
        starts=TEXT(analyzer=cut, phrase=False),
        title=STORED(),
        text=STORED(),
    )


def _document(article: Article) -> dict[str, str]:
    text = to_text(article.text)
    title = tokens.tokens(article.title)
    words = title * _TITLE + tokens.tokens(article.question) * _QUESTION + tokens.tokens(" ".join(article.tags)) * _TAGS
    return {
        "id": article.id,
        "audience": article.audience,
        "lang": article.lang,
        "words": " ".join(words + tokens.tokens(text)),
        "starts": " ".join(start_tokens(article.title)),
        "title": article.title,
        "text": text,
    }


def _write_all(folder: Path, articles: Iterable[Article]) -> int:
    seen: set[str] = set()
    index = whoosh_index.create_in(str(folder), _schema())
    try:
        with index.writer(limitmb=256) as writer:
            for article in articles:
                if article.id in seen:
                    raise ValueError(f"two articles have the id {article.id}")
                seen.add(article.id)
                writer.add_document(**_document(article))
    finally:
        index.close()
    return len(seen)


def _is_sound(searcher: Searcher) -> bool:
    """Reads the id of every article and counts: a file cut short or filled with zeros does not survive that."""
    ids = {fields["id"] for fields in searcher.documents()}
    return len(ids) == searcher.doc_count() and all(searcher.doc_frequency("id", article_id) for article_id in ids)


def _telling(searcher: Searcher, weights: dict[str, float]) -> dict[str, float]:
    """The tokens that the index knows, with their weights; of many, those that weigh most for being rare or repeated."""
    documents = searcher.doc_count_all()
    known = {token: having for token in weights if (having := searcher.doc_frequency("words", token))}
    telling = sorted(known, key=lambda token: -weights[token] * _idf(documents, known[token]))
    return {token: weights[token] for token in telling[:_MOST_TERMS]}


def _sync(folder: Path, files: Iterable[Path] | None = None) -> None:
    """Force files (all in the folder, unless given) and then the folder's entries to the disk, which Whoosh does not do."""
    for path in [*(folder.iterdir() if files is None else files), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
