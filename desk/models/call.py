"""A phone call: its legs at the carrier, the agents' parts of it, its recordings, and the webhooks already taken in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

# The states of a call. Inbound: from the ring through the menu into the line; outbound: dialing until somebody answers.
RINGING_IN, IVR, QUEUED, OFFERED, TALKING, HOLD, WRAP_UP, DONE = (
    "ringing_in",
    "ivr",
    "queued",
    "offered",
    "talking",
    "hold",
    "wrap_up",
    "done",
)
DIALING = "dialing"
CONSULT = "consult"  # the agent speaks with somebody else while the customer hears music, or the other way round
CONFERENCE = "conference"  # three speak
TRANSFERRED = "transferred"  # the customer is with somebody outside, nobody of ours is on the call any more
ABANDONED, FAILED, VOICEMAIL, CALLBACK_SET, OVERFLOW = "abandoned", "failed", "voicemail", "callback_set", "overflow"
NO_ANSWER, BUSY, MACHINE = "no_answer", "busy", "machine"
OVER = (WRAP_UP, DONE, ABANDONED, FAILED, VOICEMAIL, CALLBACK_SET, OVERFLOW, NO_ANSWER, BUSY, MACHINE)
WITH_AGENT = (TALKING, HOLD, CONSULT, CONFERENCE)  # an agent and the customer have met

CUSTOMER, AGENT, CONSULTED, THIRD, SUPERVISOR = "customer", "agent", "consult", "third", "supervisor"  # parties of legs
LISTEN, WHISPER, BARGE = "listen", "whisper", "barge"  # how a supervisor is in the room

# Whether a call is recorded: not decided, recording, paused for a while, the caller did not want it, not wished or stopped.
UNDECIDED, RECORDING, PAUSED, DECLINED, NOT_RECORDED = "", "on", "paused", "declined", "off"


class Call(Base):
    """One conversation by phone; `sid` is the customer's leg. Times are those that every measure is computed from."""

    __tablename__ = "call"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    sid: Mapped[str] = mapped_column(unique=True)
    direction: Mapped[str] = mapped_column(default="in")
    state: Mapped[str] = mapped_column(default=RINGING_IN)
    from_number: Mapped[str]
    to_number: Mapped[str]
    conference: Mapped[str] = mapped_column(unique=True)
    conference_sid: Mapped[str] = mapped_column(default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_item.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    locale: Mapped[str] = mapped_column(default="")
    topic: Mapped[str] = mapped_column(default="")
    note_for_agent: Mapped[str] = mapped_column(default="")  # what whoever takes the call next is told
    previous_call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"))  # which this one rings back
    callback_id: Mapped[int | None] = mapped_column(ForeignKey("callback.id"), index=True)  # which it asked for, or keeps
    aside: Mapped[str] = mapped_column(default="")  # out of the room, choosing what else to do: leave | callback | voicemail
    told: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # the wait announced last: `actions.calls.waiting`
    menu: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    muted: Mapped[bool] = mapped_column(default=False)
    hold: Mapped[list[list[str]]] = mapped_column(JSON, default=list)  # [[start, end or ""], …] ISO times
    wrap_up_code: Mapped[str] = mapped_column(default="")
    abandon_point: Mapped[str] = mapped_column(default="")  # ivr | queue | ringing
    flow_out: Mapped[str] = mapped_column(default="")  # voicemail | callback | overflow | transfer
    recording: Mapped[str] = mapped_column(default=UNDECIDED)
    announcement: Mapped[str] = mapped_column(default="")  # key and version of the notice that the customer heard
    arrived_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    offered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    wrap_ended_at: Mapped[datetime | None]
    abandoned_at: Mapped[datetime | None]
    flow_out_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    recording_pause_until: Mapped[datetime | None]
    lost_until: Mapped[datetime | None]  # the agent's line broke: until then the caller is kept for them
    checked_at: Mapped[datetime | None]  # when it was last compared with what the carrier says

    __table_args__ = (
        Index("ix_call_arrived", "arrived_at"),
        Index("ix_call_agent", "agent_id", "state"),
        Index("ix_call_previous", "previous_call_id"),
        only_where("ix_call_live", "id", where="ended_at IS NULL"),
    )


class CallLeg(Base):
    """One party's connection at the carrier; `label` is its name in the room (customer, agent-7, consult-9, third-1, …)."""

    __tablename__ = "call_leg"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    sid: Mapped[str] = mapped_column(unique=True)
    party: Mapped[str]  # customer | agent | consult | third | supervisor
    label: Mapped[str] = mapped_column(default="")
    to: Mapped[str] = mapped_column(default="")  # whom it was dialled to: a client of ours or a number
    mode: Mapped[str] = mapped_column(default="")  # a supervisor's: listen | whisper | barge
    held: Mapped[bool] = mapped_column(default=False)
    muted: Mapped[bool] = mapped_column(default=False)
    unwanted: Mapped[bool] = mapped_column(default=False)  # its part is over; the carrier is told to end it
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    status: Mapped[str] = mapped_column(default="initiated")
    started_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]  # entered the room
    left_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class CallSegment(Base):
    """One agent's part of a call, its wrap-up included: what handling time, occupancy and transfer rate are counted from.

    `hold_s` counts from the start of the segment; talking is what is left of it until `ended_at`.
    """

    __tablename__ = "call_segment"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_item.id"))
    kind: Mapped[str] = mapped_column(default="handle")  # handle | consult | outbound
    state: Mapped[str]  # ringing | talking | hold | consult | conference | wrap_up | done
    offered_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    hold_s: Mapped[int] = mapped_column(default=0)
    wrap_until: Mapped[datetime | None]  # when the wrap-up's time is over and the agent is asked about it
    wrap_ended_at: Mapped[datetime | None]
    wrap_up_code: Mapped[str] = mapped_column(default="")  # what it was about
    outcome: Mapped[str] = mapped_column(default="")  # how it ended
    ended_by: Mapped[str] = mapped_column(
        default=""
    )  # caller | agent | transfer_(queue|agent|number|warm) | takeover | dropped | lost
    transferred_to: Mapped[str] = mapped_column(default="")  # queue:key | agent:id | number:+E164

    __table_args__ = (
        Index("ix_call_segment_agent", "agent_id", "id"),
        Index("ix_call_segment_ended", "ended_at"),
        Index("ix_call_segment_item", "item_id"),
        only_where("ix_call_segment_open", "agent_id", where="state <> 'done'"),
    )


