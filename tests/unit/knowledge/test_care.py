"""What the knowledge is kept by: nothing personal in it, topics without an answer, health, words that mean the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.equal_words import EqualWords
from knowledge.gaps import Asked, topics
from knowledge.health import Signs, health
from knowledge.private import HIDDEN, secrets_in, without_personal

SIGNS = Signs(age_s=0, review_in_s=1, helpful=0, unhelpful=0, used_90_days=0, open_flags=0, is_complete=True)
DAY_S = 86_400


ADDRESSES = ("li.na@customers.example", "138 0013 8000", "+86-138-0013-8000", "(010) 6552 9988", "https://x.example/t?k=1")
NUMBERS = ("LK-2026-0815", "4111 1111 1111 1111", "11010519491231002X")


@pytest.mark.parametrize("personal", [*ADDRESSES, *NUMBERS, "Li Na", "li na", "Na", "李娜"])
def test_what_belongs_to_a_person_is_taken_out(personal):
    cleaned = without_personal(f"Please look at {personal}, the router blinks red.", ["Li Na", "李娜"])
    assert personal not in cleaned
    assert cleaned.endswith("the router blinks red.")
    assert HIDDEN in cleaned


@pytest.mark.parametrize("plain", ["It costs 149 yuan.", "Since 2026-11-20 at 10:30", "Natural light", "500/100 Mbit/s"])
def test_ordinary_words_and_figures_stay(plain):
    assert without_personal(plain, ["Li Na"]) == plain


def test_greetings_go_and_what_was_said_stays():
    assert without_personal("Dear Sir,\nthe lamp is red.\nBest regards\nLi Na", ["Li Na"]).startswith("the lamp is red.")


def test_only_numbers_with_the_right_check_digit_are_cards_or_identities():
    assert secrets_in("4111 1111 1111 1111 11010519491231002X") == ["11010519491231002X", "4111 1111 1111 1111"]
    assert secrets_in("4111 1111 1111 1112 110105194912310021 400 810 8888 000000000000000") == []


def test_a_topic_is_what_enough_questions_share_and_hardly_any_article_answers():
    asked = [Asked(n, "billing", f"The eSIM number {n} costs", "en", answered=n == 0) for n in range(6)]
    (found,) = topics(asked)
    assert (found.ids, found.answered, found.group, found.lang) == ((5, 4, 3, 2, 1, 0), 1, "billing", "en")
    assert topics(asked[:4]) == []
    assert topics([*asked, Asked(9, "billing", "eSIM costs number", "en", answered=True)]) == []
    assert topics([Asked(n, f"{n}", "eSIM", "en", answered=False) for n in range(9)]) == []


def test_a_chinese_topic_is_found_by_its_words():
    asked = [
        Asked(n, "", text, "zh", answered=False)
        for n, text in enumerate(("怎么办理漫游", "漫游收费吗", "漫游没信号", "取消漫游", "漫游"))
    ]
    assert [topic.label.split()[0] for topic in topics(asked)] == ["漫游"]


def test_each_question_counts_in_one_topic_only():
    asked = [Asked(n, "", "router lamp", "en", answered=False) for n in range(5)]
    asked += [Asked(n, "", "lamp", "en", answered=False) for n in range(5, 8)]
    assert [len(topic.ids) for topic in topics(asked)] == [8]


def test_health_is_the_sum_of_its_parts():
    best = replace(SIGNS, helpful=10_000, used_90_days=50)
    assert health(best) == 100
    assert health(SIGNS) == round(30 + 12.5 + 15 + 10)
    assert health(best) - health(replace(best, open_flags=2)) == 15
    assert health(best) - health(replace(best, is_complete=False)) == 10
    assert health(best) - health(replace(best, review_in_s=-90 * DAY_S)) == 30
    assert health(best) - health(replace(best, review_in_s=None, age_s=365 * DAY_S)) == 30
    assert health(replace(SIGNS, helpful=3)) < health(replace(SIGNS, helpful=30))
    assert health(replace(SIGNS, unhelpful=30)) < health(SIGNS)


def test_words_that_mean_the_same_are_found_whole_and_as_they_are_written():
    same = EqualWords([["WiFi", "wireless", "無線網絡"], ["退款", "money back"], ["", "!"], ["alone"]])
    assert same.others("my WIRELESS is slow") == ["wifi", "无线网络"]
    assert same.others("wirelessly") == []
    assert same.others("我的无线网络") == ["wifi", "wireless"]
    assert same.others("get my money back!") == ["退款"]
    assert same.others("") == same.others("alone") == []


def test_equal_words_count_for_less_than_what_was_asked():
    weights = {"refund": 1.0}
    assert EqualWords([["refund", "repayment"]]).add_to(weights, "refund") == ["repayment"]
    assert 0 < weights["repayment"] < weights["refund"]
