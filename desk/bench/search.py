"""`bench search`: a question to the index against SQLite's full text over the same words; how good the answers are."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from desk.bench.figures import figure, median_s
from desk.config import Settings
from knowledge.article import AUDIENCES, Article
from knowledge.front_matter import read_markdown_article
from knowledge.index import KnowledgeIndex
from knowledge.relevance import plain_bm25, quality, read_judged
from knowledge.tokens import tokens, weighted_query_tokens

CONTENT = Path(__file__).parents[1] / "demo" / "content"
ARTICLES = 2_000
ENGLISH = ("refund", "invoice", "router", "light", "payment", "parcel", "delay", "address", "cancel", "speed", "login", "phone")
CHINESE = ("退款", "发票", "路由器", "指示灯", "付款", "包裹", "延迟", "地址", "取消", "网速", "登录", "电话")


def run(_settings: Settings) -> dict[str, Any]:
    return _speed() | _relevance()


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


def _speed() -> dict[str, Any]:
    dice = random.Random(7)
    articles = [_article(number, dice) for number in range(ARTICLES)]
    questions = [" ".join(dice.sample(words, 2)) for words in (ENGLISH, CHINESE) for _ in range(50)]
    with tempfile.TemporaryDirectory() as folder:
        index = KnowledgeIndex(Path(folder))
        index.open()
        index.rebuild(iter(articles))
        turn = iter(questions * 4)
        value = median_s(lambda: index.search(next(turn), audiences={"public"}, snippets=False), 200) * 1e3
        index.close()
    table = sqlite3.connect(":memory:")
    table.execute("CREATE VIRTUAL TABLE article USING fts5(words)")
    table.executemany("INSERT INTO article VALUES (?)", ((" ".join(tokens(each.title + each.text)),) for each in articles))
    matches = iter([" OR ".join(f'"{word}"' for word in weighted_query_tokens(question)) for question in questions] * 4)
    ask = "SELECT rowid FROM article WHERE article MATCH ? ORDER BY rank LIMIT 10"
    floor = median_s(lambda: table.execute(ask, (next(matches),)).fetchall(), 200) * 1e3
    return {"query_2k": figure(value, "ms", floor, "SQLite FTS5 over the same tokens")}


def _article(number: int, dice: random.Random) -> Article:
    lang, words = ("en", ENGLISH) if number % 2 else ("zh", CHINESE)
    filler = [f"w{dice.randint(0, 3000)}" for _ in range(80)]
    text = " ".join(dice.sample(words, 5) + filler)
    return Article(id=f"a{number}", lang=lang, title=" ".join(dice.sample(words, 2)), text=text)
