"""What set-up installs is exact, explained, and what the pages ask for."""

from __future__ import annotations

import json
import re

import pytest

from tests.shape.source import ROOT

REASONS = (ROOT / "docs/decisions/dependencies.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["requirements.txt", "tests/requirements.txt"])
def test_every_python_package_has_an_exact_version(path):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert [line for line in packages if not re.fullmatch(r"[a-z0-9-]+(\[[a-z]+\])?==[0-9][0-9a-z.]*(; .+)?", line)] == []


def test_every_direct_dependency_has_its_reason():
    assert sorted(_direct_dependencies()) == sorted(_explained())


def test_every_npm_package_has_an_exact_version_and_the_lock_names_no_registry():
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    ranges = {**package["dependencies"], **package["devDependencies"]}
    assert {name: wanted for name, wanted in ranges.items() if not re.fullmatch(r"\d+\.\d+\.\d+", wanted)} == {}
    installed = {path: entry for path, entry in lock["packages"].items() if path}
    assert [path for path, entry in installed.items() if "resolved" in entry or "integrity" not in entry] == []


def test_set_up_copies_every_browser_library_that_a_page_asks_for():
    copied = {
        line.removesuffix("; do").rstrip(" \\").rpartition("/")[2]
        for line in (ROOT / ".ci/vendor").read_text(encoding="utf-8").splitlines()
    }
    asked = {
        name
        for folder, pattern in (("templates", "*.html"), ("desk/static/js", "*.js"), ("desk/web", "*.py"))
        for path in (ROOT / folder).rglob(pattern)
        for name in re.findall(r"vendor/([\w.-]+\.(?:js|css))", path.read_text(encoding="utf-8"))
    }
    assert asked
    assert asked - copied == set()


def _direct_dependencies() -> set[str]:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    python = {
        re.split(r"[\[=]", line)[0]
        for path in ("requirements.txt", "tests/requirements.txt")
        for line in (ROOT / path).read_text(encoding="utf-8").partition("# What those bring")[0].splitlines()
        if line and not line.startswith(("#", "-r "))
    }
    return python | package["dependencies"].keys() | package["devDependencies"].keys()


def _explained() -> set[str]:
    rows = re.findall(r"^\| ([\w.@/-]+)(?: \(tests only\))? \|", REASONS, re.MULTILINE)
    return set(rows) - {"Package", "---"}
