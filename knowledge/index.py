"""The search index over articles: Whoosh underneath, nothing of Whoosh in the interface.

The index is derived data: when `open` says so, the caller rebuilds it from the database. Only what all forks of Whoosh share is
used, and text goes in already cut, so that no code of ours is pickled into it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whoosh import index as whoosh_index
from whoosh.analysis import SpaceSeparatedTokenizer
from whoosh.fields import ID, KEYWORD, STORED, TEXT, Schema
from whoosh.index import FileIndex
from whoosh.searching import Searcher

from knowledge import storage, tokens
from knowledge.article import AUDIENCES, LANGS, Article
from knowledge.equal_words import EqualWords
from knowledge.fold import fold, mainland
from knowledge.markdown import to_text
from knowledge.postings import Postings, Readable, inverse_frequency
from knowledge.snippet import mark_starts, snippet
from knowledge.spelling import corrected, near_words
from knowledge.typed import prefix_tokens, start_tokens

LAYOUT = 2
"""Changes when the fields or their weights change: an index of another layout has to be rebuilt."""
OPENINGS = 5  # an index may be rebuilt while it is being opened, hardly five times in a row

# How often a title's tokens are written for each time a body's are: BM25F's field weight, applied before saturation, which keeps
# a query to one field and half the posting lists.
_TITLE, _QUESTION, _TAGS = 3, 2, 2  # tags and products
_TAIWAN = 0.7  # of its worth has a word of a question in Traditional characters that the mainland says otherwise
_MOST_TERMS = 32
_SUGGEST_CHARACTERS = 6_000
_TYPED_CANDIDATES = 50


@dataclass(frozen=True)
class Hit:
    """One found article; `snippet_html` is escaped text with `<mark>`. Scores compare within one answer, not between answers."""

    id: str
    score: float
    title: str
    snippet_html: str
    lang: str
    products: tuple[str, ...] = ()


class KnowledgeIndex:
    """The index in `folder`. One instance per process serves all threads; several processes may share the folder.

    Call `open` first. A rebuild or update by another process is seen by the next search.
    """

    def __init__(self, folder: Path) -> None:
        self._storage = storage.Storage(Path(folder), f"{LAYOUT}.{tokens.VERSION}")
        self._damaged: Path | None = None
        self._searcher: Searcher | None = None
        self._index: FileIndex | None = None
        self._seen: tuple[Any, int] | None = None
        self._postings = Postings()
        self._equal_words = EqualWords()
        self._allowed: dict[tuple[frozenset[str], str | None, str], Readable] = {}
        # A Whoosh reader keeps file positions, so one searcher serves one thread at a time. Opening a searcher for each request
        # would cost tens of milliseconds, and a search takes a fraction of one.
        self._reading = threading.RLock()

    def use_equal_words(self, groups: Iterable[Iterable[str]]) -> None:
        """From now on, words of one group find one another. The index itself stays as it is."""
        self._equal_words = EqualWords(groups)

    def open(self) -> bool:
        """Make the index ready. True: it has to be rebuilt (absent, of another version, damaged) and finds nothing until then."""
        with self._reading:
            self.close()
            self._damaged = None
            folder = self._storage.live()
            if folder is None:
                return True
            if not self._is_sound(folder):
                self.close()
                self._damaged = folder
            return self._damaged is not None

    def rebuild(self, articles: Iterable[Article]) -> int:
        """Write a new index beside the old one, then swap; searches go on meanwhile. Returns the number of articles.

        Pass a generator: it is read after the lock is taken, so that a change made meanwhile is in it or waits to be written
        after it. If `articles` raises, or has an id twice (ValueError), the old index stays.
        """
        with self._storage.writer(), self._storage.replacement() as folder:
            return _write_all(folder, articles)

    def update(self, upserts: Iterable[Article] = (), deletes: Iterable[str] = ()) -> None:
        """Put in and take out articles in one commit; an id in both is put in. RuntimeError: the index needs a rebuild first."""
        wanted = {article.id: article for article in upserts}
        gone = set(deletes) | set(wanted)
        if not gone:
            return
        with self._storage.writer():
            folder = self._live()
            if folder is None:
                raise RuntimeError("the article index has to be rebuilt before it can be updated")
            index = whoosh_index.open_dir(str(folder))
            try:
                _write_changes(index, gone, wanted.values())
            finally:
                index.close()
            storage.seal(folder)

    def search(
        self,
        query: str,
        *,
        audiences: Collection[str],
        lang: str | None = None,
        product: str = "",
        limit: int = 10,
        offset: int = 0,
        snippets: bool = True,
    ) -> list[Hit]:
        """The best articles for a question that `audiences` may read, best first; of all languages and products, or of one.

        Without `snippets` theirs are empty, which is quicker for lists that only count or rank.
        Nothing is found for a query without words, for no audiences, or while the index has to be rebuilt. ValueError on an
        unknown audience or language, a limit below 1 or a negative offset.
        """
        return self._find(query, audiences, lang, product, limit, offset, snippets)

    def suggest(self, text: str, *, audiences: Collection[str], lang: str | None = None, limit: int = 5) -> list[Hit]:
        """The best articles for a long text such as a mail: only its most telling terms are looked for.

        A term tells more the oftener it stands in the text and the rarer it is in the articles.
        """
        return self._find(text[:_SUGGEST_CHARACTERS], audiences, lang, "", limit, 0, True)

    def title_prefix(self, typed: str, *, audiences: Collection[str], lang: str | None = None, limit: int = 8) -> list[Hit]:
        """Articles whose title has words that begin like all of those `typed`; the snippet is the title, marked.

        Word starts are in the index, so no range of terms is walked: with a prefix query a single letter could take seconds.
        """
        starts = prefix_tokens(typed)
        with self._reading:
            searcher = self._fresh_searcher()
            if searcher is None or not starts:
                return []
            readable = self._readable(searcher, audiences, lang)
            best = self._postings.best(
                searcher, "starts", dict.fromkeys(starts, 1.0), readable, _TYPED_CANDIDATES, all_needed=True
            )
            found = [searcher.stored_fields(number) for _, number in best]
        begun = fold(typed.strip())
        found.sort(key=lambda fields: (not fold(fields["title"]).startswith(begun), len(fields["title"]), fields["id"]))
        return [_hit(fields, 1.0, mark_starts(fields["title"], starts)) for fields in found[:limit]]

    def did_you_mean(self, query: str, *, audiences: Collection[str], lang: str | None = None) -> str | None:
        """The query with misspelt English words put right, by what `audiences` may read; None when nothing is to be."""
        with self._reading:
            searcher = self._fresh_searcher()
            near = self._near(searcher, query, self._readable(searcher, audiences, lang)) if searcher else {}
        return corrected(query, near) if near else None

    @property
    def reached(self) -> float | None:
        """The moment up to which the index was told to hold all changes, in seconds since the epoch; None: never told."""
        return self._storage.reached()

    def set_reached(self, at: float) -> None:
        """Note, for the next start, that whatever was changed before this moment is in the index."""
        self._storage.set_reached(at)

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
        asked: str,
        audiences: Collection[str],
        lang: str | None,
        product: str,
        limit: int,
        offset: int,
        snippets: bool,
    ) -> list[Hit]:
        if limit <= 0 or offset < 0:
            raise ValueError("limit must be positive and offset must not be negative")
        with self._reading:
            searcher = self._fresh_searcher()
            if searcher is None:
                return []
            readable = self._readable(searcher, audiences, lang, product)
            asked = corrected(asked, self._near(searcher, asked, readable))
            wanted, weights = tokens.telling_tokens(asked), tokens.weighted_query_tokens(asked)
            if there := mainland(asked):
                weights = {token: weight * _TAIWAN for token, weight in weights.items()}
                for token, weight in tokens.weighted_query_tokens(there).items():
                    weights[token] = max(weights.get(token, 0.0), weight)
                wanted += tokens.telling_tokens(there)
            for word in self._equal_words.add_to(weights, asked):
                wanted += tokens.telling_tokens(word)
            weights = _telling(searcher, weights)
            if weights.keys().isdisjoint(wanted) and not _known_by_characters(wanted, weights):
                # Of what is asked for nothing is known: articles that share a "how do I" with it are no answer.
                return []
            best = self._postings.best(searcher, "words", weights, readable, offset + limit)
            rows = [(score, searcher.stored_fields(number)) for score, number in best[offset:]]
        return [_hit(fields, score, snippet(fields["text"], wanted) if snippets else "") for score, fields in rows]

    def _near(self, searcher: Searcher, asked: str, readable: Readable) -> dict[str, str]:
        """Only what the reader may read is known: a word of an internal article must not show in a customer's correction."""
        return near_words(searcher, "words", asked, lambda token: self._postings.occurs(searcher, "words", token, readable))

    def _readable(self, searcher: Searcher, audiences: Collection[str], lang: str | None, product: str = "") -> Readable:
        """The documents a reader may see, kept until the next commit.

        They go into the search itself, so that what is hidden takes no place among the best.
        """
        unknown = set(audiences) - set(AUDIENCES)
        if unknown:
            raise ValueError(f"unknown audience {', '.join(sorted(unknown))}")
        if lang is not None and lang not in LANGS:
            raise ValueError(f"unknown language {lang!r}")
        name = _product_key(product)
        key = (frozenset(audiences), lang, name)
        if key in self._allowed:
            return self._allowed[key]
        also = {field: value for field, value in (("lang", lang), ("products", name)) if value}
        readable = self._postings.readable(searcher, "audience", key[0], also)
        if not name or searcher.doc_frequency("products", name):  # anybody can ask for products that do not exist
            self._allowed[key] = readable
        return readable

    def _fresh_searcher(self) -> Searcher | None:
        """The process's one searcher, brought up to the last commit; call it with the reading lock held.

        Not by Whoosh's own refresh: where it reuses readers, it brings back the articles of segments that a commit merged away.
        """
        if self._searcher is None or self._version() != self._seen:
            self.close()
            for attempt in range(OPENINGS):
                folder = self._live()
                if folder is None:
                    return None
                try:
                    self._open(folder)
                    break
                except FileNotFoundError:  # rebuilt and cleared away while it was being opened: there is a newer one
                    if attempt == OPENINGS - 1:
                        raise
        return self._searcher

    def _open(self, folder: Path) -> None:
        self._index = whoosh_index.open_dir(str(folder))
        # Read before the searcher opens: a commit between the two costs one more opening, never a missed change.
        self._seen = self._version()
        self._searcher = self._index.searcher()
        self._postings.forget_other_segments(self._searcher)

    def _version(self) -> tuple[Any, int]:
        """What changes with every rebuild and every commit, by whichever process."""
        switches = self._storage.switches()
        try:
            return switches, self._index.latest_generation() if self._index else -1
        except FileNotFoundError:
            return switches, -1

    def _live(self) -> Path | None:
        folder = self._storage.live()
        return None if folder == self._damaged else folder

    def _is_sound(self, folder: Path) -> bool:
        try:
            holds = storage.seals_hold(folder)
            if holds is None:
                searcher = self._fresh_searcher()
                holds = searcher is not None and _counts_agree(searcher)
        except Exception:  # noqa: BLE001  A damaged file makes Whoosh raise anything: struct.error, EOFError, KeyError...
            return False
        return holds


