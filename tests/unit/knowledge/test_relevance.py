"""The search is measurably good: judged questions in both languages, beside a tuned plain BM25 of the same articles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opencc import OpenCC

from knowledge.article import AUDIENCES, Article
from knowledge.front_matter import read_markdown_article
from knowledge.index import KnowledgeIndex
from knowledge.relevance import Judged, Rank, advantage, plain_bm25, quality, read_judged

CONTENT = Path(__file__).parents[3] / "desk" / "demo" / "content"
LANGS = pytest.mark.parametrize("lang", ["zh", "en"])


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    return [read_markdown_article(path.read_text("utf-8")) for path in sorted((CONTENT / "articles").glob("*.md"))]


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return read_judged((CONTENT / "questions.jsonl").read_text("utf-8").splitlines())


@pytest.fixture(scope="module")
def search(articles: list[Article], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rank]:
    index = KnowledgeIndex(tmp_path_factory.mktemp("judged"))
    index.open()
    index.rebuild(articles)
    yield lambda text: [hit.id for hit in index.search(text, audiences=set(AUDIENCES), snippets=False)]
    index.close()


def test_there_are_sixty_questions_of_each_language_about_articles_that_exist(articles, judged) -> None:
    assert [sum(question.lang == lang for question in judged) for lang in ("zh", "en")] == [60, 60]
    assert {key for question in judged for key in question.grades} == {article.id for article in articles}
    assert all(max(question.grades.values()) == 3 for question in judged)


@LANGS
def test_the_search_is_better_than_a_tuned_plain_bm25(articles, judged, search, lang) -> None:
    questions = [question for question in judged if question.lang == lang]
    ours, plain = quality(questions, search), quality(questions, plain_bm25(articles))
    assert ours.ndcg > plain.ndcg > 0.8
    assert ours.mrr > plain.mrr
    assert ours.recall >= plain.recall


def test_traditional_questions_find_simplified_articles_nearly_as_well(judged, search) -> None:
    simplified = [question for question in judged if question.lang == "zh"]
    least = 0.97 * quality(simplified, search).ndcg
    for way in ("s2t", "s2twp", "s2hk"):
        write = OpenCC(way).convert
        assert quality([Judged(write(each.text), "zh", each.grades) for each in simplified], search).ndcg >= least, way


def test_simplified_questions_find_traditional_articles_nearly_as_well(articles, judged, tmp_path) -> None:
    chinese = [question for question in judged if question.lang == "zh"]
    found = {}
    for way in ("", "s2twp"):
        write = OpenCC(way).convert if way else str
        index = KnowledgeIndex(tmp_path / (way or "as it is"))
        index.open()
        index.rebuild(
            Article(each.id, each.lang, write(each.title), write(each.text), tags=each.tags, question=write(each.question))
            for each in articles
        )
        found[way] = quality(chinese, lambda text, index=index: [hit.id for hit in index.search(text, audiences={"public"})])
        index.close()
    assert found["s2twp"].ndcg >= 0.97 * found[""].ndcg


def test_the_measures_are_what_the_books_say() -> None:
    asked = Judged("", "en", {"best": 3, "useful": 1})
    assert quality([asked], lambda _text: ["best", "useful"]).ndcg == 1
    swapped = quality([asked], lambda _text: ["useful", "best", "other"])
    assert swapped.ndcg == pytest.approx((1 + 7 / 1.584962500721156) / (7 + 1 / 1.584962500721156))
    assert (swapped.recall, swapped.mrr) == (1, 0.5)
    assert quality([asked], lambda _text: ["other"] * 10 + ["best"]).recall == 0


def test_the_advantage_of_one_search_is_told_from_chance() -> None:
    asked = [Judged(f"question {number}", "en", {str(number): 1}) for number in range(40)]
    right = {each.text: list(each.grades) for each in asked}

    def finds(last: str) -> Rank:
        return lambda text: right[text] if text.endswith(last) else []

    often = advantage(asked, right.__getitem__, finds("7"))
    assert often.mean == pytest.approx(0.9)
    assert 0.7 < often.low < often.mean < often.high <= 1
    by_chance = advantage(asked, finds("3"), finds("7"))
    assert by_chance.low < 0 < by_chance.high
