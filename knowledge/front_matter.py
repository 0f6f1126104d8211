"""Read and write an article as a Markdown file with `key: value` lines between two `---` lines at its head.

In a folder of such files, what belongs to the article `refund-en` lies in a folder `refund-en` beside `refund-en.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from knowledge.article import Article, File

_FENCE = "---"
_WORDS = ("question", "summary", "environment", "category", "state", "confidence")
_KEYS = {"id", "lang", "title", "audience", "tags", "products", "twin", "updated", "cause", *_WORDS}


class FrontMatterError(ValueError):
    """The head of an article file cannot be read; the text says which line and why."""


def read_markdown_article(text: str) -> Article:
    """The article in `text`. id, lang and title are needed; `updated` is a date (`2026-10-01`, UTC), `tags` have commas between.

    Raises FrontMatterError.
    """
    head, body = _split(text)
    try:
        return Article(
            id=head.get("id", ""),
            lang=head.get("lang", ""),  # type: ignore[arg-type]  # Article checks it
            title=head.get("title", ""),
            text=body,
            audience=head.get("audience", "public"),  # type: ignore[arg-type]
            tags=_listed(head.get("tags", "")),
            products=_listed(head.get("products", "")),
            twin=head.get("twin") or None,
            updated_at=_at_midnight(head["updated"]) if "updated" in head else 0.0,
            cause=_unquoted(head.get("cause", "")),
            **{name: head.get(name, "") for name in _WORDS},
        )
    except FrontMatterError:
        raise
    except ValueError as error:
        raise FrontMatterError(str(error)) from error


def write_markdown_article(article: Article) -> str:
    """The article as `read_markdown_article` reads it, without what is empty. A cause of several lines is a JSON string."""
    values = {"id": article.id, "lang": article.lang, "title": article.title, "audience": article.audience}
    values |= {"tags": ", ".join(article.tags), "products": ", ".join(article.products), "twin": article.twin or ""}
    values |= {"updated": f"{datetime.fromtimestamp(article.updated_at, UTC):%Y-%m-%d}" if article.updated_at else ""}
    values |= {name: getattr(article, name) for name in _WORDS}
    head = [f"{key}: {' '.join(value.split())}" for key, value in values.items() if value]
    if article.cause:
        head.append(f"cause: {json.dumps(article.cause, ensure_ascii=False)}")
    return "\n".join([_FENCE, *head, _FENCE, "", article.text.strip(), ""])


def read_folder(folder: Path) -> list[Article]:
    """All articles of a folder with their files. Raises FrontMatterError, which names the article's file, and OSError."""
    articles = []
    for path in sorted(folder.glob("*.md")):
        try:
            article = read_markdown_article(path.read_text("utf-8"))
        except (FrontMatterError, UnicodeDecodeError) as error:
            raise FrontMatterError(f"{path.name}: {error}") from error
        beside = path.with_suffix("")
        files = sorted(each for each in beside.iterdir() if each.is_file()) if beside.is_dir() else ()
        articles.append(replace(article, files=tuple(File(each.name, each.read_bytes()) for each in files)))
    return articles


def write_folder(folder: Path, articles: Iterable[Article]) -> int:
    """Write each article and its files; returns how many articles. The ids and names must do for files. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for article in articles:
        (folder / f"{article.id}.md").write_text(write_markdown_article(article), "utf-8")
        for file in article.files:
            (folder / article.id).mkdir(exist_ok=True)
            (folder / article.id / file.name).write_bytes(file.data)
        count += 1
    return count


def _listed(value: str) -> tuple[str, ...]:
    return tuple(each for raw in value.split(",") if (each := raw.strip()))


def _unquoted(value: str) -> str:
    """A value of several lines is written as a JSON string."""
    try:
        inside = json.loads(value) if value.startswith('"') else value
    except ValueError:
        return value
    return inside if isinstance(inside, str) else value


def _split(text: str) -> tuple[dict[str, str], str]:
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].strip() != _FENCE:
        raise FrontMatterError("line 1: an article file begins with ---")
    head: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() == _FENCE:
            return head, "\n".join(lines[number:]).strip() + "\n"
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        key = key.strip()
        if not colon or key not in _KEYS:
            raise FrontMatterError(f"line {number}: expected one of {', '.join(sorted(_KEYS))} and a colon")
        if key in head:
            raise FrontMatterError(f"line {number}: {key} is there twice")
        head[key] = value.strip()
    raise FrontMatterError("the head of the article is not closed by ---")


def _at_midnight(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise FrontMatterError(f"updated: {date!r} is not a date like 2026-10-01") from error