class CallRecording(Base):
    """Sound of a call or a caller's message, at the carrier until it is fetched, then ours."""

    __tablename__ = "call_recording"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    sid: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(default="call")  # call | voicemail
    state: Mapped[str] = mapped_column(default="in_progress")  # in_progress | paused | completed | absent | failed | erased
    started_at: Mapped[datetime]
    duration_s: Mapped[int | None]
    pauses: Mapped[list[list[str]]] = mapped_column(JSON, default=list)  # [[start, end or ""], …] ISO times
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachment.id"))
    fetched_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]  # at the carrier, once we have it
    error: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]

    __table_args__ = (
        only_where("ix_call_recording_voicemail", "id", where="kind = 'voicemail'"),
        only_where("ix_call_recording_due", "next_at", where="next_at IS NOT NULL"),
        only_where("ix_call_recording_kept", "started_at", where="attachment_id IS NOT NULL"),
    )


class HelpRequest(Base):
    """An agent on a call asks for a supervisor."""

    __tablename__ = "help_request"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    text: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (only_where("uq_help_request_open", "call_id", where="ended_at IS NULL", unique=True),)


class Webhook(Base):
    """A carrier's message that has had its effect; the key is refused the second time."""

    __tablename__ = "webhook"

    key: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    call_sid: Mapped[str] = mapped_column(default="", index=True)
    answer: Mapped[str] = mapped_column(default="")  # the document answered, so that a repeat is answered alike
