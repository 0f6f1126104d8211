"""The commands. Each module has `add(commands)`, which describes it, and the function that does it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

MODULES = ("serve", "web", "grown", "migrate", "demo", "people", "mail", "kb", "simulate", "staff", "bench", "doctor", "backup")


def modules(words: Sequence[str]) -> list[ModuleType]:
    """The module of the command that `words` ask for, or all: most bring the whole desk with them, which takes seconds."""
    named = [name for name in words[:1] if name in MODULES]
    return [import_module(f"desk.commands.{name}") for name in named or MODULES]
