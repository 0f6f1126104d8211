"""Knowledge: an article in one language, its revisions, its use on tickets, and what people searched for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

DRAFT, PUBLISHED, ARCHIVED = "draft", "published", "archived"
AUDIENCES = ("public", "customer", "partner", "internal")


class Article(Base):
    """`key` is its public name in addresses and imports; `twin_key` names the same article in the other language.

    `question` holds the words that customers use for it, `summary` a sentence for lists; both may be empty.
    """

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    lang: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]
    question: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    audience: Mapped[str] = mapped_column(default="internal")
    state: Mapped[str] = mapped_column(default=DRAFT)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    twin_key: Mapped[str | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    helpful: Mapped[int] = mapped_column(default=0)
    unhelpful: Mapped[int] = mapped_column(default=0)

    __table_args__ = (Index("ix_article_state_lang", "state", "lang", "updated_at"), Index("ix_article_updated", "updated_at"))


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
    audience: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("article_id", "version"),)


class ArticleLink(Base):
    """An article that helped with a ticket."""

    __tablename__ = "article_link"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True, index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    at: Mapped[datetime]


class SearchLog(Base):
    """What was searched, where, and how much was found; gaps in the knowledge show here."""

    __tablename__ = "search_log"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    place: Mapped[str]  # console | help_centre | api
    query: Mapped[str]
    lang: Mapped[str]
    hits: Mapped[int]
