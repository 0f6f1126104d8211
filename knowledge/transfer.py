"""The lines of `kb import`, `kb export` and `kb query`: JSON objects, one a line, read with errors that name the line."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from knowledge import language
from knowledge.article import AUDIENCES, LANGS, Article, File
from knowledge.index import Hit

_WORDS = ("question", "summary", "environment", "cause", "category", "state", "confidence")
_LISTS = ("tags", "products")
_IMPORT_KEYS = ("id", "title", "text", "lang", "audience", "twin", *_WORDS, *_LISTS, "files")
_NEEDED = ("id", "title", "text")
_TITLE_CHARACTERS = 60


class BadLine(ValueError):
    """A line that cannot be used; `number` counts from 1."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")
        self.number = number


@dataclass(frozen=True)
class QueryLine:
    """A question of a query file."""

    id: str
    text: str


def read_articles(lines: Iterable[str | bytes], *, now: float = 0.0) -> list[Article]:
    """The articles of an import file, one `{"id","title","text"}` a line; `now` becomes `updated_at`.

    May also have `lang` (guessed without), `audience` (public without), `twin`, `question`, `summary`, `environment`, `cause`,
    `category`, `state` and `confidence` (published and validated without), the lists `tags` and `products`, and `files`, each a
    `name` and its `data` in Base64.
    Blank lines are passed over; the first bad line or second use of an id raises BadLine, so that nothing is half imported.
    """
    seen: dict[str, int] = {}
    articles = []
    for number, fields in objects(lines):
        article = _article(number, fields, now)
        if article.id in seen:
            raise BadLine(number, f"id {article.id!r} was used on line {seen[article.id]}")
        seen[article.id] = number
        articles.append(article)
    return articles


def article_lines(articles: Iterable[Article]) -> Iterator[str]:
    """What `read_articles` reads, a line for each article, without line ends; empty fields are left out."""
    for article in articles:
        fields = {key: getattr(article, key) for key in _IMPORT_KEYS}
        fields["files"] = [{"name": file.name, "data": base64.b64encode(file.data).decode("ascii")} for file in article.files]
        yield json.dumps({key: value for key, value in fields.items() if value or key in _NEEDED}, ensure_ascii=False)


def read_queries(lines: Iterable[str | bytes]) -> list[QueryLine]:
    """The questions of a query file: `{"id","text"}` a line, other keys ignored. Raises BadLine."""
    return [QueryLine(_id(number, fields), _string(number, fields, "text")) for number, fields in objects(lines)]


def answer_line(query_id: str, hits: Iterable[Hit]) -> str:
    """`{"id","hits":[{"id","score"}]}`, best first, without line end."""
    found = [{"id": hit.id, "score": round(hit.score, 6)} for hit in hits]
    return json.dumps({"id": query_id, "hits": found}, ensure_ascii=False)


def _article(number: int, fields: dict[str, Any], now: float) -> Article:
    unknown = fields.keys() - set(_IMPORT_KEYS)
    if unknown:
        raise BadLine(number, f"unknown field {', '.join(sorted(unknown))}")
    text = _string(number, fields, "text")
    title = _string(number, fields, "title").strip() or text.strip()[:_TITLE_CHARACTERS].partition("\n")[0].strip()
    if not title:
        raise BadLine(number, "title and text are both empty")
    lang = fields.get("lang") or language.guess(f"{title} {text}")
    if lang not in LANGS:
        raise BadLine(number, f"lang {lang!r} is not one of {', '.join(LANGS)}")
    audience = fields.get("audience") or "public"
    if audience not in AUDIENCES:
        raise BadLine(number, f"audience {audience!r} is not one of {', '.join(AUDIENCES)}")
    return Article(
        id=_id(number, fields),
        lang=lang,
        title=title,
        text=text,
        audience=audience,
        twin=_string(number, fields, "twin", "") or None,
        updated_at=now,
        files=tuple(_files(number, fields)),
        **{name: _string(number, fields, name, "") for name in _WORDS},
        **{name: _strings(number, fields, name) for name in _LISTS},
    )


def _strings(number: int, fields: dict[str, Any], key: str) -> tuple[str, ...]:
    value = fields.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadLine(number, f"{key} must be a list of strings")
    return tuple(value)


def _files(number: int, fields: dict[str, Any]) -> Iterator[File]:
    files = fields.get("files", [])
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise BadLine(number, "files must be a list of objects")
    for file in files:
        try:
            data = base64.b64decode(_string(number, file, "data"), validate=True)
        except (binascii.Error, ValueError) as error:
            if isinstance(error, BadLine):
                raise
            raise BadLine(number, "the data of a file is not Base64") from error
        yield File(_string(number, file, "name"), data)


def objects(lines: Iterable[str | bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, fields) of each line that is not blank. Raises BadLine for one that is no JSON object."""
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode("utf-8") if isinstance(line, bytes) else line
        except UnicodeDecodeError as error:
            raise BadLine(number, "not UTF-8") from error
        text = text.removeprefix("\ufeff").strip()
        if not text:
            continue
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise BadLine(number, f"not JSON ({error})") from error
        if not isinstance(fields, dict):
            raise BadLine(number, "not a JSON object")
        yield number, fields


def _id(number: int, fields: dict[str, Any]) -> str:
    value = fields.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    found = _string(number, fields, "id").strip()
    if not found:
        raise BadLine(number, "id is empty")
    return found


def _string(number: int, fields: dict[str, Any], key: str, default: str | None = None) -> str:
    value = fields.get(key, default)
    if value is None:
        raise BadLine(number, f"{key} is missing")
    if not isinstance(value, str):
        raise BadLine(number, f"{key} must be a string")
    return value