def _schema() -> Schema:
    cut = SpaceSeparatedTokenizer()
    return Schema(
        id=ID(unique=True, stored=True),
        audience=ID(),
        lang=ID(stored=True),
        products=KEYWORD(commas=True),
        words=TEXT(analyzer=cut, phrase=False),
        starts=TEXT(analyzer=cut, phrase=False),
        title=STORED(),
        text=STORED(),
        product_names=STORED(),
    )


def _document(article: Article) -> dict[str, Any]:
    text = to_text("\n\n".join(part for part in (article.text, article.cause, article.environment) if part))
    title, marks = tokens.tokens(article.title), tokens.tokens(" ".join((*article.tags, *article.products)))
    words = title * _TITLE + tokens.tokens(article.question) * _QUESTION + marks * _TAGS
    return {
        "id": article.id,
        "audience": article.audience,
        "lang": article.lang,
        "products": ",".join(_product_key(name) for name in article.products),
        "words": " ".join(words + tokens.tokens(text)),
        "starts": " ".join(start_tokens(article.title)),
        "title": article.title,
        "text": text,
        "product_names": article.products,
    }


def _product_key(name: str) -> str:
    """A product's name as the index keeps it: one term, however it is written."""
    return " ".join(fold(name).replace(",", " ").split())


def _hit(fields: dict[str, Any], score: float, snippet_html: str) -> Hit:
    return Hit(fields["id"], score, fields["title"], snippet_html, fields["lang"], tuple(fields["product_names"]))


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


