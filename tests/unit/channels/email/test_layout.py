"""What a mail of ours looks like, as text and as HTML; whatever words stand in it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.html_text import html_to_text
from channels.email.layout import MOST_LINES, Quoted, html, plain
from channels.email.reply_text import reply_text

TEXT = """Dear Li Na,

please do this:
- open **the lid**
- press [reset](https://desk.example/how-to)

1. wait
2. look at https://desk.example/a?b=1&c=2.

> what you said

Bye"""
QUOTED = Quoted("在 2026年3月5日 14:02，李娜 写道：", "It is dead.\nReally.")


class Tags(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.names, self.links = set(), set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]


def test_the_text_part_reads_well_without_marks():
    text = plain(TEXT, signature="Maya\nLakelight", quoted=QUOTED)
    assert "- open the lid\n- press reset (https://desk.example/how-to)" in text
    assert "\n\n-- \nMaya\nLakelight\n\n在 2026年3月5日 14:02，李娜 写道：\n> It is dead.\n> Really.\n" in text


def test_the_html_part_has_paragraphs_lists_links_and_a_history_that_folds():
    page = html(TEXT, locale="zh", signature="Maya\nLakelight", quoted=QUOTED)
    found = Tags(page)
    assert {"p", "ul", "ol", "li", "strong", "a", "blockquote"} <= found.tags
    assert found.links == ["https://desk.example/how-to", "https://desk.example/a?b=1&c=2"]
    assert 'class="gmail_quote"' in page
    assert 'lang="zh-CN"' in page
    assert "Dear Li Na,</p>" in page
    assert "style" in found.names
    assert "<style" not in page


def test_a_letter_without_a_writer_has_the_company_below():
    page = html("Hello", locale="en", footer="Lakelight & Co")
    assert "Lakelight &amp; Co" in page
    assert "-- " not in page


def test_a_long_history_is_cut():
    assert plain("x", quoted=Quoted("On Monday, Li wrote:", "line\n" * 5000)).count("> line") == MOST_LINES


@pytest.mark.parametrize("quoted", [QUOTED, Quoted("On 5 March 2026, 14:02, Li Na wrote:", "It is dead.")])
def test_what_we_quote_is_cut_off_again_when_it_comes_back(quoted):
    ours = plain("Please press reset.", signature="Maya", quoted=quoted)
    answer = "It works!\n\n" + quoted.intro.replace("李娜", "湖光") + "\n" + "\n".join(f"> {line}" for line in ours.splitlines())
    assert reply_text(answer) == "It works!"


@given(st.text(max_size=400))
def test_no_words_become_markup(words):
    hostile = f"<script>{words}</script>\n[{words}](https://x.example/{words})\n- {words}\n> {words}\n**{words}**"
    page = html(hostile, locale="en", signature=words, footer=words, quoted=Quoted(words, hostile))
    found = Tags(page)
    allowed = "html head meta body div p br ul ol li a strong blockquote"
    assert found.tags <= set(allowed.split())
    assert found.names <= {"lang", "charset", "name", "content", "style", "class", "type", "href", "start"}
    assert all(link.startswith(("http://", "https://")) for link in found.links)
    assert isinstance(html_to_text(page), str)
