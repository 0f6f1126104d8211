"""A whole case as one PDF: for an ombudsman, a court, or the customer's own copy, in the language of whoever takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Message
from desk.pdf import Part, made_pdf
from desk.queries.complaints.complaints import zone_of
from desk.queries.complaints.file import CaseFile
from desk.queries.complaints.keeping import interviews_of
from desk.queries.complaints.policies import clock_lines, pauses_of
from desk.web import words
from desk.web.admin.policies import PAUSE_WORDS
from desk.web.complaints import words as complaint_words
from desk.web.event_words import EVENTS

MOST_MESSAGES = 500


def case_pdf(session: Session, file: CaseFile, told_at: Any) -> bytes:
    """Everything that the file holds, but for what is attached to it, of which name and hash are given."""
    case = file.case
    zone = zone_of(session, case.ticket, case.complaint)
    title = gettext("Complaint %(number)s", number=case.number)
    return made_pdf(title, [part for part in _parts(session, file, lambda at: told_at(at, zone)) if part.text or part.items])


def _parts(session: Session, file: CaseFile, when: Any) -> Iterator[Part]:
    case, terms, said = file.case, complaint_words.everything(), words.everything()
    complaint = case.complaint
    yield Part("", text="\n".join(_head(file, said, when)))
    yield Part(gettext("What the customer says"), text=complaint.statement)
    yield Part(gettext("What they ask for"), text=complaint.remedy_wanted)
    yield Part(gettext("Promises"), items=_clocks(session, file, when))
    yield Part(
        gettext("Points and findings"),
        items=[
            "\n".join(filter(None, (point.text, str(terms["findings"].get(point.finding, "")), point.reason)))
            for point in file.points
        ],
    )
    heard = interviews_of(session, complaint.id)
    yield Part(
        gettext("People heard"),
        items=[f"{each.person} · {complaint_words.PARTS[each.part]} · {when(each.heard_at)}\n{each.summary}" for each in heard],
    )
    yield Part(gettext("Cause"), items=[*complaint.whys, *([str(terms["causes"][complaint.cause])] if complaint.cause else [])])
    yield Part(
        gettext("Redress"),
        items=[
            " · ".join(
                filter(None, (str(terms["redress"][each.kind]), f"{each.cents / 100:,.2f}" if each.cents else "", each.note))
            )
            + (f"\n{when(each.done_at)} {each.proof}" if each.done_at else "")
            for each in file.given
        ],
    )
    for decision in reversed(file.decisions):
        outcome, state = said["decisions"].get(decision.outcome, decision.outcome), terms["decision_states"][decision.state]
        lines = [f"{outcome} · {state} · {when(decision.sent_at or decision.drafted_at)}", decision.looked_into, decision.reasons]
        lines += [decision.apology, decision.changed]
        lines += [gettext("approved by %(name)s", name=each["name"]) for each in decision.approvals]
        lines += [f"PDF SHA-256 {decision.pdf_sha256}"] if decision.pdf_sha256 else []
        yield Part(gettext("Decision"), text="\n".join(filter(None, lines)))
    yield Part(gettext("Evidence"), items=[f"{kept.name}\nSHA-256 {item.sha256}" for item, kept in case.evidence])
    yield Part(gettext("Conversation"), items=_messages(session, case.ticket.id, when))
    yield Part(
        gettext("What happened"),
        items=[
            " · ".join(filter(None, (str(EVENTS.get(event.kind, event.kind)), when(event.at), complaint_words.who_of(event))))
            + (f"\n{complaint_words.reason_of(event)}" if event.data.get("reason") else "")
            for event in case.history
        ],
    )


def _head(file: CaseFile, said: Any, when: Any) -> Iterator[str]:
    case = file.case
    complaint = case.complaint
    yield f"{gettext('Customer')}: {case.customer.name}"
    yield f"{gettext('Received')}: {when(complaint.received_at)} · {said['stages'].get(complaint.stage, complaint.stage)}"
    yield f"{gettext('Severity')}: {said['severities'].get(complaint.severity, complaint.severity)}"
    yield f"{gettext('Handled by')}: {case.handler.name if case.handler else '–'}"


def _clocks(session: Session, file: CaseFile, when: Any) -> Sequence[str]:
    lines = [
        f"{line.policy.code} ({line.policy.version}): {gettext('Decide by')} "
        f"{when(line.clock.decide_due_at) if line.clock.decide_due_at else '–'}"
        for line in clock_lines(session, file.case.complaint)
    ]
    pauses = [
        f"{PAUSE_WORDS[each.reason]}: {when(each.began_at)} – {when(each.ended_at or each.until)}\n{each.needed}"
        for each in pauses_of(session, file.case.complaint.id)
    ]
    return [*lines, *pauses]


def _messages(session: Session, ticket_id: int, when: Any) -> list[str]:
    query = select(Message).where(Message.ticket_id == ticket_id, Message.held.is_(False), Message.kind == "message")
    rows = session.scalars(query.order_by(Message.id).limit(MOST_MESSAGES))
    return [f"{each.author_name or each.from_address} · {when(each.created_at)}\n{each.text}" for each in rows]
