"""Read and write an article as a Markdown file with `key: value` lines between two `---` lines at its head."""

from __future__ import annotations

from datetime import UTC, datetime

from knowledge.article import Article

_FENCE = "---"
_KEYS = {"id", "lang", "title", "audience", "tags", "twin", "updated", "question", "summary"}


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
            tags=tuple(tag for raw in head.get("tags", "").split(",") if (tag := raw.strip())),
            twin=head.get("twin") or None,
            updated_at=_at_midnight(head["updated"]) if "updated" in head else 0.0,
            question=head.get("question", ""),
            summary=head.get("summary", ""),
        )
    except FrontMatterError:
        raise
    except ValueError as error:
        raise FrontMatterError(str(error)) from error


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
