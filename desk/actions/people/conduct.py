"""Conduct that nobody has to bear: a warning first, then by a supervisor's decision one way to reach us, for a time.

What the customer asks for is dealt with all the same, and what was done is told as facts: nobody is called anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from channels.message import Contact, Inbound
from desk.access import Right, viewer_of
from desk.actions import intake
from desk.actions.complaints.record import tell
from desk.actions.complaints.severity import CRITICAL, at_least
from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid
from desk.models import Agent, Complaint, ConductWarning, ContactLimit, Customer, Ticket
from desk.models.complaint import NEXT, OPEN_STAGES
from desk.models.contact_limit import KINDS, PERSON
from desk.queries.people.contact_limits import LimitRow, latest_warning, limit_known_by, running_limit
from desk.sentences import N_
from desk.store import Tx

END_TIMER, REVIEW_TIMER = "contact_limit.end", "contact_limit.review"
LONGEST_LIMIT = timedelta(days=184)  # six months
WARNED_FOR = timedelta(days=184)  # a warning is still known to them
LONGEST = 2000
# What an agent reads out, or writes; the customer's own language.
SCRIPT = {
    "en": (
        "I want to help you with this. I cannot go on while I am spoken to like this. If it happens again, we will end this "
        "conversation, and we may ask you to contact us in writing only, or through one person. We go on with your matter "
        "in any case."
    ),
    "zh": (
        "我很愿意帮您解决问题，但请您不要使用这样的言语或行为，否则我无法继续为您服务。如果再次发生，我们将结束本次通话（对话），"
        "并可能请您今后仅以书面方式或通过专人与我们联系。无论如何，您的问题我们都会继续处理。"
    ),
}


def warn(tx: Tx, ticket: Ticket, agent: Agent, happened: str, locale: str) -> ConductWarning:
    """The customer was told what follows if it goes on. Once: raises `Conflict` for one who was told in the last six months."""
    viewer_of(agent).require(Right.REPLY)
    happened = _facts(happened)
    before = latest_warning(tx.session, ticket.customer_id)
    if before is not None and before.given_at + WARNED_FOR > tx.now:
        raise Conflict("They were warned once already. A supervisor can decide on a limit now.")
    made = ConductWarning(
        customer_id=ticket.customer_id,
        ticket_id=ticket.id,
        happened=happened,
        said=SCRIPT["zh" if locale == "zh" else "en"],
        given_by=agent.name,
        given_at=tx.now,
    )
    tx.session.add(made)
    tx.session.flush()
    tx.emit("customer.warned", ticket=ticket, customer=ticket.customer_id, agent=agent, data={"warning": made.id})
    return made


def set_limit(
    tx: Tx,
    customer: Customer,
    supervisor: Agent,
    kind: str,
    *,
    reason: str,
    review_at: datetime | None,
    until: datetime | None,
    person_id: int | None = None,
) -> ContactLimit:
    """From now on this customer reaches us in writing only, or by one person, for at most six months.

    Raises `Conflict` for who was not warned, or has a limit already; `Invalid` with `fields`.
    """
    viewer_of(supervisor).require(Right.SUPERVISE)
    before = latest_warning(tx.session, customer.id)
    if before is None or before.given_at + WARNED_FOR <= tx.now:
        raise Conflict("Nobody has warned them yet. A warning comes first.")
    if running_limit(tx.session, customer.id, tx.now) is not None:
        raise Conflict("A limit holds for this customer already.")
    person = tx.session.get(Agent, person_id) if kind == PERSON and person_id is not None else None
    fields = {} if kind in KINDS else {"kind": N_("Choose how they reach us.")}
    if kind == PERSON and (person is None or not person.active or not viewer_of(person).can(Right.TAKE_WORK)):
        fields["person"] = N_("Choose somebody who takes work.")
    if not reason.strip() or len(reason) > LONGEST:
        fields["reason"] = N_("Say what happened, as facts.")
    if until is None or not tx.now < until <= tx.now + LONGEST_LIMIT:
        fields["until"] = N_("Choose a day within the next six months.")
    if review_at is None or not tx.now < review_at or (until is not None and review_at > until):
        fields["review"] = N_("Choose a day before the limit ends.")
    if fields or until is None or review_at is None:
        raise Invalid("Something is missing before this can be decided.", fields)
    made = ContactLimit(
        customer_id=customer.id,
        kind=kind,
        person_id=person.id if person else None,
        reason=reason.strip(),
        set_by=supervisor.name,
        set_at=tx.now,
        review_at=review_at,
        until=until,
    )
    tx.session.add(made)
    tx.session.flush()
    set_timer(tx, END_TIMER, str(made.id), until, {"limit_id": made.id})
    set_timer(tx, REVIEW_TIMER, str(made.id), review_at, {"limit_id": made.id})
    tx.emit("customer.limit_set", customer=customer, agent=supervisor, data=_data(made))
    return made


def review(tx: Tx, limit: ContactLimit, supervisor: Agent, reason: str, *, goes_on: bool) -> None:
    """Somebody looked whether it is still needed. Raises `Conflict` for one that is over, `Invalid` without a reason."""
    viewer_of(supervisor).require(Right.SUPERVISE)
    if limit.ended_at is not None or limit.until <= tx.now:
        raise Conflict("This limit is over.")
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})
    if goes_on:
        limit.reviewed_by, limit.reviewed_at = supervisor.name, tx.now
        clear_timer(tx, REVIEW_TIMER, str(limit.id))
        data = _data(limit) | {"reason": reason.strip()[:500]}
        tx.emit("customer.limit_kept", customer=limit.customer_id, agent=supervisor, data=data)
    else:
        _end(tx, limit, supervisor.name, reason.strip()[:LONGEST])


def review_due(tx: Tx, limit: ContactLimit) -> None:
    """Its day has come (timer `contact_limit.review`): those who decide see it among what is theirs to do."""
    if limit.ended_at is None and limit.reviewed_at is None:
        tx.emit("customer.limit_review_due", customer=limit.customer_id, data=_data(limit))


def run_out(tx: Tx, limit: ContactLimit) -> None:
    """Its time is over (timer `contact_limit.end`)."""
    if limit.ended_at is None:
        _end(tx, limit, "", "")


def check_may_chat(tx: Tx, sure: Iterable[tuple[str, str]], typed: str) -> None:
    """Raises `Conflict` for whom a limit holds: they may leave a message, which is their contact's to answer.

    `sure` are contacts that prove who it is, kind and value; an address that was only `typed` is told nobody's name.
    """
    found = limit_known_by(tx.session, sure, tx.now)
    if found is not None and found.person:
        raise Conflict(
            "For the time being you reach us through %(contact)s. Leave a message, and %(contact)s will answer by mail.",
            allowed=("leave_message",),
            contact=found.person,
        )
    if found is not None or limit_known_by(tx.session, (("email", typed),), tx.now) is not None:
        raise Conflict(
            "For the time being we deal with your matter in writing. Leave a message, and we will answer by mail.",
            allowed=("leave_message",),
        )


def instead_of_a_call(tx: Tx, found: LimitRow, number: str, said: str, locale: str) -> None:
    """They asked to be rung, which their limit does not allow: what they said is a message to their contact. Twice is once."""
    if said.strip():
        asked = f"{number} {said.strip()} {tx.now:%Y-%m-%d}"
        inbound = Inbound(
            channel="form",
            external_id=f"call-back-{hashlib.sha256(asked.encode()).hexdigest()}",
            sender=Contact("phone", number, found.customer_name),
            text=said.strip(),
            locale=locale,
        )
        intake.receive(tx, inbound)


def threat(tx: Tx, complaint: Complaint, agent: Agent, happened: str) -> None:
    """Somebody is threatened: the case is of severity 1 at once, with all that follows. Raises `Conflict` once it is decided."""
    viewer_of(agent).require(Right.REGISTER_COMPLAINT)
    happened = _facts(happened)
    if complaint.stage not in OPEN_STAGES:
        raise Conflict("Only a complaint that has not been decided can change its severity.", allowed=NEXT[complaint.stage])
    tell(tx, complaint, "complaint.threat_noted", agent=agent, data={"reason": happened[:500]})
    at_least(tx, complaint, CRITICAL, "threat")


def _end(tx: Tx, limit: ContactLimit, by: str, reason: str) -> None:
    limit.ended_at, limit.ended_by, limit.ended_for = tx.now, by, reason
    for timer in (END_TIMER, REVIEW_TIMER):
        clear_timer(tx, timer, str(limit.id))
    tx.emit("customer.limit_ended", customer=limit.customer_id, data=_data(limit) | {"reason": reason[:500]})


def _facts(happened: str) -> str:
    if not happened.strip() or len(happened) > LONGEST:
        raise Invalid("Say what happened, as facts.", {"happened": N_("Say what happened, as facts.")})
    return happened.strip()


def _data(limit: ContactLimit) -> dict[str, object]:
    return {"limit": limit.id, "kind": limit.kind, "until": limit.until.isoformat(), "review_at": limit.review_at.isoformat()}
