"""What was said on tickets, and who said it, is deleted. The rows stay for what is counted: times, category, outcome, score.

All functions are without events of their own and can be called again for the same tickets.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from desk.actions.calls import recordings
from desk.actions.privacy.redaction import without_words
from desk.models import (
    Allegation,
    ArticleFile,
    ArticleFlag,
    Attachment,
    Call,
    Callback,
    CallLeg,
    CallRecording,
    CallSegment,
    Chat,
    Complaint,
    ComplaintClock,
    ComplaintDecision,
    ComplaintHold,
    ComplaintPause,
    Draft,
    Evidence,
    FollowUp,
    HandUp,
    HelpRequest,
    Interview,
    Message,
    OutboxMail,
    OutboxRecipient,
    PaperLetter,
    RawMail,
    Recusal,
    Redress,
    Representative,
    RestrictedTicket,
    Survey,
    Ticket,
    TicketField,
    TicketMove,
    TicketParticipant,
    UnsentReply,
    VoiceAudio,
    Webhook,
)
from desk.models.mail import SENDING
from desk.models.message import INTERNAL, OUT
from desk.models.ticket_field import CHOICE, NUMBER, TICK
from desk.store import Tx

GONE = ""  # what stands in the place of words
OUTSIDE = "number:"  # how a call that was passed on to somebody outside says so
OF_CASES = (Representative, Allegation, ComplaintDecision, Redress, Interview, ComplaintPause)  # the first names evidence


def is_leaving(session: Session, ticket_ids: Collection[int]) -> bool:
    """Whether a mail of these is at the relay just now; what it says is recorded in its row first."""
    query = select(OutboxMail.id).where(OutboxMail.ticket_id.in_(ticket_ids), OutboxMail.state == SENDING)
    return session.scalar(query.limit(1)) is not None


def blank(tx: Tx, ticket_ids: Collection[int]) -> set[str]:
    """Take the words out of these tickets and of all that belongs to them. Answers the SHA-256 of files that no row names now."""
    files = _calls(tx, ticket_ids)
    files |= _cases(tx, ticket_ids)
    files |= blank_messages(tx, tx.session.scalars(select(Message.id).where(Message.ticket_id.in_(ticket_ids))).all())
    files |= _mails(tx, RawMail.ticket_id.in_(ticket_ids))
    files |= _unsent(tx, ticket_ids)
    _delete_mails(tx, ticket_ids)
    for model in (Draft, TicketParticipant, PaperLetter):
        tx.session.execute(delete(model).where(model.ticket_id.in_(ticket_ids)))
    _chats(tx, ticket_ids)
    _change(tx, Survey, Survey.ticket_id.in_(ticket_ids), comment=GONE)
    _change(tx, FollowUp, FollowUp.ticket_id.in_(ticket_ids), note=GONE)
    _change(tx, HandUp, HandUp.ticket_id.in_(ticket_ids), problem=GONE, tried=GONE, question=GONE, answer=GONE)
    _change(tx, Recusal, Recusal.ticket_id.in_(ticket_ids), note=GONE)
    _change(tx, ArticleFlag, ArticleFlag.ticket_id.in_(ticket_ids), note=GONE)
    _change(tx, Callback, Callback.ticket_id.in_(ticket_ids) & Callback.ended_at.is_not(None), number=GONE, name=GONE)
    for move in tx.session.scalars(
        select(TicketMove).where(or_(TicketMove.from_id.in_(ticket_ids), TicketMove.to_id.in_(ticket_ids)))
    ).all():
        move.data = without_words(move.data)
    _heads(tx, ticket_ids)
    tx.session.flush()
    return unnamed(tx.session, files)


def blank_messages(tx: Tx, ids: Collection[int]) -> set[str]:
    """The same for messages alone, with what was attached to them. Colleagues keep their names."""
    theirs = Message.id.in_(ids)
    files = drop_attachments(tx, tx.session.scalars(select(Attachment.id).where(Attachment.message_id.in_(ids))).all())
    files |= _mails(tx, RawMail.message_id.in_(ids))
    words: dict[str, Any] = dict.fromkeys(("text", "html", "reply_text", "subject", "from_address", "in_reply_to"), GONE)
    heads: dict[str, Any] = {"external_id": None, "mail_message_id": None, "references": [], "delivery_error": GONE}
    _change(tx, Message, theirs, **words, **heads, to=[], cc=[], meta={})
    _change(tx, Message, theirs & Message.direction.not_in((OUT, INTERNAL)), author_name=GONE)
    return files


def drop_attachments(tx: Tx, ids: Collection[int]) -> set[str]:
    """Delete these, as far as no case has them as evidence and no article shows them. Answers the hashes of all that went."""
    shared = set(tx.session.scalars(select(Evidence.attachment_id).where(Evidence.attachment_id.in_(ids))))
    shared |= set(tx.session.scalars(select(ArticleFile.attachment_id).where(ArticleFile.attachment_id.in_(ids))))
    shared |= set(tx.session.scalars(select(VoiceAudio.attachment_id).where(VoiceAudio.attachment_id.in_(ids))))
    going = set(ids) - shared
    files = set(tx.session.scalars(select(Attachment.sha256).where(Attachment.id.in_(going))))
    tx.session.execute(delete(Attachment).where(Attachment.id.in_(going)))
    return files


def blank_mails_from(tx: Tx, addresses: Collection[str]) -> set[str]:
    """What came from these addresses and became nobody's ticket: turned away, doubled, in quarantine."""
    return unnamed(tx.session, _mails(tx, RawMail.from_address.in_(addresses)))


