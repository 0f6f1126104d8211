"""Every sentence that a person may read is there in Chinese too, with the same values in it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from desk.config import LOCALES
from tests.shape.source import ROOT

CHINESE = ROOT / "desk/translations/zh/LC_MESSAGES/messages.po"
VALUE = re.compile(r"%\((\w+)\)[sd]")
BRACED = re.compile(r"\{(\w+)\}")
SENTENCE = re.compile(r"[A-Z“].* .*[.?!]")
WRITTEN_OUT = re.compile(r"(?<![\w&#.])[A-Z][a-z]{2,}")
HAN = re.compile(r"[\u4e00-\u9fff]")
NAMES = {"English", "Zhao", "Lei"}  # a language by its own name; a person in the style guide


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


def test_no_sentence_has_a_lone_percent_sign(used, chinese):
    """On a page every sentence is filled in, also one without values: a per cent sign that stands alone would break the page."""
    said = {text for catalogue in (used, chinese) for message in catalogue for text in (*each(message.id), *each(message.string))}
    assert len(said) > 400
    assert [text for text in said if "%" in VALUE.sub("", text).replace("%%", "")] == []


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


def test_chinese_has_one_form_for_all_numbers(chinese):
    assert chinese.num_plurals == 1
    assert [message.id for message in chinese if isinstance(message.string, tuple | list) and len(message.string) != 1] == []


def test_chinese_is_written_with_chinese_marks(chinese):
    """No comma, colon or full stop of Latin text beside Chinese, and six dots, not three."""
    wrong = re.compile(r"[\u4e00-\u9fff][,;:?!.](?![\w/])|[\u4e00-\u9fff]…(?!…)|[\u4e00-\u9fff]\(")
    assert [text for message in chinese if message.id for text in texts_of(chinese, message) if wrong.search(text)] == []


def test_every_sentence_kept_for_later_is_marked_for_the_translators():
    """A sentence put at a field's name or into a table is translated far from there: only the mark lets it be gathered."""
    bare = [
        (str(path.relative_to(ROOT)), value.lineno, value.value)
        for path, tree in trees("actions", "http", "live", "queries", "web")
        for value in kept_values(tree)
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and SENTENCE.fullmatch(value.value)
    ]
    assert bare == []


def test_every_text_written_in_two_languages_has_both_with_the_same_values():
    texts = [(path, node) for path, tree in trees("") for node in ast.walk(tree) if is_by_language(node)]
    assert len(texts) > 20
    assert [(str(path.relative_to(ROOT)), node.lineno) for path, node in texts if not says_the_same(node)] == []


def test_pages_say_nothing_that_is_not_translated():
    """Whatever stands in a template outside of tags and expressions is the same in every language."""
    told = {path: WRITTEN_OUT.findall(bare_text(path)) for path in (ROOT / "templates").rglob("*.html")}
    assert {str(path): words for path, words in told.items() if set(words) - NAMES and "styleguide" not in str(path)} == {}


def trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / "desk" / folder).rglob("*.py")):
            if "demo" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def kept_values(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and not is_by_language(node):
            yield from node.values
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            yield node.value


def is_by_language(node: ast.AST) -> bool:
    return isinstance(node, ast.Dict) and bool(node.keys) and {literal(key) for key in node.keys} <= set(LOCALES)


def says_the_same(node: ast.Dict) -> bool:
    texts = {literal(key): leaves(value) for key, value in zip(node.keys, node.values, strict=True)}
    if set(texts) != set(LOCALES) or len({len(each) for each in texts.values()}) > 1:
        return False
    pairs = zip(texts["en"], texts["zh"], strict=True)
    return all(bool(en) == bool(zh) and not HAN.search(en) and braced(en) == braced(zh) for en, zh in pairs)


def leaves(value: ast.expr) -> list[str]:
    """The texts in a value; parts that stand side by side are one text already."""
    return [each.value for each in ast.walk(value) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def braced(text: str) -> set[str]:
    return set(BRACED.findall(text)) | set(VALUE.findall(text))


def literal(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def bare_text(path: Path) -> str:
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "\x00", source, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "\x00", source)


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


def each(text_or_texts) -> tuple[str, ...]:
    return tuple(text_or_texts) if isinstance(text_or_texts, tuple | list) else (text_or_texts,)


def values(text_or_texts) -> set[str]:
    return {name for text in each(text_or_texts) for name in VALUE.findall(text)}
