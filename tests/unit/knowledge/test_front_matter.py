"""Articles as Markdown files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from knowledge.article import Article
from knowledge.front_matter import FrontMatterError, read_markdown_article

FILE = """---
id: a-zh
lang: zh
title: 标题: 有冒号
audience: internal
tags: 账单, 退货,
twin: a-en
updated: 2026-10-01
---

第一段。

---

第二段。
"""


def test_a_file_becomes_an_article() -> None:
    article = read_markdown_article("\ufeff" + FILE)
    assert article == Article(
        "a-zh",
        "zh",
        "标题: 有冒号",
        "第一段。\n\n---\n\n第二段。\n",
        audience="internal",
        tags=("账单", "退货"),
        twin="a-en",
        updated_at=datetime(2026, 10, 1, tzinfo=UTC).timestamp(),
    )


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("---\nid", "id", "line 1: an article file begins with ---"),
        ("lang: zh", "lang zh", "line 3: expected one of"),
        ("lang: zh", "colour: red", "line 3: expected one of"),
        ("lang: zh", "id: b", "line 3: id is there twice"),
        ("lang: zh", "lang: fr", "unknown language 'fr'"),
        ("lang: zh\n", "", "unknown language ''"),
        ("id: a-zh\n", "", "needs an id"),
        ("audience: internal", "audience: all", "unknown audience 'all'"),
        ("2026-10-01", "1 October", "not a date"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(before: str, after: str, reason: str) -> None:
    with pytest.raises(FrontMatterError, match=reason):
        read_markdown_article(FILE.replace(before, after, 1))


def test_a_head_without_end_is_refused() -> None:
    with pytest.raises(FrontMatterError, match="not closed"):
        read_markdown_article("---\nid: a\n")
