"""The installation's own questions about tickets."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import TicketField

MOST = 100


def fields_asked(session: Session) -> Sequence[TicketField]:
    """Those that are asked now, in their order."""
    query = select(TicketField).where(TicketField.retired_at.is_(None)).order_by(TicketField.position, TicketField.id)
    return session.scalars(query.limit(MOST)).all()


def all_fields(session: Session) -> Sequence[TicketField]:
    """The retired ones too, at the end."""
    order = TicketField.retired_at.is_not(None), TicketField.position, TicketField.id
    return session.scalars(select(TicketField).order_by(*order).limit(MOST)).all()
