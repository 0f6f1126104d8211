"""Words, characters and codes: what a text can be found by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.fold import _SIMPLIFIED, fold
from knowledge.tokens import MAX_TOKEN, telling_tokens, tokens, weighted_query_tokens


def test_traditional_and_simplified_text_have_the_same_tokens() -> None:
    assert tokens("我想申請退貨，網路很慢，帳單錯誤") == tokens("我想申请退货，网路很慢，账单错误")


def test_no_folded_character_is_one_that_would_be_folded_again() -> None:
    assert not {ord(form) for form in _SIMPLIFIED.values()} & _SIMPLIFIED.keys()
    assert all(len(form) == 1 for form in _SIMPLIFIED.values()), "places in a text would move"


def test_the_same_word_in_another_writing_is_the_same_word() -> None:
    assert tokens("帐号 回覆 妳 祂") == tokens("账号 回复 你 他")


def test_full_width_and_upper_case_letters_are_the_plain_ones() -> None:
    assert tokens("ＷｉＦｉ ROUTER café") == tokens("wifi router cafe")


def test_chinese_gives_characters_pairs_and_longer_words() -> None:
    found = tokens("无线路由器")
    assert set("无线路由器") <= set(found)
    assert {"无线", "线路", "路由", "由器"} <= set(found)
    assert "路由器" in found


def test_an_english_word_keeps_its_exact_form_beside_its_stem() -> None:
    assert tokens("refunds") == ["refunds", "refund"]
    assert set(tokens("cancellation")) & set(tokens("cancelled")) == {"cancel"}


@pytest.mark.parametrize("code", ["lk-2026-004821", "66018342", "400-810-2233", "a.b@example.org"])
def test_a_code_stays_whole(code: str) -> None:
    assert code in tokens(f"about {code.upper()}, please")


def test_a_code_is_found_by_its_parts_and_without_its_hyphens() -> None:
    found = tokens("LK-2026-004821")
    assert {"004821", "lk2026004821", "lk"} <= set(found)


def test_wi_fi_is_wifi() -> None:
    assert set(tokens("Wi-Fi")) & set(telling_tokens("wifi"))
    assert set(tokens("wifi")) & set(telling_tokens("Wi-Fi"))


def test_a_possessive_and_an_apostrophe_do_not_hide_the_word() -> None:
    assert "customer" in tokens("the customer's router")
    assert tokens("don’t") == tokens("don't")


def test_stop_words_are_left_out_of_a_query_that_has_something_better() -> None:
    assert telling_tokens("how do I get my refund") == ["refund"]
    assert telling_tokens("请问怎么退款") == ["退款"]


@pytest.mark.parametrize("query", ["the who", "怎么办", "是不是", "it"])
def test_a_query_of_stop_words_alone_still_asks_for_them(query: str) -> None:
    assert telling_tokens(query)
    assert set(telling_tokens(query)) <= set(tokens(query))


def test_a_repeated_word_weighs_more_but_not_without_end() -> None:
    once, often = weighted_query_tokens("router")["router"], weighted_query_tokens("router " * 50)["router"]
    assert once < often <= 3


def test_a_text_without_words_has_no_tokens() -> None:
    assert tokens("?! …  \n—") == []
    assert telling_tokens("，。？") == []


@given(st.text(max_size=200))
def test_any_text_can_be_cut_and_no_token_breaks_the_index(text: str) -> None:
    for token in [*tokens(text), *telling_tokens(text)]:
        assert token
        assert len(token) <= MAX_TOKEN
        assert not any(char.isspace() for char in token)


@given(st.text(alphabet="退款怎么申请网络很慢账单the refunds how to wifi-5 LK20", min_size=1, max_size=30))
def test_a_text_is_found_by_a_query_of_the_same_words(text: str) -> None:
    asked = telling_tokens(text)
    assert not asked or set(asked) & set(tokens(text))


@given(st.text(max_size=100))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
