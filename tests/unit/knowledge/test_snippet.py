"""The marked piece of text under a result."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from knowledge.snippet import mark_starts, snippet
from knowledge.tokens import telling_tokens


def test_the_found_words_are_marked_whatever_their_form() -> None:
    assert snippet("We pay Refunds within days", telling_tokens("refund")) == "We pay <mark>Refunds</mark> within days"


def test_chinese_is_marked_inside_a_sentence_and_neighbours_are_one_mark() -> None:
    assert snippet("财务随后把退款原路退回", telling_tokens("退款 原路")) == "财务随后把<mark>退款原路</mark>退回"


def test_a_traditional_text_is_marked_for_a_simplified_query() -> None:
    assert snippet("申請退貨", telling_tokens("退货")) == "申請<mark>退貨</mark>"


def test_markup_in_the_text_is_escaped_inside_and_outside_the_marks() -> None:
    assert snippet("<i>a&b</i> refund", telling_tokens("refund")) == "&lt;i&gt;a&amp;b&lt;/i&gt; <mark>refund</mark>"


def test_a_long_text_is_cut_around_the_words_and_says_so() -> None:
    text = "nothing here " * 40 + "the optical cable " + "nothing more " * 40
    found = snippet(text, telling_tokens("optical cable"))
    assert "<mark>optical</mark> <mark>cable</mark>" in found
    assert found.startswith("… ")
    assert found.endswith(" …")
    assert len(re.sub("<[^>]*>", "", found)) < 200


def test_without_a_found_word_the_beginning_is_shown() -> None:
    assert snippet("First words. Second words.", telling_tokens("router")) == "First words. Second words."


def test_a_title_is_marked_where_its_words_begin() -> None:
    assert mark_starts("Return a <product>", ["ret", "pro"]) == "<mark>Ret</mark>urn a &lt;<mark>pro</mark>duct&gt;"
    assert mark_starts("十五天内退货的步骤", ["退货"]) == "十五天内<mark>退货</mark>的步骤"


@given(st.text(max_size=400), st.text(max_size=30))
def test_a_snippet_of_any_text_has_no_tags_but_its_marks(text: str, query: str) -> None:
    found = snippet(text, telling_tokens(query))
    assert found.count("<mark>") == found.count("</mark>")
    assert "<" not in found.replace("<mark>", "").replace("</mark>", "")


def test_a_snippet_begins_at_a_sentence_when_one_is_near() -> None:
    text = "前面的话很多。" * 20 + "第二句在这里，退款会原路退回。" + "后面的话。" * 40
    assert snippet(text, telling_tokens("退款")).startswith("… 第二句在这里，<mark>退款</mark>")


def test_an_endless_word_is_cut_and_not_left_out() -> None:
    assert len(snippet("x" * 1000, telling_tokens("y"))) > 100