def unnamed(session: Session, hashes: Collection[str]) -> set[str]:
    """Those of these files that no row names."""
    left = {each for each in hashes if each}
    for column in (Attachment.sha256, RawMail.sha256, Evidence.sha256):
        left -= set(session.scalars(select(column).where(column.in_(left))))
    waiting = session.scalars(select(UnsentReply.files)).all() if left else []
    return left - {file.get("sha256", "") for files in waiting for file in files}


def _change(tx: Tx, model: Any, which: Any, **values: Any) -> None:
    tx.session.execute(update(model).where(which).values(**values).execution_options(synchronize_session=False))


def _calls(tx: Tx, ticket_ids: Collection[int]) -> set[str]:
    return blank_calls(tx, tx.session.scalars(select(Call.id).where(Call.ticket_id.in_(ticket_ids))).all())


def blank_calls(tx: Tx, ids: Collection[int]) -> set[str]:
    """Calls lose numbers, notes and sound. What the carrier still has of it is deleted there by the worker."""
    files = set()
    for recording in tx.session.scalars(select(CallRecording).where(CallRecording.call_id.in_(ids))).all():
        if recording.state != recordings.ERASED:
            files.add(recordings.erase(tx, recording))
    for call in tx.session.scalars(select(Call).where(Call.id.in_(ids))).all():
        call.from_number = call.to_number = call.note_for_agent = GONE
        call.menu, call.told = without_words(call.menu), without_words(call.told)
    legs = CallLeg.call_id.in_(ids)
    sids = {*tx.session.scalars(select(CallLeg.sid).where(legs)), *tx.session.scalars(select(Call.sid).where(Call.id.in_(ids)))}
    tx.session.execute(delete(Webhook).where(Webhook.call_sid.in_(sids)))
    _change(tx, CallLeg, legs & CallLeg.agent_id.is_(None), to=GONE)
    passed_on = CallSegment.call_id.in_(ids) & CallSegment.transferred_to.startswith(OUTSIDE)
    _change(tx, CallSegment, passed_on, transferred_to=OUTSIDE)
    _change(tx, HelpRequest, HelpRequest.call_id.in_(ids), text=GONE)
    return files - {""}


def _cases(tx: Tx, ticket_ids: Collection[int]) -> set[str]:
    cases = tx.session.scalars(select(Complaint).where(Complaint.ticket_id.in_(ticket_ids))).all()
    ids = [each.id for each in cases]
    for part in OF_CASES:
        tx.session.execute(delete(part).where(part.complaint_id.in_(ids)))
    shown = tx.session.scalars(select(Evidence.attachment_id).where(Evidence.complaint_id.in_(ids))).all()
    tx.session.execute(delete(Evidence).where(Evidence.complaint_id.in_(ids)))
    _change(tx, ComplaintHold, ComplaintHold.complaint_id.in_(ids), reason=GONE, lifted_for=GONE)
    _change(tx, ComplaintClock, ComplaintClock.complaint_id.in_(ids), reference=GONE)
    for each in cases:
        each.statement = each.remedy_wanted = each.decision = each.needs = each.order_number = each.extended_for = GONE
        each.whys = []
    return drop_attachments(tx, shown)


def _mails(tx: Tx, which: Any) -> set[str]:
    """The ledger's lines keep when something came, at which door and what it was taken for."""
    rows = tx.session.scalars(select(RawMail).where(which)).all()
    files = {row.sha256 for row in rows}
    for row in rows:
        row.identity, row.sha256, row.envelope_to = f"erased:{row.id}", GONE, []
        row.envelope_from = row.from_address = row.subject = row.mail_message_id = row.peer = row.settled_why = GONE
    tx.session.flush()
    return files - {""}


def _unsent(tx: Tx, ticket_ids: Collection[int]) -> set[str]:
    rows = tx.session.scalars(select(UnsentReply).where(UnsentReply.ticket_id.in_(ticket_ids))).all()
    files = {file.get("sha256", "") for row in rows for file in row.files}
    for row in rows:
        tx.session.delete(row)
    tx.session.flush()
    return files


def _delete_mails(tx: Tx, ticket_ids: Collection[int]) -> None:
    """What left, and what waited to: none of it is sent any more."""
    mails = select(OutboxMail.id).where(OutboxMail.ticket_id.in_(ticket_ids))
    tx.session.execute(delete(OutboxRecipient).where(OutboxRecipient.mail_id.in_(mails)))
    tx.session.execute(delete(OutboxMail).where(OutboxMail.ticket_id.in_(ticket_ids)))


def _chats(tx: Tx, ticket_ids: Collection[int]) -> None:
    for chat in tx.session.scalars(select(Chat).where(Chat.ticket_id.in_(ticket_ids))).all():
        chat.token_hash = f"erased:{chat.id}"
        chat.visitor_name = chat.topic = chat.page_url = chat.identity = chat.visitor = chat.network = GONE


def _heads(tx: Tx, ticket_ids: Collection[int]) -> None:
    kept = set(tx.session.scalars(select(TicketField.key).where(TicketField.kind.in_((NUMBER, CHOICE, TICK)))))
    for ticket in tx.session.scalars(select(Ticket).where(Ticket.id.in_(ticket_ids))).all():
        ticket.subject = ticket.resolution = GONE
        ticket.priority_reason = ticket.priority_reason and GONE
        ticket.answers = {key: each for key, each in ticket.answers.items() if key in kept} if ticket.answers else ticket.answers
        ticket.erased_at = ticket.erased_at or tx.now
    tx.session.execute(delete(RestrictedTicket).where(RestrictedTicket.ticket_id.in_(ticket_ids)))
