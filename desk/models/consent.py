"""What people have agreed to, and what they took back. The database refuses to change or delete a row of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

GIVEN, WITHDRAWN = "given", "withdrawn"


class Consent(Base):
    """One word of one customer: to which purpose, by which channel, and the very text that stood before them.

    `version` counts the wordings that this purpose has had; `evidence` says where it was given (the chat's number, an address).
    What holds is the last row of a customer and purpose.
    """

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    purpose: Mapped[str]  # chat: what is said and filled in may be kept and read
    channel: Mapped[str]
    action: Mapped[str]  # given | withdrawn
    version: Mapped[int]
    locale: Mapped[str]
    text: Mapped[str]
    evidence: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (Index("ix_consent_customer", "customer_id", "purpose", "id"),)
