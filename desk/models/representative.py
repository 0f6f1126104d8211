"""Who speaks for a complainant: an agent of theirs, an heir, a child's guardian; and what shows that they may."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

AGENT, HEIR, GUARDIAN, OTHER = "agent", "heir", "guardian", "other"
RELATIONS = (AGENT, HEIR, GUARDIAN, OTHER)
WAITING, ACCEPTED, REFUSED, ENDED = "waiting", "accepted", "refused", "ended"
BOTH, SPEAKER, PERSON = "both", "speaker", "person"
LETTERS = (BOTH, SPEAKER, PERSON)


class Representative(Base):
    """Somebody speaks for somebody else in one case; one at a time.

    One of the two is the customer of the ticket: the speaker where they `wrote` to us, else whose complaint it is. `name` and
    `email` are those of the other one. Nothing of the case goes to the speaker before their proof is accepted.
    """

    __tablename__ = "representative"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    relation: Mapped[str]  # agent | heir | guardian | other
    name: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    wrote: Mapped[bool]
    letters: Mapped[str] = mapped_column(default=BOTH)  # to whom they go: both | speaker | person
    proof_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"))
    state: Mapped[str] = mapped_column(default=WAITING)  # waiting | accepted | refused | ended
    noted_by: Mapped[str]
    noted_at: Mapped[datetime]
    judged_by: Mapped[str] = mapped_column(default="")
    judged_at: Mapped[datetime | None]
    judged_for: Mapped[str] = mapped_column(default="")  # why the proof was refused, or the speaking ended

    __table_args__ = (
        Index("ix_representative_of", "complaint_id", "id"),
        only_where("uq_representative_now", "complaint_id", where="state IN ('waiting', 'accepted')", unique=True),
    )
