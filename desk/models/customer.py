"""A customer, and the ways in which we know them: phone number, e-mail address, chat identity."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, validates

from desk.beginnings import Sought, folded
from desk.db import BIG, Base

TIERS = ("vip", "gold", "silver", "standard")  # value class; support level is another thing


class Organisation(Base):
    """The company that a customer belongs to."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Customer(Base):
    """One person, whatever channel they use. `name_sought` is kept with the name, for finding it by its start."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    name: Mapped[str]
    name_sought: Mapped[str] = mapped_column(Sought)
    tier: Mapped[str] = mapped_column(default="standard")
    locale: Mapped[str] = mapped_column(default="")
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    note: Mapped[str] = mapped_column(default="")
    surveys_declined_at: Mapped[datetime | None]  # wants no question sheets by mail since then
    restricted_at: Mapped[datetime | None]  # since then only kept, for as long as a duty asks for it: see desk.models.erasure
    erased_at: Mapped[datetime | None]  # since then nobody knows who it was
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_customer_name_sought", "name_sought"), Index("ix_customer_tier", "tier", "id"))

    @validates("name")
    def _seek(self, _field: str, name: str) -> str:
        self.name_sought = folded(name)
        return name


class ContactPoint(Base):
    """One address, number or identity; it belongs to one customer only, which is what keeps customers free of doubles."""

    __tablename__ = "contact_point"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    kind: Mapped[str]  # phone | email | chat
    value: Mapped[str] = mapped_column(Sought)
    verified: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("kind", "value"),)
