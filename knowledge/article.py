"""The article as a value: one answer to one question, in one language, for one audience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Lang = Literal["zh", "en"]
Audience = Literal["public", "customer", "partner", "internal"]

LANGS: tuple[str, ...] = get_args(Lang)
AUDIENCES: tuple[str, ...] = get_args(Audience)


@dataclass(frozen=True)
class File:
    """A file that belongs to an article: a form to fill in, a drawing, a manual."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Article:
    """One answer. `text` is Markdown; `twin` is the id of the same answer in the other language.

    `question` holds the words customers use for it, `summary` a sentence for lists, `environment` what it is true of, `cause` why
    it happens (Markdown too), `products` what it is about; all may be empty. `state` and `confidence` say how far it is when it
    is carried from one desk to another; without them it is finished. `updated_at` is seconds since the epoch, UTC.
    Raises ValueError on a blank id or title, or an unknown language or audience.
    """

    id: str
    lang: Lang
    title: str
    text: str
    audience: Audience = "public"
    tags: tuple[str, ...] = ()
    twin: str | None = None
    updated_at: float = 0.0
    question: str = ""
    summary: str = ""
    environment: str = ""
    cause: str = ""
    category: str = ""
    products: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    state: str = ""
    confidence: str = ""

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise ValueError("an article needs an id")
        if not self.title.strip():
            raise ValueError(f"article {self.id} needs a title")
        if self.lang not in LANGS:
            raise ValueError(f"article {self.id}: unknown language {self.lang!r} (use {', '.join(LANGS)})")
        if self.audience not in AUDIENCES:
            raise ValueError(f"article {self.id}: unknown audience {self.audience!r} (use {', '.join(AUDIENCES)})")
