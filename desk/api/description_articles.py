"""The part of the description that is about articles."""

from __future__ import annotations

from typing import Any

from desk.api.description_words import FLAG, MAYBE_TEXT, NUMBER, PAGING, TEXT, TIME, list_of, many, object_of, ref

LANG = {"enum": ["en", "zh"]}
AUDIENCE = {"enum": ["public", "customer", "partner", "internal"]}
WORDS = dict.fromkeys(("title", "text", "question", "summary", "environment", "cause", "category"), TEXT)

SCHEMAS: dict[str, Any] = {
    "Article": object_of(
        ("id", "lang", "title", "text", "products", "files"),
        id=TEXT,
        lang=LANG,
        **WORDS,
        audience=AUDIENCE,
        state={"enum": ["draft", "published", "archived"]},
        confidence={"enum": ["wip", "not_validated", "validated"]},
        tags=many(TEXT),
        products=many(TEXT),
        files=many(ref("ArticleFile")),
        twin=MAYBE_TEXT,
        version=NUMBER,
        updated_at=TIME,
    ),
    "ArticleFile": object_of(
        ("id", "name", "type", "size", "path"),
        id=NUMBER,
        name=TEXT,
        type=TEXT,
        size=NUMBER,
        sha256=TEXT,
        path={"type": "string", "description": "Where its bytes are, for whoever may read the article."},
    ),
    "NewArticle": object_of(
        ("id", "lang", "title", "text"),
        id=TEXT,
        lang=LANG,
        **WORDS,
        audience=AUDIENCE,
        tags=many(TEXT),
        products=many(TEXT),
        twin=MAYBE_TEXT,
    ),
    "ArticleChange": object_of(
        ("version",),
        version={"type": "integer", "description": "The version that the change was made from."},
        **WORDS,
        audience=AUDIENCE,
        tags=many(TEXT),
        products=many(TEXT),
        twin=MAYBE_TEXT,
        agrees=FLAG | {"description": "It says what its twin says now."},
    ),
    "Hit": object_of(
        ("id", "score", "title"),
        id=TEXT,
        score={"type": "number"},
        title=TEXT,
        snippet_html=TEXT,
        lang=TEXT,
        products=many(TEXT),
    ),
}

_FILTERS = (("lang", "string"), ("state", "string"), ("audience", "string"), ("product", "string"))
OPERATIONS: tuple[tuple[str, str, str, tuple[tuple[str, str], ...], str | None, Any, int], ...] = (
    ("get", "/articles", "Knowledge articles.", (*PAGING, *_FILTERS), None, list_of("Article"), 200),
    ("post", "/articles", "Write an article; it is a draft.", (), "NewArticle", ref("Article"), 201),
    ("get", "/articles/{key}", "One article.", (), None, ref("Article"), 200),
    (
        "patch",
        "/articles/{key}",
        "Write a new version. What is left out stays; 409 when somebody has written another one meanwhile.",
        (),
        "ArticleChange",
        ref("Article"),
        200,
    ),
    ("get", "/articles/{key}/files/{file_id}", "The bytes of a file of an article.", (), None, None, 200),
    (
        "get",
        "/search",
        "Articles that answer a question.",
        (("q", "string"), ("lang", "string"), ("product", "string")),
        None,
        list_of("Hit"),
        200,
    ),
)
