"""The letters that the desk writes by itself can be written otherwise, in both languages, without losing what they are for."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk.actions.editing import fingerprint
from desk.actions.mail import letters
from desk.errors import Conflict, Invalid
from desk.events import Event
from desk.letter_texts import LANGUAGES, LETTERS, NEEDED, has_subject, places_in, places_of
from desk.models import Setting
from desk.queries.mail.letters import all_letters, as_kept, texts_of

EN = ("Thanks [#{number}]", "We have “{subject}”. Number {number}.")
ZH = ("已收到 [#{number}]", "您好！编号 {number}。")


def changed(tx):
    return [event.data for event in tx.session.scalars(select(Event).where(Event.kind == "letter.changed").order_by(Event.id))]


@pytest.mark.parametrize("kind", LETTERS)
def test_the_built_in_letters_keep_the_rules_that_others_must_keep(kind):
    assert [wrong for language in LANGUAGES for wrong in letters._wrong(kind, language, *LETTERS[kind][language])] == []
    assert set(NEEDED[kind]) <= set(places_of(kind))
    assert len({frozenset(places_in(subject + text)) for subject, text in LETTERS[kind].values()}) == 1


def test_a_letter_written_otherwise_is_sent_so_and_can_be_as_it_was(house):
    with house.tx() as tx:
        assert letters.set_letter(tx, "received", {"en": EN, "zh": ZH})
        assert not letters.set_letter(tx, "received", {"en": EN, "zh": ZH})
    with house.tx() as tx:
        said = letters.write(tx, "received", "en", number=10001, subject="{number} %s {0.__class__}\nBcc: x@y.example")
        assert said == ("Thanks [#10001]", "We have “{number} %s {0.__class__}\nBcc: x@y.example”. Number 10001.")
        assert letters.write(tx, "received", "zh", number=10001, subject="x")[0] == "已收到 [#10001]"
        assert [kind for kind, (_, is_own) in all_letters(tx.session).items() if is_own] == ["received"]
        assert letters.set_letter(tx, "received", LETTERS["received"])
    with house.tx() as tx:
        assert texts_of(tx.session, "received") == LETTERS["received"]
        assert tx.session.scalars(select(Setting).where(Setting.key == "letter.received")).all() == []
        first, second = changed(tx)
        assert first["new"]["en.subject"] == second["old"]["en.subject"] == EN[0]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("en.text", ""),
        ("zh.text", "   "),
        ("zh.text", "编号 {nummer}，{number}"),
        ("en.text", "x" * 5001),
        ("en.subject", "Thanks"),
        ("en.subject", "Thanks {number}"),
        ("zh.subject", "谢谢 [#{number}]\nBcc: x@y.example"),
        ("zh.subject", "谢谢 [#{number}] {who}"),
        ("en.subject", "x" * 150 + "[#{number}]"),
    ],
)
def test_what_a_letter_cannot_be_is_said_of_its_field(house, field, text):
    kept = {**as_kept({"en": EN, "zh": ZH}), field: text}
    texts = {language: (kept[f"{language}.subject"], kept[f"{language}.text"]) for language in LANGUAGES}
    with house.tx() as tx, pytest.raises(Invalid) as refused:
        letters.set_letter(tx, "received", texts)
    assert list(refused.value.fields) == [field]


def test_a_letter_cannot_lose_what_it_is_for(house):
    for kind in LETTERS:
        subject = "x [#{number}]" if has_subject(kind) else ""
        with house.tx() as tx, pytest.raises(Invalid) as refused:
            letters.set_letter(tx, kind, {**LETTERS[kind], "zh": (subject.replace("[#{number}]", ""), "没有")})
        assert "zh.text" in refused.value.fields


def test_who_saves_second_is_told(house):
    with house.tx() as tx:
        seen = fingerprint(as_kept(texts_of(tx.session, "received")))
        letters.set_letter(tx, "received", {"en": EN, "zh": ZH}, seen=seen)
        with pytest.raises(Conflict):
            letters.set_letter(tx, "received", {"en": ("Hi [#{number}]", EN[1]), "zh": ZH}, seen=seen)
