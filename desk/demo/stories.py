"""Reads the demo's stories: what its customers write, what they are answered and what settles it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parent / "content" / "stories"


@dataclass(frozen=True)
class Story:
    """One matter. `wish` is what a complainant wants; for a complaint `answer` is the decision and `end` its outcome."""

    category: str
    subject: str
    text: str
    answer: str
    end: str
    wish: str = ""

    def told(self, name: str, chance: Random) -> Story:
        """The same story of somebody with this name, with numbers of an order and of an account."""
        words = {
            "{name}": name.split(maxsplit=1)[0],
            "{order}": f"LK-2026-{chance.randrange(1000, 9999):06d}",
            "{account}": f"66{chance.randrange(10_000, 999_999):06d}",
        }
        return replace(self, text=_filled(self.text, words), answer=_filled(self.answer, words))


@cache
def stories(kind: str, locale: str) -> tuple[Story, ...]:
    """All stories of a kind (`stories` or `complaints`) in a language; raises ValueError for one that lacks a part."""
    text = (FOLDER / f"{kind}-{locale}.md").read_text(encoding="utf-8")
    return tuple(_read(block) for block in text.split("\n## ")[1:])


def _read(block: str) -> Story:
    heading, *lines = block.strip().splitlines()
    category, bar, subject = heading.partition(" | ")
    parts: dict[str, list[str]] = {"": [], ">": [], "=": [], "~": []}
    for line in lines:
        mark = line[0] if line[:2] in ("> ", "= ", "~ ") else ""
        parts[mark].append(line[2:] if mark else line)
    story = Story(category, subject, *("\n".join(parts[mark]).strip() for mark in ("", ">", "=", "~")))
    if not (bar and story.text and story.answer and story.end):
        raise ValueError(f"the story “{heading}” lacks a part")
    return story


def _filled(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text
