"""`bench search`: a question to the index against SQLite's full text over the same words; how good the answers are."""

from __future__ import annotations

import multiprocessing
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from desk.bench.figures import figure
from desk.config import Settings
from knowledge.article import AUDIENCES, Article
from knowledge.front_matter import read_markdown_article
from knowledge.index import KnowledgeIndex
from knowledge.relevance import plain_bm25, quality, read_judged
from knowledge.tokens import tokens, weighted_query_tokens

CONTENT = Path(__file__).parents[1] / "demo" / "content"
ARTICLES = 2_000
ARTICLE_BYTES = 500
TYPING_MS, EDIT_S, START_S = 30.0, 2.0, 1.0
ENGLISH = ("refund", "invoice", "router", "light", "payment", "parcel", "delay", "address", "cancel", "speed", "login", "phone")
CHINESE = ("退款", "发票", "路由器", "指示灯", "付款", "包裹", "延迟", "地址", "取消", "网速", "登录", "电话")


def run(_settings: Settings, articles: int = ARTICLES) -> dict[str, Any]:
    return _speed(articles) | _relevance()


def _relevance() -> dict[str, Any]:
    """The judged questions to the demo's articles, beside a plain BM25 of the same ones."""
    articles = [read_markdown_article(path.read_text("utf-8")) for path in sorted((CONTENT / "articles").glob("*.md"))]
    judged = read_judged((CONTENT / "questions.jsonl").read_text("utf-8").splitlines())
    plain = plain_bm25(articles)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        index = KnowledgeIndex(Path(folder))
        index.open()
        index.rebuild(articles)
        for lang in ("zh", "en"):
            questions = [question for question in judged if question.lang == lang]
            ours = quality(
                questions, lambda text: [hit.id for hit in index.search(text, audiences=set(AUDIENCES), snippets=False)]
            )
            floor = quality(questions, plain)
            for name in ("ndcg", "recall", "mrr"):
                value, least = getattr(ours, name), getattr(floor, name)
                figures[f"{name}_{lang}"] = figure(value, "of 1", least, "BM25 of plain words, tuned")
        index.close()
    return figures


def _speed(count: int) -> dict[str, Any]:
    """Questions, beginnings of words, an edit, a start, and the memory that it takes, with this many articles."""
    dice = random.Random(7)
    questions = [" ".join(dice.sample(words, 2)) for words in (ENGLISH, CHINESE) for _ in range(50)]
    begun = [word[:size] for word in (*ENGLISH, *CHINESE) for size in (2, 3)]
    name = f"{count // 1000}k"
    with tempfile.TemporaryDirectory() as folder:
        built = _took(lambda: _build(folder, count))
        before = _memory_mb()
        index = KnowledgeIndex(Path(folder))
        index.open()
        _ask(index, questions[0])
        turn, typed = iter(questions * 4), iter(begun * 10)
        asked = _p95_ms(lambda: _ask(index, next(turn)), 200)
        typing = _p95_ms(lambda: index.title_prefix(next(typed), audiences={"public"}), 200)
        new = Article(id="a1", lang="en", title="Refund", text="found afterwards qzqzqz")
        edit = _took(lambda: (index.update([new]), _ask(index, "qzqzqz")))
        memory = _memory_mb() - before
        index.close()
        again = KnowledgeIndex(Path(folder))
        start = _took(lambda: (again.open(), _ask(again, questions[0])))
        again.close()
    table = sqlite3.connect(":memory:")
    table.execute("CREATE VIRTUAL TABLE article USING fts5(words)")
    rows = ((" ".join(tokens(each.title + each.text)),) for each in _articles(count))
    floor_built = _took(lambda: table.executemany("INSERT INTO article VALUES (?)", rows))
    matches = iter([" OR ".join(f'"{word}"' for word in weighted_query_tokens(question)) for question in questions] * 4)
    search = "SELECT rowid FROM article WHERE article MATCH ? ORDER BY rank LIMIT 10"
    floor = _p95_ms(lambda: table.execute(search, (next(matches),)).fetchall(), 200)
    return {
        f"query_p95_{name}": figure(asked, "ms", floor, "SQLite FTS5 over the same tokens"),
        f"typing_p95_{name}": figure(typing, "ms", TYPING_MS, "the longest that typing may wait"),
        f"edit_found_{name}": figure(edit, "s", EDIT_S, "the longest until an edited article is found"),
        f"start_{name}": figure(start, "s", START_S, "the longest that a start with an index may take"),
        f"build_{name}": figure(built, "s", floor_built, "SQLite FTS5 over the same tokens"),
        f"memory_{name}": figure(memory, "MB", count * ARTICLE_BYTES / 1e6, "the words of the articles themselves"),
    }


def _build(folder: str, count: int) -> None:
    """In a process of its own, so that what writing takes is not counted as what searching takes."""
    writer = multiprocessing.get_context("spawn").Process(target=_write, args=(folder, count))
    writer.start()
    writer.join()
    if writer.exitcode != 0:
        raise RuntimeError("the index could not be built")


def _write(folder: str, count: int) -> None:
    index = KnowledgeIndex(Path(folder))
    index.open()
    index.rebuild(_articles(count))
    index.close()


def _ask(index: KnowledgeIndex, question: str) -> object:
    return index.search(question, audiences={"public"}, snippets=False)


def _took(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _p95_ms(act: Callable[[], object], times: int) -> float:
    return sorted(_took(act) for _ in range(times))[int(times * 0.95)] * 1e3


def _memory_mb() -> float:
    """What this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def _articles(count: int) -> Iterator[Article]:
    dice = random.Random(7)
    return (_article(number, dice) for number in range(count))


def _article(number: int, dice: random.Random) -> Article:
    lang, words = ("en", ENGLISH) if number % 2 else ("zh", CHINESE)
    filler = [f"w{dice.randint(0, 3000)}" for _ in range(80)]
    text = " ".join(dice.sample(words, 5) + filler)
    return Article(id=f"a{number}", lang=lang, title=" ".join(dice.sample(words, 2)), text=text)
