"""A caller's recorded message: a ticket with the sound on its timeline and work in the line, however the carrier tells of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from desk.actions import intake
from desk.actions.calls import recordings
from desk.actions.calls.waiting import VOICEMAIL as ASIDE
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.models import Attachment, Call, CallRecording, Customer, Message, Queue, Ticket, WorkItem
from desk.models.call import CALLBACK_SET, VOICEMAIL
from desk.models.message import IN
from desk.models.ticket import LIVE
from desk.store import Tx

SHORTEST_S = 3  # what is shorter is a click and a breath
KIND = "voicemail"
SUBJECTS = {"zh": "语音留言", "en": "Voicemail"}
_WORK = ("call", "chat", "ticket", "complaint", "callback")


def begin(tx: Tx, call: Call) -> None:
    """The caller is to speak after the tone. Who waited has left the line for it, which is no giving up."""
    if call.state in (VOICEMAIL, CALLBACK_SET):
        return
    item = tx.session.get(WorkItem, call.item_id) if call.item_id else None
    if item is not None:
        work_items.finish(tx, item)
    call.state, call.aside, call.flow_out, call.flow_out_at = VOICEMAIL, ASIDE, "voicemail", tx.now
    tx.emit("voicemail.began", call=call, ticket=call.ticket_id, customer=call.customer_id, item=call.item_id)


def left(tx: Tx, call: Call, sid: str, seconds: int | None, *, absent: bool = False, at: datetime | None = None) -> CallRecording:
    """The carrier has recorded something under this SID until `at`; `seconds` is how much, if it says so.

    Told twice, in any order, or only by one of its two ways, it is one message. What is shorter than `SHORTEST_S` is thrown away,
    and counted.
    """
    tx.session.refresh(call, with_for_update=True)  # word by the other way may come at this very moment
    at = tx.now if at is None else at
    call.ended_at = min(call.ended_at or at, at)
    recording = tx.session.scalar(select(CallRecording).where(CallRecording.sid == sid))
    if recording is None:
        began = at - timedelta(seconds=seconds or 0)
        recording = CallRecording(call_id=call.id, sid=sid, kind=KIND, started_at=began, duration_s=seconds)
        tx.session.add(recording)
        tx.session.flush()
    if message_of(tx, recording) is not None or recording.state == recordings.ABSENT:
        if not absent:
            recordings.completed(tx, recording, seconds if seconds is not None else recording.duration_s)
            _note_length(tx, recording, seconds, at)
        return recording
    if absent or (seconds is not None and seconds < SHORTEST_S):
        recordings.absent(tx, recording)
        recording.duration_s, recording.next_at = seconds, None if absent else tx.now  # it leaves the carrier unheard
        tx.emit(
            "voicemail.discarded", call=call, ticket=call.ticket_id, customer=call.customer_id, data={"seconds": seconds or 0}
        )
        return recording
    _keep(tx, call, recording, seconds)
    recordings.completed(tx, recording, seconds)
    return recording


def fetched(tx: Tx, recording: CallRecording) -> None:
    """The sound is ours now: it belongs to what stands on the timeline."""
    message = message_of(tx, recording)
    attachment = tx.session.get(Attachment, recording.attachment_id) if recording.attachment_id else None
    if message is not None and attachment is not None:
        attachment.message_id = message.id


def nothing_said(tx: Tx, call: Call) -> None:
    """The caller kept silent, so that there is no recording at all."""
    call.ended_at = call.ended_at or tx.now
    if call.aside == ASIDE:
        call.aside = ""
        _discarded(tx, call, 0)


def transcribed(tx: Tx, call: Call, sid: str, text: str) -> None:
    """A program has written down what was said; it stands beside the sound and says so. It may be the first word of a message."""
    recording = tx.session.scalar(select(CallRecording).where(CallRecording.sid == sid)) or left(tx, call, sid, None)
    message = message_of(tx, recording)
    if message is None or not text.strip() or message.meta.get("transcript"):
        return
    message.meta = {**message.meta, "transcript": text.strip()[:4000]}
    tx.emit("voicemail.transcribed", ticket=message.ticket_id, customer=message.customer_id, data={"message": message.id})


def message_of(tx: Tx, recording: CallRecording) -> Message | None:
    """What stands on the timeline for this recording."""
    return tx.session.scalar(select(Message).where(Message.channel == "voice", Message.external_id == recording.sid))


def _note_length(tx: Tx, recording: CallRecording, seconds: int | None, at: datetime) -> None:
    """How long the message is, where the first word of it did not say so: that one came of what was written down."""
    message = message_of(tx, recording)
    if seconds is None or recording.duration_s is not None or message is None:
        return
    recording.duration_s, recording.started_at = seconds, min(recording.started_at, at - timedelta(seconds=seconds))
    message.meta = {**message.meta, "seconds": seconds}


def _discarded(tx: Tx, call: Call, seconds: int) -> None:
    tx.emit("voicemail.discarded", call=call, ticket=call.ticket_id, customer=call.customer_id, data={"seconds": seconds})


def _keep(tx: Tx, call: Call, recording: CallRecording, seconds: int | None) -> None:
    customer = tx.session.get_one(Customer, call.customer_id)
    locale = call.locale or customer.locale or tx.settings.locale
    ticket = tx.session.get(Ticket, call.ticket_id) if call.ticket_id else None
    if ticket is None:
        queue = intake.find_queue(tx, str(call.menu.get("chosen", {}).get("queue", "general")))
        ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject=SUBJECTS[locale], channel="voice", locale=locale)
        call.ticket_id = ticket.id
    message = Message(
        channel="voice",
        direction=IN,
        kind=KIND,
        customer_id=customer.id,
        author_name=customer.name,
        from_address=call.from_number,
        text="",
        external_id=recording.sid,
        meta={"recording": recording.id, "seconds": seconds},
    )
    tickets.add_message(tx, ticket, message)
    if ticket.status not in LIVE:
        tickets.reopen(tx, ticket, reason="customer_wrote")
    if work_items.open_item(tx, ticket.id, _WORK) is None:
        skills = ((f"lang:{locale}", 1),)
        queue = tx.session.get_one(Queue, ticket.queue_id)
        work_items.enqueue(tx, "ticket", "ticket", ticket, queue, skills=skills, sticky_agent_id=ticket.owner_id)
    tx.emit("voicemail.left", call=call, ticket=ticket, customer=customer, data={"seconds": seconds, "message": message.id})
