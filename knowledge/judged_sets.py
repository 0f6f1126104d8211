"""Reading a judged set that others have made: a folder in the form of BEIR, `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from knowledge.article import AUDIENCES, LANGS, Article
from knowledge.index import KnowledgeIndex
from knowledge.language import guess
from knowledge.relevance import Judged, advantage, plain_bm25, quality
from knowledge.transfer import BadLine, objects


def read_set(folder: Path, part: str = "test") -> tuple[list[Article], list[Judged]]:
    """Its documents as articles, and the questions that have a judgement in `qrels/PART.tsv`.

    Raises BadLine, which is of the file that was read last, and OSError.
    """
    with (folder / "corpus.jsonl").open("rb") as lines:
        articles = list(_articles(lines))
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    with (folder / "qrels" / f"{part}.tsv").open(encoding="utf-8") as rows:
        for question, article, grade in _judgements(rows):
            if grade > 0:
                grades[question][article] = grade
    with (folder / "queries.jsonl").open("rb") as lines:
        texts = {str(fields.get("_id", "")): str(fields.get("text", "")) for _, fields in objects(lines)}
    judged = [Judged(texts[name], guess(texts[name]), given) for name, given in grades.items() if texts.get(name)]
    if not articles or not judged:
        raise BadLine(1, "there are no documents, or no judged questions")
    return articles, judged


def compared(folder: Path, articles: Sequence[Article], judged: Sequence[Judged]) -> Iterator[dict[str, Any]]:
    """For each language of questions: how many, and how well our index (made in `folder`) and the plain BM25 answer them."""
    index = KnowledgeIndex(folder)
    index.open()

    def ours(text: str) -> list[str]:
        return [hit.id for hit in index.search(text, audiences=AUDIENCES, snippets=False)]

    try:
        index.rebuild(articles)
        plain = plain_bm25(articles)
        for lang in LANGS:
            asked = [question for question in judged if question.lang == lang]
            if asked:
                figures = {"ours": asdict(quality(asked, ours)), "bm25": asdict(quality(asked, plain))}
                more = asdict(advantage(asked, ours, plain))
                yield {"lang": lang, "articles": len(articles), "questions": len(asked), **figures, "ndcg_more": more}
    finally:
        index.close()


def _articles(lines: Iterable[bytes]) -> Iterator[Article]:
    seen: set[str] = set()
    for number, fields in objects(lines):
        title, text = str(fields.get("title") or "").strip(), str(fields.get("text") or "")
        name = str(fields.get("_id", "")).strip()
        if not name or not (title or text.strip()):
            raise BadLine(number, "a document needs an _id, and a title or a text")
        if name in seen:
            raise BadLine(number, f"there are two documents {name}")
        seen.add(name)
        yield Article(name, guess(f"{title} {text}"), title or "–", text)  # type: ignore[arg-type]


def _judgements(rows: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """`question, document, grade`, with tabs between; four columns are as TREC has them. A heading is passed over."""
    for number, row in enumerate(rows, start=1):
        parts = row.split()
        if not parts or (number == 1 and not parts[-1].lstrip("-").isdigit()):
            continue
        if len(parts) not in (3, 4) or not parts[-1].lstrip("-").isdigit():
            raise BadLine(number, "expected a question, a document and a grade")
        yield parts[0], parts[-2], int(parts[-1])
