"""Every kind of event that the desk writes has words for the audit log, and every noun a place in its filter."""

from __future__ import annotations

import ast
import re

from desk.queries.audit import NOUNS
from desk.web.event_words import EVENTS
from tests.shape.source import project

KIND = re.compile(r"[a-z_]+\.[a-z_]+")
NOT_TOLD = {"composing", "demo", "mailbox", "timer"}  # what nobody looks for by its noun


def emitted():
    """The kinds that are written out where `tx.emit` is called."""
    for module in project():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call):
                continue
            emits = isinstance(node.func, ast.Attribute) and node.func.attr == "emit"
            tells = isinstance(node.func, ast.Name) and node.func.id == "tell"
            for part in (found for each in node.args if emits or tells for found in ast.walk(each)):
                if isinstance(part, ast.Constant) and KIND.fullmatch(str(part.value)):
                    yield part.value


def test_every_event_has_words():
    found = set(emitted())
    assert len(found) > 80
    assert found - set(EVENTS) == set()


def test_every_noun_of_an_event_can_be_looked_for():
    assert {kind.split(".")[0] for kind in EVENTS} - NOT_TOLD == set(NOUNS)
