"""A chat with a visitor of a web page; its messages are ordinary messages on the ticket. Who may not, and who looked when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

QUEUED, ACTIVE, ENDED = "queued", "active", "ended"
BROWSER, EMAIL, NETWORK = "browser", "email", "network"
BLOCK_KINDS = (BROWSER, EMAIL, NETWORK)


class Chat(Base):
    """`token_hash` proves the visitor; `ended_by` is agent, customer, idle, disconnect or system.

    `identity` is what the visitor's site calls them, where it has proved it; `mailed` counts transcripts that they asked for.
    `visitor` is their browser and `network` where they came from, both as digests; `read_first` are the articles, as
    [{"id", "title"}, …], that they had opened before they asked. `reopened_at` is when they came back to a chat that was over.
    `idle_since` is our last word that the visitor has left unanswered, once they were asked whether they are still there: until
    they write, the chat is half a chat to its agent. `composing_until` stands while an agent who is slow at it writes an answer.
    """

    __tablename__ = "chat"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_item.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    state: Mapped[str] = mapped_column(default=QUEUED)
    visitor_name: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(default="en")
    topic: Mapped[str] = mapped_column(default="")
    page_url: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(default="")
    rating: Mapped[int | None]
    identity: Mapped[str] = mapped_column(default="")
    mailed: Mapped[int] = mapped_column(default=0)
    visitor: Mapped[str] = mapped_column(default="")
    network: Mapped[str] = mapped_column(default="")
    read_first: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    reopened_at: Mapped[datetime | None]
    idle_since: Mapped[datetime | None]
    composing_until: Mapped[datetime | None]

    __table_args__ = (Index("ix_chat_agent", "agent_id", "id"),)


class ChatBlock(Base):
    """One mark by which a visitor is known again: their browser, their e-mail address, or the address that they come from.

    The network address itself is kept nowhere: `value` is its digest under the desk's own key.
    """

    __tablename__ = "chat_block"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str]
    value: Mapped[str]
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    reason: Mapped[str]
    until: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    lifted_by: Mapped[str] = mapped_column(default="")
    lifted_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_chat_block_value", "kind", "value", "until"), Index("ix_chat_block_until", "until", "id"))


class ChatAttention(Base):
    """One spell of one window in which the chat was on the screen and running. Spells of several windows may overlap."""

    __tablename__ = "chat_attention"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]

    __table_args__ = (Index("ix_chat_attention_chat", "chat_id", "id"), Index("ix_chat_attention_ended", "ended_at"))
