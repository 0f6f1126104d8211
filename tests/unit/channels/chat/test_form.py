"""What visitors send, made fit to use."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.chat import inbound
from channels.chat.form import Refused, VisitorForm, read_letter, read_opening, read_said
from channels.chat.secret import digest, external_id, identity, is_token, new_token, prefix
from channels.chat.words import clean, clean_line

FILLED = {"client_id": "0123-4567-89ab", "name": " Wang\tWei ", "topic": "billing", "text": "Hello\r\nthere ", "locale": "zh"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_a_filled_in_form_is_read_as_meant():
    assert read_opening(FILLED) == VisitorForm("0123-4567-89ab", "Wang Wei", "", "billing", "Hello\nthere", "zh", "")


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("https://shop.example/cart?session=1#pay", "https://shop.example/cart"),
        ("javascript:alert(1)", ""),
        (None, ""),
        ("https://shop.example/" + "x" * 1000, "https://shop.example/" + "x" * 479),
    ],
)
def test_of_the_page_only_its_place_is_kept(page, kept):
    assert read_opening({**FILLED, "page_url": page}).page_url == kept


@pytest.mark.parametrize("locale", ["fr", "", None, 7, "EN"])
def test_a_language_we_do_not_have_is_none(locale):
    assert read_opening({**FILLED, "locale": locale}).locale == ""


def test_all_faults_are_told_at_once():
    with pytest.raises(Refused) as refused:
        read_letter({"client_id": "0123-4567-89ab", "topic": ""})
    assert sorted(refused.value.fields) == ["email", "name", "text", "topic"]


@pytest.mark.parametrize(
    "email", ["a", "a@b", "a b@example.com", "a@example.com, b@example.com", "<a@example.com>", "a@" + "x" * 260 + ".com"]
)
def test_what_is_no_address_is_refused(email):
    with pytest.raises(Refused) as refused:
        read_opening({**FILLED, "email": email})
    assert list(refused.value.fields) == ["email"]


@given(st.dictionaries(st.sampled_from(["client_id", "name", "email", "topic", "text", "locale", "page_url"]), ANYTHING))
def test_whatever_is_sent_is_read_or_refused(data):
    for read in (read_opening, read_letter, read_said):
        with suppress(Refused):
            assert str(read(data)).encode()


@given(st.text(alphabet=st.characters(), max_size=50))
def test_clean_text_can_always_be_kept(text):
    kept = clean(text)
    assert "\x00" not in kept
    assert kept.encode().decode() == kept
    assert clean(kept) == kept


def test_halves_that_belong_together_become_one_character():
    assert clean("\ud83d\ude00") == "😀"
    assert clean("\ud83d") == "\ufffd"


def test_a_name_is_one_line():
    assert clean_line(" a\n\tb\u3000c ", 5) == "a b c"
    assert clean_line("abcdef", 3) == "abc"


def test_tokens_are_unlike_one_another_and_give_nothing_away():
    one, other = new_token(), new_token()
    assert one != other
    assert is_token(one)
    assert one not in digest(one)
    assert identity(one) != identity(other)
    assert digest(one) != digest(other)


def test_the_chats_of_one_browser_share_its_identity_and_nothing_else():
    browser = new_token().partition(".")[0]
    first, second = f"{browser}.the-first", f"{browser}.the-second"
    assert identity(first) == identity(second)
    assert prefix(digest(first)) != prefix(digest(second))
    assert external_id(digest(first), "abc").startswith(prefix(digest(first)))


@pytest.mark.parametrize(
    "value", [None, 7, "", "a.b", "x" * 40, "x" * 40 + ".", "x" * 40 + ".a b c d e f", "x" * 65 + ".12345678", ["x"]]
)
def test_what_is_no_token_is_refused(value):
    assert not is_token(value)


def test_who_gives_an_address_is_known_by_it_and_others_by_their_browser():
    with_mail = inbound.opening(read_opening({**FILLED, "email": "W@Example.com"}), external_id="e", identity="i")
    without = inbound.opening(read_opening(FILLED), external_id="e", identity="i")
    assert (with_mail.sender.kind, with_mail.sender.value) == ("email", "w@example.com")
    assert (without.sender.kind, without.sender.value) == ("chat", "i")


def test_a_letter_is_the_same_message_each_time_it_is_sent():
    letter = read_letter({**FILLED, "email": "w@example.com"})
    assert inbound.letter(letter, identity="i").external_id == inbound.letter(letter, identity="i").external_id
    assert inbound.letter(letter, identity="i").external_id != inbound.letter(letter, identity="j").external_id
