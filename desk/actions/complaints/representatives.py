"""Somebody speaks for the complainant: noted at once, heard at once, and told nothing before a proof is accepted."""

from __future__ import annotations

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.actions.complaints.record import tell
from desk.actions.people import customers
from desk.addresses import is_address
from desk.errors import Conflict, Invalid
from desk.models import Agent, Complaint, Evidence, Representative, Ticket
from desk.models.complaint import NEXT, OVER_STAGES
from desk.models.representative import ACCEPTED, BOTH, ENDED, LETTERS, REFUSED, RELATIONS, WAITING
from desk.queries.complaints.representatives import is_withheld, latest_representative
from desk.sentences import N_
from desk.store import Tx

LONGEST, LONGEST_NAME = 1000, 200
NOW = (WAITING, ACCEPTED)


def note(
    tx: Tx,
    complaint: Complaint,
    relation: str,
    *,
    name: str,
    email: str = "",
    wrote: bool = False,
    letters: str = BOTH,
    agent: Agent | None = None,
) -> Representative:
    """Somebody speaks for somebody else: `name` and `email` are those of the one who is not the ticket's customer.

    Raises `Invalid` with `fields`, `Conflict` while another one speaks or when the case is over.
    """
    _check_open(complaint)
    if complaint.anonymous:
        raise Conflict("Nobody knows whose complaint this is, so nobody can speak for them.", allowed=NEXT[complaint.stage])
    if current(tx, complaint) is not None:
        raise Conflict("Somebody speaks for the complainant already.", allowed=NEXT[complaint.stage])
    fields = missing_in(relation, name, email, letters)
    if fields:
        raise Invalid("Something is missing before somebody can speak for another.", fields)
    made = Representative(
        complaint_id=complaint.id,
        relation=relation,
        name=name.strip(),
        email=customers.normal("email", email) if email.strip() else "",
        wrote=wrote,
        letters=letters,
        state=WAITING,
        noted_by=tx.actor.name,
        noted_at=tx.now,
    )
    tx.session.add(made)
    tx.session.flush()
    data = {"representative": made.id, "relation": relation, "wrote": wrote, "letters": letters}
    tell(tx, complaint, "complaint.representative_noted", agent=agent, data=data)
    return made


def accept(tx: Tx, complaint: Complaint, agent: Agent, evidence_id: int | None) -> None:
    """A file of the case shows that they may speak; from now on they are told what the complainant is told.

    Raises `Conflict` when nobody waits for it, `Invalid` without a file of this case.
    """
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    found = _waiting(tx, complaint)
    proof = tx.session.get(Evidence, evidence_id) if evidence_id is not None else None
    if proof is None or proof.complaint_id != complaint.id:
        raise Invalid("Choose the file that shows it.", {"proof": N_("Choose the file that shows it.")})
    found.state, found.proof_id, found.judged_by, found.judged_at = ACCEPTED, proof.id, agent.name, tx.now
    data = {"representative": found.id, "evidence": proof.id, "sha256": proof.sha256}
    tell(tx, complaint, "complaint.proof_accepted", agent=agent, data=data)


def refuse(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> None:
    """It does not show that they may speak: the complaint goes on, and they are told nothing of it. Raises as `accept`."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    found = _waiting(tx, complaint)
    _end(tx, found, agent, REFUSED, reason)
    tell(tx, complaint, "complaint.proof_refused", agent=agent, data={"representative": found.id, "reason": found.judged_for})


def end(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> None:
    """They speak for nobody any more, or it was a mistake. Raises `Conflict` when nobody speaks, `Invalid` without a reason."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    found = current(tx, complaint)
    if found is None:
        raise Conflict("Nobody speaks for the complainant.", allowed=NEXT[complaint.stage])
    _end(tx, found, agent, ENDED, reason)
    tell(
        tx,
        complaint,
        "complaint.representative_ended",
        agent=agent,
        data={"representative": found.id, "reason": found.judged_for},
    )


def check_judged(tx: Tx, complaint: Complaint) -> None:
    """Raises `Conflict` while a decision would go to somebody of whom nobody has said whether they may have it."""
    found = current(tx, complaint)
    if found is not None and found.wrote and found.state == WAITING:
        raise Conflict("Say first whether whoever wrote to us may speak for the complainant.", allowed=NEXT[complaint.stage])


def write_unproven(tx: Tx, ticket: Ticket, agent: Agent | None, reason: str) -> None:
    """Somebody's own words go by mail to one who speaks for another without an accepted proof; the case's record says why.

    Raises `Invalid` without a reason. On any other ticket it does nothing.
    """
    if ticket.type != "complaint":
        return
    complaint = tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    if complaint is None or not is_withheld(tx.session, complaint.id):
        return
    if not reason.strip():
        sentence = "Whoever wrote speaks for somebody else, and no proof has been accepted. Say why they may have this."
        raise Invalid(sentence, {"unproven": N_("Say why they may have this.")})
    tell(tx, complaint, "complaint.unproven_written_to", agent=agent, data={"reason": reason.strip()[:LONGEST]})


def current(tx: Tx, complaint: Complaint) -> Representative | None:
    """Who speaks for the complainant, or asks to."""
    found = latest_representative(tx.session, complaint.id)
    return found if found is not None and found.state in NOW else None


def missing_in(relation: str, name: str, email: str, letters: str = BOTH) -> dict[str, str]:
    """What has to be mended, by field."""
    fields = {} if relation in RELATIONS else {"relation": N_("Choose how they belong together.")}
    if not name.strip() or len(name) > LONGEST_NAME:
        fields["for_name"] = N_("Write their name.")
    if letters not in LETTERS:
        fields["letters"] = N_("Choose to whom letters go.")
    if email.strip() and not is_address(email.strip()):
        fields["for_email"] = N_("This is no e-mail address. It should look like name@example.com.")
    return fields


def _waiting(tx: Tx, complaint: Complaint) -> Representative:
    found = current(tx, complaint)
    if found is None or found.state != WAITING:
        raise Conflict("Nobody's proof waits for a word.", allowed=NEXT[complaint.stage])
    return found


def _end(tx: Tx, found: Representative, agent: Agent, state: str, reason: str) -> None:
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})
    found.state, found.judged_by, found.judged_at, found.judged_for = state, agent.name, tx.now, reason.strip()[:LONGEST]


def _check_open(complaint: Complaint) -> None:
    if complaint.stage in OVER_STAGES:
        raise Conflict("This complaint is over.", allowed=NEXT[complaint.stage])
