"""What an author writes is shown, and what an attacker writes is not run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.markdown import to_html, to_text


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox)",
        "![x](javascript:alert(1))",
        '[x](https://e.example "\\" onmouseover=alert(1)")',
        "<a href='javascript:alert(1)'>x</a>",
        "<svg/onload=alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
    ],
)
def test_nothing_in_the_source_becomes_a_script(attack: str) -> None:
    tags = re.findall(r"<[^>]*>", to_html(attack))
    assert not [tag for tag in tags if re.search(r"script|\son\w+\s*=|<svg|data:", re.sub(r'"[^"]*"', '""', tag), re.IGNORECASE)]
    assert not [tag for tag in tags if re.search(r'(href|src)="(javascript|data|vbscript)', tag, re.IGNORECASE)]


def test_a_heading_has_an_id_from_its_words_and_two_alike_have_two_ids() -> None:
    html = to_html("## 怎么退款\n\n## Step 1: *go*\n\n## Step 1: go\n")
    assert 'id="kb-怎么退款"' in html
    assert 'id="kb-step-1-go"' in html
    assert 'id="kb-step-1-go-2"' in html


def test_headings_start_below_the_title_of_the_page() -> None:
    assert "<h1" not in to_html("# Title")
    assert "<h2" in to_html("# Title")


def test_a_table_keeps_its_alignment_without_a_style_attribute() -> None:
    html = to_html("| a | b |\n|:-|-:|\n| 1 | 2 |")
    assert '<td class="align-right">2</td>' in html
    assert "style=" not in html


def test_a_link_out_does_not_hand_over_the_window() -> None:
    assert 'rel="noopener noreferrer"' in to_html("[site](https://example.org)")
    assert 'href="tel:+14155550142"' in to_html("[call](tel:+14155550142)")
    assert 'href="/articles/7#kb-a"' in to_html("[other](/articles/7#kb-a)")


def test_plain_text_has_the_words_of_headings_lists_tables_code_and_pictures() -> None:
    markdown = "# One *two*\n\n- three `four`\n- five\n\n| six | seven |\n|-|-|\n| 八 | 九 |\n\n```\nten\n```\n![eleven](x.png)"
    assert to_text(markdown) == "One two\nthree four\nfive\nsix seven\n八 九\nten\neleven"


def test_text_without_markup_is_its_own_plain_text() -> None:
    assert to_text("您好。\n\n  第二行  \n") == "您好。\n第二行"


def test_angle_brackets_stay_text() -> None:
    assert to_text("press <b> now") == "press <b> now"
    assert "&lt;b&gt;" in to_html("press <b> now")


@given(st.text(max_size=300))
def test_any_text_becomes_html_and_plain_text(markdown: str) -> None:
    assert "<script" not in to_html(markdown).lower()
    assert isinstance(to_text(markdown), str)
