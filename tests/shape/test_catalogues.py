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
    wrong = []
    for message in used:
        if message.id and translated(chinese, message):
            theirs = chinese.get(message.id, message.context).string
            for text in theirs if isinstance(theirs, tuple | list) else (theirs,):
                if set(VALUE.findall(text)) - values(message.id) or (values(message.id) - set(VALUE.findall(text)) - {"num"}):
                    wrong.append((message.id, text))
    assert wrong == []


def test_nothing_is_translated_that_nobody_says(used, chinese):
    assert [message.id for message in chinese if message.id and used.get(message.id, message.context) is None] == []


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh")


def translated(catalogue: Catalog, message) -> bool:
    found = catalogue.get(message.id, message.context)
    if found is None:
        return False
    return all(found.string) if isinstance(found.string, tuple | list) else bool(found.string)


def values(id_) -> set[str]:
    return {name for text in (id_ if isinstance(id_, tuple | list) else (id_,)) for name in VALUE.findall(text)}
