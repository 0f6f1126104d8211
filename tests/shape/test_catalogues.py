"""Every sentence that a person may read is there in Chinese too, with the same values in it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from tests.shape.source import ROOT

CHINESE = ROOT / "desk/translations/zh/LC_MESSAGES/messages.po"
VALUE = re.compile(r"%\((\w+)\)[sd]")


@pytest.fixture(scope="module")
def used(tmp_path_factory) -> Catalog:
    """What code and pages say now, gathered by the project's own command."""
    path = tmp_path_factory.mktemp("catalogue") / "messages.pot"
    done = subprocess.run([ROOT / ".ci/catalogue", path], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return read(path)


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    return read(CHINESE)


def test_the_pages_and_the_code_say_something(used):
    assert len(used) > 200, "the command looks in the wrong place"


def test_every_sentence_has_a_translation(used, chinese):
    assert [message.id for message in used if message.id and not translated(chinese, message)] == []


def test_no_translation_is_only_a_guess(chinese):
    assert [message.id for message in chinese if message.id and message.fuzzy] == []


def test_every_translation_has_the_values_of_its_sentence(used, chinese):
    pairs = [(message.id, text) for message in used if message.id for text in texts_of(chinese, message)]
    assert len(pairs) > 200
    # A plural may leave its number out: Chinese has one form for all.
    assert [pair for pair in pairs if pair[1] and (values(pair[0]) ^ values(pair[1])) - {"num"}] == []


def test_nothing_is_translated_that_nobody_says(used, chinese):
    assert [message.id for message in chinese if message.id and used.get(message.id, message.context) is None] == []


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh")


def texts_of(catalogue: Catalog, message) -> tuple[str, ...]:
    found = catalogue.get(message.id, message.context)
    if found is None:
        return ("",)
    return tuple(found.string) if isinstance(found.string, tuple | list) else (found.string,)


def translated(catalogue: Catalog, message) -> bool:
    return all(texts_of(catalogue, message))


def values(text_or_texts) -> set[str]:
    texts = text_or_texts if isinstance(text_or_texts, tuple | list) else (text_or_texts,)
    return {name for text in texts for name in VALUE.findall(text)}
