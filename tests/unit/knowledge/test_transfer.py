"""Import and query files: what is read, and how a bad line is named."""

from __future__ import annotations

import json

import pytest

from knowledge.article import Article
from knowledge.index import Hit
from knowledge.transfer import BadLine, answer_line, article_lines, read_articles, read_queries


def test_an_import_file_gives_articles_and_guesses_the_missing_language() -> None:
    lines = [
        '{"id":"a","title":"退货","text":"七天内可以用 iPhone App 申请退货。"}\n',
        "\n",
        b'{"id":"b","title":"Returns","text":"Within seven days.","lang":"en"}',
        '{"id":3,"title":"","text":"First line\\nsecond"}',
    ]
    first, second, third = read_articles(lines, now=7.0)
    assert (first.lang, first.audience, first.updated_at) == ("zh", "public", 7.0)
    assert second.lang == "en"
    assert (third.id, third.title) == ("3", "First line")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        ('{"title":"t","text":"x"}', "id is missing"),
        ('{"id":" ","title":"t","text":"x"}', "id is empty"),
        ('{"id":true,"title":"t","text":"x"}', "id must be a string"),
        ('{"id":"b","text":"x"}', "title is missing"),
        ('{"id":"b","title":"t"}', "text is missing"),
        ('{"id":"b","title":"t","text":5}', "text must be a string"),
        ('{"id":"b","title":"","text":" "}', "both empty"),
        ('{"id":"b","title":"t","text":"x","lang":"fr"}', "lang 'fr'"),
        ('{"id":"b","title":"t","text":"x","lang":["zh"]}', "lang"),
        ('{"id":"b","title":"t","text":"x","audience":"all"}', "audience 'all'"),
        ('{"id":"b","title":"t","text":"x","tags":"one"}', "tags"),
        ('{"id":"b","title":"t","text":"x","colour":"red"}', "unknown field colour"),
        ('{"id":"a","title":"t","text":"x"}', "was used on line 1"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_reason(line: str | bytes, reason: str) -> None:
    with pytest.raises(BadLine, match=reason) as caught:
        read_articles(['{"id":"a","title":"t","text":"x"}', "", line])
    assert caught.value.number == 3
    assert str(caught.value).startswith("line 3: ")


def test_what_is_written_is_read_back() -> None:
    articles = [
        Article(
            "a",
            "zh",
            "退货",
            "正文 *强调*",
            audience="internal",
            tags=("账单", "退货"),
            twin="b",
            question="怎么退",
            summary="短",
        ),
        Article("b", "en", "Returns", "", twin="a"),
    ]
    lines = list(article_lines(articles))
    assert all("\n" not in line for line in lines)
    assert read_articles(lines) == articles


def test_query_lines_become_questions_and_answers_one_line_each() -> None:
    (query,) = read_queries(['{"id":"q1","text":"怎么退款","ignored":1}'])
    assert (query.id, query.text) == ("q1", "怎么退款")
    line = answer_line("q1", [Hit("a", 1.23456789, "t", "", "zh")])
    assert json.loads(line) == {"id": "q1", "hits": [{"id": "a", "score": 1.234568}]}
    with pytest.raises(BadLine, match="line 1: text is missing"):
        read_queries(['{"id":"q1"}'])
