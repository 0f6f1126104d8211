"""Knowledge: an article in one language, its revisions, products and files, and its use on tickets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

DRAFT, PUBLISHED, ARCHIVED = "draft", "published", "archived"
STATES = (DRAFT, PUBLISHED, ARCHIVED)
WIP, NOT_VALIDATED, VALIDATED = "wip", "not_validated", "validated"
CONFIDENCES = (WIP, NOT_VALIDATED, VALIDATED)
EXPERIENCE, COMPLIANCE = "experience", "compliance"
AUDIENCES = ("public", "customer", "partner", "internal")
INTERNAL = "internal"
LINKED, INSERTED, WRITTEN = "linked", "inserted", "written"


class Article(Base):
    """`key` is its public name in addresses and imports; `twin_key` names the same article in the other language.

    `question` holds the words that customers use for it, `summary` a sentence for lists, `environment` what it is true of
    (product, version, channel), `cause` why it happens; all may be empty. `text` is the answer. Outside the house it is read only
    while it is published and validated. `source_version` is the version of the twin that this translation agrees with; None: it
    is no translation. `merged_into_id` is what answers in its place. `health` is 0 to 100, as of the last look.
    """

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    lang: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]
    question: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    environment: Mapped[str] = mapped_column(default="")
    cause: Mapped[str] = mapped_column(default="")
    audience: Mapped[str] = mapped_column(default=INTERNAL)
    state: Mapped[str] = mapped_column(default=DRAFT)
    confidence: Mapped[str] = mapped_column(default=WIP)
    governance: Mapped[str] = mapped_column(default=EXPERIENCE)
    category: Mapped[str] = mapped_column(default="")
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    twin_key: Mapped[str | None]
    source_version: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    review_at: Mapped[datetime | None]
    publish_at: Mapped[datetime | None]
    archive_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    helpful: Mapped[int] = mapped_column(default=0)
    unhelpful: Mapped[int] = mapped_column(default=0)
    health: Mapped[int] = mapped_column(default=50)

    __table_args__ = (
        Index("ix_article_state_lang", "state", "lang", "updated_at"),
        Index("ix_article_updated", "updated_at"),
        Index("ix_article_health", "health", "id"),
        Index("ix_article_review", "review_at", "id"),
        Index("ix_article_unfinished", "confidence", "updated_at"),
        Index("ix_article_twin", "twin_key"),
        Index("ix_article_source", "source_version", "id"),
    )

    @property
    def shown_to(self) -> str:
        """Who may read it as it is now: its audience once it is published and validated, until then colleagues alone."""
        return self.audience if self.state == PUBLISHED and self.confidence == VALIDATED else INTERNAL


class ArticleRevision(Base):
    """How an article read at one version."""

    __tablename__ = "article_revision"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    version: Mapped[int]
    title: Mapped[str]
    text: Mapped[str]
    question: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    environment: Mapped[str] = mapped_column(default="")
    cause: Mapped[str] = mapped_column(default="")
    audience: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("article_id", "version"),)


class Product(Base):
    """What articles are about besides their topic: `name` as it is shown, `key` the same folded, so that it is there once."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class ArticleProduct(Base):
    """A product that an article is about."""

    __tablename__ = "article_product"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), primary_key=True)

    __table_args__ = (Index("ix_article_product_product", "product_id", "article_id"),)


class ArticleFile(Base):
    """A file that belongs to an article: whoever may read the one may have the other. Its name is its own among its article's.

    It is in the versions from `added_in` on, up to the one before `removed_in`; None: it is there now. One that was put back by
    restoring a version has a second row with the same attachment.
    """

    __tablename__ = "article_file"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachment.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    at: Mapped[datetime]
    added_in: Mapped[int]
    removed_in: Mapped[int | None]

    __table_args__ = (
        Index("ix_article_file_article", "article_id", "id"),
        Index("ix_article_file_attachment", "attachment_id"),
    )


class ArticleLink(Base):
    """An article that helped with a ticket: linked, its words inserted into an answer, or written from the ticket."""

    __tablename__ = "article_link"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    how: Mapped[str] = mapped_column(default=LINKED)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    at: Mapped[datetime]

    __table_args__ = (Index("ix_article_link_article_id", "article_id", "at"), Index("ix_article_link_at", "at"))