def _write_changes(index: FileIndex, gone: Iterable[str], articles: Iterable[Article]) -> None:
    """One commit. A writer that fails in the middle of it keeps Whoosh's lock, and with it everybody else out: not ours."""
    writer = index.writer(timeout=10.0)
    try:
        for article_id in gone:
            writer.delete_by_term("id", article_id)
        for article in articles:
            writer.add_document(**_document(article))
        writer.commit()
    except BaseException:
        if writer.writelock:
            writer.writelock.release()
        raise


def _known_by_characters(wanted: Iterable[str], known: Collection[str]) -> bool:
    """Whether most characters of the Chinese words stand in articles that lack the words: 外壳 finds 外包装 so."""
    characters = {character for word in wanted for character in word if not character.isascii()}
    there = sum(character in known for character in characters)
    return there > 1 and 2 * there >= len(characters)


def _counts_agree(searcher: Searcher) -> bool:
    """Reads every article and counts: a file that was cut short or filled with zeros does not survive that."""
    ids = {fields["id"] for fields in searcher.documents()}
    return len(ids) == searcher.doc_count() and all(searcher.doc_frequency("id", article_id) for article_id in ids)


def _telling(searcher: Searcher, weights: dict[str, float]) -> dict[str, float]:
    """The tokens that the index knows, with their weights; of many, those that weigh most for being rare or repeated."""
    documents = searcher.doc_count_all()
    known = {token: having for token in weights if (having := searcher.doc_frequency("words", token))}
    telling = sorted(known, key=lambda token: -weights[token] * inverse_frequency(documents, known[token]))
    return {token: weights[token] for token in telling[:_MOST_TERMS]}
