"""What a customer has agreed to."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Consent
from desk.models.consent import GIVEN

MOST = 20


def consents_of(session: Session, customer_id: int) -> Sequence[Consent]:
    """Every word of theirs, the latest first."""
    return session.scalars(
        select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.id.desc()).limit(MOST)
    ).all()


def consent_in_force(session: Session, customer_id: int, purpose: str) -> Consent | None:
    """What they last said about this, if that was yes."""
    query = select(Consent).where(Consent.customer_id == customer_id, Consent.purpose == purpose)
    last = session.scalar(query.order_by(Consent.id.desc()).limit(1))
    return last if last is not None and last.action == GIVEN else None
