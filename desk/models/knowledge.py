"""What is known of the knowledge itself: faults and votes of articles, searches, equal words, and what should be written."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

FLAG_REASONS = ("wrong", "outdated", "unclear", "duplicate", "incomplete", "other")
VOTE_REASONS = ("wrong", "unclear", "other_question", "did_not_work")
CONTACTS, SEARCHES = "contacts", "searches"
OPEN = text("closed_at IS NULL")


class ArticleFlag(Base):
    """Somebody found a fault in an article; it is open until somebody has looked at it. No agent: a reader."""

    __tablename__ = "article_flag"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    reason: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))

    __table_args__ = (
        Index("ix_article_flag_article", "article_id", "id"),
        Index("ix_article_flag_open", "at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
    )


class ArticleVote(Base):
    """What one reader said of an article. `reason` and `note` say why it did not help; both may be empty."""

    __tablename__ = "article_vote"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    at: Mapped[datetime]
    helpful: Mapped[bool]
    reason: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_article_vote_article", "article_id", "id"),)


class SearchLog(Base):
    """What was searched, where, and how much was found; gaps in the knowledge show here.

    `visit` tells one reader's searches from another's and nothing about the reader. `opened_id` is the article they went on to,
    `helped` says that one helped, `asked_at` when they wrote or called all the same.
    """

    __tablename__ = "search_log"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    place: Mapped[str]  # console | help_centre | api
    query: Mapped[str]
    lang: Mapped[str]
    hits: Mapped[int]
    visit: Mapped[str] = mapped_column(default="")
    opened_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    helped: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_search_log_visit", "visit", "id"),)


class EqualWords(Base):
    """Words that mean the same to whoever searches, in any language: `words` is a list."""

    __tablename__ = "equal_words"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    words: Mapped[list[str]] = mapped_column(JSON)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    updated_at: Mapped[datetime]


class KnowledgeGap(Base):
    """What people ask and no article answers: contacts about one topic, or searches for the same words.

    `seen` counts them in the last four weeks, `answered` those that an article helped with; `ticket_ids` are some of them. It is
    closed once what was written for it (`article_id`) is published, or nobody asks any more.
    """

    __tablename__ = "knowledge_gap"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str]  # contacts | searches
    topic: Mapped[str]
    category: Mapped[str] = mapped_column(default="")
    lang: Mapped[str]
    seen: Mapped[int]
    answered: Mapped[int] = mapped_column(default=0)
    ticket_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    found_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_knowledge_gap_open", "kind", "category", "topic", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_knowledge_gap_closed", "closed_at", "id"),
    )
