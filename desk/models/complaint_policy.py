"""The rules that promise a complaint its dates, in versions; a case's clocks under them, and the time that these leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

Unit = Literal["hours", "calendar_days", "business_days", "weeks", "months"]
UNITS: tuple[Unit, ...] = ("hours", "calendar_days", "business_days", "weeks", "months")
CUSTOMER, COURT, APPRAISAL = "customer_evidence", "court", "appraisal"
PAUSE_REASONS = (CUSTOMER, COURT, APPRAISAL)
OTHER, SUPERVISOR = "other", "supervisor"  # who agrees to more time: anybody who does not handle the case; a supervisor
PROPOSED, AGREED, REFUSED = "proposed", "agreed", "refused"


@dataclass(frozen=True)
class Span:
    """So many units after receipt."""

    n: int
    unit: Unit


@dataclass(frozen=True)
class Extension:
    """How much longer one step of more time lasts, in the units of the decision, and who may agree to it."""

    n: int
    approver: str = OTHER


@dataclass(frozen=True)
class Rules:
    """What one version of a policy says. None is “the policy names no such time”; `rights` are a letter's words by language.

    `early` is how long a matter may be settled on the spot; `years` how long a case is kept after its end.
    """

    acknowledge: Span | None = None
    early: Span | None = None
    decide: Span | None = None
    extensions: tuple[Extension, ...] = ()
    start_rule: Literal["next_day", "receipt_day"] = "next_day"
    roll: bool = False
    pause_reasons: tuple[str, ...] = ()
    restart_on_new_facts: bool = False
    years: int = 5
    rights: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Rules:
        """The value for what a row holds."""
        spans = {name: Span(**kept[name]) if kept[name] else None for name in ("acknowledge", "early", "decide")}
        return cls(
            **spans,
            extensions=tuple(Extension(**each) for each in kept["extensions"]),
            start_rule=kept["start_rule"],
            roll=kept["roll"],
            pause_reasons=tuple(kept["pause_reasons"]),
            restart_on_new_facts=kept["restart_on_new_facts"],
            years=kept["years"],
            rights=kept["rights"],
        )


class ComplaintPolicy(Base):
    """One version of one policy; never changed once it is agreed to. `calendar` is a calendar's key, "" that of the queue."""

    __tablename__ = "complaint_policy"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    code: Mapped[str]
    version: Mapped[int]
    name: Mapped[str]
    name_zh: Mapped[str]
    calendar: Mapped[str] = mapped_column(default="")
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date]
    state: Mapped[str] = mapped_column(default=PROPOSED)  # proposed | agreed | refused
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    proposed_by: Mapped[str] = mapped_column(default="")
    proposed_at: Mapped[datetime]
    judged_by: Mapped[str] = mapped_column(default="")
    judged_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("code", "version"),)


class ComplaintClock(Base):
    """One case under one version of a policy. `calendar` is the calendar as it was then: a later table moves no running clock.

    `ended_at` is set when the case was found not to fall under the policy after all.
    """

    __tablename__ = "complaint_clock"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    policy_id: Mapped[int] = mapped_column(ForeignKey("complaint_policy.id"))
    started_at: Mapped[datetime]
    calendar: Mapped[dict[str, Any]] = mapped_column(JSON)
    extended: Mapped[int] = mapped_column(default=0)  # steps of more time taken
    acknowledge_due_at: Mapped[datetime | None]
    early_until: Mapped[datetime | None]
    decide_due_at: Mapped[datetime | None]
    reference: Mapped[str] = mapped_column(default="")  # the number under which an authority forwarded it
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_complaint_clock_of", "complaint_id", "id"),)


class ComplaintPause(Base):
    """Time that those clocks leave out whose policy lists its reason; it ends at `until` unless it is ended before.

    `needed` is what the customer is asked for, as their page says it.
    """

    __tablename__ = "complaint_pause"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    reason: Mapped[str]  # one of PAUSE_REASONS
    needed: Mapped[str] = mapped_column(default="")
    began_at: Mapped[datetime]
    began_by: Mapped[str]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_complaint_pause_of", "complaint_id", "id"),)
